#include "auth/identity/form_body.hpp"

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/server_head.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using base::Failure;

constexpr std::size_t form_fields_max = 20;

}  // namespace

base::Json json_of_form(const base::ServerRequest& request) {
    base::Json fields = base::Json::object();
    for (const std::string_view part : base::split(request.body, '&')) {
        if (part.empty()) continue;
        const std::size_t equals = std::min(part.find('='), part.size());
        const auto name = base::percent_decoded(part.substr(0, equals), true);
        const auto value =
            base::percent_decoded(part.substr(std::min(equals + 1, part.size())), true);
        if (!name || !value || base::clean_utf8(*name) != *name ||
            base::clean_utf8(*value) != *value) {
            throw Failure(Failure::Kind::invalid, "body: must be a form of name=value in UTF-8");
        }
        if (fields.contains(*name) || fields.size() >= form_fields_max) {
            throw Failure(Failure::Kind::invalid,
                          "body: must be a form of at most 20 fields, each once");
        }
        fields[*name] = *value;
    }
    if (fields.contains("rememberMe")) fields["rememberMe"] = fields["rememberMe"] != "false";
    return fields;
}

}  // namespace auth
