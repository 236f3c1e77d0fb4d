// Catalog → personas through the admin API, and the way back. Nothing is created or deleted twice:
// both can be stopped and run again at any point.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "catalog/catalog.hpp"
#include "runner/config.hpp"

namespace runner {

struct SeedResult {
    int created = 0;
    int updated = 0;            // Something about them differed from the catalog.
    int unchanged = 0;          // Up to date already.
    int passwords_changed = 0;  // Of those updated: their sessions ended.
    std::vector<std::pair<std::string, std::string>> failed;  // Address -> error.
};

struct SeedTarget {
    std::string auth_url;
    base::Secret admin_jwt;
    base::Secret seed_secret;
};

// One line of progress: how far, whom, what happened.
using SeedProgress =
    std::function<void(std::size_t done, std::size_t all, const std::string& line)>;

SeedResult seed_personas(const SeedTarget& target, const std::vector<catalog::Persona>& personas,
                         const SeedProgress& progress);

struct CleanupTarget {
    std::string auth_url;
    std::string workspace_url;  // Its origin; empty: no workspace of ours.
    base::Secret admin_jwt;
    base::Secret service_key;
};

struct CleanupPersona {
    std::string user_id, email;
    bool in_catalog = false;
    std::size_t visits = 0, actions = 0, ratings = 0;
    // Rows of hers in the export, of the auth service and of the workspace; they are deleted only
    // while that is all.
    std::size_t exported = 0;
    std::size_t workspace_exported = 0;
};

// What a cleanup would delete, counted through the admin API.
std::vector<CleanupPersona> plan_cleanup(
    const CleanupTarget& target, const catalog::Catalog& catalog,
    const std::function<void(const base::Json&)>& export_record);
struct CleanupResult {
    int deleted = 0;
    std::size_t workspace_rows = 0;
    std::vector<std::pair<std::string, std::string>> failed;
};
CleanupResult delete_personas(const CleanupTarget& target,
                              const std::vector<CleanupPersona>& personas,
                              const SeedProgress& progress);

// The verbs.
int run_seed(const Config& config, const std::string& auth_url);
int run_cleanup(const Config& config, const std::string& auth_url, const std::string& mcp_url);

}  // namespace runner
