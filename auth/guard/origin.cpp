#include "auth/guard/origin.hpp"

#include <algorithm>

#include "auth/envelope.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

bool origin_listed(const std::vector<std::string>& origins, std::string_view origin) {
    return std::any_of(origins.begin(), origins.end(), [&](const std::string& listed) {
        return base::equals_ignoring_case(listed, origin);
    });
}

// scheme://host[:port], empty when the text is no http(s) URL.
std::string origin_of_text(std::string_view url) {
    const bool web = url.starts_with("http://") || url.starts_with("https://");
    const bool clean = std::none_of(url.begin(), url.end(), [](char letter) {
        return static_cast<unsigned char>(letter) <= ' ' || letter == '\\' || letter == 0x7f;
    });
    if (!web || !clean) return "";
    const std::size_t host = url.find("//") + 2;
    const std::string_view rest = url.substr(host);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    // "https://trusted@evil" names evil.
    if (authority.empty() || authority.find('@') != std::string_view::npos) return "";
    return std::string(url.substr(0, host)) + base::lower_ascii(authority);
}

void origin_require(const Options& options, const base::ServerRequest& request) {
    std::string origin(request.header("origin"));
    if (origin.empty()) origin = origin_of_text(request.header("referer"));
    if (origin.empty() || origin == "null") {
        throw Failure(Failure::Kind::forbidden,
                      "a request with a cookie needs an Origin header of a trusted page",
                      "MISSING_OR_NULL_ORIGIN");
    }
    if (!is_trusted_origin(options, origin)) {
        throw Failure(Failure::Kind::forbidden,
                      "the request comes from a page that is not trusted; CORS_ORIGINS of the "
                      "service names those that are",
                      "INVALID_ORIGIN");
    }
}

std::string origin_media(const base::ServerRequest& request) {
    const std::string_view type = request.header("content-type");
    return base::lower_ascii(base::trim(type.substr(0, type.find(';'))));
}

bool origin_is_json(const base::ServerRequest& request) {
    return origin_media(request) == "application/json";
}

bool origin_takes_forms(std::string_view path) {
    return path == "/api/auth/sign-in/email";
}

}  // namespace

bool is_trusted_origin(const Options& options, std::string_view origin) {
    if (origin.empty()) return false;
    return origin_listed(options.trusted_origins, origin) ||
           origin_listed(options.cors_origins, origin) ||
           base::equals_ignoring_case(origin_of_text(options.base_url), origin) ||
           base::equals_ignoring_case(localhost_of(options), origin) ||
           (!options.web_url.empty() &&
            base::equals_ignoring_case(origin_of_text(options.web_url), origin));
}

std::string localhost_of(const Options& options) {
    for (const std::string_view host : {"http://127.0.0.1:", "http://[::1]:"}) {
        if (options.base_url.starts_with(host)) {
            return "http://localhost:" + options.base_url.substr(host.size());
        }
    }
    return "";
}

bool is_trusted_redirect(const Options& options, std::string_view url) {
    const bool clean = std::none_of(url.begin(), url.end(), [](char letter) {
        return static_cast<unsigned char>(letter) <= ' ' || letter == '\\' || letter == 0x7f;
    });
    if (!clean || url.size() > 2048) return false;
    if (url.starts_with('/')) return !url.starts_with("//");
    const std::string origin = origin_of_text(url);
    return !origin.empty() && is_trusted_origin(options, origin);
}

bool is_form_body(const base::ServerRequest& request) {
    return origin_media(request) == "application/x-www-form-urlencoded";
}

void check_origin(const Options& options, const base::ServerRequest& request, bool form) {
    const bool cookie = request.has_header("cookie");
    if (cookie) {
        origin_require(options, request);
    } else if (form) {
        // Browsers always name the site; Node's fetch sends a mode without one and has no page.
        const bool browser = request.has_header("sec-fetch-site");
        if (request.header("sec-fetch-site") == "cross-site" &&
            request.header("sec-fetch-mode") == "navigate") {
            throw Failure(Failure::Kind::forbidden, "a foreign page may not log you in",
                          "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED");
        }
        if (browser) origin_require(options, request);
    }
    const bool native = family_of(request.path) == Family::native;
    if (is_form_body(request) && origin_takes_forms(request.path)) {
        // Browsers that do not name the site send the page's origin with every form.
        const bool page = request.has_header("origin") || request.has_header("referer");
        if (page) origin_require(options, request);
        return;
    }
    if ((cookie || native) && !request.body.empty() && !origin_is_json(request)) {
        throw Failure(Failure::Kind::invalid, "content-type: must be application/json",
                      "UNSUPPORTED_MEDIA_TYPE")
            .status(415);
    }
}

}  // namespace auth
