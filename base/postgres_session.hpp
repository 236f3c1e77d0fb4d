// One PostgreSQL connection, for base/postgres*.cpp and the tests' databases: everyone else uses
// the pool. All errors
// leave as Failure; these codes tell the pool what happened:
//   connection_lost   the connection is gone, the transaction with it (never reconnects by itself)
//   serialization     serialization failure or deadlock: the whole transaction may run again
//   commit_unknown    the connection broke while the commit was under way
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/postgres.hpp"
#include "base/postgres_deadlines.hpp"
#include "base/secret.hpp"

namespace base {

// The cells of one answer, row by row.
struct SqlTable {
    std::vector<std::string> columns;
    std::vector<std::optional<std::string>> cells;
    std::size_t rows = 0;
    std::size_t affected = 0;
};

// Resource; one thread at a time.
class SqlSession {
  public:
    // Connects within ten seconds unless the URL says otherwise; Failure::unavailable when it
    // cannot. With `deadlines`, no statement waits much longer for its answer than begin() allows;
    // they outlive the session.
    explicit SqlSession(const Secret& url, SqlDeadlines* deadlines = nullptr);
    SqlSession(const SqlSession&) = delete;
    SqlSession& operator=(const SqlSession&) = delete;
    ~SqlSession();

    // One round trip: BEGIN and the transaction-local settings. Zero means no limit.
    void begin(std::chrono::seconds statement_max);
    void commit();
    void rollback();  // Never throws; a failure leaves the session broken.

    SqlRows run(std::string_view statement, const SqlParams& params = {});
    // Several statements without parameters; outside begin() each commits by itself.
    void script(std::string_view statements);

    // True once an error showed that the connection is gone. A broken session refuses every
    // further statement.
    bool is_broken() const { return broken_; }
    void distrust() { broken_ = true; }  // It is not used again.

  private:
    template <class Call>
    auto guarded(std::chrono::milliseconds limit, Call&& call);

    struct State;
    std::unique_ptr<State> state_;
    SqlDeadlines* deadlines_;
    std::chrono::milliseconds answer_max_{0};  // Of a statement; zero: no limit.
    bool broken_ = false;
};

}  // namespace base
