// better-auth's own client with its plugins against the auth service, in Node and in a browser; see
// tests/interop.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "auth/migrations.hpp"
#include "auth/service.hpp"
#include "base/metrics.hpp"
#include "tests/e2e/program.hpp"
#include "tests/support/temp_database.hpp"

namespace {

// A port that was free a moment ago: the issuer must be known before the service starts.
int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ::close(socket);
    return ntohs(address.sin_port);
}

class BetterAuth : public testing::Test {
  protected:
    BetterAuth() {
        auth::Options options;
        options.port = free_port();
        // Browsers know passkeys of names, not of addresses.
        options.base_url = "http://localhost:" + std::to_string(options.port);
        options.mail_folder = folder_.path() / "mail";
        url_ = options.base_url;
        service_ = std::make_unique<auth::Service>(pool_, options, clock_, metrics_);
        service_->start();
    }

    void expect_passed(const std::string& name) {
        const e2e::Outcome outcome =
            e2e::run_program({.arguments = {name},
                              .environment = {{"INTEROP_DIR", INTEROP_FOLDER},
                                              {"AUTH_URL", url_},
                                              {"AUTH_MAIL", (folder_.path() / "mail").string()}},
                              .program = SOURCE_DIR "/tests/interop/run.sh"},
                             std::chrono::minutes(5));
        EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
        EXPECT_THAT(outcome.out, testing::HasSubstr("ok - "));
    }

    e2e::TempFolder folder_;
    test_support::TempDatabase database_{{{"auth", auth::migrations()}}};
    base::SystemClock clock_;
    base::Metrics metrics_;
    base::Postgres pool_{base::PostgresOptions{.url = database_.app_url()}};
    std::string url_;
    std::unique_ptr<auth::Service> service_;
};

TEST_F(BetterAuth, ItsClientUsesSecondFactorsMailedLinksTokensAndSpaces) {
    expect_passed("factors");
}

TEST_F(BetterAuth, ABrowserEnrolsAndUsesAPasskey) {
    expect_passed("passkey");
}

}  // namespace
