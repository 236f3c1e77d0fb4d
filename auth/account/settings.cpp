#include "auth/account/settings.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "auth/json_limits.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

using base::Json;

constexpr std::string_view ensure_settings =
    "insert into auth.user_settings (user_id) values ($1) on conflict (user_id) do nothing";

constexpr std::string_view settings_of_user = R"(
    select global_settings, app_overrides, device_settings
      from auth.user_settings where user_id = $1)";

constexpr std::string_view settings_for_change = R"(
    select global_settings, app_overrides, device_settings
      from auth.user_settings where user_id = $1 for update)";

constexpr std::string_view store_settings = R"(
    update auth.user_settings
       set global_settings = $2::jsonb, app_overrides = $3::jsonb, device_settings = $4::jsonb,
           updated_at = $5::timestamptz
     where user_id = $1)";

struct Settings {
    Json global, apps, devices;
};

Settings settings_row(const base::SqlRows& rows) {
    return {rows[0].json("global_settings"), rows[0].json("app_overrides"),
            rows[0].json("device_settings")};
}

Json settings_answer(const Settings& settings) {
    return {{"success", true},
            {"globalSettings", settings.global},
            {"appOverrides", settings.apps},
            {"deviceSettings", settings.devices}};
}

void settings_check(const Json& part, std::string_view name) {
    const auto objection =
        objection_to_object(part, {.bytes_max = settings_bytes_max, .depth_max = 20});
    if (!objection) return;
    throw base::Failure(
        base::Failure::Kind::invalid,
        fmt::format("{} must stay {}; delete some settings first", name, *objection));
}

void settings_check_count(const Json& part, std::size_t max, std::string_view what) {
    if (part.size() <= max) return;
    throw base::Failure(base::Failure::Kind::invalid,
                        fmt::format("{} must be at most {}; delete one first", what, max));
}

template <class Change>
Json settings_change(base::Transaction& transaction, std::string_view user_id, base::Moment now,
                     Change change) {
    transaction.run(ensure_settings, {user_id});
    Settings settings = settings_row(transaction.run(settings_for_change, {user_id}));
    change(settings);
    settings_check(settings.global, "globalSettings");
    settings_check(settings.apps, "appOverrides");
    settings_check(settings.devices, "deviceSettings");
    transaction.run(store_settings,
                    {user_id, settings.global, settings.apps, settings.devices, now});
    return settings_answer(settings);
}

Json settings_member(const Json& object, const std::string& name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_object() ? *found : Json::object();
}

std::string settings_text(const Json& object, const char* name, const std::string& wished,
                          const char* otherwise) {
    if (!wished.empty()) return wished;
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

}  // namespace

Json merged(Json target, const Json& patch) {
    if (!patch.is_object()) return patch;
    if (!target.is_object()) target = Json::object();
    for (const auto& [name, value] : patch.items()) {
        const auto found = target.find(name);
        const bool both = found != target.end() && found->is_object() && value.is_object();
        target[name] = both ? merged(*found, value) : value;
    }
    return target;
}

Json read_settings(base::Transaction& transaction, std::string_view user_id) {
    auto rows = transaction.run(settings_of_user, {user_id});
    if (rows.empty()) {
        transaction.run(ensure_settings, {user_id});
        rows = transaction.run(settings_of_user, {user_id});
    }
    return settings_answer(settings_row(rows));
}

Json patch_global_settings(base::Transaction& transaction, std::string_view user_id,
                           const Json& patch, base::Moment now) {
    return settings_change(transaction, user_id, now, [&](Settings& settings) {
        settings.global = merged(std::move(settings.global), patch);
    });
}

Json patch_app_settings(base::Transaction& transaction, std::string_view user_id,
                        const std::string& app_id, const Json& patch, base::Moment now) {
    return settings_change(transaction, user_id, now, [&](Settings& settings) {
        settings.apps[app_id] = merged(settings_member(settings.apps, app_id), patch);
        settings_check_count(settings.apps, settings_apps_max, "applications with settings");
    });
}

Json delete_app_settings(base::Transaction& transaction, std::string_view user_id,
                         const std::string& app_id, base::Moment now) {
    return settings_change(transaction, user_id, now,
                           [&](Settings& settings) { settings.apps.erase(app_id); });
}

Json patch_device_settings(base::Transaction& transaction, std::string_view user_id,
                           const DevicePatch& patch, base::Moment now) {
    return settings_change(transaction, user_id, now, [&](Settings& settings) {
        const Json known = settings_member(settings.devices, patch.device_id);
        Json apps = settings_member(known, "apps");
        Json app = settings_member(apps, patch.app_id);
        if (patch.settings.is_object()) {
            for (const auto& [name, value] : patch.settings.items()) app[name] = value;
        }
        apps[patch.app_id] = std::move(app);
        settings_check_count(apps, settings_apps_max, "applications of a device");
        settings.devices[patch.device_id] = {
            {"deviceName", settings_text(known, "deviceName", patch.name, "Unknown")},
            {"deviceType", settings_text(known, "deviceType", patch.type, "desktop")},
            {"lastSeen", base::to_iso(now)},
            {"apps", std::move(apps)}};
        settings_check_count(settings.devices, settings_devices_max, "devices");
    });
}

Json delete_device_settings(base::Transaction& transaction, std::string_view user_id,
                            const std::string& device_id, base::Moment now) {
    return settings_change(transaction, user_id, now,
                           [&](Settings& settings) { settings.devices.erase(device_id); });
}

Json list_devices(const Json& device_settings) {
    std::vector<Json> devices;
    for (const auto& [id, device] : device_settings.items()) {
        devices.push_back({{"deviceId", id},
                           {"deviceName", settings_text(device, "deviceName", "", "Unknown")},
                           {"deviceType", settings_text(device, "deviceType", "", "desktop")},
                           {"lastSeen", settings_text(device, "lastSeen", "", "")},
                           {"appCount", settings_member(device, "apps").size()}});
    }
    std::sort(devices.begin(), devices.end(), [](const Json& a, const Json& b) {
        return b["lastSeen"].get<std::string>() < a["lastSeen"].get<std::string>();
    });
    Json list = Json::array();
    for (Json& device : devices) list.push_back(std::move(device));
    return list;
}

}  // namespace auth
