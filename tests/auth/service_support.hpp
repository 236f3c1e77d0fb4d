// A running auth service on a database of its own, spoken to over a real socket.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "auth/identity/users.hpp"
#include "auth/migrations.hpp"
#include "auth/service.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/metrics.hpp"
#include "base/postgres.hpp"
#include "base/server.hpp"
#include "base/text.hpp"
#include "tests/support/document_check.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_database.hpp"

namespace tests {

inline const base::Secret service_secret("spec-secret-0123456789abcdef0123456789");

// The recorded hash of "Aa-123456789": writing it into a row saves the time of hashing.
inline const std::string good_password = "Aa-123456789";
inline const std::string good_password_hash =
    "b8a72df88bdf16e2f4610b2700cea3da:86341699b09b872c457213d309ff16c5a4691ece5b324d5e287ac776a6057"
    "a4af4c42f31977a7700ec5ba149a450602e2fc21dd9511a72d05043419f01d54ea0";

struct Answer {
    int status = 0;
    base::Json json;  // Discarded when the body is none.
    base::HttpResponse raw;

    std::string text(const char* field) const {
        return json.is_object() && json.contains(field) && json[field].is_string()
                   ? json[field].get<std::string>()
                   : "";
    }
    std::vector<std::string> cookies() const {
        std::vector<std::string> values;
        for (const auto& [name, value] : raw.headers) {
            if (base::equals_ignoring_case(name, "Set-Cookie")) values.push_back(value);
        }
        return values;
    }
};

class ServiceTest : public testing::Test {
  protected:
    ServiceTest()
        : ServiceTest(std::vector<test_support::MigrationSet>{{"auth", auth::migrations()}}) {}
    explicit ServiceTest(const std::vector<test_support::MigrationSet>& sets)
        : database_(sets),
          mail_folder_(std::filesystem::temp_directory_path() /
                       ("auth-mail-" + base::random_id())) {}

    // Every refusal that a test provokes is in /openapi.json; the log names one that is not.
    void TearDown() override {
        EXPECT_EQ(metrics_
                      .counter("auth_undocumented_refusals_total",
                               "Refusals that /openapi.json does not list for their route")
                      .value(),
                  0U);
    }

    ~ServiceTest() override {
        service_.reset();
        std::filesystem::remove_all(mail_folder_);
    }

    auth::Options options() const {
        auth::Options options;
        options.port = 0;
        options.secret = service_secret;
        options.mail_folder = mail_folder_;
        return options;
    }

    void start(const auth::Options& options) {
        service_.reset();
        service_ = std::make_unique<auth::Service>(pool_, options, clock_, metrics_);
        service_->start();
    }
    void start() { start(options()); }

    Answer send(const std::string& method, const std::string& path,
                const base::HttpHeaders& headers = {}, const std::string& body = "") {
        base::HttpRequest request;
        request.method = method;
        request.url = service_->url() + path;
        request.headers = headers;
        request.body = body;
        Answer answer;
        answer.raw = base::fetch(request);
        answer.status = answer.raw.status;
        answer.json = base::Json::parse(answer.raw.body, nullptr, false);
        EXPECT_EQ(undocumented({method, path, body, answer.status,
                                std::string(answer.raw.header("content-type")), answer.json}),
                  "")
            << "/openapi.json does not tell of " << method << " " << path << " "
            << answer.raw.body.substr(0, 300);
        return answer;
    }
    Answer get(const std::string& path, const base::HttpHeaders& headers = {}) {
        return send("GET", path, headers);
    }
    Answer post(const std::string& path, const base::Json& body, base::HttpHeaders headers = {}) {
        headers.emplace_back("Content-Type", "application/json");
        return send("POST", path, headers, base::to_text(body));
    }
    Answer login(const std::string& email, const std::string& password = good_password) {
        return post("/api/v1/auth/login", {{"email", email}, {"password", password}});
    }

    std::string add_user(const std::string& email, const std::string& role = "user",
                         bool verified = true) {
        return *pool_.transact([&](base::Transaction& transaction) {
            auth::NewUser user{.email = email};
            user.password_hash = good_password_hash;
            user.role = role;
            user.verified = verified;
            return auth::create_user(transaction, user, clock_.now());
        });
    }

    base::SqlRows sql(std::string_view statement, const base::SqlParams& params = {}) {
        return pool_.transact(
            [&](base::Transaction& transaction) { return transaction.run(statement, params); });
    }
    std::int64_t count(const std::string& from, const base::SqlParams& params = {}) {
        return sql("select count(*) as n from " + from, params)[0].integer("n");
    }

    // The texts of all mails, those that wait delivered before.
    std::vector<std::string> mails() {
        service_->deliver_due();
        std::vector<std::string> texts;
        for (const auto& entry : std::filesystem::directory_iterator(mail_folder_)) {
            std::ostringstream text;
            text << std::ifstream(entry.path()).rdbuf();
            texts.push_back(text.str());
        }
        return texts;
    }
    // Path and query of the link in a mail.
    static std::string link_of(const std::string& mail) {
        const std::size_t begin = mail.find("/api/auth/");
        std::string link = mail.substr(begin, mail.find('"', begin) - begin);
        for (std::size_t at = link.find("&amp;"); at != std::string::npos;
             at = link.find("&amp;")) {
            link.replace(at, 5, "&");
        }
        return link;
    }
    static base::HttpHeaders bearer(const std::string& token) {
        return {{"Authorization", "Bearer " + token}};
    }
    // The cookie as a browser sends it back.
    static std::string sent_cookie(const Answer& answer) {
        const std::string set = answer.cookies().at(0);
        return set.substr(0, set.find(';'));
    }

    test_support::TempDatabase database_;
    std::filesystem::path mail_folder_;
    FakeClock clock_;
    base::Metrics metrics_;
    base::Postgres pool_{base::PostgresOptions{.url = database_.app_url()}};
    std::unique_ptr<auth::Service> service_;
};

}  // namespace tests
