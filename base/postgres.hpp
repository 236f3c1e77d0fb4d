// PostgreSQL: libpqxx's only door. A pool and transactions over it; parameters and
// transaction-local settings only, so a transaction-mode pooler works. Inbound threads only: every
// call blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/embedded_text.hpp"
#include "base/json.hpp"
#include "base/metrics.hpp"
#include "base/secret.hpp"

namespace base {

// One statement parameter, sent in text form; the statement casts ($1::timestamptz) where needed.
class SqlParam {
  public:
    SqlParam(std::nullopt_t) {}
    SqlParam(std::string text) : text_(std::move(text)) {}
    SqlParam(std::string_view text) : text_(std::string(text)) {}
    SqlParam(const char* text) : text_(std::string(text)) {}
    SqlParam(bool flag) : text_(flag ? "t" : "f") {}
    SqlParam(int number) : text_(std::to_string(number)) {}
    SqlParam(std::int64_t number) : text_(std::to_string(number)) {}
    SqlParam(std::uint64_t number) : text_(std::to_string(number)) {}
    SqlParam(double number);
    SqlParam(Moment moment);
    SqlParam(const Json& json);  // Its compact text.
    template <class T>
    SqlParam(const std::optional<T>& value) {
        if (value) text_ = SqlParam(*value).text_;
    }

    const std::optional<std::string>& text() const { return text_; }

    // A PostgreSQL array literal, e.g. for `= any($1::text[])` and unnest.
    static SqlParam array(const std::vector<std::string>& items);
    static SqlParam array(const std::vector<std::optional<std::string>>& items);

  private:
    std::optional<std::string> text_;
};

using SqlParams = std::vector<SqlParam>;

// For an answer that no statement of ours can have: Failure::unavailable, code "strange_answer".
// What a server says over a damaged wire is no bug of this process; a transaction that meets it
// drops its connection.
[[noreturn]] void strange_answer(const std::string& what);

// A row by column name. Null read with a plain accessor, a column that is not there, a value of
// another type: strange_answer.
class SqlRow {
  public:
    std::string text(std::string_view column) const;
    std::int64_t integer(std::string_view column) const;
    double number(std::string_view column) const;
    bool flag(std::string_view column) const;
    Moment moment(std::string_view column) const;
    Json json(std::string_view column) const;
    bool is_null(std::string_view column) const;
    std::optional<std::string> text_or_none(std::string_view column) const;
    std::optional<std::int64_t> integer_or_none(std::string_view column) const;
    std::optional<double> number_or_none(std::string_view column) const;
    std::optional<Moment> moment_or_none(std::string_view column) const;

  private:
    friend class SqlRows;
    SqlRow(std::shared_ptr<const struct SqlTable> table, std::size_t index);
    const std::optional<std::string>& cell(std::string_view column) const;
    std::shared_ptr<const struct SqlTable> table_;
    std::size_t index_ = 0;
};

// The answer of one statement; a value, independent of its connection.
class SqlRows {
  public:
    explicit SqlRows(std::shared_ptr<const struct SqlTable> table);
    std::size_t size() const;
    bool empty() const { return size() == 0; }
    SqlRow operator[](std::size_t index) const;
    std::optional<SqlRow> first() const;  // Nothing when empty.
    std::size_t affected() const;         // Rows that insert/update/delete touched.
    std::vector<std::string> columns() const;

    class Iterator {
      public:
        Iterator(const SqlRows& rows, std::size_t index) : rows_(&rows), index_(index) {}
        SqlRow operator*() const { return (*rows_)[index_]; }
        Iterator& operator++() {
            ++index_;
            return *this;
        }
        bool operator!=(const Iterator& other) const { return index_ != other.index_; }

      private:
        const SqlRows* rows_;
        std::size_t index_;
    };
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, size()}; }

  private:
    std::shared_ptr<const struct SqlTable> table_;
};

// Handed to the function that transact() runs; lives no longer than it.
class Transaction {
  public:
    virtual ~Transaction() = default;
    virtual SqlRows run(std::string_view statement, const SqlParams& params = {}) = 0;
    void set_local(std::string_view name, std::string_view value);  // set_config(…, true).
};

struct PostgresOptions {
    Secret url;                         // postgresql://… or key=value connection string.
    int connections_max = 16;           // Opened as needed; a caller past it waits.
    std::chrono::seconds wait_max{10};  // For a free connection; then Failure::unavailable.
    // statement_timeout, set per transaction. A server that says nothing at all is given up 3 s
    // later (5 s after BEGIN).
    std::chrono::seconds statement_max{30};
    Metrics* metrics = nullptr;  // Where waits for a connection are counted.
};

// Resource; any inbound thread. Failures: `unavailable` when the server cannot be reached, the pool
// is exhausted, a statement timed out or a commit's outcome is unknown; `conflict` (code =
// constraint) for unique violations; `invalid` (code = constraint or SQLSTATE) for other refused
// data; `forbidden` for a missing right or a row hidden by policy. No text holds a parameter.
class Postgres {
  public:
    explicit Postgres(PostgresOptions options);
    Postgres(const Postgres&) = delete;
    Postgres& operator=(const Postgres&) = delete;
    ~Postgres();

    // Begins, runs `work`, commits, answers its result. A failure that leaves `work` rolls back.
    // A serialization failure, a deadlock, or a connection found broken at its first statement runs
    // the whole of `work` again (3 attempts), so `work` must have no effect outside the
    // transaction.
    template <class Work>
    auto transact(Work&& work) -> std::invoke_result_t<Work&, Transaction&> {
        using Result = std::invoke_result_t<Work&, Transaction&>;
        if constexpr (std::is_void_v<Result>) {
            perform([&](Transaction& transaction) { work(transaction); });
        } else {
            std::optional<Result> result;
            perform([&](Transaction& transaction) { result.emplace(work(transaction)); });
            return std::move(*result);
        }
    }

    bool is_reachable();  // One cheap round trip; never throws.

    // Throws Failure::forbidden naming the role when it is a superuser or bypasses row security.
    void refuse_privileged_role();

    struct Use {
        int open = 0, busy = 0, waiting = 0;
    };
    Use use() const;

  private:
    void perform(const std::function<void(Transaction&)>& work);

    struct State;
    std::unique_ptr<State> state_;
};

// Applies what is missing of `set` (e.g. "auth"), each file in one transaction, in order, under an
// advisory lock, as the owner role, and answers the names; 000_… first or never. Recorded in
// public.schema_migrations; a changed, left-out or unknown file is Failure::conflict naming it.
std::vector<std::string> migrate(const Secret& owner_url, std::string_view set,
                                 EmbeddedTexts migrations);
// Names that migrate() would apply.
std::vector<std::string> pending_migrations(Postgres& database, std::string_view set,
                                            EmbeddedTexts migrations);

// Creates or repairs the roles mana_owner, mana_app, mana_ops (attributes of design: the app and
// ops roles are neither superuser nor BYPASSRLS), as a superuser. For embedded clusters.
struct DatabaseRoles {
    Secret owner_password, app_password, ops_password;
};
void ensure_roles(const Secret& superuser_url, const DatabaseRoles& roles);
// The database, owned by mana_owner, open to mana_app and mana_ops only; a new one is a copy of
// `from` (which nobody may be connected to), when given.
void ensure_database(const Secret& superuser_url, std::string_view name,
                     std::string_view from = {});
// The connection as libpq's environment variables (PGHOST, PGPASSWORD, …), for psql: nothing
// secret in an argument list. Throws Failure::invalid for a string that libpq cannot read.
using PsqlEnvironment = std::vector<std::pair<std::string, std::string>>;
PsqlEnvironment psql_environment(const Secret& url);

}  // namespace base
