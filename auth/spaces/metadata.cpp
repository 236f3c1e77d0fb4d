#include "auth/spaces/metadata.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/json_limits.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

constexpr auto metadata_tiers =
    std::to_array<std::string_view>({"guest", "public", "beta", "alpha", "founder"});
constexpr auto metadata_types =
    std::to_array<std::string_view>({"brand", "club", "family", "team", "practice"});
constexpr std::size_t metadata_text_bytes_max = 8 * 1024;

[[noreturn]] void metadata_refuse(const std::string& reason) {
    throw base::Failure(base::Failure::Kind::invalid, reason, "SPACE_METADATA_INVALID");
}

std::string metadata_word(const base::Json& metadata, const char* name) {
    const auto found = metadata.find(name);
    if (found == metadata.end() || found->is_null()) return "";
    if (!found->is_string()) metadata_refuse(fmt::format("metadata.{} must be text", name));
    return found->get<std::string>();
}

void metadata_check_shape(const base::Json& metadata) {
    const auto objection = objection_to_object(metadata, {.bytes_max = space_metadata_bytes_max});
    if (objection) metadata_refuse("metadata must be " + *objection);
    for (const char* name : {"voiceDoc", "legalEntity", "uid", "aiPersonaId"}) {
        if (metadata_word(metadata, name).size() > metadata_text_bytes_max) {
            metadata_refuse(fmt::format("metadata.{} must be text of at most {} bytes", name,
                                        metadata_text_bytes_max));
        }
    }
}

}  // namespace

int rank_of_tier(std::string_view tier) {
    const auto place = std::find(metadata_tiers.begin(), metadata_tiers.end(), tier);
    return place == metadata_tiers.end() ? -1 : static_cast<int>(place - metadata_tiers.begin());
}

bool is_tier(std::string_view tier) {
    return rank_of_tier(tier) >= 0;
}

base::Json new_space_metadata(const base::Json& asked, std::string_view caller_tier) {
    metadata_check_shape(asked);
    const std::string type = metadata_word(asked, "type");
    if (type == "personal") {
        metadata_refuse("metadata.type must not be personal: each user has that space already");
    }
    if (std::find(metadata_types.begin(), metadata_types.end(), type) == metadata_types.end()) {
        metadata_refuse(
            fmt::format("metadata.type must be one of {}", fmt::join(metadata_types, ", ")));
    }
    const std::string tier = metadata_word(asked, "tier");
    if (!tier.empty() && !is_tier(tier)) {
        metadata_refuse(
            fmt::format("metadata.tier must be one of {}", fmt::join(metadata_tiers, ", ")));
    }
    if (rank_of_tier(tier) > rank_of_tier(caller_tier)) {
        metadata_refuse(fmt::format("metadata.tier must be at most {}, your own", caller_tier));
    }
    base::Json metadata = asked;
    metadata["tier"] = tier.empty() ? std::string(caller_tier) : tier;
    return metadata;
}

base::Json changed_space_metadata(const base::Json& stored, const base::Json& asked) {
    metadata_check_shape(asked);
    base::Json metadata = asked;
    for (const char* name : {"type", "tier"}) {
        const std::string wished = metadata_word(asked, name);
        const auto kept = stored.find(name);
        const std::string known =
            kept != stored.end() && kept->is_string() ? kept->get<std::string>() : "";
        if (!wished.empty() && wished != known) {
            metadata_refuse(fmt::format("metadata.{} must stay {}: it belongs to the service", name,
                                        known.empty() ? "unset" : known));
        }
        metadata.erase(name);
        if (!known.empty()) metadata[name] = known;
    }
    return metadata;
}

}  // namespace auth
