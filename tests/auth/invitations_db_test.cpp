// Invitations into spaces, over HTTP, with their mails.
#include <thread>

#include <gmock/gmock.h>

#include "tests/auth/space_support.hpp"

namespace tests {
namespace {

using base::Json;
using testing::HasSubstr;

class Invitations : public SpaceTest {
  protected:
    void SetUp() override {
        SpaceTest::SetUp();
        chor_ = found("anna", "chor");
    }
    Answer send_to(const std::string& by, const std::string& email, const Json& role = "member",
                   bool resend = false) {
        return ask(
            by, "invite-member",
            {{"organizationId", chor_}, {"email", email}, {"role", role}, {"resend", resend}});
    }
    Answer accept(const std::string& who, const std::string& id) {
        return ask(who, "accept-invitation", {{"invitationId", id}});
    }

    std::string chor_;
};

// auth-api-doubts B60: the page is the web application's. B33: names are escaped.
TEST_F(Invitations, AreMailedWithALinkToTheWebApplication) {
    auto told = options();
    told.web_url = "https://mana.how";
    start(told);
    ask("anna", "update", {{"organizationId", chor_}, {"data", {{"name", "<b>Chor</b>"}}}});
    const Answer sent = send_to("anna", "Nora@Example.com", "admin");
    ASSERT_EQ(sent.status, 200) << sent.raw.body;
    EXPECT_EQ(sent.text("email"), "nora@example.com");
    EXPECT_EQ(sent.text("status"), "pending");
    EXPECT_EQ(sent.text("role"), "admin");
    EXPECT_EQ(sent.text("inviterId"), id_of("anna"));
    EXPECT_EQ(sent.text("expiresAt"), base::to_iso(clock_.now() + std::chrono::hours(48)));
    const auto letters = mails();
    ASSERT_EQ(letters.size(), 1U);
    EXPECT_THAT(letters[0], HasSubstr("To: nora@example.com"));
    EXPECT_THAT(letters[0], HasSubstr("https://mana.how/accept-invitation?id=" + sent.text("id")));
    EXPECT_THAT(letters[0], HasSubstr("&lt;b&gt;Chor"));
    EXPECT_THAT(letters[0], testing::Not(HasSubstr("<b>Chor")));
}

TEST_F(Invitations, AreGoodOnceForTheirAddressUntilTheyEnd) {
    const std::string id = invite("anna", chor_, "nora");
    expect_code(accept("eve", id), 403, "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION");
    const Answer shown = read("nora", "get-invitation?id=" + id);
    EXPECT_EQ(shown.text("organizationName"), "chor") << shown.raw.body;
    EXPECT_EQ(shown.text("organizationSlug"), "chor");
    EXPECT_EQ(shown.text("inviterEmail"), email_of("anna"));
    expect_code(read("eve", "get-invitation?id=" + id), 403,
                "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION");
    const Answer mine = read("nora", "list-user-invitations");
    ASSERT_EQ(mine.json.size(), 1U);
    EXPECT_EQ(mine.json[0]["organizationName"], "chor");

    const Answer in = accept("nora", id);
    EXPECT_EQ(in.json["invitation"]["status"], "accepted") << in.raw.body;
    EXPECT_EQ(in.json["member"]["userId"], id_of("nora"));
    expect_code(accept("nora", id), 400, "INVITATION_NOT_FOUND");
    expect_code(accept("nora", "nothing"), 400, "INVITATION_NOT_FOUND");
    expect_code(read("nora", "get-invitation?id=" + id), 400, "INVITATION_NOT_FOUND");
    EXPECT_EQ(read("nora", "list-user-invitations").json, Json::array());

    const std::string late = invite("anna", chor_, "late");
    clock_.advance(std::chrono::hours(48));
    EXPECT_EQ(read("late", "list-user-invitations").json, Json::array());
    expect_code(accept("late", late), 400, "INVITATION_NOT_FOUND");
    expect_code(ask("late", "reject-invitation", {{"invitationId", late}}), 400,
                "INVITATION_NOT_FOUND");
    EXPECT_EQ(send_to("anna", email_of("late")).status, 200);  // One that has ended does not bar.
}

TEST_F(Invitations, OneAcceptedThirtyTimesAtOnceMakesOneMember) {
    const std::string id = invite("anna", chor_, "nora");
    const auto nora = as("nora");
    std::atomic<int> wins{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 30; ++i) {
        threads.emplace_back([&] {
            const Answer answer =
                post("/api/auth/organization/accept-invitation", {{"invitationId", id}}, nora);
            if (answer.status == 200) ++wins;
            EXPECT_TRUE(answer.status == 200 || answer.text("code") == "INVITATION_NOT_FOUND")
                << answer.raw.body;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wins, 1);
    EXPECT_EQ(count("auth.members where organization_id = $1", {chor_}), 2);
}

TEST_F(Invitations, AnUnprovenAddressAnswersNone) {
    const std::string id = invite("anna", chor_, "nora");
    as("nora");
    sql("update auth.users set email_verified = false where id = $1", {id_of("nora")});
    constexpr const char* unproven =
        "EMAIL_VERIFICATION_REQUIRED_BEFORE_ACCEPTING_OR_REJECTING_INVITATION";
    expect_code(accept("nora", id), 403, unproven);
    expect_code(ask("nora", "reject-invitation", {{"invitationId", id}}), 403, unproven);
    expect_code(read("nora", "get-invitation?id=" + id), 403,
                "EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION");
    expect_code(read("nora", "list-user-invitations"), 403,
                "EMAIL_VERIFICATION_REQUIRED_FOR_INVITATION");
}

TEST_F(Invitations, CanBeRejectedAndCanceled) {
    const std::string id = invite("anna", chor_, "nora");
    const Answer no = ask("nora", "reject-invitation", {{"invitationId", id}});
    EXPECT_EQ(no.json["invitation"]["status"], "rejected") << no.raw.body;
    EXPECT_EQ(no.json["member"], nullptr);
    expect_code(accept("nora", id), 400, "INVITATION_NOT_FOUND");

    const std::string other = invite("anna", chor_, "otto");
    join("anna", chor_, "mia");
    expect_code(ask("mia", "cancel-invitation", {{"invitationId", other}}), 403,
                "YOU_ARE_NOT_ALLOWED_TO_CANCEL_THIS_INVITATION");
    expect_code(ask("eve", "cancel-invitation", {{"invitationId", other}}), 400,
                "MEMBER_NOT_FOUND");
    EXPECT_EQ(ask("anna", "cancel-invitation", {{"invitationId", other}}).text("status"),
              "canceled");
    expect_code(accept("otto", other), 400, "INVITATION_NOT_FOUND");
    expect_code(ask("anna", "cancel-invitation", {{"invitationId", other}}), 400,
                "INVITATION_NOT_FOUND");
    const Answer list = read("mia", "list-invitations?organizationId=" + chor_);
    EXPECT_EQ(list.json.size(), 3U);
}

TEST_F(Invitations, AnAddressIsInvitedOnceUnlessAskedAgain) {
    const std::string id = invite("anna", chor_, "nora");
    expect_code(send_to("anna", email_of("nora")), 400,
                "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION");
    clock_.advance(std::chrono::hours(1));
    const Answer again = send_to("anna", email_of("nora"), "member", true);
    EXPECT_EQ(again.text("id"), id);
    EXPECT_EQ(again.text("expiresAt"), base::to_iso(clock_.now() + std::chrono::hours(48)));
    EXPECT_EQ(mails().size(), 2U);
}

TEST_F(Invitations, NobodyInvitesAboveTheirRole) {
    join("anna", chor_, "adam", "admin");
    join("anna", chor_, "mia");
    expect_code(send_to("mia", "x@example.com"), 403,
                "YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION");
    expect_code(send_to("adam", "x@example.com", "owner"), 403,
                "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE");
    expect_code(send_to("adam", "x@example.com", Json{"member", "owner"}), 403,
                "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE");
    expect_code(send_to("anna", "x@example.com", "king"), 400, "ROLE_NOT_FOUND");
    EXPECT_EQ(send_to("anna", "x@example.com", "owner").status, 200);
    // Sending the owner's invitation again would be inviting an owner.
    expect_code(send_to("adam", "x@example.com", "member", true), 403,
                "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE");
    expect_code(send_to("eve", "x@example.com"), 400, "MEMBER_NOT_FOUND");
}

TEST_F(Invitations, EndWithTheInvitersRight) {
    const std::string adam = join("anna", chor_, "adam", "admin");
    const std::string open = invite("adam", chor_, "nora");
    ask("anna", "update-member-role",
        {{"organizationId", chor_}, {"memberId", adam}, {"role", "member"}});
    expect_code(accept("nora", open), 400, "INVITATION_NOT_FOUND");
    const std::string ben = join("anna", chor_, "ben", "owner");
    const std::string owner = invite("ben", chor_, "olga", "owner");
    const std::string plain = invite("ben", chor_, "paul");
    ask("anna", "update-member-role",
        {{"organizationId", chor_}, {"memberId", ben}, {"role", "admin"}});
    expect_code(accept("olga", owner), 400, "INVITATION_NOT_FOUND");
    EXPECT_EQ(accept("paul", plain).status, 200);
    const std::string last = invite("ben", chor_, "rosa");
    ask("ben", "leave", {{"organizationId", chor_}});
    expect_code(accept("rosa", last), 400, "INVITATION_NOT_FOUND");
}

TEST_F(Invitations, AHundredMayWait) {
    sql(R"(insert into auth.invitations (id, organization_id, email, role, status, expires_at)
           select 'i' || n, $1, n || '@example.com', 'member', 'pending', $2::timestamptz
             from generate_series(1, 99) n)",
        {chor_, base::Moment(clock_.now() + std::chrono::hours(1))});
    invite("anna", chor_, "hundredth");
    expect_code(send_to("anna", "more@example.com"), 403, "INVITATION_LIMIT_REACHED");
    clock_.advance(std::chrono::hours(1));
    EXPECT_EQ(send_to("anna", "more@example.com").status, 200);
}

}  // namespace
}  // namespace tests
