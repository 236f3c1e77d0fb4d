// Store: what a user set, for everything, per application and per device. Each change holds the
// user's row, so that of changes made at the same time none is lost. Sizes are bounded: whatever
// would pass a bound is refused and changes nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr std::size_t settings_patch_bytes_max = 32 * 1024;  // One request.
inline constexpr std::size_t settings_bytes_max = 256 * 1024;       // Each of the three parts.
inline constexpr std::size_t settings_apps_max = 200;               // Also per device.
inline constexpr std::size_t settings_devices_max = 50;

// The value of `patch` merged into `target`: objects member by member, everything else, null
// included, replaces. Pure.
base::Json merged(base::Json target, const base::Json& patch);

struct DevicePatch {
    std::string device_id;
    std::string app_id;
    std::string name;               // Empty: as it was, "Unknown" at first.
    std::string type;               // Empty: as it was, "desktop" at first.
    base::Json settings = nullptr;  // An object, or null for none.
};

// All answer {"success","globalSettings","appOverrides","deviceSettings"} as it is afterwards, and
// throw Failure::invalid past a bound. The user must exist.
base::Json read_settings(base::Transaction& transaction, std::string_view user_id);
base::Json patch_global_settings(base::Transaction& transaction, std::string_view user_id,
                                 const base::Json& patch, base::Moment now);
base::Json patch_app_settings(base::Transaction& transaction, std::string_view user_id,
                              const std::string& app_id, const base::Json& patch, base::Moment now);
base::Json delete_app_settings(base::Transaction& transaction, std::string_view user_id,
                               const std::string& app_id, base::Moment now);
base::Json patch_device_settings(base::Transaction& transaction, std::string_view user_id,
                                 const DevicePatch& patch, base::Moment now);
base::Json delete_device_settings(base::Transaction& transaction, std::string_view user_id,
                                  const std::string& device_id, base::Moment now);

// Of such an answer's deviceSettings: a list, last seen first. Pure.
base::Json list_devices(const base::Json& device_settings);

}  // namespace auth
