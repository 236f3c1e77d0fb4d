#include "auth/mail/post_office.hpp"

#include <gmock/gmock.h>

#include <future>

#include "base/server.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;
using testing::Not;

// A far end that takes mails and calls, or does not.
class FarEnd {
  public:
    explicit FarEnd(base::ServerOptions options = {}) : server_(std::move(options)) {
        server_.route("POST", "/*",
                      [this](const base::ServerRequest& request) { return take(request); });
        server_.route("DELETE", "/*",
                      [this](const base::ServerRequest& request) { return take(request); });
        server_.start();
    }
    ~FarEnd() { server_.stop(); }

    std::string url() const { return server_.url(); }
    void answer(int status, base::HttpHeaders headers = {}) {
        const std::lock_guard lock(mutex_);
        status_ = status;
        headers_ = std::move(headers);
    }
    std::vector<base::ServerRequest> taken() const {
        const std::lock_guard lock(mutex_);
        return taken_;
    }

  private:
    base::ServerResponse take(const base::ServerRequest& request) {
        const std::lock_guard lock(mutex_);
        taken_.push_back(request);
        base::ServerResponse answer = base::ServerResponse::json(Json::object(), status_);
        answer.headers = headers_;
        return answer;
    }

    mutable std::mutex mutex_;
    int status_ = 200;
    base::HttpHeaders headers_;
    std::vector<base::ServerRequest> taken_;
    base::Server server_;
};

class PostOfficeTest : public ServiceTest {
  protected:
    PostOfficeTest() {
        options_ = options();
        options_.notify_url = notify_.url();
        options_.credits_url = credits_.url();
    }

    void queue_mail(auth::PostOffice& office, const std::string& to = "anna@example.com",
                    auth::MailText text = auth::MailText::verify_email) {
        pool_.transact([&](base::Transaction& transaction) {
            office.queue(
                transaction,
                auth::Mail{.to = to,
                           .text = text,
                           .fields = {.name = "Anna", .link = "https://x.test/secret-token"}});
        });
    }
    void queue_call(auth::PostOffice& office, auth::Call call, const Json& body,
                    std::optional<std::string> once = std::nullopt) {
        pool_.transact([&](base::Transaction& transaction) {
            office.queue(transaction, auth::ServiceCall{call, body, once});
        });
    }
    // What operators see.
    base::SqlRows ops(std::string_view statement) {
        return operators_.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement); });
    }
    std::string state() {
        std::string states;
        for (const auto& row : ops("select state from ops.outbound order by created_at, id")) {
            states += (states.empty() ? "" : " ") + row.text("state");
        }
        return states;
    }

    base::Postgres operators_{{.url = database_.ops_url(), .connections_max = 1}};
    FarEnd notify_, credits_;
    auth::Options options_;
};

TEST_F(PostOfficeTest, AMailReachesTheNotifyServiceInItsForm) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    queue_mail(office);

    EXPECT_EQ(office.deliver_due(), 1u);
    EXPECT_EQ(office.deliver_due(), 0u);

    ASSERT_EQ(notify_.taken().size(), 1u);
    const base::ServerRequest request = notify_.taken()[0];
    EXPECT_EQ(request.path, "/api/v1/notifications/send");
    EXPECT_EQ(request.header("x-service-key"), "dev-service-key");
    const Json body = request.json();
    EXPECT_EQ(body["channel"], "email");
    EXPECT_EQ(body["appId"], "mana-auth");
    EXPECT_EQ(body["recipient"], "anna@example.com");
    EXPECT_THAT(body["subject"].get<std::string>(), HasSubstr("bestätige"));
    EXPECT_THAT(body["body"].get<std::string>(), HasSubstr("https://x.test/secret-token"));
    const auto row = sql("select id, body, outcome from auth.outbound")[0];
    EXPECT_EQ(request.header("idempotency-key"), row.text("id"));
    EXPECT_EQ(row.text("outcome"), "delivered");
    EXPECT_EQ(row.text("body"), "");
}

TEST_F(PostOfficeTest, WhatWaitsIsSealed) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    queue_mail(office);

    const std::string body = sql("select body from auth.outbound")[0].text("body");
    EXPECT_THAT(body, Not(HasSubstr("secret-token")));
    EXPECT_THAT(*base::from_hex(body), Not(HasSubstr("anna@example.com")));
}

TEST_F(PostOfficeTest, AnActThatFailsSendsNothing) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    EXPECT_THROW(pool_.transact([&](base::Transaction& transaction) {
        office.queue(transaction, auth::Mail{.to = "a@b.c"});
        throw base::Failure(base::Failure::Kind::conflict, "the act did not happen");
    }),
                 base::Failure);

    EXPECT_EQ(office.deliver_due(), 0u);
    EXPECT_TRUE(notify_.taken().empty());
}

TEST_F(PostOfficeTest, ASilentServiceIsTriedAgainWithTheSameKeyUntilItTakesTheMail) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    notify_.answer(503);
    queue_mail(office);

    EXPECT_EQ(office.deliver_due(), 0u);
    EXPECT_EQ(office.deliver_due(), 0u) << "not due before its pause is over";
    EXPECT_EQ(notify_.taken().size(), 1u);
    EXPECT_THAT(ops("select last_error from ops.outbound")[0].text("last_error"), "answered 503");
    clock_.advance(std::chrono::seconds(6));
    EXPECT_EQ(office.deliver_due(), 0u);
    notify_.answer(202);
    clock_.advance(std::chrono::seconds(11));
    EXPECT_EQ(office.deliver_due(), 1u);

    const auto taken = notify_.taken();
    ASSERT_EQ(taken.size(), 3u);
    EXPECT_EQ(taken[0].header("idempotency-key"), taken[2].header("idempotency-key"));
    EXPECT_EQ(state(), "delivered");
}

TEST_F(PostOfficeTest, TheOtherSideSaysHowLongToWait) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    notify_.answer(429, {{"Retry-After", "600"}});
    queue_mail(office);
    office.deliver_due();

    EXPECT_EQ(ops("select next_at from ops.outbound")[0].moment("next_at"),
              clock_.now() + std::chrono::minutes(10));
}

TEST_F(PostOfficeTest, ARefusedMailIsGivenUpAndSaysWhy) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    notify_.answer(422);
    queue_mail(office);
    queue_mail(office, "ben@example.com");

    EXPECT_EQ(office.deliver_due(), 0u);

    EXPECT_EQ(notify_.taken().size(), 2u) << "one refusal stops nobody else";
    EXPECT_EQ(state(), "refused refused");
    EXPECT_EQ(ops("select last_error from ops.outbound")[0].text("last_error"), "answered 422");
}

TEST_F(PostOfficeTest, AMailWhoseLinkIsDeadIsNotSent) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    notify_.answer(500);
    queue_mail(office);
    office.deliver_due();
    clock_.advance(std::chrono::minutes(61));
    notify_.answer(200);

    EXPECT_EQ(office.deliver_due(), 0u);
    EXPECT_EQ(notify_.taken().size(), 1u);
    EXPECT_EQ(state(), "expired");
}

TEST_F(PostOfficeTest, OneSilentServiceDoesNotHoldUpTheOthers) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    notify_.answer(500);
    for (int i = 0; i < 3; ++i) queue_mail(office);
    queue_call(office, auth::Call::credits_init, {{"userId", "u1"}});

    EXPECT_EQ(office.deliver_due(), 1u);
    EXPECT_EQ(notify_.taken().size(), 1u) << "the first silence of a pass is enough";
    ASSERT_EQ(credits_.taken().size(), 1u);
    EXPECT_EQ(credits_.taken()[0].path, "/api/v1/internal/credits/init");
    EXPECT_EQ(credits_.taken()[0].json(), Json({{"userId", "u1"}}));
}

TEST_F(PostOfficeTest, ACallIsQueuedOncePerKeyAndOnlyForServicesThatAreThere) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    queue_call(office, auth::Call::credits_delete, {{"userId", "u/1"}}, "delete u1");
    queue_call(office, auth::Call::credits_delete, {{"userId", "u/1"}}, "delete u1");
    queue_call(office, auth::Call::mailbox_created, {{"userId", "u1"}});
    credits_.answer(404);

    EXPECT_EQ(office.deliver_due(), 1u) << "what is gone needs no deleting";
    ASSERT_EQ(credits_.taken().size(), 1u);
    EXPECT_EQ(credits_.taken()[0].method, "DELETE");
    EXPECT_EQ(credits_.taken()[0].target, "/api/v1/internal/credits/balance/u%2F1");
    EXPECT_EQ(count("auth.outbound"), 1);
}

TEST_F(PostOfficeTest, ADeliveryThatDiedIsTakenUpAfterItsLease) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    queue_mail(office);
    pool_.transact([&](base::Transaction& transaction) {
        ASSERT_TRUE(auth::take_outbound(transaction, {}, clock_.now()));
    });

    EXPECT_EQ(office.deliver_due(), 0u);
    clock_.advance(auth::outbound_lease);
    EXPECT_EQ(office.deliver_due(), 1u);
}

TEST_F(PostOfficeTest, SeveralWorkersDeliverEachMailOnce) {
    auth::PostOffice one(pool_, options_, clock_, metrics_);
    auth::PostOffice two(pool_, options_, clock_, metrics_);
    for (int i = 0; i < 20; ++i) queue_mail(one, "user" + std::to_string(i) + "@example.com");

    auto first = std::async(std::launch::async, [&] { return one.deliver_due(); });
    auto second = std::async(std::launch::async, [&] { return two.deliver_due(); });

    EXPECT_EQ(first.get() + second.get(), 20u);
    EXPECT_EQ(notify_.taken().size(), 20u);
}

TEST_F(PostOfficeTest, TheQueueIsBounded) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    sql(R"(insert into auth.outbound (id, kind, body, created_at, next_at, expires_at)
           select 'n' || n, 'mail.verify_email', '', now(), now(), now()
             from generate_series(1, 19999) as n)");
    queue_mail(office);

    try {
        queue_mail(office);
        ADD_FAILURE() << "the queue took one too many";
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.kind(), base::Failure::Kind::unavailable);
        EXPECT_TRUE(failure.retry_after());
    }
}

TEST_F(PostOfficeTest, EndedRowsGoAfterAWeek) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    queue_mail(office);
    office.deliver_due();
    const auto forget = [&] {
        pool_.transact([&](base::Transaction& transaction) {
            auth::forget_outbound(transaction, clock_.now());
        });
        return count("auth.outbound");
    };

    clock_.advance(std::chrono::hours(7 * 24));
    EXPECT_EQ(forget(), 1);
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(forget(), 0);
}

TEST_F(PostOfficeTest, TheWorkerDeliversByItself) {
    std::promise<void> arrived;
    base::Server far{base::ServerOptions{}};
    far.route("POST", "/*", [&](const base::ServerRequest&) {
        arrived.set_value();
        return base::ServerResponse::json(Json::object());
    });
    far.start();
    options_.notify_url = far.url();
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    office.start();
    queue_mail(office);

    EXPECT_EQ(arrived.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    office.stop();
    office.stop();
    far.stop();
    EXPECT_EQ(state(), "delivered");
}

TEST_F(PostOfficeTest, AnotherSecretCannotReadWhatWaits) {
    auth::PostOffice office(pool_, options_, clock_, metrics_);
    queue_mail(office);
    auth::Options other = options_;
    other.secret = base::Secret("another-secret-0123456789abcdef");
    auth::PostOffice stranger(pool_, other, clock_, metrics_);

    EXPECT_EQ(stranger.deliver_due(), 0u);
    EXPECT_TRUE(notify_.taken().empty());
    EXPECT_EQ(state(), "refused");
}

// auth-api-doubts B28: nothing is told elsewhere of an account that was not made.
TEST_F(PostOfficeTest, ANewAccountIsToldToTheOtherServicesAndATakenAddressIsNot) {
    FarEnd mailbox;
    options_.mailbox_url = mailbox.url();
    start(options_);
    const Json body = {{"email", "anna@example.com"}, {"password", good_password}};
    const Answer made = post("/api/v1/auth/register", body);
    ASSERT_EQ(made.status, 200) << made.raw.body;
    const std::string id = made.json["user"]["id"].get<std::string>();
    ASSERT_EQ(post("/api/v1/auth/register", body).status, 200);
    service_->deliver_due();

    const auto credits = credits_.taken();
    ASSERT_EQ(credits.size(), 2u);
    for (const auto& call : credits) EXPECT_EQ(call.json()["userId"], id);
    EXPECT_EQ(credits_.taken()[1].json()["email"], "anna@example.com");
    ASSERT_EQ(mailbox.taken().size(), 1u);
    EXPECT_EQ(mailbox.taken()[0].path, "/api/v1/internal/mail/on-user-created");
    EXPECT_EQ(notify_.taken().size(), 1u);
}

}  // namespace
}  // namespace tests
