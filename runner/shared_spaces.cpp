#include "runner/shared_spaces.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/text.hpp"
#include "catalog/password.hpp"
#include "runner/admin_calls.hpp"

namespace runner {

namespace {

using base::Failure;
using base::Json;
using catalog::SharedSpace;

// Whoever is needed logs in once.
class SpaceMembers {
  public:
    SpaceMembers(const SeedTarget& target, const base::Secret& service_key)
        : target_(target), service_key_(service_key) {}

    Json get(const std::string& email, const std::string& path) {
        return call(email, "GET", path, nullptr);
    }
    Json post(const std::string& email, const std::string& path, const Json& body) {
        return call(email, "POST", path, &body);
    }

  private:
    Json call(const std::string& email, const std::string& method, const std::string& path,
              const Json* body) {
        base::HttpRequest request;
        request.method = method;
        request.url = target_.auth_url + path;
        request.headers = {{"Authorization", "Bearer " + token(email).reveal()}};
        // Many are seeded from one address.
        if (!service_key_.empty()) {
            request.headers.emplace_back("X-Service-Key", service_key_.reveal());
        }
        if (body) {
            request.headers.emplace_back("Content-Type", "application/json");
            request.body = base::to_text(*body);
        }
        return answer_of(base::fetch(request), fmt::format("{} {}", method, path));
    }

    base::Secret token(const std::string& email) {
        const auto known = tokens_.find(email);
        if (known != tokens_.end()) return known->second;
        base::HttpRequest request;
        request.method = "POST";
        request.url = target_.auth_url + "/api/v1/auth/login";
        request.headers = {{"Content-Type", "application/json"}};
        if (!service_key_.empty()) {
            request.headers.emplace_back("X-Service-Key", service_key_.reveal());
        }
        request.body = base::to_text(
            Json{{"email", email},
                 {"password", catalog::password_of(email, target_.seed_secret).reveal()}});
        const Json answer = answer_of(base::fetch(request), "the login of " + email);
        base::Secret token{base::Fields{answer, "login"}.text("accessToken")};
        tokens_.emplace(email, token);
        return token;
    }

    static Json answer_of(const base::HttpResponse& response, const std::string& what) {
        if (response.status < 200 || response.status > 299) {
            throw Failure{base::kind_of_status(response.status),
                          fmt::format("{}: {}", what, admin_reason(response))};
        }
        return base::parse_json(response.body, what);
    }

    const SeedTarget& target_;
    const base::Secret& service_key_;
    std::map<std::string, base::Secret> tokens_;
};

// Metadata comes as an object, or as a text that holds one.
Json spaces_metadata(const Json& space) {
    Json metadata = space.value("metadata", Json());
    if (metadata.is_string()) {
        metadata = base::try_parse_json(metadata.get<std::string>()).value_or(Json());
    }
    return metadata.is_object() ? metadata : Json::object();
}

std::string spaces_text(const Json& object, const char* name) {
    const auto value = object.find(name);
    return value != object.end() && value->is_string() ? value->get<std::string>() : std::string();
}

enum class SpaceState { created, updated, unchanged };

// Answers the space's id.
std::string spaces_ensure(SpaceMembers& members, const SharedSpace& space, SpaceState& state) {
    const std::string& owner = space.members.front();
    Json metadata{{"type", space.type}, {"visitWeight", space.weight}};
    const Json listed = members.get(owner, "/api/auth/organization/list");
    for (const Json& found : listed) {
        if (spaces_text(found, "slug") != space.slug) continue;
        const std::string id = spaces_text(found, "id");
        const Json stored = spaces_metadata(found);
        if (spaces_text(stored, "type") != space.type) {
            throw Failure{Failure::Kind::conflict,
                          fmt::format("the space exists with type {}, which cannot change; give it "
                                      "another slug",
                                      spaces_text(stored, "type"))};
        }
        if (spaces_text(found, "name") == space.name && stored.contains("visitWeight") &&
            stored["visitWeight"] == space.weight) {
            return id;
        }
        Json changed = stored;
        changed.update(metadata);
        members.post(
            owner, "/api/auth/organization/update",
            {{"organizationId", id}, {"data", {{"name", space.name}, {"metadata", changed}}}});
        state = SpaceState::updated;
        return id;
    }
    const Json made = members.post(owner, "/api/auth/organization/create",
                                   {{"name", space.name},
                                    {"slug", space.slug},
                                    {"metadata", metadata},
                                    {"keepCurrentActiveOrganization", true}});
    state = SpaceState::created;
    return base::Fields{made, "space"}.text("id");
}

std::set<std::string> spaces_members(SpaceMembers& members, const std::string& owner,
                                     const std::string& id) {
    const Json answer = members.get(owner, "/api/auth/organization/list-members?organizationId=" +
                                               base::url_encode(id) + "&limit=100");
    std::set<std::string> emails;
    for (const Json& member : base::Fields{answer, "members"}.array("members", 100)) {
        const Json user = member.value("user", Json::object());
        if (user.is_object()) emails.insert(base::lower_ascii(spaces_text(user, "email")));
    }
    return emails;
}

// Invites her, or sends again what waits for her, and accepts for her.
void spaces_join(SpaceMembers& members, const std::string& owner, const std::string& id,
                 const std::string& email) {
    const Json invitation = members.post(
        owner, "/api/auth/organization/invite-member",
        {{"email", email}, {"role", "member"}, {"organizationId", id}, {"resend", true}});
    members.post(email, "/api/auth/organization/accept-invitation",
                 {{"invitationId", base::Fields{invitation, "invitation"}.text("id")}});
}

}  // namespace

SharedSpacesResult seed_spaces(const SeedTarget& target, const base::Secret& service_key,
                               const std::vector<SharedSpace>& spaces,
                               const SeedProgress& progress) {
    SharedSpacesResult result;
    SpaceMembers members(target, service_key);
    std::size_t done = 0;
    for (const SharedSpace& space : spaces) {
        std::string line = space.slug;
        try {
            SpaceState state = SpaceState::unchanged;
            const std::string& owner = space.members.front();
            const std::string id = spaces_ensure(members, space, state);
            const std::set<std::string> inside = spaces_members(members, owner, id);
            for (const std::string& email : space.members) {
                if (inside.contains(email)) continue;
                spaces_join(members, owner, id, email);
                ++result.joined;
                if (state == SpaceState::unchanged) state = SpaceState::updated;
            }
            ++(state == SpaceState::created   ? result.created
               : state == SpaceState::updated ? result.updated
                                              : result.unchanged);
            line += state == SpaceState::created   ? " created"
                    : state == SpaceState::updated ? " updated"
                                                   : " up to date";
        } catch (const Failure& failure) {
            // The other spaces go on; this one is told with its reason.
            result.failed.emplace_back(space.slug, failure.what());
            line += std::string(" failed: ") + failure.what();
        }
        if (progress) progress(++done, spaces.size(), line);
    }
    return result;
}

std::vector<SharedSpace> spaces_of(const std::vector<SharedSpace>& spaces,
                                   const std::vector<catalog::Persona>& personas) {
    std::vector<SharedSpace> complete;
    for (const SharedSpace& space : spaces) {
        const bool whole = std::ranges::all_of(space.members, [&](const std::string& email) {
            return std::ranges::any_of(
                personas, [&](const catalog::Persona& one) { return one.email == email; });
        });
        if (whole) complete.push_back(space);
    }
    return complete;
}

}  // namespace runner
