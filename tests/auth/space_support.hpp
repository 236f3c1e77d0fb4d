// Users who are logged in without a password's slow hash, and what they say to the spaces' routes.
#pragma once

#include <map>
#include <string>

#include "auth/identity/sessions.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {

class SpaceTest : public ServiceTest {
  protected:
    void SetUp() override { start(); }

    // Headers of a new user's session; the same user again for the same name.
    base::HttpHeaders as(const std::string& name, const std::string& tier = "public") {
        const auto known = tokens_.find(name);
        if (known != tokens_.end()) return bearer(known->second);
        const std::string token = pool_.transact([&](base::Transaction& transaction) {
            const auto id = auth::create_user(
                transaction,
                {.email = email_of(name), .name = name, .tier = tier, .verified = true},
                clock_.now());
            users_[name] = *id;
            clock_.advance(std::chrono::seconds(1));
            return auth::create_session(transaction, {.user_id = *id}, clock_.now()).token.reveal();
        });
        tokens_[name] = token;
        return bearer(token);
    }
    // Another session of the same user.
    base::HttpHeaders again(const std::string& name) {
        as(name);
        return bearer(pool_.transact([&](base::Transaction& transaction) {
            return auth::create_session(transaction, {.user_id = users_[name]}, clock_.now())
                .token.reveal();
        }));
    }
    static std::string email_of(const std::string& name) { return name + "@example.com"; }
    const std::string& id_of(const std::string& name) {
        as(name);
        return users_[name];
    }

    // POST /api/auth/organization/<what>.
    Answer ask(const std::string& name, const std::string& what, const base::Json& body) {
        return post("/api/auth/organization/" + what, body, as(name));
    }
    Answer read(const std::string& name, const std::string& what) {
        return get("/api/auth/organization/" + what, as(name));
    }
    // Answers the space's id.
    std::string found(const std::string& name, const std::string& slug,
                      const std::string& type = "club") {
        const Answer made =
            ask(name, "create", {{"name", slug}, {"slug", slug}, {"metadata", {{"type", type}}}});
        EXPECT_EQ(made.status, 200) << made.raw.body;
        clock_.advance(std::chrono::seconds(1));
        return made.text("id");
    }
    // Answers the invitation's id.
    std::string invite(const std::string& by, const std::string& space, const std::string& whom,
                       const base::Json& role = "member") {
        const Answer sent =
            ask(by, "invite-member",
                {{"organizationId", space}, {"email", email_of(whom)}, {"role", role}});
        EXPECT_EQ(sent.status, 200) << sent.raw.body;
        return sent.text("id");
    }
    // Answers the member's id.
    std::string join(const std::string& by, const std::string& space, const std::string& whom,
                     const base::Json& role = "member") {
        const Answer in =
            ask(whom, "accept-invitation", {{"invitationId", invite(by, space, whom, role)}});
        EXPECT_EQ(in.status, 200) << in.raw.body;
        clock_.advance(std::chrono::seconds(1));
        return in.json["member"]["id"].get<std::string>();
    }
    static void expect_code(const Answer& answer, int status, const std::string& code) {
        EXPECT_EQ(answer.status, status) << answer.raw.body;
        EXPECT_EQ(answer.text("code"), code) << answer.raw.body;
    }

    std::map<std::string, std::string> tokens_, users_;
};

}  // namespace tests
