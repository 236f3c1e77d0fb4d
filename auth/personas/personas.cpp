#include "auth/personas/personas.hpp"

#include <map>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "auth/identity/credential.hpp"
#include "auth/identity/sessions.hpp"
#include "auth/identity/users.hpp"
#include "auth/personas/slots.hpp"
#include "auth/spaces/spaces.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::string_view lock_persona = R"(
select tick_cadence, last_active_at, archetype, system_prompt, module_mix
from auth.personas where user_id = $1 for update)";

// A changed cadence starts its own rhythm; otherwise the schedule is the claim's business.
constexpr std::string_view write_persona = R"(
insert into auth.personas as p
    (user_id, archetype, system_prompt, module_mix, tick_cadence, created_at, next_due_at)
values ($1, $2, $3, $4::jsonb, $5, $6::timestamptz, $7::timestamptz)
on conflict (user_id) do update set
    archetype = excluded.archetype, system_prompt = excluded.system_prompt,
    module_mix = excluded.module_mix, tick_cadence = excluded.tick_cadence,
    next_due_at = case when p.tick_cadence = excluded.tick_cadence
        then p.next_due_at else excluded.next_due_at end,
    retry_slot = case when p.tick_cadence = excluded.tick_cadence then p.retry_slot end,
    retry_attempt = case when p.tick_cadence = excluded.tick_cadence then p.retry_attempt end,
    following_slot = case when p.tick_cadence = excluded.tick_cadence then p.following_slot end)";

// $1: one persona only; $2: the last of the page before; $3: start of the seven days.
constexpr std::string_view personas_newest_first = R"(
select p.user_id, u.email, u.name, p.archetype, p.system_prompt, p.module_mix, p.tick_cadence,
    p.last_active_at, p.created_at, p.next_due_at,
    exists (select from auth.persona_visits v
        where v.user_id = p.user_id and v.status = 'running') as visiting,
    (select count(*) from auth.persona_actions a
        where a.persona_id = p.user_id and a.created_at >= $3::timestamptz) as actions_7d,
    (select count(*) from auth.persona_visits v where v.user_id = p.user_id) as visits,
    (select count(*) from auth.persona_actions a where a.persona_id = p.user_id) as actions,
    (select count(*) from auth.persona_feedback f where f.persona_id = p.user_id) as ratings
from auth.personas p
join auth.users u on u.id = p.user_id
where ($1::text is null or p.user_id = $1)
    and ($2::text is null or (p.created_at, p.user_id) <
        (select c.created_at, c.user_id from auth.personas c where c.user_id = $2))
order by p.created_at desc, p.user_id desc
limit $4::bigint)";

constexpr std::string_view recent_actions = R"(
select id, tick_id, seq, started_at, module, tool_name, input_hash, input, outcome,
    error_message, latency_ms, created_at
from auth.persona_actions where persona_id = $1
order by created_at desc, seq desc nulls last, id desc limit 20)";

// Rows without a visit come from old clients; their visits left no other trace.
constexpr std::string_view module_means = R"(
select f.module,
    count(*) filter (where f.status = 'rated' and (v.tick_id is null
        or v.status in ('finished', 'partial'))) as n,
    avg(f.rating) filter (where f.status = 'rated' and (v.tick_id is null
        or v.status in ('finished', 'partial'))) as mean,
    count(*) filter (where f.status <> 'rated') as unrated
from auth.persona_feedback f
left join auth.persona_visits v on v.tick_id = f.tick_id and v.user_id = f.persona_id
where f.persona_id = $1
group by f.module order by f.module)";

// One bound per cadence; null: none of them is due today.
constexpr std::string_view due_personas = R"(
select p.user_id, u.email, u.name, p.archetype, p.system_prompt, p.module_mix, p.tick_cadence,
    p.last_active_at
from auth.personas p
join auth.users u on u.id = p.user_id
cross join lateral (select case p.tick_cadence when 'hourly' then $1::timestamptz
    when 'daily' then $2::timestamptz else $3::timestamptz end as idle_since) d
where u.deleted_at is null and d.idle_since is not null
    and (p.last_active_at is null or p.last_active_at <= d.idle_since)
    and not exists (select from auth.persona_visits v
        where v.user_id = p.user_id and v.status = 'running')
    and not exists (select from auth.holds h where h.until is null
        and (h.scope = 'all' or h.archetype = p.archetype or h.user_id = p.user_id))
order by p.last_active_at nulls first, p.user_id
limit $4::bigint)";

constexpr std::string_view lock_user = "select kind from auth.users where id = $1 for update";

constexpr std::string_view what_she_has = R"(
select exists (select from auth.persona_visits
        where user_id = $1 and status = 'running') as visiting,
    (select count(*) from auth.persona_visits where user_id = $1) as visits,
    (select count(*) from auth.persona_actions where persona_id = $1) as actions,
    (select count(*) from auth.persona_feedback where persona_id = $1) as ratings,
    (select count(*) from auth.sessions where user_id = $1) as sessions)";

constexpr std::size_t persona_modules_max = 64;
constexpr int upsert_attempts_max = 4;

// Weights as stored; what an older service let through must not stop everybody's claim.
catalog::ModuleMix stored_module_mix(const base::Json& json) {
    catalog::ModuleMix mix;
    if (!json.is_object()) return mix;
    for (const auto& [module, weight] : json.items()) {
        if (mix.size() == persona_modules_max) break;
        if (weight.is_number() && weight.get<double>() >= 0) {
            mix.emplace_back(module, weight.get<double>());
        }
    }
    return mix;
}

ListedPersona listed_persona(const base::SqlRow& row) {
    return {.persona = persona_of(row),
            .created_at = row.moment("created_at"),
            .next_due_at = row.moment("next_due_at"),
            .actions_7d = row.integer("actions_7d"),
            .visiting = row.flag("visiting"),
            .counts = {.visits = row.integer("visits"),
                       .actions = row.integer("actions"),
                       .ratings = row.integer("ratings")}};
}

RecentAction recent_action(const base::SqlRow& row) {
    using Outcome = catalog::Action::Outcome;
    const std::string outcome = row.text("outcome");
    RecentAction recent{.id = row.text("id"), .created_at = row.moment("created_at")};
    catalog::Action& action = recent.action;
    action.visit_id = row.text("tick_id");
    action.seq = static_cast<int>(row.integer_or_none("seq").value_or(0));
    action.started_at = row.moment_or_none("started_at").value_or(recent.created_at);
    action.module = row.text_or_none("module").value_or("");
    action.tool = row.text("tool_name");
    action.input_hash = row.text_or_none("input_hash").value_or("");
    if (!row.is_null("input")) action.input = row.json("input");
    action.outcome = outcome == "ok"      ? Outcome::ok
                     : outcome == "error" ? Outcome::error
                                          : Outcome::unknown;
    action.error_message = row.text_or_none("error_message").value_or("");
    action.latency_ms = row.integer_or_none("latency_ms");
    return recent;
}

// Whether what is stored differs from what is asked for; weights by value, not by their order.
bool differs(const base::SqlRow& stored, const catalog::Persona& persona) {
    const auto by_module = [](const catalog::ModuleMix& mix) {
        return std::map<std::string, double>(mix.begin(), mix.end());
    };
    const catalog::ModuleMix mix = stored_module_mix(stored.json("module_mix"));
    return stored.text("archetype") != base::clean_utf8(persona.archetype) ||
           stored.text("system_prompt") != base::clean_utf8(persona.system_prompt) ||
           stored.text("tick_cadence") != catalog::word_of(persona.cadence) ||
           by_module(mix) != by_module(persona.module_mix);
}

void refuse_other_kind(const Profile& profile) {
    if (profile.kind == "persona") return;
    throw base::Failure(base::Failure::Kind::conflict,
                        "email " + profile.email + " belongs to a user of kind " + profile.kind +
                            ", who must not become a persona; choose another address",
                        "NOT_A_PERSONA");
}

// Follows what changed of a user who is a persona already.
void follow_persona_user(base::Transaction& transaction, const Profile& profile,
                         const PersonaSpec& spec, const std::optional<std::string>& new_hash,
                         base::Moment now) {
    if (!spec.persona.name.empty() && profile.name != spec.persona.name) {
        set_user_name(transaction, profile.id, spec.persona.name, now);
    }
    if (profile.tier != "founder") {
        set_user_standing(transaction, profile.id, profile.role, "founder", now);
    }
    if (!profile.email_verified) mark_email_verified(transaction, profile.id, now);
    if (new_hash) {
        set_password_hash(transaction, profile.id, *new_hash, now);
        delete_sessions_of(transaction, profile.id);
    }
    ensure_personal_space(transaction, profile.id, now);
}

// Nothing: the address is taken by an account that is deleted or was made just now.
std::optional<std::string> create_persona_user(base::Transaction& transaction,
                                               const PersonaSpec& spec, const std::string& hash,
                                               base::Moment now) {
    return create_user(transaction,
                       {.email = spec.persona.email,
                        .name = spec.persona.name,
                        .password_hash = hash,
                        .kind = "persona",
                        .tier = "founder",
                        .verified = true},
                       now);
}

}  // namespace

catalog::Persona persona_of(const base::SqlRow& row) {
    const auto cadence = catalog::cadence_of(row.text("tick_cadence"));
    if (!cadence) base::strange_answer("column \"tick_cadence\" holds no cadence");
    return {.user_id = row.text("user_id"),
            .email = row.text("email"),
            .name = row.text("name"),
            .archetype = row.text("archetype"),
            .system_prompt = row.text("system_prompt"),
            .module_mix = stored_module_mix(row.json("module_mix")),
            .cadence = *cadence,
            .last_active_at = row.moment_or_none("last_active_at")};
}

Personas::Personas(base::Postgres& database, VisitRules rules)
    : database_(database), rules_(std::move(rules)) {}

UpsertAnswer Personas::upsert(const PersonaSpec& spec, Passwords& passwords, base::Moment now) {
    // Hashes are slow: they are compared and made before the transaction. Whoever finds another
    // one there than the one compared (simultaneous calls for one address) looks again.
    for (int attempt = 1; attempt <= upsert_attempts_max; ++attempt) {
        const std::optional<std::string> old_hash = hash_of_user(spec.persona.email);
        std::optional<std::string> new_hash;
        if (!old_hash || !passwords.matches(spec.password, old_hash)) {
            new_hash = passwords.hash_of_persona(spec.persona.email, spec.password);
        }
        const auto answer = write(spec, old_hash, new_hash, now);
        if (answer) return *answer;
    }
    throw base::Failure(base::Failure::Kind::conflict,
                        "email " + spec.persona.email +
                            " is taken by an account that is deleted or just being changed; try "
                            "again or choose another address",
                        "EMAIL_TAKEN");
}

std::optional<std::string> Personas::hash_of_user(const std::string& email) {
    return database_.transact([&](base::Transaction& transaction) -> std::optional<std::string> {
        const auto profile = find_user_by_email(transaction, email);
        if (!profile) return std::nullopt;
        refuse_other_kind(*profile);
        return find_password_hash(transaction, profile->id);
    });
}

std::optional<UpsertAnswer> Personas::write(const PersonaSpec& spec,
                                            const std::optional<std::string>& old_hash,
                                            const std::optional<std::string>& new_hash,
                                            base::Moment now) {
    return database_.transact([&](base::Transaction& transaction) -> std::optional<UpsertAnswer> {
        UpsertAnswer answer;
        const auto profile = find_user_by_email(transaction, spec.persona.email);
        if (profile) {
            refuse_other_kind(*profile);
            transaction.run(lock_user, {profile->id});
            if (find_password_hash(transaction, profile->id) != old_hash) return std::nullopt;
            answer.user_id = profile->id;
            answer.password_changed = new_hash.has_value();
            answer.changed = !spec.persona.name.empty() && profile->name != spec.persona.name;
            follow_persona_user(transaction, *profile, spec, new_hash, now);
        } else {
            if (!new_hash) return std::nullopt;  // She was deleted just now.
            const auto made = create_persona_user(transaction, spec, *new_hash, now);
            if (!made) return std::nullopt;
            answer.created = true;
            answer.user_id = *made;
        }
        const catalog::Persona& persona = spec.persona;
        const auto row = transaction.run(lock_persona, {answer.user_id}).first();
        const auto last_active = row ? row->moment_or_none("last_active_at") : std::nullopt;
        const base::Moment slot =
            last_active ? catalog::next_slot(persona.cadence, *last_active, rules_.zone)
                        : first_slot(persona.cadence, persona.email, now, rules_);
        if (row) answer.changed = answer.changed || differs(*row, persona);
        if (row && row->text("tick_cadence") != catalog::word_of(persona.cadence)) {
            skip_retried_slot(transaction, answer.user_id, "cadence_changed", now);
        }
        transaction.run(write_persona, {answer.user_id, base::clean_utf8(persona.archetype),
                                        base::clean_utf8(persona.system_prompt),
                                        catalog::to_json(persona.module_mix),
                                        catalog::word_of(persona.cadence), now, slot});
        return answer;
    });
}

std::vector<ListedPersona> Personas::list(std::int64_t limit,
                                          const std::optional<std::string>& after,
                                          base::Moment now) {
    const base::SqlRows rows = database_.transact([&](base::Transaction& transaction) {
        return transaction.run(personas_newest_first,
                               {std::nullopt, after, now - std::chrono::hours(24 * 7), limit});
    });
    std::vector<ListedPersona> personas;
    for (const base::SqlRow row : rows) personas.push_back(listed_persona(row));
    return personas;
}

std::optional<PersonaDetail> Personas::detail(const std::string& user_id, base::Moment now) {
    return database_.transact([&](base::Transaction& transaction) -> std::optional<PersonaDetail> {
        const auto row = transaction
                             .run(personas_newest_first,
                                  {user_id, std::nullopt, now - std::chrono::hours(24 * 7), 1})
                             .first();
        if (!row) return std::nullopt;
        PersonaDetail detail{.listed = listed_persona(*row)};
        for (const base::SqlRow action : transaction.run(recent_actions, {user_id})) {
            detail.recent.push_back(recent_action(action));
        }
        for (const base::SqlRow module : transaction.run(module_means, {user_id})) {
            detail.modules.push_back({.module = module.text("module"),
                                      .mean = module.number_or_none("mean"),
                                      .n = module.integer("n"),
                                      .unrated = module.integer("unrated")});
        }
        return detail;
    });
}

std::vector<catalog::Persona> Personas::due(base::Moment now) {
    using catalog::Cadence;
    const auto bound = [&](Cadence cadence) {
        return catalog::due_if_idle_since(cadence, now, rules_.zone);
    };
    const base::SqlRows rows = database_.transact([&](base::Transaction& transaction) {
        return transaction.run(due_personas, {bound(Cadence::hourly), bound(Cadence::daily),
                                              bound(Cadence::weekdays), due_list_max});
    });
    std::vector<catalog::Persona> personas;
    for (const base::SqlRow row : rows) personas.push_back(persona_of(row));
    return personas;
}

DeleteAnswer Personas::remove(const std::string& user_id, std::optional<std::int64_t> rows,
                              const SpacesGone& spaces_gone) {
    using Outcome = DeleteAnswer::Outcome;
    return database_.transact([&](base::Transaction& transaction) -> DeleteAnswer {
        const auto user = transaction.run(lock_user, {user_id}).first();
        if (!user) return {.outcome = Outcome::missing};
        if (user->text("kind") != "persona") return {.outcome = Outcome::not_a_persona};
        // A claim that holds her row is waited for; after that none can take her.
        transaction.run(lock_persona, {user_id});
        const base::SqlRow has = transaction.run(what_she_has, {user_id})[0];
        if (has.flag("visiting")) return {.outcome = Outcome::visiting};
        const PersonaCounts counts{.visits = has.integer("visits"),
                                   .actions = has.integer("actions"),
                                   .ratings = has.integer("ratings")};
        // Her row is locked, so none comes any more.
        if (rows && *rows != counts.visits + counts.actions + counts.ratings)
            return {.outcome = Outcome::changed, .counts = counts};
        const std::vector<std::string> spaces = *delete_user_completely(transaction, user_id);
        if (spaces_gone && !spaces.empty()) spaces_gone(transaction, spaces);
        return {.outcome = Outcome::deleted,
                .counts = counts,
                .spaces = static_cast<std::int64_t>(spaces.size()),
                .sessions = has.integer("sessions")};
    });
}

}  // namespace auth
