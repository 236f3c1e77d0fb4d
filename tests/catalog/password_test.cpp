#include "catalog/password.hpp"

#include <gtest/gtest.h>

namespace {

using catalog::password_of;

const base::Secret development{std::string(catalog::development_seed_secret)};

TEST(Password, KnownVectors) {
    EXPECT_EQ(password_of("p1@mana.test", development).reveal(),
              "RdDP0VPSuFOCZpBHVfJkfVpwQ4UNt0Eu");
    EXPECT_EQ(password_of("persona.anna@mana.test", development).reveal(),
              "1FJ7w8KbjK5CWVa8NqfobexAFNuQKxiA");
}

TEST(Password, LetterCaseOfTheAddressDoesNotMatter) {
    EXPECT_EQ(password_of("Persona.ANNA@mana.test", development).reveal(),
              password_of("persona.anna@mana.test", development).reveal());
}

TEST(Password, AnotherSecretIsAnotherPassword) {
    EXPECT_NE(password_of("p1@mana.test", base::Secret("other")).reveal(),
              password_of("p1@mana.test", development).reveal());
}

}  // namespace
