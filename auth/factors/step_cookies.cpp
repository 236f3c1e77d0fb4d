// The cookies between the steps of a login.
#include <nlohmann/json.hpp>

#include "auth/context.hpp"
#include "auth/factors/second_step.hpp"
#include "auth/identity/cookie.hpp"

namespace auth {

base::ServerResponse ask_second_factor(const Context& context, const Challenge& challenge,
                                       bool with_id) {
    const Options& options = context.options;
    base::Json body = {{"twoFactorRedirect", true}, {"twoFactorMethods", challenge.methods}};
    if (with_id) body["challengeId"] = challenge.id.reveal();
    base::ServerResponse answer = base::ServerResponse::json(body);
    for (const auto name : {session_cookie, session_data_cookie}) {
        answer.headers.emplace_back("Set-Cookie",
                                    set_cookie(options, name, "", std::chrono::seconds(0)));
    }
    answer.headers.emplace_back(
        "Set-Cookie",
        set_cookie(options, two_factor_cookie, sign_cookie(options.secret, challenge.id.reveal()),
                   challenge_life));
    return answer;
}

std::optional<base::Secret> trust_of(const Options& options, const base::ServerRequest& request) {
    const auto value = request.cookie(cookie_name(options, trust_device_cookie));
    return value ? open_cookie(options.secret, *value) : std::nullopt;
}

std::string set_trust_cookie(const Options& options, const base::Secret& payload) {
    return set_cookie(options, trust_device_cookie, sign_cookie(options.secret, payload.reveal()),
                      trust_life);
}

}  // namespace auth
