// The simulator's small endpoints: what goes where, models, token counts, fault rules, the log.
#include <array>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/text.hpp"
#include "sim/claude_state.hpp"
#include "sim/envelope.hpp"
#include "sim/model.hpp"
#include "sim/proxy.hpp"
#include "sim/reply.hpp"
#include "sim/wire.hpp"

namespace sim {

using base::Failure;

Answer Claude::State::route(const base::ServerRequest& request) {
    const std::string& path = request.path;
    constexpr std::string_view models_path = "/v1/models/";
    const bool get = request.method == "GET" || request.method == "HEAD";
    const bool post = request.method == "POST";
    if (post && path == "/v1/messages") return messages(request);
    base::ServerResponse response;
    if (post && path == "/v1/messages/count_tokens") {
        response = count_tokens(request);
    } else if (get && path == "/v1/models") {
        response = list_models(request);
    } else if (get && path.starts_with(models_path)) {
        response = one_model(request, path.substr(models_path.size()));
    } else if (post && path == "/sim/faults") {
        response = put_faults(request);
    } else if (request.method == "DELETE" && path == "/sim/faults") {
        faults.clear();
        response = base::ServerResponse::json({{"ok", true}});
    } else if (get && path == "/sim/requests") {
        response = show_requests();
    } else if (get && path == "/sim/verdict") {
        response = base::ServerResponse::json(to_json(oracle.verdict()));
    } else if (request.method == "DELETE" && path == "/sim/verdict") {
        log.forget();
        oracle.forget();
        response = base::ServerResponse::json({{"ok", true}});
    } else if (options.proxies != nullptr && Proxies::owns(path)) {
        response = options.proxies->answer(request);
    } else if (get && path == "/health") {
        response = base::ServerResponse::json({{"status", "ok"}, {"service", "sim"}});
    } else {
        throw Failure(Failure::Kind::missing, "no such path or method");
    }
    add_request_id(response);
    Answer answer = whole_answer(response);
    if (request.method == "HEAD") answer.bytes.resize(answer.head_bytes);
    return answer;
}

base::ServerResponse Claude::State::count_tokens(const base::ServerRequest& request) {
    const std::string key = check_transport(request);
    Asked asked = read_asked(request);
    if (auto instead = struck(fault_for(request, asked))) return std::move(instead->response);
    const base::Json body = accept(request, std::move(asked), true);
    const Model& model = *find_model(text_member(body, "model"));
    base::ServerResponse response =
        base::ServerResponse::json({{"input_tokens", prompt_tokens(prompt_blocks(body, model))}});
    add_limit_headers(limit_account(key, text_member(body, "model")), response);
    return response;
}

base::ServerResponse Claude::State::list_models(const base::ServerRequest& request) const {
    check_transport(request);
    base::Json data = base::Json::array();
    for (const Model& model : models()) data.push_back(describe_model(model));
    const base::Json first = data.front()["id"];
    const base::Json last = data.back()["id"];
    return base::ServerResponse::json(
        {{"data", std::move(data)}, {"first_id", first}, {"last_id", last}, {"has_more", false}});
}

base::ServerResponse Claude::State::one_model(const base::ServerRequest& request,
                                              const std::string& id) const {
    check_transport(request);
    const Model* model = find_model(id);
    if (model == nullptr) {
        throw Failure(Failure::Kind::missing, fmt::format("model: {}", base::cut(id, 100)),
                      "not_found_error");
    }
    return base::ServerResponse::json(describe_model(*model));
}

base::ServerResponse Claude::State::put_faults(const base::ServerRequest& request) {
    const base::Json body = request.json();
    const base::Fields fields(body);
    static constexpr std::array<std::string_view, 1> known{"faults"};
    static constexpr std::array<std::string_view, 5> rule_known{"fault", "match", "skip", "times",
                                                                "probability"};
    fields.only(known);
    std::vector<FaultRule> rules;
    for (const base::Json& one : fields.array("faults", 1000)) {
        const base::Fields rule(one, fmt::format("faults[{}]", rules.size()));
        rule.only(rule_known);
        rules.push_back({.fault = rule.text("fault", 1, 200),
                         .match = rule.text_or_none("match", 1000).value_or(""),
                         .skip = static_cast<std::size_t>(
                             rule.integer_or_none("skip", 0, 1'000'000).value_or(0)),
                         .times = static_cast<std::size_t>(
                             rule.integer_or_none("times", 0, 1'000'000).value_or(1)),
                         .probability = rule.number_or_none("probability", 0, 1).value_or(1)});
        parse_fault(rules.back().fault);
        if (rules.back().probability <= 0) rule.fail("probability", "above 0 and at most 1");
    }
    for (const FaultRule& rule : rules) faults.add(rule);
    return base::ServerResponse::json({{"ok", true}, {"added", rules.size()}});
}

base::ServerResponse Claude::State::show_requests() const {
    base::Json list = base::Json::array();
    for (const RecordedRequest& request : log.all()) list.push_back(to_json(request));
    return base::ServerResponse::json({{"total", log.total()}, {"requests", std::move(list)}});
}

}  // namespace sim
