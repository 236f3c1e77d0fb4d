#include "base/postgres_session.hpp"

#include <pqxx/pqxx>

#include <algorithm>

#include <fmt/format.h>

#include "base/failure.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// libpqxx 6 drops libpq's answer (2 KB) when it finds the connection closed while reading it. Only
// connections that broke cost that; leaks of sessions themselves still show.
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libpqxx";
}
#endif
#endif

namespace base {

namespace {

// The server's own limit comes first, when it still speaks.
constexpr std::chrono::seconds session_answer_slack{3};
constexpr std::chrono::seconds session_begin_max{5};  // BEGIN and ROLLBACK wait for nobody.

using Kind = Failure::Kind;

std::string session_first_line(std::string_view message) {
    return std::string(message.substr(0, std::min(message.find('\n'), std::size_t{300})));
}

// A field of libpq's verbose error text. The last occurrence counts: an earlier one may be text of
// a row that DETAIL quotes.
std::string session_diagnostic(std::string_view message, std::string_view label) {
    const std::string needle = fmt::format("\n{}:  ", label);
    const auto at = message.rfind(needle);
    if (at == std::string_view::npos) return {};
    return session_first_line(message.substr(at + needle.size()));
}

// libpqxx forgets the SQLSTATE of some classes; the verbose text starts with it:
// "ERROR:  42501: permission denied …".
std::string session_state(const pqxx::sql_error& error) {
    if (error.sqlstate().size() == 5) return error.sqlstate();
    const std::string_view message = error.what();
    const auto severity_end = message.substr(0, 40).find(":  ");
    if (severity_end == std::string_view::npos) return {};
    const std::string_view rest = message.substr(severity_end + 3);
    return rest.size() > 5 && rest.substr(5).starts_with(": ") ? std::string(rest.substr(0, 5))
                                                               : std::string{};
}

Failure session_lost(std::string_view what) {
    return Failure(Kind::unavailable,
                   fmt::format("the connection to PostgreSQL was lost ({}); try again", what),
                   "connection_lost");
}

// Constraint names, column names and SQLSTATEs are ours; messages and details of the server may
// quote parameters, so only those about the statement itself (class 42) are passed on.
Failure session_failure(std::string_view state, std::string_view message) {
    const std::string constraint = session_diagnostic(message, "CONSTRAINT NAME");
    const std::string column = session_diagnostic(message, "COLUMN NAME");
    const std::string code = constraint.empty() ? std::string(state) : constraint;
    const std::string_view group = state.substr(0, 2);
    if (state == "23505" || state == "23P01") {
        return {Kind::conflict, fmt::format("a row with this key exists already ({})", code), code};
    }
    if (state == "23502") {
        return {Kind::invalid, fmt::format("column \"{}\" must not be null", column), code};
    }
    if (group == "23") {
        return {Kind::invalid, fmt::format("the row breaks the rule \"{}\"", code), code};
    }
    if (group == "22") {
        return {Kind::invalid, fmt::format("a value does not fit its column ({})", code), code};
    }
    if (state == "42501" || state == "25006") {
        return {Kind::forbidden,
                fmt::format("this database role may not do that (SQLSTATE {})", state), code};
    }
    if (state == "57014") {
        return {Kind::unavailable, "the statement ran out of time and was cancelled; try again",
                "statement_timeout"};
    }
    if (group == "08" || group == "57") return session_lost(fmt::format("SQLSTATE {}", state));
    if (group == "53" || group == "55" || group == "58") {
        return {Kind::unavailable,
                fmt::format("PostgreSQL lacks a resource (SQLSTATE {}); try again later", state),
                code};
    }
    const std::string told = group == "42" ? ": " + session_first_line(message) : std::string{};
    return {Kind::internal,
            fmt::format("PostgreSQL refused a statement (SQLSTATE {}){}", state, told), code};
}

// libpq's complaint about an unreadable connection string quotes it, password included.
Failure session_unreachable(std::string_view message) {
    const bool quotable = message.starts_with("connection to server") ||
                          message.starts_with("could not translate host name");
    return {Kind::unavailable,
            quotable ? fmt::format("PostgreSQL cannot be reached: {}", session_first_line(message))
                     : std::string("PostgreSQL cannot be reached: its connection string is not "
                                   "usable; expected postgresql://user:password@host:port/name"),
            "connection_lost"};
}

std::string session_connection_string(const std::string& url) {
    if (url.find("connect_timeout") != std::string::npos) return url;
    if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) {
        return url + " connect_timeout=10";
    }
    return url + (url.find('?') == std::string::npos ? "?" : "&") + "connect_timeout=10";
}

std::shared_ptr<const SqlTable> session_table(const pqxx::result& answer) {
    auto table = std::make_shared<SqlTable>();
    table->affected = static_cast<std::size_t>(answer.affected_rows());
    table->rows = static_cast<std::size_t>(answer.size());
    const auto width = static_cast<pqxx::row::size_type>(answer.columns());
    table->columns.reserve(width);
    for (pqxx::row::size_type i = 0; i < width; ++i) {
        table->columns.emplace_back(answer.column_name(i));
    }
    table->cells.reserve(table->rows * width);
    for (const auto& row : answer) {
        for (pqxx::row::size_type i = 0; i < width; ++i) {
            const auto field = row[i];
            if (field.is_null()) {
                table->cells.emplace_back();
            } else {
                table->cells.emplace_back(std::in_place, field.c_str(), field.size());
            }
        }
    }
    return table;
}

}  // namespace

struct SqlSession::State {
    explicit State(const std::string& url) : connection(url), quiet(connection) {}
    pqxx::connection connection;
    pqxx::quiet_errorhandler quiet;  // Notices belong to nobody; by default they go to stderr.
};

SqlSession::SqlSession(const Secret& url, SqlDeadlines* deadlines) : deadlines_(deadlines) {
    try {
        state_ = std::make_unique<State>(session_connection_string(url.reveal()));
        state_->connection.set_verbosity(pqxx::connection_base::verbose);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        // A silent reconnect would let the rest of a transaction run outside of any.
        state_->connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    } catch (const pqxx::failure& error) {
        throw session_unreachable(error.what());
    }
}

SqlSession::~SqlSession() = default;

template <class Call>
auto SqlSession::guarded(std::chrono::milliseconds limit, Call&& call) {
    if (broken_) throw session_lost("an earlier statement found it broken");
    const SqlDeadlines::Watch watch(deadlines_, state_->connection.sock(), limit);
    const auto reason = [&](std::string otherwise) {
        return watch.has_struck() ? fmt::format("no answer for {} s", limit.count() / 1000)
                                  : otherwise;
    };
    try {
        pqxx::nontransaction statement(state_->connection);
        return call(statement);
    } catch (const pqxx::broken_connection&) {
        broken_ = true;
        throw session_lost(reason("closed by the server or the network"));
    } catch (const pqxx::transaction_rollback&) {
        throw Failure(Kind::unavailable,
                      "concurrent transactions collided and this one was rolled back; try again",
                      "serialization");
    } catch (const pqxx::sql_error& error) {
        const std::string state = session_state(error);
        const bool ended = state.starts_with("57P") || !state_->connection.is_open();
        if (ended || state.size() != 5) {
            broken_ = true;
            throw session_lost(reason(state.size() == 5 ? "SQLSTATE " + state : "no answer"));
        }
        throw session_failure(state, error.what());
    } catch (const pqxx::failure&) {
        broken_ = true;
        throw session_lost(reason("unexpected answer"));
    }
}

void SqlSession::begin(std::chrono::seconds statement_max) {
    const auto limit = std::chrono::milliseconds(statement_max).count();
    const auto idle = limit == 0 ? 0 : std::max<std::int64_t>(2 * limit, 60'000);
    // The time zone and date style are what SqlRow::moment reads. SET takes no snapshot, so work
    // may still choose its isolation level.
    const std::string text = fmt::format(
        "begin; set local statement_timeout = {}; "
        "set local idle_in_transaction_session_timeout = {}; "
        "set local timezone = 'UTC'; set local datestyle = 'ISO'",
        limit, idle);
    answer_max_ = limit == 0 ? std::chrono::milliseconds{0} : statement_max + session_answer_slack;
    guarded(session_begin_max, [&](pqxx::nontransaction& statement) { statement.exec(text); });
}

void SqlSession::commit() {
    try {
        guarded(answer_max_, [](pqxx::nontransaction& statement) { statement.exec("commit"); });
    } catch (const Failure&) {
        if (!broken_) throw;
        throw Failure(Kind::unavailable,
                      "the connection broke during the commit, so its outcome is unknown; look at "
                      "the data before doing it again",
                      "commit_unknown");
    }
}

void SqlSession::rollback() {
    if (broken_) return;
    try {
        guarded(session_begin_max,
                [](pqxx::nontransaction& statement) { statement.exec("rollback"); });
    } catch (const Failure&) {
        // A connection that cannot roll back is thrown away with its transaction.
        broken_ = true;
    }
}

SqlRows SqlSession::run(std::string_view statement, const SqlParams& params) {
    require(params.size() <= 65'535, "a statement has at most 65,535 parameters");
    std::vector<const char*> texts;
    texts.reserve(params.size());
    for (const SqlParam& param : params) {
        const auto& text = param.text();
        if (text && text->find('\0') != std::string::npos) {
            throw Failure(Kind::invalid, "text must not contain the character NUL; remove it",
                          "22021");
        }
        texts.push_back(text ? text->c_str() : nullptr);
    }
    return guarded(answer_max_, [&](pqxx::nontransaction& transaction) {
        return SqlRows(session_table(transaction.exec_params(
            std::string(statement), pqxx::prepare::make_dynamic_params(texts))));
    });
}

void SqlSession::script(std::string_view statements) {
    guarded(answer_max_,
            [&](pqxx::nontransaction& statement) { statement.exec(std::string(statements)); });
}

}  // namespace base
