#include <charconv>
#include <functional>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/envelope.hpp"
#include "auth/identity/credential.hpp"
#include "auth/identity/users.hpp"
#include "auth/mail/post_office.hpp"
#include "auth/personas/database_time.hpp"
#include "auth/personas/personas.hpp"
#include "auth/personas/records.hpp"
#include "auth/personas/routes.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::size_t persona_name_bytes_max = 200;
constexpr std::size_t archetype_bytes_max = 128;

base::Json admin_moment(const std::optional<base::Moment>& moment) {
    return moment ? base::Json(base::to_iso(*moment)) : base::Json(nullptr);
}

base::Json counts_json(const PersonaCounts& counts) {
    base::Json json = base::Json::object();
    json["visits"] = counts.visits;
    json["actions"] = counts.actions;
    json["ratings"] = counts.ratings;
    return json;
}

// One text per faulty field, so that a form can show all of them at once.
class PersonaForm {
  public:
    explicit PersonaForm(const base::Json& body) : fields_(body) {}

    PersonaSpec read() {
        static constexpr std::string_view known[] = {
            "email", "name", "password", "archetype", "systemPrompt", "moduleMix", "tickCadence"};
        catalog::Persona& persona = spec_.persona;
        take([&] { fields_.only(known); });
        take([&] { persona.email = catalog::persona_email_of(fields_); });
        take([&] {
            persona.name = fields_.text_or_none("name", persona_name_bytes_max).value_or("");
            if (!persona.name.empty() && base::trim(persona.name).empty())
                fields_.fail("name", "a text that is not blank");
        });
        take([&] {
            spec_.password = base::Secret(fields_.text("password", 8, 512));
            check_password_length(spec_.password);
        });
        take([&] { persona.archetype = filled_text("archetype", archetype_bytes_max); });
        take([&] { persona.system_prompt = catalog::persona_prompt_of(fields_); });
        take([&] { persona.module_mix = catalog::persona_mix_of(fields_); });
        take([&] {
            const auto word = fields_.word_or_none("tickCadence", catalog::cadence_words());
            persona.cadence = word ? static_cast<catalog::Cadence>(*word) : catalog::Cadence::daily;
        });
        return spec_;
    }

    const std::vector<std::string>& faults() const { return faults_; }

  private:
    std::string filled_text(std::string_view name, std::size_t bytes_max) {
        std::string text = fields_.text(name, 1, bytes_max);
        if (base::trim(text).empty()) fields_.fail(name, "a text that is not blank");
        return text;
    }

    // Caught to go on with the next field; the answer lists every fault.
    void take(const std::function<void()>& read_field) {
        try {
            read_field();
        } catch (const base::Failure& failure) {
            if (failure.kind() != base::Failure::Kind::invalid) throw;
            faults_.emplace_back(failure.what());
        }
    }

    base::Fields fields_;
    PersonaSpec spec_;
    std::vector<std::string> faults_;
};

base::Json listed_json(const ListedPersona& listed) {
    const catalog::Persona& persona = listed.persona;
    base::Json json = base::Json::object();
    json["userId"] = persona.user_id;
    json["email"] = persona.email;
    json["name"] = persona.name;
    json["archetype"] = persona.archetype;
    json["tickCadence"] = catalog::word_of(persona.cadence);
    json["lastActiveAt"] = admin_moment(persona.last_active_at);
    json["createdAt"] = base::to_iso(listed.created_at);
    json["actions7d"] = listed.actions_7d;
    json["nextDueAt"] = base::to_iso(listed.next_due_at);
    json["visiting"] = listed.visiting;
    json["counts"] = counts_json(listed.counts);
    return json;
}

base::Json recent_json(const std::string& user_id, const RecentAction& recent) {
    const catalog::Action& action = recent.action;
    const bool ok = action.outcome == catalog::Action::Outcome::ok;
    const auto text_or_null = [](const std::string& text) {
        return text.empty() ? base::Json(nullptr) : base::Json(text);
    };
    base::Json json = base::Json::object();
    json["id"] = recent.id;
    json["personaId"] = user_id;
    json["tickId"] = action.visit_id;
    json["toolName"] = action.tool;
    json["inputHash"] = text_or_null(action.input_hash);
    json["result"] = ok ? "ok" : "error";
    json["errorMessage"] = text_or_null(action.error_message);
    json["latencyMs"] = action.latency_ms ? base::Json(*action.latency_ms) : base::Json(nullptr);
    json["createdAt"] = base::to_iso(recent.created_at);
    json["seq"] = action.seq > 0 ? base::Json(action.seq) : base::Json(nullptr);
    json["module"] = text_or_null(action.module);
    json["outcome"] = catalog::word_of(action.outcome);
    json["input"] = action.input ? *action.input : base::Json(nullptr);
    return json;
}

base::Json detail_json(const PersonaDetail& detail) {
    const ListedPersona& listed = detail.listed;
    base::Json json = base::Json::object();
    json["persona"] = catalog::to_json(listed.persona);
    json["persona"]["lastActiveAt"] = admin_moment(listed.persona.last_active_at);
    json["persona"]["createdAt"] = base::to_iso(listed.created_at);
    json["persona"]["nextDueAt"] = base::to_iso(listed.next_due_at);
    json["persona"]["visiting"] = listed.visiting;
    json["recentActions"] = base::Json::array();
    for (const RecentAction& recent : detail.recent) {
        json["recentActions"].push_back(recent_json(listed.persona.user_id, recent));
    }
    json["feedbackByModule"] = base::Json::array();
    for (const ModuleMean& module : detail.modules) {
        base::Json row = base::Json::object();
        row["module"] = module.module;
        row["avgRating"] = module.mean ? base::Json(*module.mean) : base::Json(nullptr);
        row["n"] = module.n;
        row["unrated"] = module.unrated;
        json["feedbackByModule"].push_back(row);
    }
    json["counts"] = counts_json(listed.counts);
    return json;
}

base::ServerResponse persona_not_found() {
    return base::ServerResponse::json({{"error", "Not found"}}, 404);
}

std::int64_t page_limit(const base::ServerRequest& request) {
    const auto text = request.query_value("limit");
    if (!text) return persona_page_max;
    const auto value = base::try_parse_json(*text, 1);
    if (value && value->is_number_integer()) {
        const auto limit = value->get<std::int64_t>();
        if (limit >= 1 && limit <= persona_page_max) return limit;
    }
    throw base::Failure(base::Failure::Kind::invalid, "limit must be a whole number from 1 to " +
                                                          std::to_string(persona_page_max));
}

// How many rows of hers the caller has seen; nothing: it does not matter.
std::optional<std::int64_t> rows_seen(const base::ServerRequest& request) {
    const auto text = request.query_value("rows");
    if (!text) return std::nullopt;
    std::int64_t rows = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), rows);
    if (error != std::errc() || end != text->data() + text->size() || rows < 0) {
        throw base::Failure(base::Failure::Kind::invalid,
                            "query parameter rows must be a whole number from 0");
    }
    return rows;
}

}  // namespace

base::ServerResponse upsert_persona(const Admin&, const Context& context,
                                    const base::ServerRequest& request) {
    const base::Json body = request.json();
    PersonaForm form(body);
    const PersonaSpec spec = form.read();
    if (!form.faults().empty()) return validation_error(form.faults());
    Personas personas(context.database, visit_rules(context.options));
    const UpsertAnswer answer = personas.upsert(spec, context.passwords, context.time.now());
    base::log_info(answer.created ? "persona created" : "persona updated",
                   {{"persona", catalog::short_name(spec.persona.email)},
                    {"changed", answer.changed},
                    {"password_changed", answer.password_changed}});
    base::Json json = base::Json::object();
    json["ok"] = true;
    json["userId"] = answer.user_id;
    json["email"] = spec.persona.email;
    json["created"] = answer.created;
    json["passwordChanged"] = answer.password_changed;
    json["changed"] = answer.changed;
    return base::ServerResponse::json(json);
}

base::ServerResponse list_personas(const Admin&, const Context& context,
                                   const base::ServerRequest& request) {
    const std::int64_t limit = page_limit(request);
    Personas personas(context.database, visit_rules(context.options));
    const auto after = request.query_value("after");
    // A page behind nobody would be empty, and the rest of the list seem to be all of it.
    if (after && !Records(context.database, visit_rules(context.options)).knows_persona(*after)) {
        throw base::Failure(base::Failure::Kind::invalid,
                            "after must be a persona's userId, as `next` of the page before said");
    }
    const auto page = personas.list(limit, after, context.time.now());
    base::Json json = base::Json::object();
    json["personas"] = base::Json::array();
    for (const ListedPersona& listed : page) json["personas"].push_back(listed_json(listed));
    if (static_cast<std::int64_t>(page.size()) == limit) {
        json["next"] = page.back().persona.user_id;
    }
    return base::ServerResponse::json(json);
}

base::ServerResponse show_persona(const Admin&, const Context& context,
                                  const base::ServerRequest& request) {
    Personas personas(context.database, visit_rules(context.options));
    const auto detail = personas.detail(request.param("id"), context.time.now());
    if (!detail) return persona_not_found();
    return base::ServerResponse::json(detail_json(*detail));
}

base::ServerResponse export_persona(const Admin&, const Context& context,
                                    const base::ServerRequest& request) {
    const std::string user_id = request.param("id");
    Personas personas(context.database, visit_rules(context.options));
    const auto detail = personas.detail(user_id, context.time.now());
    if (!detail) return persona_not_found();
    base::Json head = detail_json(*detail);
    base::Json first = base::Json::object();
    first["kind"] = "persona";
    first.update(head["persona"]);
    base::ServerResponse response;
    response.content_type = "application/x-ndjson";
    // The last line tells a whole export from one that was cut.
    response.stream = [&context, user_id, first](base::StreamWriter& writer) {
        if (!writer.write(base::to_text(first) + "\n")) return;
        Records records(context.database, visit_rules(context.options));
        bool open = true;
        const std::size_t rows = records.export_all(user_id, [&](const base::Json& row) {
            open = writer.write(base::to_text(row) + "\n");
            return open;
        });
        if (open) writer.write(base::to_text({{"kind", "end"}, {"rows", rows}}) + "\n");
    };
    return response;
}

base::ServerResponse delete_persona(const Admin&, const Context& context,
                                    const base::ServerRequest& request) {
    using Outcome = DeleteAnswer::Outcome;
    const std::string user_id = request.param("id");
    Personas personas(context.database, visit_rules(context.options));
    const DeleteAnswer answer = personas.remove(
        user_id, rows_seen(request),
        [&](base::Transaction& transaction, const std::vector<std::string>& spaces) {
            for (const std::string& space : spaces) {
                // Whoever deletes her has counted her rows there and deletes them herself.
                context.mail.queue(transaction, ServiceCall{.call = Call::product_space_delete,
                                                            .body = {{"organizationId", space}},
                                                            .once_key = "product-space:" + space,
                                                            .after = std::chrono::hours(1)});
            }
        });
    switch (answer.outcome) {
        case Outcome::missing: return persona_not_found();
        case Outcome::not_a_persona:
            return base::ServerResponse::json(
                {{"error", "Not a persona"},
                 {"hint", "Only users of kind persona can be deleted here."}},
                400);
        case Outcome::visiting:
            throw base::Failure(base::Failure::Kind::conflict,
                                "the persona has a running visit; pause the runner and wait until "
                                "it ended, then delete again",
                                "VISITING");
        case Outcome::changed:
            throw base::Failure(
                base::Failure::Kind::conflict,
                fmt::format("the persona has {} rows (visits, actions, ratings) now, not as many "
                            "as the query parameter rows says; export again, then delete",
                            answer.counts.visits + answer.counts.actions + answer.counts.ratings),
                "CHANGED");
        case Outcome::deleted: break;
    }
    base::log_info("persona deleted", {{"user", user_id}, {"visits", answer.counts.visits}});
    base::Json json = base::Json::object();
    json["ok"] = true;
    json["deleted"] = user_id;
    json["counts"] = counts_json(answer.counts);
    json["counts"]["spaces"] = answer.spaces;
    json["counts"]["sessions"] = answer.sessions;
    return base::ServerResponse::json(json);
}

}  // namespace auth
