// /api/v1/settings over HTTP.
#include <thread>

#include <gmock/gmock.h>

#include "tests/auth/space_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

class SettingsRoutes : public SpaceTest {
  protected:
    Answer patch(const std::string& path, const Json& body, const std::string& who = "anna") {
        auto headers = as(who);
        headers.emplace_back("Content-Type", "application/json");
        return send("PATCH", "/api/v1/settings" + path, headers, base::to_text(body));
    }
    Answer read(const std::string& path = "", const std::string& who = "anna") {
        return get("/api/v1/settings" + path, as(who));
    }
};

TEST_F(SettingsRoutes, BeginWithDefaultsAndKeepWhatIsSet) {
    const Answer first = read();
    ASSERT_EQ(first.status, 200) << first.raw.body;
    EXPECT_EQ(first.json["success"], true);
    EXPECT_EQ(first.json["globalSettings"]["locale"], "de");
    EXPECT_EQ(first.json["globalSettings"]["theme"]["colorScheme"], "ocean");
    EXPECT_EQ(first.json["appOverrides"], Json::object());

    EXPECT_EQ(patch("/global", {{"theme", {{"mode", "dark"}}}})
                  .json["globalSettings"]["theme"]["colorScheme"],
              "ocean");
    patch("/app/todo", {{"sort", {{"by", "date"}}}});
    const Answer app = patch("/app/todo", {{"sort", {{"up", true}}}});
    EXPECT_EQ(app.json["appOverrides"]["todo"]["sort"]["by"], "date");
    EXPECT_EQ(app.json["appOverrides"]["todo"]["sort"]["up"], true);
    EXPECT_EQ(send("DELETE", "/api/v1/settings/app/todo", as("anna")).json["appOverrides"],
              Json::object());
    EXPECT_EQ(read("", "ben").json["globalSettings"]["theme"]["mode"], "system");
    EXPECT_EQ(get("/api/v1/settings").status, 401);
}

TEST_F(SettingsRoutes, DevicesComeAndGo) {
    patch("/device/d1/todo", {{"deviceName", "Laptop"}, {"settings", {{"a", 1}, {"b", 1}}}});
    clock_.advance(std::chrono::minutes(1));
    const Answer second =
        patch("/device/d1/todo", {{"deviceType", "phone"}, {"settings", {{"b", 2}}}});
    const Json device = second.json["deviceSettings"]["d1"];
    EXPECT_EQ(device["deviceName"], "Laptop");
    EXPECT_EQ(device["deviceType"], "phone");
    EXPECT_EQ(device["apps"]["todo"]["a"], 1);
    EXPECT_EQ(device["apps"]["todo"]["b"], 2);
    patch("/device/d2/chat", Json::object());
    EXPECT_EQ(read("/devices").json["devices"].size(), 2U);
    send("DELETE", "/api/v1/settings/device/d1", as("anna"));
    const Json left = read("/devices").json["devices"];
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0]["deviceName"], "Unknown");
    EXPECT_EQ(left[0]["appCount"], 1);
}

// auth-api-doubts B63
TEST_F(SettingsRoutes, OfWritersAtTheSameTimeNoneLosesAnything) {
    const auto anna = as("anna");
    std::vector<std::thread> writers;
    for (int i = 0; i < 20; ++i) {
        writers.emplace_back([&, i] {
            auto headers = anna;
            headers.emplace_back("Content-Type", "application/json");
            const std::string body = base::to_text(Json{{"key" + std::to_string(i), i}});
            const char* path = i % 2 == 0 ? "/api/v1/settings/global" : "/api/v1/settings/app/todo";
            EXPECT_EQ(send("PATCH", path, headers, body).status, 200);
        });
    }
    for (std::thread& writer : writers) writer.join();
    const Json all = read().json;
    for (int i = 0; i < 20; ++i) {
        const Json& place = i % 2 == 0 ? all["globalSettings"] : all["appOverrides"]["todo"];
        EXPECT_EQ(place.value("key" + std::to_string(i), -1), i);
    }
}

// auth-api-doubts B62, B63
TEST_F(SettingsRoutes, AreBoundedAndNeverAnInnerError) {
    const auto expect_400 = [&](const Answer& answer, const std::string& word) {
        EXPECT_EQ(answer.status, 400) << answer.raw.body;
        EXPECT_THAT(answer.raw.body, HasSubstr(word));
    };
    const auto sized = [](std::size_t bytes) {
        return Json{{"x", std::string(bytes - 8, 'a')}};  // {"x":"…"}
    };
    EXPECT_EQ(patch("/app/a", sized(32 * 1024)).status, 200);
    expect_400(patch("/app/a", sized(32 * 1024 + 1)), "at most 32768 bytes");
    for (int i = 0; i < 6; ++i) patch("/app/b" + std::to_string(i), sized(32 * 1024));
    expect_400(patch("/app/last", sized(32 * 1024)), "appOverrides must stay");
    EXPECT_EQ(read().json["appOverrides"].size(), 7U);
    expect_400(patch("/global", Json::array()), "JSON object");
    expect_400(patch("/global", {{"a", std::string("x\0y", 3)}}), "NUL");
    Json deep = 1;
    for (int i = 0; i < 17; ++i) deep = Json{{"a", deep}};
    expect_400(patch("/global", deep), "16 levels");
    expect_400(patch("/app/" + std::string(129, 'a'), Json::object()), "appId must be");
    expect_400(patch("/app/a%20b", Json::object()), "appId must be");
    expect_400(patch("/device/%2F/a", Json::object()), "deviceId must be");
    expect_400(patch("/device/a/b", {{"settings", 7}}), "settings must be an object");
    for (int i = 0; i < 50; ++i) patch("/device/d" + std::to_string(i) + "/a", Json::object());
    expect_400(patch("/device/more/a", Json::object()), "devices must be at most 50");
}

}  // namespace
}  // namespace tests
