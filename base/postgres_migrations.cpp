#include <algorithm>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"
#include "base/postgres_session.hpp"

namespace base {

namespace {

// One lock for all sets: they may refer to each other's tables. The number is arbitrary, ours, and
// the same in every version.
constexpr std::string_view migrations_lock = "select pg_advisory_xact_lock(7305118246118091)";
constexpr std::string_view migrations_table =
    "create table if not exists public.schema_migrations ("
    "  set text not null, name text not null, sha256 text not null,"
    "  applied_at timestamptz not null default now(), primary key (set, name));"
    "grant select on public.schema_migrations to public";
constexpr std::string_view migrations_exists =
    "select to_regclass('public.schema_migrations') is not null as present";
constexpr std::string_view migrations_recorded =
    "select name, sha256 from public.schema_migrations where set = $1 order by name collate \"C\"";
constexpr std::string_view migrations_record =
    "insert into public.schema_migrations (set, name, sha256) values ($1, $2, $3)";
constexpr std::string_view migrations_transaction = "select pg_current_xact_id()::text as id";

constexpr std::chrono::seconds migrations_statement_max{3600};

// Such a file makes a database ready that somebody else laid out; one that has a later file
// recorded is past that.
constexpr std::string_view migrations_preparation = "000_";

Failure migrations_conflict(std::string_view set, std::string_view name, std::string_view what) {
    return {Failure::Kind::conflict, fmt::format("migration {}/{} {}", set, name, what),
            "migration_conflict"};
}

// Which of `files` are missing, given what the database recorded; refuses what does not agree.
std::vector<EmbeddedText> migrations_missing(std::string_view set, EmbeddedTexts files,
                                             const SqlRows& recorded) {
    std::map<std::string, std::string> hashes;
    for (const SqlRow row : recorded) hashes.emplace(row.text("name"), row.text("sha256"));
    std::vector<EmbeddedText> missing;
    for (const EmbeddedText& file : files) {
        const auto found = hashes.find(std::string(file.name));
        if (found == hashes.end()) {
            const bool past = file.name.starts_with(migrations_preparation) && !hashes.empty();
            if (!past) missing.push_back(file);
            continue;
        }
        if (found->second != to_hex(sha256(file.text))) {
            throw migrations_conflict(set, file.name,
                                      "was changed after it had been applied; restore its text and "
                                      "put the change into a new file");
        }
        if (!missing.empty()) {
            throw migrations_conflict(set, missing.front().name,
                                      fmt::format("was never applied although the later {} was; "
                                                  "give it a number after the last one",
                                                  file.name));
        }
        hashes.erase(found);
    }
    if (!hashes.empty()) {
        throw migrations_conflict(set, hashes.begin()->first,
                                  "is in the database but unknown to this program, which is older "
                                  "than the database; run the newer version");
    }
    return missing;
}

void migrations_check_names(std::string_view set, EmbeddedTexts files) {
    require(!set.empty(), "a set of migrations has a name");
    const auto later = std::adjacent_find(
        files.begin(), files.end(),
        [](const EmbeddedText& one, const EmbeddedText& next) { return one.name >= next.name; });
    require(later == files.end(), "migrations are in the order of their names, each once");
}

void migrations_apply(SqlSession& session, std::string_view set, const EmbeddedText& file) {
    const std::string before = session.run(migrations_transaction)[0].text("id");
    try {
        session.script(file.text);
    } catch (const Failure& failure) {
        throw Failure(failure.kind(),
                      fmt::format("migration {}/{} failed: {}", set, file.name, failure.what()),
                      failure.code());
    }
    if (session.run(migrations_transaction)[0].text("id") != before) {
        throw migrations_conflict(set, file.name,
                                  "ends the transaction that it runs in; take BEGIN and COMMIT out "
                                  "of it");
    }
    session.run(migrations_record, {set, file.name, to_hex(sha256(file.text))});
}

// Applies the first missing file in a transaction of its own; nothing when none is missing.
std::optional<std::string> migrations_step(SqlSession& session, std::string_view set,
                                           EmbeddedTexts files) {
    session.begin(migrations_statement_max);
    session.run(migrations_lock);
    if (!session.run(migrations_exists)[0].flag("present")) session.script(migrations_table);
    const auto missing = migrations_missing(set, files, session.run(migrations_recorded, {set}));
    if (!missing.empty()) migrations_apply(session, set, missing.front());
    session.commit();
    if (missing.empty()) return std::nullopt;
    return std::string(missing.front().name);
}

}  // namespace

std::vector<std::string> migrate(const Secret& owner_url, std::string_view set,
                                 EmbeddedTexts migrations) {
    migrations_check_names(set, migrations);
    SqlSession session(owner_url);
    std::vector<std::string> applied;
    // A failure ends the session, and with it the open transaction.
    while (auto name = migrations_step(session, set, migrations)) applied.push_back(*name);
    return applied;
}

std::vector<std::string> pending_migrations(Postgres& database, std::string_view set,
                                            EmbeddedTexts migrations) {
    migrations_check_names(set, migrations);
    return database.transact([&](Transaction& transaction) {
        std::vector<std::string> names;
        if (!transaction.run(migrations_exists)[0].flag("present")) {
            for (const EmbeddedText& file : migrations) names.emplace_back(file.name);
            return names;
        }
        const auto recorded = transaction.run(migrations_recorded, {set});
        for (const EmbeddedText& file : migrations_missing(set, migrations, recorded)) {
            names.emplace_back(file.name);
        }
        return names;
    });
}

}  // namespace base
