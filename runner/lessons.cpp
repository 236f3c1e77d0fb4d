// What `--help` teaches beside the flags of a verb: how it is meant to be used.
#include "base/failure.hpp"
#include "runner/config.hpp"

namespace runner {

namespace {

constexpr std::string_view lesson_demo =
    "Nothing of it stays, unless you say --keep.\n"
    "Settings of the program count here, too: --seed N another day, the same each "
    "time ·\n--catalog FILE your personas · --mcp URL your tools · --port N the "
    "ops listener.\n"
    "  persona-runner demo --personas 3\n"
    "  persona-runner demo --json --seed 7 | jq .totals";
constexpr std::string_view lesson_seed =
    "Creates or updates by address; running it again changes nothing.\n"
    "Settings of the program that count here: --catalog FILE (default: the shipped "
    "ten) ·\n--auth URL the auth service (default: the daemon's of --state DIR).\n"
    "  (umask 077; persona-runner admin token you@example.com > token)\n"
    "  MANA_ADMIN_JWT_FILE=token persona-runner seed --catalog my-personas.json";
constexpr std::string_view lesson_keys_list =
    "Also as ops.signing_keys: persona-runner psql -c \"select * from ops.signing_keys\"";
constexpr std::string_view lesson_keys_rotate =
    "The new key is published at once and signs after 11 minutes, when every verifier knows\n"
    "it; the old one verifies for two hours more. Running daemons notice by themselves.\n"
    "A key that leaked: --revoke. Within a minute daemons refuse what the old keys signed;\n"
    "users stay logged in and get new tokens.\n"
    "  persona-runner keys rotate --revoke";
constexpr std::string_view lesson_sim =
    "Prints its URL; point ANTHROPIC_BASE_URL (any Anthropic client) at it.\n"
    "  persona-runner sim --listen 3999 --pacing-ms 0\n"
    "  persona-runner sim --fault 'status=529;retry-after=1@0.05' --seed 7";

}  // namespace

std::string_view lesson_of(Verb verb) {
    switch (verb) {
        case Verb::serve:
            return "Without DATABASE_URL a private PostgreSQL runs in the state directory; without "
                   "MANA_AUTH_URL and\nMANA_MCP_URL both services are hosted here. SIGTERM drains, "
                   "a "
                   "second one skips the grace.\n  persona-runner serve --state "
                   "/var/lib/persona-runner --concurrency 4";
        case Verb::demo: return lesson_demo;
        case Verb::tick:
            return "  persona-runner tick              whoever is due\n"
                   "  persona-runner tick --all        everybody, also on a Sunday\n"
                   "Exit 5 when a visit failed, or when the daemon runs none: it says why.";
        case Verb::login:
            return "Shows whether a persona could visit now; never prints a token.\n"
                   "  persona-runner login persona.anna@mana.test";
        case Verb::health:
            return "For scripts and containers: exit 0 well, 5 not well, 3 not reachable.";
        case Verb::status: return "  persona-runner status --json | jq .running";
        case Verb::top:
            return "Ctrl-C ends it. Without a terminal it prints one page and ends.\n"
                   "  persona-runner top --interval 5";
        case Verb::seed: return lesson_seed;
        case Verb::cleanup:
            return "Names the host and the counts, exports, asks, then deletes. Refuses while a "
                   "visit "
                   "runs.\n  MANA_ADMIN_JWT_FILE=token persona-runner cleanup --dry-run";
        case Verb::forecast:
            return "Asks nobody but the database of past visits, when it can be reached.\n"
                   "  persona-runner forecast --catalog my-personas.json --days 7";
        case Verb::migrate:
            return "serve does it itself when it may (private cluster or DATABASE_OWNER_URL).\n"
                   "  DATABASE_OWNER_URL=… DATABASE_URL=… persona-runner migrate";
        case Verb::admin_create:
            return "The password is printed once and stored nowhere else. An administrator who "
                   "exists\n"
                   "already gets a new one, and her sessions end.";
        case Verb::admin_token:
            return "  (umask 077; persona-runner admin token you@example.com --minutes 5 > token)";
        case Verb::keys_list: return lesson_keys_list;
        case Verb::keys_rotate: return lesson_keys_rotate;
        case Verb::pause:
            return "Running visits go on; slots that come meanwhile are given up. Exactly one of "
                   "the three:\n"
                   "  persona-runner pause persona.anna@mana.test\n"
                   "  persona-runner pause --archetype adhd-student\n"
                   "  persona-runner pause --all\n"
                   "It lasts until `resume` with the same words, also over restarts. `status` "
                   "shows "
                   "it.";
        case Verb::resume:
            return "Takes the words that paused; other pauses stay.\n"
                   "  persona-runner resume --all\n"
                   "  persona-runner resume --model    after a spending cap was raised\n"
                   "A persona in quarantine: persona-runner persona resume EMAIL";
        case Verb::persona_resume:
            return "A slot that lost its runner three times puts its persona into quarantine: "
                   "`status` and\nops.holds show it. Find out what killed the runner first.\n"
                   "  persona-runner persona resume persona.anna@mana.test";
        case Verb::psql:
            return "Flags of ours stand before the verb.\n"
                   "  persona-runner psql -c \"select * from ops.health\"\n"
                   "  persona-runner --state DIR psql";
        case Verb::sim: return lesson_sim;
        case Verb::settings: return "The README's table is this output.";
    }
    base::unreachable("verb");
}

}  // namespace runner
