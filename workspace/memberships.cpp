#include "workspace/memberships.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/log.hpp"

namespace workspace {

namespace {

using base::Failure;
using base::Json;

constexpr std::size_t memberships_per_user_max = 10'000;

Json memberships_read(const base::HttpRequest& request, std::string_view what) {
    const base::HttpResponse response = base::fetch(request);
    if (response.status != 200) {
        throw Failure(Failure::Kind::unavailable,
                      fmt::format("the auth service answered {} when asked for {}; check that it "
                                  "runs and that MANA_SERVICE_KEY is the same on both sides",
                                  response.status, what))
            .status(response.status);
    }
    auto value = base::try_parse_json(response.body);
    if (!value) {
        throw Failure(Failure::Kind::unavailable,
                      fmt::format("the auth service's answer about {} is not JSON", what));
    }
    return std::move(*value);
}

}  // namespace

bool may_write(std::string_view role) {
    return role != "viewer" && role != "reader" && role != "guest";
}

Memberships::Memberships(MembershipOptions options, base::Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

std::optional<Memberships::Entry> Memberships::known(const std::string& user_id) {
    const std::lock_guard lock(mutex_);
    const auto entry = entries_.find(user_id);
    if (entry == entries_.end()) return std::nullopt;
    return entry->second;
}

std::optional<std::string> Memberships::role(const std::string& user_id,
                                             const std::string& space_id, Use use) {
    std::optional<Entry> entry = known(user_id);
    const auto age = [&] { return clock_.steady() - entry->fetched_at; };
    const auto trusted = use == Use::reading ? options_.read_age_max : options_.write_age_max;
    // An answer without the space may be older than her joining it, so it is trusted only briefly.
    const bool good = entry && age() < trusted &&
                      (entry->roles.contains(space_id) || age() < options_.absence_age_max);
    if (!good) {
        try {
            entry = fetch(user_id);
        } catch (const Failure& failure) {
            // Reading goes on with what was known, for a while; everything else has no answer.
            if (use == Use::writing || !entry || age() > options_.stale_age_max) throw;
            base::log_warning("memberships stale", {{"kind", base::name_of(failure.kind())},
                                                    {"reason", failure.what()}});
        }
    }
    const auto role = entry->roles.find(space_id);
    if (role == entry->roles.end()) return std::nullopt;
    return role->second;
}

Memberships::Roles Memberships::roles(const std::string& user_id, bool& whole) {
    whole = true;
    std::optional<Entry> entry = known(user_id);
    if (entry && clock_.steady() - entry->fetched_at <= options_.read_age_max) return entry->roles;
    try {
        return fetch(user_id).roles;
    } catch (const Failure& failure) {
        // As in role(): reading goes on for a while.
        const bool usable = entry && clock_.steady() - entry->fetched_at <= options_.stale_age_max;
        if (!usable) throw;
        base::log_warning("memberships stale",
                          {{"kind", base::name_of(failure.kind())}, {"reason", failure.what()}});
        whole = false;
        return entry->roles;
    }
}

Memberships::Entry Memberships::fetch(const std::string& user_id) {
    base::HttpRequest request;
    request.url = fmt::format("{}/api/v1/internal/users/{}/memberships", options_.auth_url,
                              base::url_encode(user_id));
    request.headers = {{"X-Service-Key", options_.service_key.reveal()}};
    request.connect_limit = options_.fetch_limit;
    request.deadline = options_.fetch_limit;
    const base::Steady asked_at = clock_.steady();
    const Json answer = memberships_read(request, "memberships");
    Entry entry{.roles = {}, .fetched_at = asked_at};
    const base::Fields fields(answer, "memberships answer");
    for (const Json& membership : fields.array("memberships", memberships_per_user_max)) {
        const base::Fields one(membership, "membership");
        entry.roles[one.text("organizationId")] = one.text("role");
    }
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= options_.users_max && !entries_.contains(user_id)) {
        std::erase_if(entries_, [&](const auto& old) {
            return asked_at - old.second.fetched_at > options_.read_age_max;
        });
        if (entries_.size() >= options_.users_max) entries_.erase(entries_.begin());
    }
    entries_[user_id] = entry;
    return entry;
}

Json Memberships::spaces(const std::string& user_id, const base::Secret& token) {
    base::HttpRequest request;
    request.url = options_.auth_url + "/api/auth/organization/list";
    // The token says who asks; the key, that many ask from this one address.
    request.headers = {{"Authorization", "Bearer " + token.reveal()},
                       {"X-Service-Key", options_.service_key.reveal()}};
    request.connect_limit = options_.fetch_limit;
    request.deadline = options_.fetch_limit;
    const Json answer = memberships_read(request, "the user's spaces");
    if (!answer.is_array()) {
        throw Failure(Failure::Kind::unavailable, "the auth service's list of spaces is no array");
    }
    const std::optional<Entry> entry = known(user_id);
    Json spaces = Json::array();
    for (const Json& found : answer) {
        if (!found.is_object() || !found.contains("id") || !found["id"].is_string()) continue;
        Json space = found;
        if (entry) {
            const auto role = entry->roles.find(found["id"].get<std::string>());
            if (role != entry->roles.end()) space["role"] = role->second;
        }
        spaces.push_back(std::move(space));
    }
    return spaces;
}

Json Memberships::members(const std::string& space_id, const base::Secret& token) const {
    base::HttpRequest request;
    request.url = fmt::format("{}/api/auth/organization/list-members?organizationId={}&limit=100",
                              options_.auth_url, base::url_encode(space_id));
    request.headers = {{"Authorization", "Bearer " + token.reveal()},
                       {"X-Service-Key", options_.service_key.reveal()}};
    request.connect_limit = options_.fetch_limit;
    request.deadline = options_.fetch_limit;
    Json answer = memberships_read(request, "the space's members");
    if (!answer.is_object() || !answer.contains("members") || !answer["members"].is_array()) {
        throw Failure(Failure::Kind::unavailable, "the auth service's list of members is no array");
    }
    return std::move(answer["members"]);
}

void Memberships::forget(const std::string& user_id) {
    const std::lock_guard lock(mutex_);
    entries_.erase(user_id);
}

void Memberships::forget_space(const std::string& space_id) {
    const std::lock_guard lock(mutex_);
    std::erase_if(entries_,
                  [&](const auto& entry) { return entry.second.roles.contains(space_id); });
}

}  // namespace workspace
