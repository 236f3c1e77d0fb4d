// What somebody with bad intentions tries at the front door.
#include <algorithm>
#include <thread>

#include <gmock/gmock.h>

#include "auth/api.hpp"
#include "base/crypto.hpp"
#include "base/http.hpp"
#include "base/jwt.hpp"
#include "tests/auth/browser.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

class SecurityTest : public BrowserTest {
  protected:
    void SetUp() override {
        start();
        anna_id_ = add_user("anna@example.com", "admin");
        good_ = login("anna@example.com").text("accessToken");
    }

    // Opens nothing: neither the reads nor the admin's routes nor validation.
    void expect_worthless(const std::string& token, const std::string& what) {
        EXPECT_EQ(post("/api/v1/auth/validate", {{"token", token}}).json, (Json{{"valid", false}}))
            << what;
        EXPECT_EQ(get("/api/auth/token", bearer(token)).status, 401) << what;
        EXPECT_EQ(get("/api/v1/admin/personas", bearer(token)).status, 401) << what;
    }
    static Json part_of(const std::string& token, int index) {
        const auto parts = base::split(token, '.');
        return Json::parse(*base::from_base64url(parts[static_cast<std::size_t>(index)]));
    }
    static std::string encoded(const Json& part) { return base::to_base64url(base::to_text(part)); }
    // The good token with another head or claims and the old signature.
    std::string altered(const Json& head, const Json& claims) const {
        return encoded(head) + "." + encoded(claims) + good_.substr(good_.rfind('.'));
    }

    std::string anna_id_;
    std::string good_;
};

TEST_F(SecurityTest, NoForgedTokenOpensAnything) {
    const Json head = part_of(good_, 0), claims = part_of(good_, 1);
    const std::string body = good_.substr(0, good_.rfind('.'));
    ASSERT_EQ(post("/api/v1/auth/validate", {{"token", good_}}).json["valid"], true);

    // No algorithm, in every spelling, with and without a signature.
    for (const char* none : {"none", "None", "NONE", "nOnE", ""}) {
        Json bare = head;
        bare["alg"] = none;
        const std::string text = encoded(bare) + "." + encoded(claims) + ".";
        expect_worthless(text, none);
        expect_worthless(altered(bare, claims), none);
    }
    // The public key as the key of an HMAC, raw and as the JWK's text; RSA by name.
    const Json jwk = get("/api/auth/jwks").json["keys"][0];
    for (const std::string& key :
         {*base::from_base64url(jwk["x"].get<std::string>()), jwk["x"].get<std::string>(),
          base::to_text(jwk), std::string(service_secret.reveal())}) {
        Json confused = head;
        confused["alg"] = "HS256";
        const std::string text = encoded(confused) + "." + encoded(claims);
        expect_worthless(text + "." + base::to_base64url(base::hmac_sha256(key, text)), "HS256");
    }
    for (const char* other : {"RS256", "ES256", "Ed25519", "EdDSA "}) {
        Json renamed = head;
        renamed["alg"] = other;
        expect_worthless(altered(renamed, claims), other);
    }
    // A key of one's own, named by kid, jwk, jku or x5u; kids that mean something elsewhere.
    const base::Ed25519Pair mine = base::make_ed25519();
    for (const std::string& kid :
         {head["kid"].get<std::string>(), std::string("../../dev/null"), std::string("' or 1=1 --"),
          std::string("%00"), std::string(4000, 'k'), std::string()}) {
        expect_worthless(base::sign_jwt(claims, kid, mine.private_key), kid.substr(0, 20));
    }
    for (const char* field : {"jwk", "jku", "x5u", "x5c"}) {
        Json pointed = head;
        pointed[field] = field == std::string("jwk")
                             ? Json{{"kty", "OKP"},
                                    {"crv", "Ed25519"},
                                    {"x", base::to_base64url(mine.public_key)}}
                             : Json("https://evil.example/keys");
        const std::string text = encoded(pointed) + "." + encoded(claims);
        expect_worthless(
            text + "." + base::to_base64url(base::sign_ed25519(mine.private_key, text)), field);
    }
    // Claims changed under the old signature.
    for (const auto& [name, value] : std::vector<std::pair<std::string, Json>>{
             {"role", "admin"}, {"sub", "somebody"}, {"exp", 4102444800}, {"aud", "mana"}}) {
        Json changed = claims;
        changed[name] = value;
        changed["x"] = 1;
        expect_worthless(altered(head, changed), name);
    }
    // Cut, padded, doubled, written with other letters that mean the same.
    for (const std::string& text :
         {good_.substr(0, good_.size() - 1), good_ + "=", good_ + "A", body, body + ".",
          "." + good_, good_ + "." + good_, " " + good_, good_ + "\n",
          good_.substr(0, 20) + "\xe2\x80\x8b" + good_.substr(20), "\xef\xbb\xbf" + good_,
          std::string("a.b.c"), std::string("..")}) {
        EXPECT_EQ(post("/api/v1/auth/validate", {{"token", text}}).json["valid"], false) << text;
    }
    expect_worthless(std::string(7'000, 'a') + ".b.c", "long");
}

TEST_F(SecurityTest, TokensOfOtherPlacesAndTimesAreWorthless) {
    // The service's own key, so that only the claim is wrong.
    const Json claims = part_of(good_, 1);
    const base::Ed25519Pair pair = base::make_ed25519();
    const std::string x = base::to_base64url(pair.public_key);
    const Json public_jwk = {{"crv", "Ed25519"}, {"x", x}, {"kty", "OKP"}};
    sql("insert into auth.jwks (id, public_key, private_key, created_at) values "
        "('second', $1, 'sealed elsewhere', '2026-01-01')",
        {base::to_text(public_jwk)});
    clock_.advance(std::chrono::seconds(61));
    ASSERT_EQ(post("/api/v1/auth/validate",
                   {{"token", base::sign_jwt(claims, "second", pair.private_key)}})
                  .json["valid"],
              true);
    const auto with = [&](const char* name, const Json& value) {
        Json changed = claims;
        if (value.is_null()) {
            changed.erase(name);
        } else {
            changed[name] = value;
        }
        return base::sign_jwt(changed, "second", pair.private_key);
    };
    const std::int64_t now =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, Json>>{{"iss", "https://auth.evil.example"},
                                                   {"iss", nullptr},
                                                   {"iss", Json::array({claims["iss"]})},
                                                   {"aud", "other"},
                                                   {"aud", nullptr},
                                                   {"aud", Json::array()},
                                                   {"exp", now - 6},
                                                   {"exp", nullptr},
                                                   {"exp", "never"},
                                                   {"nbf", now + 60},
                                                   {"iat", now + 60},
                                                   {"sub", nullptr},
                                                   {"sub", ""}}) {
        expect_worthless(with(name, value), name + (" " + base::to_text(value)));
    }
    // The right claims of a session that is not, or of somebody else's.
    for (const char* session : {"sid"}) {
        const std::string text = with(session, "unknown");
        EXPECT_EQ(get("/api/auth/token", bearer(text)).status, 401);
        EXPECT_EQ(get("/api/v1/admin/personas", bearer(text)).status, 401);
    }
    add_user("ben@example.com");
    const std::string ben = login("ben@example.com").text("accessToken");
    EXPECT_EQ(get("/api/auth/token", bearer(with("sid", part_of(ben, 1)["sid"]))).status, 401)
        << "her subject, his session";
}

// auth-api-doubts B31: every route that changes something refuses a cookie from a foreign page and
// bodies that a form could send.
TEST_F(SecurityTest, NoForeignPageBorrowsTheCookie) {
    Browser browser;
    sign_in(browser, "anna@example.com");
    const std::string cookie = browser.headers()[1].second;
    for (const auth::Route& route : auth::routes()) {
        const bool by_cookie = std::holds_alternative<auth::UserHandler>(route.handler) ||
                               std::holds_alternative<auth::OpenHandler>(route.handler);
        if (route.method == "GET" || !by_cookie) continue;
        if (!std::holds_alternative<auth::UserHandler>(route.handler) &&
            !std::string_view(route.path).starts_with("/api/v1/auth/") &&
            !std::string_view(route.path).starts_with("/api/auth/")) {
            continue;  // Reads no cookie.
        }
        std::string path(route.path);
        for (std::size_t at = path.find("/:"); at != std::string::npos; at = path.find("/:")) {
            path.replace(at, path.find('/', at + 1) - at, "/x");
        }
        const std::string method(route.method);
        for (const std::string origin :
             {"https://evil.example", "null", "", "http://localhost:5173.evil.example",
              "http://localhost:5174", "file://", "http://LOCALHOST:5173@evil.example"}) {
            base::HttpHeaders headers = {{"Cookie", cookie}, {"Content-Type", "application/json"}};
            if (!origin.empty()) headers.emplace_back("Origin", origin);
            EXPECT_EQ(send(method, path, headers, "{}").status, 403) << path << " " << origin;
        }
        for (const char* type :
             {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
              "text/plain;application/json", "application/jsonp"}) {
            const Answer answer = send(
                method, path,
                {{"Cookie", cookie}, {"Origin", "http://localhost:5173"}, {"Content-Type", type}},
                R"({"name":"changed"})");
            // The one route that takes a form finds no address in this one.
            const bool takes = path == "/api/auth/sign-in/email" &&
                               std::string_view(type) == "application/x-www-form-urlencoded";
            EXPECT_EQ(answer.status, takes ? 400 : 415)
                << path << " " << type << " " << answer.raw.body;
        }
    }
    EXPECT_EQ(session(browser).json["user"]["id"], anna_id_) << "nothing of it logged her out";
}

// Status, body and cost are the same for an unknown address, a wrong password and an account that
// cannot log in by password. The cost is counted in slow hashes, which no load changes; the time is
// compared by medians of calls that take turns, so that a slow moment hits all alike.
TEST_F(SecurityTest, NobodyLearnsWhoHasAnAccount) {
    add_user("nopassword@example.com");
    sql("delete from auth.accounts a using auth.users u where u.id = a.user_id and u.email = "
        "'nopassword@example.com'");
    const std::vector<std::string> addresses = {"unknown@example.com", "anna@example.com",
                                                "nopassword@example.com"};
    const auto scrypts = [&] { return metrics_.counter("auth_scrypts_total", "").value(); };
    const std::string refusal = login("another@example.com", "x wrong").raw.body;
    std::map<std::string, std::vector<double>> times;
    for (int round = 0; round < 7; ++round) {
        for (const std::string& address : addresses) {
            // Below the lockout, which counts per account.
            sql("delete from auth.login_locks");
            const auto before = scrypts();
            const auto begin = std::chrono::steady_clock::now();
            const Answer answer = login(address, "wrong password");
            times[address].push_back(
                std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
            EXPECT_EQ(answer.status, 401);
            EXPECT_EQ(answer.raw.body, refusal) << address;
            EXPECT_EQ(scrypts() - before, 1) << address;
        }
    }
    const auto median = [&](const std::string& address) {
        std::vector<double>& all = times[address];
        std::nth_element(all.begin(), all.begin() + 3, all.end());
        return all[3];
    };
    for (const std::string& address : addresses) {
        EXPECT_GT(median(address), median(addresses[0]) / 2) << address;
        EXPECT_LT(median(address), median(addresses[0]) * 2) << address;
    }
    // What mails something says the same in either case, and costs no hash.
    const auto before = scrypts();
    for (const char* path : {"/api/auth/sign-in/magic-link", "/api/auth/request-password-reset",
                             "/api/auth/send-verification-email", "/api/v1/auth/forgot-password",
                             "/api/v1/auth/resend-verification"}) {
        const Answer unknown = post(path, {{"email", "unknown@example.com"}});
        const Answer known = post(path, {{"email", "anna@example.com"}});
        EXPECT_EQ(unknown.status, 200) << path;
        EXPECT_EQ(known.status, 200) << path;
        EXPECT_EQ(unknown.raw.body, known.raw.body) << path;
    }
    EXPECT_EQ(scrypts() - before, 0);
    // Registering a taken address shows the form of a new one.
    const auto registered = [&](const char* email) {
        Json shown =
            post("/api/v1/auth/register", {{"email", email}, {"password", good_password}}).json;
        for (const char* own : {"id", "email", "name", "createdAt", "updatedAt"}) {
            shown["user"].erase(own);
        }
        return shown;
    };
    EXPECT_EQ(registered("anna@example.com"), registered("fresh@example.com"));
}

// Whatever names the page to go on with: a foreign one is refused where it is asked, and a mailed
// link that was tampered with leads nowhere else either.
TEST_F(SecurityTest, NoLinkLeadsToAForeignPage) {
    struct Place {
        const char *method, *path, *parameter;
        Json body;
    };
    const Json mail = {{"email", "anna@example.com"}};
    Json credentials = mail, fresh = mail;
    credentials["password"] = good_password;
    fresh.update({{"email", "new@example.com"}, {"password", good_password}, {"name", "N"}});
    const Json moved = {{"newEmail", "moved@example.com"}};
    const Place places[] = {
        {"POST", "/api/v1/auth/register", "sourceAppUrl", fresh},
        {"POST", "/api/v1/auth/forgot-password", "redirectTo", mail},
        {"POST", "/api/v1/auth/resend-verification", "sourceAppUrl", mail},
        {"POST", "/api/v1/auth/change-email", "callbackURL", moved},
        {"POST", "/api/auth/sign-up/email", "callbackURL", fresh},
        {"POST", "/api/auth/sign-in/email", "callbackURL", credentials},
        {"POST", "/api/auth/request-password-reset", "redirectTo", mail},
        {"POST", "/api/auth/send-verification-email", "callbackURL", mail},
        {"POST", "/api/auth/change-email", "callbackURL", moved},
        {"POST", "/api/auth/sign-in/magic-link", "callbackURL", mail},
        {"POST", "/api/auth/sign-in/magic-link", "newUserCallbackURL", mail},
        {"POST", "/api/auth/sign-in/magic-link", "errorCallbackURL", mail},
        {"GET", "/api/auth/verify-email", "callbackURL", nullptr},
        {"GET", "/api/auth/reset-password/x", "callbackURL", nullptr},
        {"GET", "/api/auth/magic-link/verify", "callbackURL", nullptr},
        {"GET", "/api/auth/magic-link/verify", "errorCallbackURL", nullptr},
    };
    for (const Place& place : places) {
        for (const std::string hostile :
             {"https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example",
              "https:evil.example", "javascript:alert(1)", "data:text/html,x",
              "https://mana.how.evil.example", "https://mana.how@evil.example",
              "http://localhost:5173@evil.example", "https://mana.how:444", "/ok\r\nX: y",
              "\t//evil.example", " https://evil.example", "https://mana.how\\@evil.example"}) {
            Answer answer;
            if (place.body.is_null()) {
                answer = get(std::string(place.path) + "?token=x&" + place.parameter + "=" +
                             base::url_encode(hostile));
            } else {
                Json body = place.body;
                body[place.parameter] = hostile;
                answer = post(place.path, body, bearer(good_));
            }
            EXPECT_TRUE(answer.status == 400 || answer.status == 403)
                << place.path << " " << place.parameter << " " << hostile << answer.status;
            EXPECT_EQ(answer.raw.header("Location"), "") << place.path;
            EXPECT_THAT(answer.raw.body, HasSubstr(place.parameter)) << hostile;
        }
    }
    EXPECT_TRUE(mails().empty()) << "nothing was mailed for any of them";
    EXPECT_EQ(count("auth.users"), 1);
}

TEST_F(SecurityTest, ASessionIsNeverOfTheClientsChoosing) {
    Browser victim;
    sign_in(victim, "anna@example.com");
    const std::string attackers = victim.cookies["mana.session_token"];
    ask(victim, "/api/auth/get-session");
    sign_in(victim, "anna@example.com");
    EXPECT_NE(victim.cookies["mana.session_token"], attackers) << "each login has its own";
    Browser fixed;
    fixed.cookies["mana.session_token"] = "chosen-by-the-attacker." + std::string(43, 'A') + "%3D";
    sign_in(fixed, "anna@example.com");
    EXPECT_THAT(fixed.cookies["mana.session_token"], testing::Not(HasSubstr("chosen")));
    EXPECT_EQ(get("/api/auth/get-session?token=" + attackers).json, nullptr) << "no URL carries it";
}

TEST_F(SecurityTest, HeadersAreReadInOneWay) {
    Browser browser;
    sign_in(browser, "anna@example.com");
    const std::string cookie = browser.headers()[1].second;
    // Two cookies of one name, as a subdomain could set: neither is guessed at.
    const std::string value = browser.cookies["mana.session_token"];
    const Answer both = get("/api/auth/get-session",
                            {{"Cookie", "mana.session_token=evil.x; mana.session_token=" + value}});
    EXPECT_EQ(both.json["user"]["id"], anna_id_);
    add_user("mallory@example.com");
    Browser mallory;
    sign_in(mallory, "mallory@example.com");
    const std::string planted = mallory.cookies["mana.session_token"];
    const auto seen = [&](const std::string& first, const std::string& second) {
        return get("/api/auth/get-session",
                   {{"Cookie", "mana.session_token=" + first + "; mana.session_token=" + second}})
            .json;
    };
    EXPECT_EQ(seen(value, planted), nullptr);
    EXPECT_EQ(seen(planted, value), nullptr);
    sql("delete from auth.sessions where user_id <> $1", {anna_id_});
    EXPECT_EQ(seen(planted, value)["user"]["id"], anna_id_) << "one that has ended is none";
    // X-Forwarded-* of strangers change neither address nor links.
    clock_.advance(std::chrono::seconds(1));
    const Answer in = send("POST", "/api/v1/auth/login",
                           {{"Content-Type", "application/json"},
                            {"X-Forwarded-For", "203.0.113.9"},
                            {"X-Forwarded-Host", "evil.example"},
                            {"X-Original-URL", "/api/v1/admin/personas"}},
                           R"({"email":"anna@example.com","password":"Aa-123456789"})");
    ASSERT_EQ(in.status, 200);
    EXPECT_EQ(count("auth.sessions where ip_address = '203.0.113.9'"), 0);
    post("/api/auth/sign-in/magic-link", {{"email", "anna@example.com"}},
         {{"X-Forwarded-Host", "evil.example"}, {"X-Forwarded-Proto", "https"}});
    for (const std::string& mail : mails()) {
        EXPECT_THAT(mail, testing::Not(HasSubstr("evil.example")));
    }
    // An id that would break the line is not repeated.
    EXPECT_THAT(get("/health", {{"X-Request-Id", "a b"}}).raw.header("X-Request-Id"),
                testing::MatchesRegex("[0-9a-f]{8}"));
}

TEST_F(SecurityTest, NobodyKeepsWhatIsPrivate) {
    const auto kept = [&](const std::string& path) {
        const Answer answer = get(path, bearer(good_));
        EXPECT_EQ(answer.raw.header("X-Content-Type-Options"), "nosniff") << path;
        return std::string(answer.raw.header("Cache-Control"));
    };
    for (const char* path : {"/api/auth/get-session", "/api/auth/token", "/api/v1/auth/profile",
                             "/api/v1/me/data/export", "/api/v1/admin/personas", "/api/auth/error",
                             "/api/auth/magic-link/verify?token=x", "/nowhere"}) {
        EXPECT_EQ(kept(path), "no-store") << path;
    }
    for (const char* path : {"/api/auth/jwks", "/openapi.json"}) {
        EXPECT_NE(kept(path), "no-store") << path;
    }
}

TEST_F(SecurityTest, BodiesHaveALimitInSizeAndDepth) {
    const base::HttpHeaders json = {{"Content-Type", "application/json"}};
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    for (const std::size_t depth : {65U, 10'000U, 1'000'000U}) {
        const Answer answer = send("POST", "/api/v1/auth/login", json,
                                   R"({"email":)" + nested(depth) + R"(,"password":"x"})");
        EXPECT_EQ(answer.status, 400) << depth;
    }
    std::string wide = "{";
    for (int i = 0; i < 5'000; ++i) wide += (i ? ",\"" : "\"") + std::to_string(i) + "\":1";
    EXPECT_EQ(send("POST", "/api/v1/auth/login", json, wide + "}").status, 400);
    const std::string huge(17 * 1024 * 1024, 'a');
    EXPECT_EQ(send("POST", "/api/v1/auth/login", json, huge).status, 413);
    EXPECT_EQ(login("anna@example.com").status, 200) << "and the service lives";
}

}  // namespace
}  // namespace tests
