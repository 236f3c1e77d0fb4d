// /api/v1/settings.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "auth/account/routes.hpp"
#include "auth/account/settings.hpp"
#include "auth/caller.hpp"
#include "auth/context.hpp"
#include "auth/json_limits.hpp"
#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using base::Transaction;

constexpr std::size_t settings_id_bytes_max = 128;
constexpr std::size_t settings_name_bytes_max = 200;

void settings_check_patch(const Json& body) {
    if (!body.is_object()) base::Fields(body).only({});  // Says what it must be.
    const auto objection =
        objection_to_object(body, {.bytes_max = settings_patch_bytes_max, .depth_max = 16});
    if (objection) {
        throw Failure(Failure::Kind::invalid, fmt::format("the JSON body must be {}", *objection));
    }
}

// The body, an object within its size.
Json settings_body(const ServerRequest& request) {
    Json body = request.json();
    settings_check_patch(body);
    return body;
}

std::string settings_id(const ServerRequest& request, const char* name) {
    const std::string& id = request.param(name);
    const bool plain = std::all_of(id.begin(), id.end(), [](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' ||
               letter == '_' || letter == '.' || letter == ':';
    });
    if (!plain || id.empty() || id.size() > settings_id_bytes_max) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} must be 1 to {} letters, digits and - _ . :", name,
                                  settings_id_bytes_max));
    }
    return id;
}

}  // namespace

ServerResponse get_settings(const User& user, const Context& context, const ServerRequest&) {
    return ServerResponse::json(context.database.transact(
        [&](Transaction& transaction) { return read_settings(transaction, user.user_id()); }));
}

ServerResponse patch_global(const User& user, const Context& context,
                            const ServerRequest& request) {
    const Json patch = settings_body(request);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return patch_global_settings(transaction, user.user_id(), patch, context.clock.now());
    }));
}

ServerResponse patch_app(const User& user, const Context& context, const ServerRequest& request) {
    const std::string app = settings_id(request, "appId");
    const Json patch = settings_body(request);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return patch_app_settings(transaction, user.user_id(), app, patch, context.clock.now());
    }));
}

ServerResponse delete_app(const User& user, const Context& context, const ServerRequest& request) {
    const std::string app = settings_id(request, "appId");
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return delete_app_settings(transaction, user.user_id(), app, context.clock.now());
    }));
}

ServerResponse patch_device(const User& user, const Context& context,
                            const ServerRequest& request) {
    DevicePatch patch;
    patch.device_id = settings_id(request, "deviceId");
    patch.app_id = settings_id(request, "appId");
    const Json body = request.json();
    const base::Fields fields(body);
    patch.name = fields.text_or_none("deviceName", settings_name_bytes_max).value_or("");
    patch.type = fields.text_or_none("deviceType", settings_name_bytes_max).value_or("");
    if (fields.has("settings")) patch.settings = fields.object("settings");
    settings_check_patch(body);
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return patch_device_settings(transaction, user.user_id(), patch, context.clock.now());
    }));
}

ServerResponse get_devices(const User& user, const Context& context, const ServerRequest&) {
    const Json settings = context.database.transact(
        [&](Transaction& transaction) { return read_settings(transaction, user.user_id()); });
    return ServerResponse::json(
        {{"success", true}, {"devices", list_devices(settings["deviceSettings"])}});
}

ServerResponse delete_device(const User& user, const Context& context,
                             const ServerRequest& request) {
    const std::string device = settings_id(request, "deviceId");
    return ServerResponse::json(context.database.transact([&](Transaction& transaction) {
        return delete_device_settings(transaction, user.user_id(), device, context.clock.now());
    }));
}

}  // namespace auth
