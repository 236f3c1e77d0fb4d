#include "auth/envelope.hpp"

#include <gtest/gtest.h>

namespace auth {
namespace {

using base::Failure;
using Kind = base::Failure::Kind;

TEST(Envelope, TheFamilyIsKnownFromThePath) {
    EXPECT_EQ(family_of("/api/v1/auth/login"), Family::custom);
    EXPECT_EQ(family_of("/api/auth/token"), Family::native);
    EXPECT_EQ(family_of("/api/v1/admin/personas"), Family::guarded);
    EXPECT_EQ(family_of("/api/v1/internal/personas/due"), Family::guarded);
}

TEST(Envelope, CustomTellsCodeMessageStatusAndWait) {
    const auto answer = print_failure(
        Family::custom,
        Failure(Kind::throttled, "wait", "ACCOUNT_LOCKED").retry_after(std::chrono::seconds(1800)));

    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.body,
              R"({"error":"ACCOUNT_LOCKED","message":"wait","status":429,"retryAfterSec":1800})");
    ASSERT_EQ(answer.headers.size(), 1u);
    EXPECT_EQ(answer.headers[0], std::make_pair(std::string("Retry-After"), std::string("1800")));
}

TEST(Envelope, NativeCodesBecomeCustomOnes) {
    const auto code = [](Kind kind, const char* native) {
        return custom_code_of(Failure(kind, "x", native));
    };
    EXPECT_EQ(code(Kind::unauthenticated, "INVALID_EMAIL_OR_PASSWORD"), "INVALID_CREDENTIALS");
    EXPECT_EQ(code(Kind::invalid, "PASSWORD_TOO_SHORT"), "WEAK_PASSWORD");
    EXPECT_EQ(code(Kind::invalid, "PASSWORD_TOO_LONG"), "WEAK_PASSWORD");
    EXPECT_EQ(code(Kind::invalid, "INVALID_EMAIL"), "VALIDATION");
    EXPECT_EQ(code(Kind::forbidden, "EMAIL_NOT_VERIFIED"), "EMAIL_NOT_VERIFIED");
    EXPECT_EQ(code(Kind::invalid, ""), "VALIDATION");
    EXPECT_EQ(code(Kind::unavailable, ""), "SERVICE_UNAVAILABLE");
    EXPECT_EQ(code(Kind::internal, ""), "INTERNAL");
}

// auth-api-doubts B45: no session is not a wrong password, and not every 403 is an address.
TEST(Envelope, MissingSessionsAndForbiddenThingsKeepTheirNames) {
    EXPECT_EQ(custom_code_of(Failure(Kind::unauthenticated, "x")), "UNAUTHORIZED");
    EXPECT_EQ(custom_code_of(Failure(Kind::forbidden, "x")), "FORBIDDEN");
}

TEST(Envelope, GuardedTellsUnknownCallersApart) {
    EXPECT_EQ(print_failure(Family::guarded, Failure(Kind::unauthenticated, "who?")).body,
              R"({"statusCode":401,"message":"who?"})");
    EXPECT_EQ(print_failure(Family::guarded, Failure(Kind::forbidden, "no")).body,
              R"({"error":"Forbidden","message":"no"})");
    EXPECT_EQ(print_failure(Family::guarded, Failure(Kind::missing, "Not found")).body,
              R"({"error":"Not found"})");
    const auto gone =
        print_failure(Family::guarded, Failure(Kind::missing, "dead", "dead").status(410));
    EXPECT_EQ(gone.status, 410);
    EXPECT_EQ(gone.body, R"({"error":"dead","code":"dead"})");
}

TEST(Envelope, NativeTellsMessageAndCode) {
    const auto answer =
        print_failure(Family::native, Failure(Kind::unauthenticated, "log in", "UNAUTHORIZED"));

    EXPECT_EQ(answer.status, 401);
    EXPECT_EQ(answer.body, R"({"message":"log in","code":"UNAUTHORIZED"})");
}

TEST(Envelope, TheNativeLimiterSpeaksPlainText) {
    const auto answer = print_failure(
        Family::native,
        Failure(Kind::throttled, "slow", "RATE_LIMITED").retry_after(std::chrono::seconds(7)));

    EXPECT_EQ(answer.content_type, "text/plain");
    EXPECT_EQ(answer.body, R"({"message":"slow"})");
    EXPECT_EQ(answer.headers.at(0), std::make_pair(std::string("X-Retry-After"), std::string("7")));
}

TEST(Envelope, BugsAreNotExplainedToClients) {
    for (const Family family : {Family::custom, Family::guarded, Family::native}) {
        const auto answer = print_failure(family, Failure(Kind::internal, "pointer 0x1"));
        EXPECT_EQ(answer.status, 500);
        EXPECT_EQ(answer.body.find("0x1"), std::string::npos);
    }
}

TEST(Envelope, ATrailingSlashLeadsToThePathWithoutIt) {
    base::ServerRequest request;
    request.method = "GET";
    request.target = "/health/?a=1";
    request.path = "/health/";
    const auto answer = print_unknown_path(request);
    EXPECT_EQ(answer.status, 301);
    EXPECT_EQ(answer.headers.at(0),
              std::make_pair(std::string("Location"), std::string("/health?a=1")));

    for (const std::string target : {"//evil.com/", "/x", "/"}) {
        request.target = target;
        EXPECT_EQ(print_unknown_path(request).status, 404) << target;
    }
}

}  // namespace
}  // namespace auth
