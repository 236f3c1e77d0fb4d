#include "auth/guard/redirect.hpp"

#include "auth/guard/origin.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"

namespace auth {

namespace {

constexpr std::size_t redirect_bytes_max = 2048;

}  // namespace

std::string checked_redirect(const Options& options, std::string_view name, const std::string& url,
                             const char* code) {
    if (url.empty() || is_trusted_redirect(options, url)) return url;
    throw base::Failure(*code == 0 ? base::Failure::Kind::invalid : base::Failure::Kind::forbidden,
                        std::string(name) + ": must be a path or the address of a trusted page",
                        code);
}

std::string read_redirect(const Options& options, const base::Fields& fields, std::string_view name,
                          const char* code) {
    return checked_redirect(options, name,
                            fields.text_or_none(name, redirect_bytes_max).value_or(""), code);
}

std::string with_query(const std::string& page, std::string_view name, std::string_view value) {
    const std::size_t hash = page.find('#');
    std::string target = page.substr(0, hash);
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += std::string(name) + "=" + base::url_encode(value);
    return hash == std::string::npos ? target : target + page.substr(hash);
}

base::ServerResponse redirect_to(std::string page) {
    base::ServerResponse answer = base::ServerResponse::text("", 302);
    answer.headers.emplace_back("Location", std::move(page));
    // The address may hold a token: nobody keeps it.
    answer.headers.emplace_back("Cache-Control", "no-store");
    answer.headers.emplace_back("Referrer-Policy", "no-referrer");
    return answer;
}

}  // namespace auth
