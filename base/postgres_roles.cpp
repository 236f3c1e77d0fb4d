#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/postgres.hpp"
#include "base/postgres_session.hpp"

namespace base {

namespace {

// Utility statements take no parameters: the server quotes name and password into the text.
constexpr std::string_view roles_role =
    "select format(case when exists (select from pg_roles where rolname = $1::text) "
    "then 'alter' else 'create' end || ' role %I with login nosuperuser nocreatedb nocreaterole "
    "noreplication nobypassrls password %L', $1::text, $2::text) as statement";
constexpr std::string_view roles_ops_settings =
    "alter role mana_ops set default_transaction_read_only = on; "
    "alter role mana_ops set statement_timeout = '60s'";
constexpr std::string_view roles_database_owner =
    "select pg_get_userbyid(datdba) as owner from pg_database where datname = $1";
constexpr std::string_view roles_create_database =
    "select format('create database %I owner mana_owner template %I', $1::text, $2::text) "
    "as statement";
constexpr std::string_view roles_own_database =
    "select format('alter database %I owner to mana_owner', $1::text) as statement";
constexpr std::string_view roles_open_database =
    "select format('revoke all on database %1$I from public; "
    "grant connect, temporary on database %1$I to mana_app; "
    "grant connect on database %1$I to mana_ops', $1::text) as statement";
void roles_execute(SqlSession& session, std::string_view compose, const SqlParams& params) {
    session.script(session.run(compose, params)[0].text("statement"));
}

}  // namespace

void ensure_roles(const Secret& superuser_url, const DatabaseRoles& roles) {
    SqlSession session(superuser_url);
    session.begin(std::chrono::seconds{30});
    roles_execute(session, roles_role, {"mana_owner", roles.owner_password.reveal()});
    roles_execute(session, roles_role, {"mana_app", roles.app_password.reveal()});
    roles_execute(session, roles_role, {"mana_ops", roles.ops_password.reveal()});
    session.script(roles_ops_settings);
    session.commit();
}

void ensure_database(const Secret& superuser_url, std::string_view name, std::string_view from) {
    SqlSession session(superuser_url);
    const auto rows = session.run(roles_database_owner, {name});
    if (rows.empty()) {
        roles_execute(session, roles_create_database, {name, from.empty() ? "template1" : from});
    } else if (rows[0].text("owner") != "mana_owner") {
        roles_execute(session, roles_own_database, {name});
    }
    roles_execute(session, roles_open_database, {name});
}

}  // namespace base
