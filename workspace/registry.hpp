// Every tool of every module in one table: its name, texts, schemas, hints and the function that
// does it. Listing, checking of arguments and calling all read this table.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "workspace/changes.hpp"
#include "workspace/schema.hpp"

namespace workspace {

// What a tool does to the workspace; its published hints follow from it.
enum class Effect {
    reads,       // Nothing changes.
    adds,        // Something new each time.
    marks,       // Sets a state that can be set back; twice is like once.
    overwrites,  // Replaces what was there.
    removes,     // Takes something away.
};

// What a tool asks outside of the database, before its transaction begins.
class Outside {
  public:
    virtual ~Outside() = default;
    // The caller's spaces, each with her role: [{"id", "name", "slug", "metadata", "role"?}].
    virtual base::Json spaces() = 0;
    // The members of the space of the call, at most 100, as the auth service lists them.
    virtual base::Json members() = 0;
    // The configured news feeds and their entries (see Feeds::all).
    virtual base::Json news() = 0;
    // For tools that take long: how far it is, told to a caller who asked for it, and whether the
    // caller still wants the answer.
    virtual void progress(double /*done*/, double /*total*/, std::string_view /*message*/) {}
    virtual bool cancelled() const { return false; }
};

// One call of a tool, inside its transaction.
class Call {
  public:
    struct Place {
        std::string user_id;
        std::string space_id;
        std::string zone;         // PostgreSQL time zone in which days are counted.
        std::string today, time;  // Local "YYYY-MM-DD" and "HH:MM".
        base::Moment now;
    };

    Call(const base::Json& args, const base::Json& outside, Records& records, Place place);
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    const base::Json& args;     // Checked against the input schema, defaults filled in.
    const base::Json& outside;  // What the tool's `ask` brought.
    Records& records;
    const Place place;

    std::string now_text() const;
    std::string text(std::string_view name) const;  // An argument that is a string.
    bool given(std::string_view name) const;        // Present and not null.
    // The arguments of those names that were given, null included.
    base::Json chosen(std::initializer_list<std::string_view> names) const;

    // What lists have in common, as far as the tool has these arguments: `query` and `limit`;
    // `includeArchived` and `favoritesOnly` as fields that records must have; `from` and `to`, both
    // included, as a range of days.
    RecordFilter asked() const;
    base::Json asked_flags() const;
    RecordFilter::Range asked_days(std::string field) const;

    // The tool does not do it: the reason tells the model what to do instead. Nothing may have been
    // written before. Answers null, for `return call.refuse(…)`.
    base::Json refuse(std::string reason);
    base::Json refuse_missing(std::string_view noun, std::string_view lister);
    const std::optional<std::string>& refusal() const { return refusal_; }

    // How a tool's answer and refusal call its record, and which tool lists such records.
    struct Naming {
        std::string_view member, noun, lister;
    };
    // Changes the record of the argument `id` and answers it as {member: record}; refuses when
    // there is none.
    base::Json change(const Table& table, const base::Json& fields, const Naming& naming);

  private:
    std::optional<std::string> refusal_;
};

struct Tool {
    std::string name;  // "<module>.<verb>"
    std::string title;
    std::string description;
    Schema input, output;
    Effect effect = Effect::reads;
    bool slow = false;  // Its `ask` may take seconds; only for tools that read.
    base::Json (*run)(Call& call) = nullptr;
    base::Json (*ask)(Outside& outside) = nullptr;
    bool open_world = false;  // What it answers comes from strangers.

    std::string module() const { return name.substr(0, name.find('.')); }
};

// Filled once, then read by every thread. A name registered twice, a tool without texts or with an
// unknown schema keyword is a bug.
class Registry {
  public:
    Registry() = default;
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    void add(Tool tool);

    const Tool* find(std::string_view name) const;
    // Whether consent may be given by this word: a tool that removes, "module.*" or "*".
    bool may_be_allowed(std::string_view word) const;
    const std::vector<Tool>& tools() const { return tools_; }  // In the order of addition.
    base::Json listing() const;                                // The array of tools/list.

  private:
    std::vector<Tool> tools_;
    std::map<std::string, std::size_t, std::less<>> places_;
};

// The reason for a model: which tool did not run, why, and what to do.
std::string refusal_of_arguments(const Tool& tool, const std::vector<std::string>& faults);

}  // namespace workspace
