// Whether a port is free, and what helps when it is not.
#include "base/listening.hpp"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/server.hpp"

namespace {

using base::Failure;
using testing::HasSubstr;

TEST(listening, a_port_that_is_held_is_refused_until_it_is_free) {
    base::Server server({.name = "holder"});
    server.start();
    const int port = server.port();
    try {
        base::require_free_port("127.0.0.1", port);
        ADD_FAILURE() << "the port was held";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
        EXPECT_THAT(failure.what(), HasSubstr(std::to_string(port)));
        EXPECT_THAT(failure.what(), HasSubstr("stop what holds it"));
    }
    server.stop();
    EXPECT_NO_THROW(base::require_free_port("127.0.0.1", port));
    EXPECT_NO_THROW(base::require_free_port("127.0.0.1", port)) << "it lets go";
    EXPECT_NO_THROW(base::require_free_port("127.0.0.1", 0));
}

TEST(listening, the_advice_fits_the_cause) {
    EXPECT_THAT(base::listen_failure("127.0.0.1", 5, EACCES).what(), HasSubstr("below 1024"));
    EXPECT_THAT(base::listen_failure("192.0.2.1", 5, EADDRNOTAVAIL).what(),
                HasSubstr("an address that this machine has"));
    EXPECT_THROW(base::require_free_port("192.0.2.1", 4'000), Failure);
}

}  // namespace
