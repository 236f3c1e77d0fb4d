#include "runner/seed.hpp"

#include <unistd.h>
#include <algorithm>
#include <iostream>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "catalog/password.hpp"
#include "runner/admin_calls.hpp"
#include "runner/cleanup_export.hpp"
#include "runner/servers.hpp"
#include "runner/shared_spaces.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;

constexpr std::chrono::minutes workspace_call_limit{2};
constexpr std::size_t cleanup_export_bytes_max = std::size_t{256} * 1024 * 1024;

void confirm_tty(const std::string& question) {
    if (!isatty(STDIN_FILENO)) {
        throw Failure{Failure::Kind::invalid,
                      "cleanup asks before it deletes; without a terminal say --yes"};
    }
    std::cerr << question << " Type yes to delete: " << std::flush;
    std::string line;
    std::getline(std::cin, line);
    if (line != "yes") throw Failure{Failure::Kind::invalid, "nothing was deleted"};
}

catalog::Catalog catalog_of(const Config& config) {
    return config.catalog_file.empty() ? catalog::shipped_catalog()
                                       : catalog::load_catalog(config.catalog_file);
}

void require_jwt(const Config& config) {
    if (!config.admin_jwt.empty()) return;
    throw Failure{Failure::Kind::unauthenticated,
                  "an admin token is needed: MANA_ADMIN_JWT, MANA_ADMIN_JWT_FILE or --jwt=TOKEN "
                  "(get one with "
                  "`persona-runner admin token EMAIL`)"};
}

SeedProgress progress_lines(bool json) {
    return [json](std::size_t done, std::size_t all, const std::string& line) {
        fmt::print(json ? stderr : stdout, "[{}/{}] {}\n", done, all, line);
        std::fflush(json ? stderr : stdout);
    };
}

Json failed_json(const std::vector<std::pair<std::string, std::string>>& failed) {
    Json list = Json::array();
    for (const auto& [email, error] : failed) list.push_back({{"email", email}, {"error", error}});
    return list;
}

Json failed_spaces(const std::vector<std::pair<std::string, std::string>>& failed) {
    Json list = Json::array();
    for (const auto& [slug, error] : failed) list.push_back({{"slug", slug}, {"error", error}});
    return list;
}

}  // namespace

SeedResult seed_personas(const SeedTarget& target, const std::vector<catalog::Persona>& personas,
                         const SeedProgress& progress) {
    SeedResult result;
    std::size_t done = 0;
    for (const catalog::Persona& persona : personas) {
        Json body{{"email", persona.email},
                  {"name", persona.name},
                  {"password", catalog::password_of(persona.email, target.seed_secret).reveal()},
                  {"archetype", persona.archetype},
                  {"systemPrompt", persona.system_prompt},
                  {"moduleMix", catalog::to_json(persona.module_mix)},
                  {"tickCadence", catalog::word_of(persona.cadence)}};
        const base::HttpResponse answer =
            admin_call("POST", target.auth_url + "/api/v1/admin/personas", target.admin_jwt, &body);
        std::string line;
        if (answer.status == 200) {
            const Json told = admin_failure_body(answer);
            const bool created = told.value("created", false);
            const bool new_password = !created && told.value("passwordChanged", false);
            // A service that does not say has updated her, for all we know.
            const bool changed = new_password || told.value("changed", true);
            if (new_password) ++result.passwords_changed;
            ++(created ? result.created : changed ? result.updated : result.unchanged);
            line = fmt::format("{} {}", persona.email,
                               created        ? "created"
                               : new_password ? "updated, with a new password"
                               : changed      ? "updated"
                                              : "up to date");
        } else {
            result.failed.emplace_back(persona.email, admin_reason(answer));
            line = fmt::format("{} failed: {}", persona.email, result.failed.back().second);
        }
        if (progress) progress(++done, personas.size(), line);
    }
    return result;
}

namespace {

// The call that tells or deletes what a user left in the workspace.
base::HttpRequest workspace_request(const CleanupTarget& target, const std::string& user_id) {
    base::HttpRequest request;
    request.url = fmt::format("{}/internal/users/{}/records", target.workspace_url,
                              base::url_encode(user_id));
    request.deadline = workspace_call_limit;
    request.body_bytes_max = cleanup_export_bytes_max;
    request.headers = {{"X-Service-Key", target.service_key.reveal()}};
    return request;
}

// Hands an answer of lines on, row by row with her address and their kind behind `prefix`; how many
// rows they are.
std::size_t export_rows(const base::HttpResponse& answer, const std::string& email,
                        const std::string& prefix,
                        const std::function<void(const Json&)>& export_record) {
    if (answer.status != 200)
        throw Failure{base::kind_of_status(answer.status), admin_reason(answer)};
    std::size_t rows = 0;
    bool whole = false;
    for (std::size_t at = 0; at < answer.body.size();) {
        const std::size_t end = std::min(answer.body.find('\n', at), answer.body.size());
        Json row = base::parse_json(std::string_view(answer.body).substr(at, end - at), "export");
        const std::string kind = row.value("kind", "");
        whole = kind == "end";
        rows += whole || kind == "persona" ? 0 : 1;
        row["kind"] = prefix + kind;
        row["email"] = email;
        export_record(row);
        at = end + 1;
    }
    if (!whole) {
        throw Failure{Failure::Kind::unavailable,
                      fmt::format("the export of {} was cut; nothing was deleted", email)};
    }
    return rows;
}

}  // namespace

std::vector<CleanupPersona> plan_cleanup(const CleanupTarget& target,
                                         const catalog::Catalog& catalog,
                                         const std::function<void(const Json&)>& export_record) {
    std::set<std::string> known;
    for (const catalog::Persona& persona : catalog.personas) known.insert(persona.email);
    std::vector<CleanupPersona> plan;
    std::string visiting;
    for (const Json& listed : listed_personas(target.auth_url, target.admin_jwt)) {
        const base::Fields fields(listed, "persona");
        CleanupPersona persona{.user_id = fields.text("userId"), .email = fields.text("email")};
        persona.in_catalog = known.contains(persona.email);
        const base::Fields counts(fields.object("counts"), "counts");
        persona.visits = static_cast<std::size_t>(counts.integer("visits", 0, INT64_MAX));
        persona.actions = static_cast<std::size_t>(counts.integer("actions", 0, INT64_MAX));
        persona.ratings = static_cast<std::size_t>(counts.integer("ratings", 0, INT64_MAX));
        if (fields.flag_or_none("visiting").value_or(false))
            visiting += (visiting.empty() ? "" : ", ") + persona.email;
        plan.push_back(std::move(persona));
    }
    if (!visiting.empty()) {
        throw Failure{
            Failure::Kind::conflict,
            fmt::format(
                "visits are running: {}. Set RUNNER_PAUSED=true, wait until they ended, and "
                "clean up again; nothing was deleted",
                visiting)};
    }
    for (CleanupPersona& persona : plan) {
        if (!export_record) break;
        const std::string id = base::url_encode(persona.user_id);
        const base::HttpResponse rows = admin_call(
            "GET", fmt::format("{}/api/v1/admin/personas/{}/export", target.auth_url, id),
            target.admin_jwt);
        persona.exported = export_rows(rows, persona.email, "", export_record);
        if (target.workspace_url.empty()) continue;
        base::HttpRequest request = workspace_request(target, persona.user_id);
        request.method = "GET";
        persona.workspace_exported =
            export_rows(base::fetch(request), persona.email, "workspace_", export_record);
    }
    return plan;
}

// Adds what was deleted to `rows`; answers what went wrong, with the call that repeats it.
std::string delete_workspace_rows(const CleanupTarget& target, const CleanupPersona& persona,
                                  std::size_t& rows) {
    base::HttpRequest request = workspace_request(target, persona.user_id);
    request.method = "DELETE";
    request.url += fmt::format("?rows={}", persona.workspace_exported);
    std::string reason;
    try {
        const base::HttpResponse answer = base::fetch(request);
        if (answer.status == 200) {
            const Json body = admin_failure_body(answer);
            const Json deleted =
                body.is_object() ? body.value("deleted", Json::object()) : Json::object();
            rows += deleted.is_object() ? deleted.value("records", std::size_t{0}) : 0;
            return {};
        }
        reason = admin_reason(answer);
    } catch (const Failure& failure) {
        // The account is gone: the others go on, and this one is told with what is left to do.
        reason = failure.what();
    }
    return fmt::format(
        "account deleted, but its workspace rows remain ({}); repeat DELETE {} with "
        "X-Service-Key",
        reason, request.url);
}

CleanupResult delete_personas(const CleanupTarget& target,
                              const std::vector<CleanupPersona>& personas,
                              const SeedProgress& progress) {
    CleanupResult result;
    std::size_t done = 0;
    for (const CleanupPersona& persona : personas) {
        // The account first: it is refused while she visits, and then her data must stay as well.
        const base::HttpResponse answer =
            admin_call("DELETE",
                       fmt::format("{}/api/v1/admin/personas/{}?rows={}", target.auth_url,
                                   base::url_encode(persona.user_id), persona.exported),
                       target.admin_jwt);
        std::string error;
        if (answer.status != 200 && answer.status != 404) error = admin_reason(answer);
        if (error.empty() && !target.workspace_url.empty()) {
            error = delete_workspace_rows(target, persona, result.workspace_rows);
        }
        if (error.empty()) {
            ++result.deleted;
        } else {
            result.failed.emplace_back(persona.email, error);
        }
        if (progress)
            progress(++done, personas.size(),
                     persona.email + (error.empty() ? " deleted" : " failed: " + error));
    }
    return result;
}

int run_seed(const Config& config, const std::string& auth_url) {
    const catalog::Catalog catalog = catalog_of(config);
    if (config.dry_run && config.json) {
        Json personas = Json::array();
        for (const catalog::Persona& persona : catalog.personas) {
            personas.push_back(catalog::to_json(persona));
        }
        Json spaces = Json::array();
        for (const catalog::SharedSpace& space : catalog.spaces) {
            spaces.push_back(
                {{"slug", space.slug}, {"type", space.type}, {"members", space.members}});
        }
        fmt::print("{}\n", base::to_text(
                               Json{{"dryRun", true}, {"personas", personas}, {"spaces", spaces}}));
        return 0;
    }
    if (config.dry_run) {
        for (const catalog::Persona& persona : catalog.personas) {
            fmt::print("{:<28} {:<18} {:<9} {}\n", persona.email, persona.archetype,
                       catalog::word_of(persona.cadence),
                       base::to_text(catalog::to_json(persona.module_mix)));
        }
        for (const catalog::SharedSpace& space : catalog.spaces) {
            fmt::print("{:<28} {:<18} {}\n", space.slug, space.type,
                       fmt::join(space.members, ", "));
        }
        fmt::print("{} personas and {} shared spaces would be created or updated at {}\n",
                   catalog.personas.size(), catalog.spaces.size(), auth_url);
        return 0;
    }
    require_jwt(config);
    const SeedTarget target{auth_url, config.admin_jwt, config.seed_secret};
    const SeedResult result = seed_personas(target, catalog.personas, progress_lines(config.json));
    const SharedSpacesResult shared =
        seed_spaces(target, config.service_key, catalog.spaces, progress_lines(config.json));
    if (config.json) {
        fmt::print("{}\n", base::to_text(Json{{"created", result.created},
                                              {"updated", result.updated},
                                              {"unchanged", result.unchanged},
                                              {"passwordsChanged", result.passwords_changed},
                                              {"failed", failed_json(result.failed)},
                                              {"spaces",
                                               {{"created", shared.created},
                                                {"updated", shared.updated},
                                                {"unchanged", shared.unchanged},
                                                {"joined", shared.joined},
                                                {"failed", failed_spaces(shared.failed)}}}}));
    } else {
        fmt::print("{} created, {} updated ({} with a new password), {} up to date, {} failed\n",
                   result.created, result.updated, result.passwords_changed, result.unchanged,
                   result.failed.size());
        fmt::print("shared spaces: {} created, {} updated, {} up to date, {} failed\n",
                   shared.created, shared.updated, shared.unchanged, shared.failed.size());
    }
    return result.failed.empty() && shared.failed.empty() ? 0 : exit_failed;
}

int run_cleanup(const Config& config, const std::string& auth_url, const std::string& mcp_url) {
    require_jwt(config);
    const CleanupTarget target{auth_url, mcp_url.empty() ? std::string() : base::origin_of(mcp_url),
                               config.admin_jwt, config.service_key};
    // Our service key is for our own services; a foreign product's rows are its owner's business.
    if (mcp_url.empty()) {
        fmt::print(stderr,
                   "warning: rows that the personas left at {} stay; where that is a workspace of "
                   "ours, clean up there (without MANA_MCP_URL, with MANA_MCP_PORT)\n",
                   fmt::join(login_urls(config.servers), ", "));
    }
    const catalog::Catalog catalog = catalog_of(config);
    std::unique_ptr<CleanupExport> out;
    std::function<void(const Json&)> write_row;
    if (!config.dry_run) {
        out = std::make_unique<CleanupExport>(config.export_file);
        write_row = [&out](const Json& row) { out->write(base::to_text(row)); };
    }
    const std::vector<CleanupPersona> plan = plan_cleanup(target, catalog, write_row);
    if (out) out->finish();
    std::size_t visits = 0, actions = 0, ratings = 0;
    for (const CleanupPersona& persona : plan) {
        visits += persona.visits;
        actions += persona.actions;
        ratings += persona.ratings;
        if (!persona.in_catalog)
            fmt::print(stderr, "warning: {} is not in the catalog and would be deleted too\n",
                       persona.email);
    }
    const std::string what =
        fmt::format("{}: {} personas, {} visits, {} actions, {} ratings", base::origin_of(auth_url),
                    plan.size(), visits, actions, ratings);
    if ((config.dry_run || plan.empty()) && config.json) {
        fmt::print("{}\n", base::to_text(Json{{"host", base::origin_of(auth_url)},
                                              {"dryRun", config.dry_run},
                                              {"deleted", 0},
                                              {"personas", plan.size()},
                                              {"visits", visits},
                                              {"actions", actions},
                                              {"ratings", ratings}}));
        return 0;
    }
    if (config.dry_run || plan.empty()) {
        fmt::print("{}; {}\n", what,
                   plan.empty() ? "nothing to delete" : "nothing was deleted (--dry-run)");
        return 0;
    }
    if (!config.yes) confirm_tty(what + fmt::format(". Exported to {}.", out->file().string()));
    out->keep();
    const CleanupResult result = delete_personas(target, plan, progress_lines(config.json));
    if (config.json) {
        fmt::print("{}\n", base::to_text(Json{{"host", base::origin_of(auth_url)},
                                              {"deleted", result.deleted},
                                              {"visits", visits},
                                              {"actions", actions},
                                              {"ratings", ratings},
                                              {"workspaceRecords", result.workspace_rows},
                                              {"export", out->file().string()},
                                              {"failed", failed_json(result.failed)}}));
    } else {
        fmt::print("{} deleted ({} workspace records), {} failed; export in {}\n", result.deleted,
                   result.workspace_rows, result.failed.size(), out->file().string());
    }
    return result.failed.empty() ? 0 : exit_failed;
}

}  // namespace runner
