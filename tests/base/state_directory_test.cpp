// The state directory: its lock, its node, its owner, and files written all or nothing.
#include "base/state_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "base/failure.hpp"

namespace {

namespace fs = std::filesystem;
using base::Failure;
using base::StateDirectory;
using testing::HasSubstr;

class StateDirectoryTest : public testing::Test {
  protected:
    StateDirectoryTest() {
        std::string path = "/tmp/persona-state-XXXXXX";
        EXPECT_NE(::mkdtemp(path.data()), nullptr);
        home = path;
        fs::permissions(home, fs::perms::others_exec, fs::perm_options::add);
    }
    ~StateDirectoryTest() override {
        std::error_code none;
        fs::remove_all(home, none);
    }

    // The machine that runs the tests may keep /tmp in memory.
    base::StateDirectoryOptions at(const fs::path& path) const {
        return {.path = path, .may_be_in_memory = true};
    }

    template <class Call>
    Failure failure_of(Call&& call) {
        try {
            call();
        } catch (const Failure& failure) {
            return failure;
        }
        ADD_FAILURE() << "no failure";
        return {Failure::Kind::internal, "none"};
    }

    fs::path home;
};

mode_t state_mode(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
}

TEST_F(StateDirectoryTest, IsMadeClosedAndKeepsItsNode) {
    std::string node;
    {
        StateDirectory state(at(home / "a/b/"));
        EXPECT_EQ(state.path(), home / "a/b");
        EXPECT_EQ(state_mode(home / "a/b"), 0700u);
        EXPECT_EQ(state_mode(home / "a/b/node"), 0600u);
        node = state.node();
        EXPECT_EQ(node.size(), 32u);
    }
    EXPECT_EQ(StateDirectory(at(home / "a/b")).node(), node);
    EXPECT_NE(StateDirectory(at(home / "c")).node(), node);
}

TEST_F(StateDirectoryTest, ClosesAFolderThatWasOpen) {
    fs::create_directory(home / "a");
    fs::permissions(home / "a", fs::perms::all);
    StateDirectory state(at(home / "a"));
    EXPECT_EQ(state_mode(home / "a"), 0700u);
}

TEST_F(StateDirectoryTest, ServesOneDaemonAtATime) {
    {
        StateDirectory state(at(home / "a"));
        const auto failure = failure_of([&] { StateDirectory other(at(home / "a")); });
        EXPECT_EQ(failure.kind(), Failure::Kind::conflict);
        EXPECT_EQ(failure.code(), "state_in_use");
        EXPECT_THAT(failure.what(), HasSubstr(fmt::format("pid {}", ::getpid())));
    }
    EXPECT_NO_THROW(StateDirectory(at(home / "a")));
}

TEST_F(StateDirectoryTest, RefusesWhatIsNotUsable) {
    std::ofstream(home / "file") << "x";
    EXPECT_EQ(failure_of([&] { StateDirectory state(at(home / "file")); }).kind(),
              Failure::Kind::invalid);
    EXPECT_EQ(failure_of([&] { StateDirectory state(at("")); }).kind(), Failure::Kind::invalid);
    fs::create_directory(home / "a");
    std::ofstream(home / "a/node") << "kurz";
    EXPECT_THAT(failure_of([&] { StateDirectory state(at(home / "a")); }).what(),
                HasSubstr("damaged"));
    // The failed attempt has let go of the lock.
    fs::remove(home / "a/node");
    EXPECT_NO_THROW(StateDirectory(at(home / "a")));
}

TEST_F(StateDirectoryTest, RefusesMemoryUnlessAllowed) {
    const fs::path path = fmt::format("/dev/shm/persona-state-{}", ::getpid());
    const auto failure = failure_of([&] { StateDirectory state({.path = path}); });
    EXPECT_EQ(failure.kind(), Failure::Kind::invalid);
    EXPECT_THAT(failure.what(), HasSubstr("memory"));
    EXPECT_FALSE(fs::exists(path)) << "what is refused is not made";
    EXPECT_NO_THROW(StateDirectory(at(path)));
    fs::remove_all(path);
}

TEST_F(StateDirectoryTest, WritesFilesWholeWithTheirMode) {
    const fs::path file = home / "note";
    base::write_file_durably(file, "eins", 0600);
    std::ofstream(home / "note.new") << "left by a crash";
    base::write_file_durably(file, std::string("zwei\0drei", 9), 0640);
    EXPECT_EQ(base::read_small_file(file), std::string("zwei\0drei", 9));
    EXPECT_EQ(state_mode(file), 0640u);
    EXPECT_FALSE(fs::exists(home / "note.new"));
}

TEST_F(StateDirectoryTest, AFileThatCannotBeWrittenKeepsItsOldText) {
    EXPECT_EQ(failure_of([&] { base::write_file_durably(home / "no/note", "x", 0600); }).kind(),
              Failure::Kind::missing);
    fs::create_directories(home / "folder/inside");
    EXPECT_THROW(base::write_file_durably(home / "folder", "x", 0600), Failure);
    EXPECT_TRUE(fs::is_directory(home / "folder/inside"));
    EXPECT_FALSE(fs::exists(home / "folder.new"));
}

TEST_F(StateDirectoryTest, ReadsWithinBounds) {
    std::ofstream(home / "long") << std::string(10'000, 'x');
    EXPECT_EQ(base::read_small_file(home / "long", 10'000).size(), 10'000u);
    EXPECT_EQ(failure_of([&] { base::read_small_file(home / "long", 9'999); }).kind(),
              Failure::Kind::invalid);
    EXPECT_EQ(failure_of([&] { base::read_small_file(home / "none"); }).kind(),
              Failure::Kind::missing);
}

// Runs in a child, because giving up root cannot be undone; answers its exit code.
int state_in_child(const std::function<bool()>& check) {
    const pid_t child = ::fork();
    if (child == 0) {
        bool good = false;
        try {
            good = check();
        } catch (const std::exception& error) {
            fmt::print(stderr, "{}\n", error.what());
        }
        ::_exit(good ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

class StateOwnerTest : public StateDirectoryTest {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can give up root";
    }
};

TEST_F(StateOwnerTest, RootBecomesTheOwnerForGood) {
    fs::create_directory(home / "a");
    ASSERT_EQ(::chown((home / "a").c_str(), 4711, 4712), 0);
    EXPECT_EQ(state_in_child([&] {
                  base::drop_root_to_owner_of(home / "a");
                  gid_t groups[8];
                  return ::getuid() == 4711 && ::geteuid() == 4711 && ::getegid() == 4712 &&
                         ::getgroups(8, groups) == 1 && groups[0] == 4712 && ::seteuid(0) != 0 &&
                         StateDirectory(at(home / "a")).node().size() == 32;
              }),
              0);
}

TEST_F(StateOwnerTest, AMissingOrEmptyFolderIsHandedOver) {
    fs::create_directory(home / "empty");
    for (const char* name : {"empty", "new"}) {
        const auto user = base::settle_owner_of(home / name);
        EXPECT_NE(user.uid, 0u);
        EXPECT_NE(user.uid, 65'534u);
        struct stat info{};
        ASSERT_EQ(::stat((home / name).c_str(), &info), 0);
        EXPECT_EQ(info.st_uid, user.uid);
        EXPECT_EQ(info.st_mode & 0777, 0700u);
    }
}

TEST_F(StateOwnerTest, NeitherRootNorNobodyOwnsTheState) {
    fs::create_directories(home / "roots/inside");
    const auto root = failure_of([&] { base::drop_root_to_owner_of(home / "roots"); });
    EXPECT_EQ(root.kind(), Failure::Kind::invalid);
    EXPECT_THAT(root.what(), HasSubstr("chown"));
    fs::create_directory(home / "nobodys");
    ASSERT_EQ(::chown((home / "nobodys").c_str(), 65'534, 65'534), 0);
    const auto nobody = failure_of([&] { base::drop_root_to_owner_of(home / "nobodys"); });
    EXPECT_EQ(nobody.kind(), Failure::Kind::invalid);
    EXPECT_THAT(nobody.what(), HasSubstr("nobody"));
    EXPECT_EQ(::geteuid(), 0u);
}

TEST_F(StateOwnerTest, AClosedFolderOnTheWayIsNamed) {
    fs::create_directories(home / "closed/state");
    fs::permissions(home / "closed", fs::perms::owner_all);
    ASSERT_EQ(::chown((home / "closed/state").c_str(), 4711, 4711), 0);
    const auto failure = failure_of([&] { base::drop_root_to_owner_of(home / "closed/state"); });
    EXPECT_EQ(failure.kind(), Failure::Kind::invalid);
    EXPECT_THAT(failure.what(), HasSubstr((home / "closed").string()));
    EXPECT_EQ(::geteuid(), 0u);
}

TEST_F(StateOwnerTest, ASpaceOfAnotherUserIsRefused) {
    fs::create_directory(home / "a");
    ASSERT_EQ(::chown((home / "a").c_str(), 4711, 4711), 0);
    const auto failure = failure_of([&] { StateDirectory state(at(home / "a")); });
    EXPECT_EQ(failure.kind(), Failure::Kind::invalid);
    EXPECT_THAT(failure.what(), HasSubstr("4711"));
}

}  // namespace
