// Store: the change log and the records that result from it. Every change of a record is one row of
// the log, written in the transaction that changes the record. Fields merge by the last writer:
// each field keeps the time of its last change, and an older change never wins over a newer one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace workspace {

// One kind of record. `fields` is the order in which a record is printed; others stay inside.
struct Table {
    std::string_view app, name;
    std::span<const std::string_view> fields;
    bool numbered = false;       // Keeps an order: field "order", never the same twice in a space.
    std::string_view once = {};  // A field whose value exists once per space; empty: none.
    // Schema of a printed record. Devices push what they like: what does not fit it (see fit() in
    // schema.hpp) is seen by no tool. Null: the tool looks at each value itself.
    const base::Json& (*form)() = nullptr;
};

// On whose behalf a transaction works. The membership in the space has been verified.
struct Scope {
    std::string user_id;
    std::string space_id;
    std::optional<std::string> visit_id;  // The runner's mark of the call, both or none.
    std::optional<std::int64_t> visit_seq;
};

// Which records a list shows. Text values compare as texts: dates and moments have one form.
struct RecordFilter {
    struct Range {
        std::string field;
        std::optional<std::string> from, before;  // from <= value < before
    };
    Range range, second_range;
    base::Json without;  // An object that no record's fields contain; null: none is left out.
    // Words that a record has, each as it is, as a form of it or as the beginning of one, in the
    // fields that the schema lists as searched; empty: every record.
    std::string text;
    std::string order, second_order;  // Fields; then by creation.
    bool ascending = false;
    int limit = 50;
};

// Applies `changed` to `data`, field by field, where `at` is not older than the field's time, and
// answers the fields that were applied. Times are in the wire's form.
base::Json merge_fields(base::Json& data, base::Json& times, const base::Json& changed,
                        const std::string& at);

// Names the caller and the one space for the rest of the transaction: row-level security shows and
// accepts nothing else. Answers the local "YYYY-MM-DD HH:MM" of `now` in `zone`, a day that exists.
std::string enter(base::Transaction& transaction, const Scope& scope, base::Moment now,
                  std::string_view zone);

// The records of one space as one caller sees them, inside one transaction. A record is printed as
// {"id", its fields, "createdAt", "updatedAt"}. Deleted records are never seen, nor are those whose
// values have not the form that their table wants.
class Records {
  public:
    Records(base::Transaction& transaction, const Scope& scope, base::Moment now);
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;

    std::optional<base::Json> find(const Table& table, std::string_view id);
    // The same, and nobody else changes the record until the commit: for a change that depends on
    // what the record is.
    std::optional<base::Json> hold(const Table& table, std::string_view id);
    // Newest first unless told otherwise; `equal` is an object that each record's fields contain
    // (a false one may be absent). Stops at half a megabyte and then says so in was_cut().
    base::Json list(const Table& table, const base::Json& equal, const RecordFilter& filter);

    // How many records there are for each pair of values of two text fields, where the second is
    // not below `from`.
    using Tally = std::map<std::string, std::map<std::string, int>>;
    Tally tally(const Table& table, std::string_view field, std::string_view second,
                const std::string& from);

    // The place that insert() will give to the next record of a numbered table. Until the commit
    // nobody else can take it, so what is derived from it has no gap.
    std::int64_t next_place(const Table& table);

    // The record that has this value in the table's `once` field. Until the commit nobody else can
    // take the value: ask before insert() or update() that sets it.
    std::optional<std::string> holder(const Table& table, const std::string& value);

    base::Json insert(const Table& table, base::Json fields);
    // Nothing when there is no such record in this space.
    std::optional<base::Json> update(const Table& table, std::string_view id,
                                     const base::Json& fields);
    bool remove(const Table& table, std::string_view id);

    int written() const { return written_; }  // Changes so far.
    bool was_cut() const { return was_cut_; }
    int left_out() const { return left_out_; }  // Of lists: records without their table's form.
    base::Transaction& transaction() { return transaction_; }

  private:
    void write(const Table& table, std::string_view id, std::string_view op,
               const struct RecordChange& change);
    std::optional<base::SqlRow> lock(const Table& table, std::string_view id);

    base::Transaction& transaction_;
    const Scope& scope_;
    const base::Moment now_;
    int written_ = 0;
    bool was_cut_ = false;
    int left_out_ = 0;
};

}  // namespace workspace
