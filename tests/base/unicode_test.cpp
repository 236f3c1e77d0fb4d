#include "base/unicode.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace base {
namespace {

TEST(Unicode, ComposedAndDecomposedTextsBecomeOne) {
    EXPECT_EQ(normalize_nfkc("Pa\xcc\x88sswo\xcc\x88rd1"), "P\xc3\xa4sswörd1");
    EXPECT_EQ(normalize_nfkc("①ﬁ"), "1fi");
    EXPECT_EQ(normalize_nfkc(""), "");
}

TEST(Unicode, RefusesTextThatIsNotUtf8) {
    EXPECT_THROW(normalize_nfkc("\xff"), Failure);
}

TEST(Unicode, CountsUtf16Units) {
    EXPECT_EQ(utf16_length("abc"), 3u);
    EXPECT_EQ(utf16_length("äö"), 2u);
    EXPECT_EQ(utf16_length("😀"), 2u);
}

}  // namespace
}  // namespace base
