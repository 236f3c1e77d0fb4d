#include "auth/identity/sessions.hpp"

#include <nlohmann/json.hpp>

#include "base/crypto.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

constexpr std::size_t session_agent_bytes_max = 512;

constexpr std::string_view insert_session = R"(
    insert into auth.sessions (id, token, user_id, expires_at, created_at, updated_at,
                               last_activity_at, ip_address, user_agent, short_lived)
    values ($1, $2, $3, $4::timestamptz, $5::timestamptz, $5::timestamptz, $5::timestamptz, $6, $7,
            $8))";

// A session with its user, in one round trip: each guarded request asks it.
constexpr std::string_view session_columns = R"(
    s.id as session_id, s.user_id, s.expires_at, s.created_at as session_created_at,
    s.updated_at as session_updated_at, s.ip_address, s.user_agent, s.short_lived,
    s.active_organization_id)";
constexpr std::string_view session_with_user = R"(
    from auth.sessions s join auth.users u on u.id = s.user_id and u.deleted_at is null
    where s.revoked_at is null and )";

constexpr std::string_view extend_session = R"(
    update auth.sessions
       set expires_at = $2::timestamptz, updated_at = $3::timestamptz,
           last_activity_at = $3::timestamptz
     where id = $1)";

constexpr std::string_view exchange_token = "update auth.sessions set token = $2 where id = $1";
constexpr std::string_view delete_session_of_id = "delete from auth.sessions where id = $1";
constexpr std::string_view delete_sessions_of_user = "delete from auth.sessions where user_id = $1";
constexpr std::string_view delete_sessions_but_one =
    "delete from auth.sessions where user_id = $1 and id <> $2";
constexpr std::string_view delete_session_of_user = R"(
    delete from auth.sessions where user_id = $1 and (id = $2 or token = $3) returning id)";
constexpr std::string_view sessions_of_user = R"(
      from auth.sessions s
     where s.user_id = $1 and s.revoked_at is null and s.expires_at > $2::timestamptz
     order by s.created_at desc, s.id limit 200)";
constexpr std::string_view delete_some_expired = R"(
    delete from auth.sessions where id in (
        select id from auth.sessions where expires_at <= $1::timestamptz
         limit 100 for update skip locked))";

std::string session_digest(const base::Secret& token) {
    return "sha256:" + base::to_hex(base::sha256(token.reveal()));
}

Session session_of(const base::SqlRow& row) {
    Session session;
    session.id = row.text("session_id");
    session.user_id = row.text("user_id");
    session.expires_at = row.moment("expires_at");
    session.created_at = row.moment("session_created_at");
    session.updated_at = row.moment("session_updated_at");
    session.ip_address = row.text_or_none("ip_address").value_or("");
    session.user_agent = row.text_or_none("user_agent").value_or("");
    session.short_lived = row.flag("short_lived");
    session.active_organization_id = row.text_or_none("active_organization_id");
    return session;
}

std::optional<Login> session_login(base::Transaction& transaction, std::string_view condition,
                                   std::string_view value, base::Moment now) {
    static const std::string query = "select" + std::string(session_columns) + "," +
                                     std::string(profile_columns) + std::string(session_with_user);
    const auto row = transaction.run(query + std::string(condition), {value}).first();
    if (!row) return std::nullopt;
    Login login{session_of(*row), read_profile(*row)};
    if (login.session.expires_at > now) return login;
    delete_session_by_id(transaction, login.session.id);
    return std::nullopt;
}

}  // namespace

base::Json session_json(const Session& session) {
    return {{"expiresAt", base::to_iso(session.expires_at)},
            {"token", session.token.reveal()},
            {"createdAt", base::to_iso(session.created_at)},
            {"updatedAt", base::to_iso(session.updated_at)},
            {"ipAddress", session.ip_address},
            {"userAgent", session.user_agent},
            {"userId", session.user_id},
            {"activeOrganizationId", session.active_organization_id
                                         ? base::Json(*session.active_organization_id)
                                         : base::Json(nullptr)},
            {"id", session.id}};
}

Session create_session(base::Transaction& transaction, const NewSession& wish, base::Moment now) {
    Session session;
    session.id = base::random_id();
    session.token = base::Secret(base::random_id());
    session.user_id = wish.user_id;
    session.created_at = session.updated_at = now;
    session.expires_at = now + wish.life;
    session.ip_address = wish.ip_address;
    session.user_agent = base::cut(base::clean_utf8(wish.user_agent), session_agent_bytes_max);
    session.short_lived = wish.short_lived;
    transaction.run(insert_session,
                    {session.id, session_digest(session.token), session.user_id, session.expires_at,
                     now, session.ip_address, session.user_agent, session.short_lived});
    return session;
}

std::optional<Login> find_login_by_token(base::Transaction& transaction, const base::Secret& token,
                                         base::Moment now) {
    auto login = session_login(transaction, "s.token = $1", session_digest(token), now);
    if (login) login->session.token = token;
    return login;
}

std::optional<Login> find_login_by_id(base::Transaction& transaction, std::string_view session_id,
                                      base::Moment now) {
    return session_login(transaction, "s.id = $1", session_id, now);
}

bool must_renew(const Session& session, base::Moment now) {
    return !session.short_lived && session.expires_at - session_life + session_renew_after <= now;
}

void renew_session(base::Transaction& transaction, Session& session, base::Moment now) {
    session.expires_at = now + session_life;
    session.updated_at = now;
    transaction.run(extend_session, {session.id, session.expires_at, now});
}

base::Secret replace_session_token(base::Transaction& transaction, std::string_view session_id) {
    base::Secret token(base::random_id());
    transaction.run(exchange_token, {session_id, session_digest(token)});
    return token;
}

void delete_session_by_id(base::Transaction& transaction, std::string_view session_id) {
    transaction.run(delete_session_of_id, {session_id});
}

std::size_t delete_sessions_of(base::Transaction& transaction, std::string_view user_id) {
    return transaction.run(delete_sessions_of_user, {user_id}).affected();
}

std::size_t delete_other_sessions(base::Transaction& transaction, std::string_view user_id,
                                  std::string_view kept_id) {
    return transaction.run(delete_sessions_but_one, {user_id, kept_id}).affected();
}

std::optional<std::string> delete_session_of(base::Transaction& transaction,
                                             std::string_view user_id, const std::string& session) {
    const auto row =
        transaction
            .run(delete_session_of_user, {user_id, session, session_digest(base::Secret(session))})
            .first();
    if (!row) return std::nullopt;
    return row->text("id");
}

std::vector<Session> list_sessions_of(base::Transaction& transaction, std::string_view user_id,
                                      base::Moment now) {
    std::vector<Session> sessions;
    const std::string query =
        "select" + std::string(session_columns) + std::string(sessions_of_user);
    for (const auto& row : transaction.run(query, {user_id, now})) {
        sessions.push_back(session_of(row));
    }
    return sessions;
}

void delete_expired_sessions(base::Transaction& transaction, base::Moment now) {
    transaction.run(delete_some_expired, {now});
}

}  // namespace auth
