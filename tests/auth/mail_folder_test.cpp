#include "auth/mail/mail_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "tests/support/fake_clock.hpp"

namespace auth {
namespace {

class MailFolderTest : public testing::Test {
  protected:
    MailFolderTest()
        : folder_(std::filesystem::temp_directory_path() / ("mail-folder-" + base::random_id())) {}
    ~MailFolderTest() override { std::filesystem::remove_all(folder_); }

    std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> found;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            found.push_back(entry.path());
        }
        return found;
    }

    std::filesystem::path folder_;
    tests::FakeClock clock_;
};

TEST_F(MailFolderTest, ALetterIsOnePrivateFile) {
    MailFolder mail(folder_, clock_);

    mail.send({"anna@example.com", "Grüße", "<p>Hallo</p>"});

    const auto found = files();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].extension(), ".eml");
    struct stat state{};
    ASSERT_EQ(::stat(found[0].c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 0777, 0600u);
    ASSERT_EQ(::stat(folder_.c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 0777, 0700u);
    std::ostringstream text;
    text << std::ifstream(found[0]).rdbuf();
    EXPECT_NE(text.str().find("To: anna@example.com\r\n"), std::string::npos);
    EXPECT_NE(text.str().find("Date: Fri, 20 Nov 2026 09:00:00 +0000\r\n"), std::string::npos);
    EXPECT_NE(text.str().find("Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"), std::string::npos);
    EXPECT_NE(text.str().find("\r\n\r\n<p>Hallo</p>"), std::string::npos);
}

TEST_F(MailFolderTest, NobodyWritesASecondHeader) {
    MailFolder mail(folder_, clock_);

    mail.send({"anna@example.com\r\nBcc: all@example.com", "x", "y"});

    std::ostringstream text;
    text << std::ifstream(files().at(0)).rdbuf();
    EXPECT_EQ(text.str().find("\r\nBcc:"), std::string::npos);
}

TEST_F(MailFolderTest, WithoutAFolderSendingFails) {
    MailFolder mail({}, clock_);

    EXPECT_THROW(mail.send({"a@b.c", "x", "y"}), base::Failure);
}

TEST_F(MailFolderTest, OldLettersMakeRoom) {
    MailFolder mail(folder_, clock_);
    for (int i = 0; i < 1000; ++i) {
        std::ofstream(folder_ / ("2020-" + std::to_string(10'000 + i) + ".eml")) << "old";
    }

    mail.send({"a@b.c", "x", "y"});

    EXPECT_EQ(files().size(), 1000u);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "2020-10000.eml"));
}

}  // namespace
}  // namespace auth
