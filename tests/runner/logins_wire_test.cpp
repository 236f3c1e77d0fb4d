// The personas' tokens between visits: when the service is asked, and for what.
#include "runner/logins.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.hpp"
#include "catalog/password.hpp"
#include "tests/runner/visit_support.hpp"

namespace {

using base::Json;
using base::ServerRequest;
using base::ServerResponse;
using runner_tests::RunnerWorld;
using runner_tests::VisitRoom;
using std::chrono::milliseconds;
using std::chrono::minutes;

const std::string anna = "persona.anna@mana.test";

ServerResponse refused(int status, const char* code) {
    return ServerResponse::json({{"error", code}, {"message", "no"}}, status);
}

// An access token that ends `life` from now; what nobody checks here is left out.
std::string token(minutes life) {
    static int number = 0;
    const auto end = std::chrono::system_clock::now() + life;
    const Json claims = {
        {"exp", std::chrono::duration_cast<std::chrono::seconds>(end.time_since_epoch()).count()},
        {"jti", ++number}};
    return "e30." + base::to_base64url(base::to_text(claims)) + ".sig";
}

struct LoginsRoom : RunnerWorld {
    // Every login and refresh gives a token of `life`.
    explicit LoginsRoom(minutes life = minutes{15}, std::size_t personas_max = 100)
        : kept(loop, auth, {.seed_secret = base::Secret{"seed"}, .personas_max = personas_max},
               metrics) {
        service.always("login", [life](const ServerRequest& request) {
            const auto email = request.json()["email"].get<std::string>();
            return ServerResponse::json({{"token", "session of " + email},
                                         {"accessToken", token(life)},
                                         {"user", {{"id", "user"}}}});
        });
        service.always("refresh", [life](const ServerRequest&) {
            return ServerResponse::json({{"accessToken", token(life)}});
        });
    }
    clients::Login enter(const std::string& email, milliseconds needed) {
        return *loop.run(kept.enter(email, needed));
    }
    clients::Login renew(const std::string& email, const base::Secret& token_refused) {
        return *loop.run(kept.renew(email, token_refused));
    }
    std::string trouble(milliseconds needed) {
        try {
            enter(anna, needed);
        } catch (const base::Failure& failure) {
            return std::string(base::name_of(failure.kind()));
        }
        return "";
    }
    // "password refresh": how often the service was asked for each.
    std::string asked() const {
        return std::to_string(service.count("login")) + " " +
               std::to_string(service.count("refresh"));
    }

    runner::Logins kept;
};

TEST(LoginsWire, AreReusedWhileTheirTokenHolds) {
    LoginsRoom room;
    const clients::Login first = room.enter(anna, minutes{10});
    const clients::Login second = room.enter(anna, minutes{10});
    EXPECT_EQ(second.access_token.reveal(), first.access_token.reveal());
    EXPECT_EQ(room.asked(), "1 0");
    EXPECT_EQ(room.service.calls("login").at(0).body["password"],
              catalog::password_of(anna, base::Secret{"seed"}).reveal());
    EXPECT_NE(room.metrics.text().find("persona_logins_total{way=\"memory\"} 1"),
              std::string::npos);
}

TEST(LoginsWire, AreRefreshedWithoutThePasswordWhenLessThanTheVisitRemains) {
    LoginsRoom room(minutes{15});
    const clients::Login first = room.enter(anna, minutes{10});
    const clients::Login second = room.enter(anna, minutes{16});
    EXPECT_NE(second.access_token.reveal(), first.access_token.reveal());
    EXPECT_EQ(second.session_token.reveal(), first.session_token.reveal());
    EXPECT_EQ(second.user_id, first.user_id);
    EXPECT_EQ(room.asked(), "1 1");
    EXPECT_EQ(room.service.calls("refresh").at(0).body["refreshToken"], "session of " + anna);
    EXPECT_EQ(room.enter(anna, minutes{10}).access_token.reveal(), second.access_token.reveal());
    EXPECT_EQ(room.asked(), "1 1");
}

TEST(LoginsWire, ARefusedRefreshLogsInWithThePasswordOnce) {
    LoginsRoom room;
    room.enter(anna, minutes{10});
    room.service.then("refresh", refused(401, "TOKEN_EXPIRED"));
    room.enter(anna, minutes{16});
    EXPECT_EQ(room.asked(), "2 1");
    // Refused there as well: she is forgotten and nobody asks again and again.
    room.service.then("refresh", refused(401, "TOKEN_EXPIRED"));
    room.service.then("login", refused(401, "INVALID_CREDENTIALS"));
    EXPECT_EQ(room.trouble(minutes{16}), "unauthenticated");
    EXPECT_EQ(room.asked(), "3 2");
    EXPECT_EQ(room.kept.size(), 0u);
}

TEST(LoginsWire, AServiceThatCannotBeAskedCostsNoLogin) {
    LoginsRoom room;
    room.enter(anna, minutes{10});
    room.service.then("refresh", refused(503, "SERVICE_UNAVAILABLE"));
    EXPECT_EQ(room.trouble(minutes{16}), "unavailable");
    EXPECT_EQ(room.kept.size(), 1u);
    room.enter(anna, minutes{10});
    EXPECT_EQ(room.asked(), "1 1");
}

TEST(LoginsWire, ARefusedTokenIsDroppedForAnother) {
    LoginsRoom room;
    const clients::Login first = room.enter(anna, minutes{10});
    const clients::Login second = room.renew(anna, first.access_token);
    EXPECT_NE(second.access_token.reveal(), first.access_token.reveal());
    // A late refusal of the old one finds the new one there.
    EXPECT_EQ(room.renew(anna, first.access_token).access_token.reveal(),
              second.access_token.reveal());
    EXPECT_EQ(room.asked(), "1 1");
    room.service.then("refresh", refused(401, "TOKEN_EXPIRED"));
    room.renew(anna, second.access_token);
    EXPECT_EQ(room.asked(), "2 2");
    // Of whom nothing is kept the password is asked.
    room.renew("persona.ben@mana.test", base::Secret{"gone"});
    EXPECT_EQ(room.asked(), "3 2");
}

TEST(LoginsWire, ATokenThatTellsNoEndIsNotTrusted) {
    LoginsRoom room;
    room.service.then("login",
                      ServerResponse::json(
                          {{"token", "s"}, {"accessToken", "opaque"}, {"user", {{"id", "user"}}}}));
    room.enter(anna, minutes{10});
    room.enter(anna, minutes{10});
    EXPECT_EQ(room.asked(), "1 1");
}

TEST(LoginsWire, TheOneUnusedForLongestMakesRoom) {
    LoginsRoom room(minutes{15}, 2);
    room.enter("a@mana.test", minutes{10});
    room.enter("b@mana.test", minutes{10});
    room.enter("a@mana.test", minutes{10});
    room.enter("c@mana.test", minutes{10});
    EXPECT_EQ(room.kept.size(), 2u);
    EXPECT_EQ(room.asked(), "3 0");
    room.enter("a@mana.test", minutes{10});
    EXPECT_EQ(room.asked(), "3 0");
    room.enter("b@mana.test", minutes{10});
    EXPECT_EQ(room.asked(), "4 0");
}

// A password change ends her sessions; the kept token tells so at the first call of the next visit.
TEST(LoginsWire, AVisitWithARevokedTokenLogsInAgain) {
    VisitRoom room;
    room.loop.run(room.logins.enter(anna, minutes{10}));
    room.service.then("spaces", refused(401, "UNAUTHORIZED"));
    room.service.then("refresh", refused(401, "TOKEN_EXPIRED"));
    room.service.then("refresh", refused(401, "TOKEN_EXPIRED"));
    const runner::VisitRecords left = room.live();
    EXPECT_EQ(room.error, "");
    EXPECT_EQ(left.end->status, catalog::VisitEnd::Status::finished);
    EXPECT_EQ(room.service.count("spaces"), 2U);
    EXPECT_EQ(room.service.count("login"), 3U);
}

TEST(LoginsWire, AVisitThatIsRefusedTwiceFails) {
    VisitRoom room;
    room.service.then("spaces", refused(401, "UNAUTHORIZED"));
    room.service.then("spaces", refused(401, "UNAUTHORIZED"));
    const runner::VisitRecords left = room.live();
    EXPECT_EQ(left.end->status, catalog::VisitEnd::Status::failed);
    EXPECT_EQ(room.service.count("spaces"), 2U);
}

TEST(LoginsWire, AVisitWithAKeptTokenAsksForNone) {
    VisitRoom room;
    room.service.then("login", ServerResponse::json({{"token", "s"},
                                                     {"accessToken", token(minutes{15})},
                                                     {"user", {{"id", "user"}}}}));
    room.loop.run(room.logins.enter(anna, minutes{10}));
    room.live();
    EXPECT_EQ(room.error, "");
    EXPECT_EQ(room.service.count("login"), 1U);
    EXPECT_EQ(room.service.count("refresh"), 0U);
}

}  // namespace
