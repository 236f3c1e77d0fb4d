// Deliberate breaks of a promise, which prove that the referee sees them: a far end, the disk or
// the wire does what it must not, so that an invariant does not hold although the runner is right.
// sabotage_test.cpp says which invariant each one breaks.
#pragma once

#include <cstddef>

#include "base/clock.hpp"
#include "base/http.hpp"

namespace simulation {

enum class Sabotage {
    none,
    // The product …
    runs_calls_twice,    // executes a call twice.
    runs_refused_calls,  // … and says 503.
    hides_a_tool,        // does not list a tool that it has.
    mistakes_tools,      // executes another tool than was called.
    moves_a_tool,        // has a tool in another module than its name says.
    forgets_calls,       // executes calls and knows nothing of it.
    mistakes_visits,     // takes each visit for another.
    swaps_sessions,      // gives one persona's session to another.
    mishears_methods,    // understands another method than was asked for.
    // The auth service …
    forgets_rows,           // confirms action rows that it does not keep.
    forgets_ends,           // confirms a finish and lets the visit run on.
    ends_twice,             // ends a visit, and again when its runner dies.
    two_visits_at_once,     // hands out a persona who is on a visit.
    takes_visits_away,      // ends a visit to hand its persona to somebody else.
    short_leases,           // lets runners die long before their lease is over.
    due_again_at_once,      // makes a persona due at once after a failed or lost visit.
    refuses_for_ever,       // never takes rows of some visits.
    ignores_holds,          // hands out who is paused or in quarantine.
    tries_for_ever,         // counts every attempt as the first.
    forgets_skipped,        // keeps no ledger of slots that were given up.
    gives_up_lived,         // writes lived slots into it as well.
    takes_early,            // hands out personas before their slot.
    mishears_paths,         // understands another call than was made.
    loses_end_texts,        // ends visits and forgets what the end said.
    loses_evidence,         // hears ratings without what they rest on.
    loses_sources,          // hears failures without whose they are.
    blames_another,         // hears that failures are another's.
    invents_sources,        // hears of a failure where there was none.
    hears_other_waits,      // hears that a visit failed while its persona logged in.
    hears_lost_leases,      // hears that it failed with all visits of its process.
    confuses_tokens,        // lets one persona in as another.
    hears_long_rows,        // hears more text in a row than a row may have.
    grants_to_each,         // grants the day's money to each runner anew.
    hears_many_rows,        // hears each row five hundred times more.
    hears_strange_rows,     // hears rows of a visit that is nobody's,
    hears_strange_ratings,  // ratings of one,
    hears_strange_ends,     // and the end of one.
    loses_scores,           // hears ratings without their number.
    mistakes_passwords,     // derives other passwords.
    loses_sessions,         // gives out sessions that it does not know.
    disowns_personas,       // does not know personas whom it handed out.
    leaves_out_slots,       // makes the next slot too late.
    hands_out_nobody,       // has nobody to visit, whoever is due.
    forgets_the_spent,      // says that nobody has spent anything today.
    // The disk …
    loses_outcomes,  // keeps no outcome of a call, whatever it says.
    disk_lies,       // says synced and is not.
    // The model …
    scores_from_nowhere,  // gives other ratings than it is known to have given.
    history_rewritten,    // remembers another reply than it streamed.
    bills_more,           // takes more money than it says.
    forgets_days,         // does not know what it rates.
    // The wire …
    waits_unsaid,          // keeps the model's demand to wait for itself.
    doubles_ratings,       // brings each question for ratings twice.
    tools_in_ratings,      // puts tools into the question for ratings.
    ratings_by_nobody,     // takes the character out of it.
    shortens_digests,      // leaves out there what was done first.
    clock_in_prompt,       // puts the time into the system prompt.
    answers_elsewhere,     // gives answers of tools to calls that were not made.
    renames_tools,         // offers the model a tool by a name that it does not take.
    hides_retries,         // lets every try look like the first.
    tries_too_often,       // tries each request to the model seven times at once.
    never_closes,          // lets no request come to its end.
    loses_service_keys,    // drops the runner's key.
    spreads_service_keys,  // shows the runner's key to the product.
    loses_bearers,         // drops the persona's token.
    loses_logins,          // drops it where she asks for her spaces.
    shows_other_keys,      // shows the model another key.
    marks_too_often,       // marks more for the cache than may be marked.
    changes_the_past,      // changes what was said first.
    begins_in_the_middle,  // lets a day begin with a reply.
    rewrites_inputs,       // writes inputs anew, in other bytes.
    adds_messages,         // has the last word.
    adds_answers,          // answers a call that nobody made.
    falsifies_answers,     // tells of another answer than the product gave.
    days_of_nobody,        // takes the character out of a day.
    rates_in_the_day,      // makes the question for ratings part of a talk.
    asks_for_more,         // asks for the rating of a module that was not used.
    tells_of_failures,     // tells there that what went well failed.
    describes_anew,        // describes a tool in words that nobody knows.
    describes_alike,       // describes two tools in the same words.
    asks_for_strangers,    // asks in the name of a persona who is not on a visit.
    // The process …
    turns_without_end,   // is set to more turns than the world knows of.
    too_many_at_once,    // … to more visits at once.
    outbox_without_end,  // … to no limit of its outbox.
    spends_freely,       // … to no budget.
    // And time itself …
    time_stands,   // … does not pass.
    falls_asleep,  // … has nothing more in store.
};

constexpr std::size_t sabotages = static_cast<std::size_t>(Sabotage::falls_asleep) + 1;

// What the wire does to a request that leaves.
void spoil(Sabotage sabotage, base::HttpRequest& request, const base::Clock& clock);

}  // namespace simulation
