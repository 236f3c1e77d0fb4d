// The private cluster: what it makes, what it refuses to touch, and what survives which crash.
#include "base/embedded_postgres.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include <fmt/format.h>

#include "base/embedded_postgres_process.hpp"
#include "base/failure.hpp"
#include "base/postgres.hpp"

namespace {

namespace fs = std::filesystem;
using base::EmbeddedPostgres;
using base::Failure;
using base::Postgres;
using base::Transaction;
using testing::HasSubstr;
using testing::Not;

std::string embedded_text(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void embedded_put(const fs::path& file, std::string_view text) {
    std::ofstream(file, std::ios::binary) << text;
}

unsigned embedded_mode(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
}

bool embedded_eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

class EmbeddedPostgresDb : public testing::Test {
  protected:
    EmbeddedPostgresDb() {
        std::string path = fmt::format("/tmp/persona-test-{}-XXXXXX", ::getpid());
        EXPECT_NE(::mkdtemp(path.data()), nullptr);
        home = path;
        fs::permissions(home, fs::perms::others_exec, fs::perm_options::add);
    }
    ~EmbeddedPostgresDb() override {
        std::error_code none;
        fs::remove_all(home, none);
    }

    base::EmbeddedPostgresOptions options() const {
        return {.folder = home / "pg", .durable = false};
    }

    Failure refusal() {
        try {
            EmbeddedPostgres cluster(options());
        } catch (const Failure& failure) {
            return failure;
        }
        ADD_FAILURE() << "the cluster was started";
        return {Failure::Kind::internal, "none"};
    }

    pid_t postmaster() const { return std::stoi(embedded_text(home / "pg/data/postmaster.pid")); }

    void write_word(EmbeddedPostgres& cluster, std::string_view word) {
        Postgres owner({.url = cluster.owner_url()});
        owner.transact([&](Transaction& transaction) {
            transaction.run("create table if not exists words (word text)");
            transaction.run("insert into words values ($1)", {word});
        });
    }

    std::string read_words(EmbeddedPostgres& cluster) {
        Postgres owner({.url = cluster.owner_url()});
        return owner.transact([](Transaction& transaction) {
            return transaction
                .run("select string_agg(word, ' ' order by word) as words from words")[0]
                .text("words");
        });
    }

    fs::path home;
};

TEST_F(EmbeddedPostgresDb, MakesAClosedClusterAndKeepsItsData) {
    {
        EmbeddedPostgres cluster(options());
        EXPECT_TRUE(cluster.is_running());
        write_word(cluster, "gestern");
        Postgres superuser({.url = cluster.superuser_url()});
        const auto row = superuser.transact([](Transaction& transaction) {
            return transaction.run(
                "select current_setting('listen_addresses') as tcp, "
                "current_setting('data_checksums') as checksums, "
                "current_setting('jit') as jit, current_setting('fsync') as fsync, "
                "(select string_agg(concat_ws(' ', type, auth_method), ',') from "
                "pg_hba_file_rules) as rules, "
                "(select pg_encoding_to_char(encoding) || ' ' || datcollate from pg_database "
                "where datname = 'mana') as text")[0];
        });
        EXPECT_EQ(row.text("tcp"), "");
        EXPECT_EQ(row.text("checksums"), "on");
        EXPECT_EQ(row.text("jit"), "off");
        EXPECT_EQ(row.text("fsync"), "off");
        EXPECT_EQ(row.text("rules"), "local scram-sha-256");
        EXPECT_EQ(row.text("text"), "UTF8 C.UTF-8");
        EXPECT_NO_THROW(Postgres({.url = cluster.app_url()}).refuse_privileged_role());
        struct stat info{};
        ASSERT_EQ(::stat(fmt::format("/proc/{}", postmaster()).c_str(), &info), 0);
        EXPECT_NE(info.st_uid, 0u);
    }
    EXPECT_FALSE(fs::exists(home / "pg/data/postmaster.pid"));
    EXPECT_EQ(embedded_mode(home / "pg/data"), 0700u);
    EXPECT_EQ(embedded_mode(home / "pg/socket"), 0750u);
    EXPECT_EQ(embedded_mode(home / "pg/log"), 0600u);
    for (const char* role : {"postgres", "mana_owner", "mana_app", "mana_ops"}) {
        const fs::path secret = home / "pg" / fmt::format("{}.secret", role);
        EXPECT_EQ(embedded_mode(secret), 0600u);
        EXPECT_EQ(embedded_text(secret).size(), 32u);
        EXPECT_THAT(embedded_text(home / "pg/log"), Not(HasSubstr(embedded_text(secret))));
    }
    EmbeddedPostgres again(options());
    EXPECT_EQ(read_words(again), "gestern");
}

TEST_F(EmbeddedPostgresDb, ADurableClusterSyncs) {
    {
        EmbeddedPostgres cluster(options());
    }
    auto durable = options();
    durable.durable = true;
    EmbeddedPostgres cluster(durable);
    Postgres app({.url = cluster.app_url()});
    const auto row = app.transact([](Transaction& transaction) {
        return transaction.run(
            "select current_setting('fsync') as fsync, "
            "current_setting('full_page_writes') as pages, "
            "current_setting('synchronous_commit') as commits")[0];
    });
    EXPECT_EQ(row.text("fsync"), "on");
    EXPECT_EQ(row.text("pages"), "on");
    EXPECT_EQ(row.text("commits"), "on");
}

TEST_F(EmbeddedPostgresDb, WithoutThePasswordNobodyComesIn) {
    EmbeddedPostgres cluster(options());
    const std::string socket = (home / "pg/socket").string();
    for (const char* login : {"user=postgres", "user=mana_app password=falsch"}) {
        Postgres stranger(
            {.url = base::Secret(fmt::format("host={} dbname=mana {}", socket, login))});
        EXPECT_FALSE(stranger.is_reachable()) << login;
    }
    EXPECT_TRUE(Postgres({.url = base::embedded_url(home / "pg", "mana_ops")}).is_reachable());
}

TEST_F(EmbeddedPostgresDb, LeavesAForeignFolderAlone) {
    fs::create_directories(home / "pg/data");
    embedded_put(home / "pg/data/diary.txt", "meins");
    if (::geteuid() == 0) {
        ASSERT_EQ(::system(fmt::format("chown -R postgres: {}/pg", home.string()).c_str()), 0);
    }
    const auto failure = refusal();
    EXPECT_EQ(failure.kind(), Failure::Kind::conflict);
    EXPECT_THAT(failure.what(), HasSubstr((home / "pg/data").string()));
    EXPECT_EQ(embedded_text(home / "pg/data/diary.txt"), "meins");
    EXPECT_EQ(std::distance(fs::directory_iterator(home / "pg/data"), {}), 1);
}

TEST_F(EmbeddedPostgresDb, LeavesAClusterOfAnotherVersionAlone) {
    {
        EmbeddedPostgres cluster(options());
    }
    embedded_put(home / "pg/data/PG_VERSION", "9\n");
    const std::string control = embedded_text(home / "pg/data/global/pg_control");
    const auto failure = refusal();
    EXPECT_EQ(failure.kind(), Failure::Kind::conflict);
    EXPECT_THAT(failure.what(), HasSubstr("pg_upgrade"));
    EXPECT_THAT(failure.what(), HasSubstr("PostgreSQL 9"));
    EXPECT_EQ(embedded_text(home / "pg/data/PG_VERSION"), "9\n");
    EXPECT_EQ(embedded_text(home / "pg/data/global/pg_control"), control);
}

TEST_F(EmbeddedPostgresDb, RedoesAnInitialisationThatWasCutShort) {
    {
        EmbeddedPostgres cluster(options());
    }
    // As a power cut in initdb leaves it: our mark, and a part of the cluster.
    embedded_put(home / "pg/initdb.unfinished", "");
    fs::remove_all(home / "pg/data/global");
    EmbeddedPostgres again(options());
    write_word(again, "neu");
    EXPECT_EQ(read_words(again), "neu");
    EXPECT_FALSE(fs::exists(home / "pg/initdb.unfinished"));
}

TEST_F(EmbeddedPostgresDb, RestartsAfterItsServerWasKilled) {
    EmbeddedPostgres cluster(options());
    write_word(cluster, "vorher");
    ::kill(postmaster(), SIGKILL);
    ASSERT_TRUE(embedded_eventually([&] { return !cluster.is_running(); }));
    cluster.restart();
    EXPECT_TRUE(cluster.is_running());
    EXPECT_EQ(read_words(cluster), "vorher");
}

TEST_F(EmbeddedPostgresDb, StopsALeftoverServerOfTheSameFolderFirst) {
    fs::path program;
    {
        EmbeddedPostgres cluster(options());
        write_word(cluster, "vorher");
        program = fs::read_symlink(fmt::format("/proc/{}/exe", postmaster()));
    }
    base::UnixUser user{.uid = ::geteuid(), .gid = ::getegid(), .name = "self"};
    if (::geteuid() == 0) user = base::settle_owner_of(home / "pg");
    base::EmbeddedProcess leftover({.words = {program.string(), "-D", (home / "pg/data").string()},
                                    .user = user,
                                    .log = home / "leftover.log"});
    const base::Secret url = base::embedded_url(home / "pg", "mana_owner");
    ASSERT_TRUE(embedded_eventually([&] { return Postgres({.url = url}).is_reachable(); }));
    const pid_t before = postmaster();
    EmbeddedPostgres cluster(options());
    EXPECT_TRUE(leftover.exit_code().has_value());
    EXPECT_NE(postmaster(), before);
    EXPECT_EQ(read_words(cluster), "vorher");
}

TEST_F(EmbeddedPostgresDb, TheServerEndsWithADaemonThatIsKilled) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t daemon = ::fork();
    if (daemon == 0) {
        EmbeddedPostgres cluster(options());
        write_word(cluster, "vorher");
        const bool told = ::write(ready[1], "x", 1) == 1;
        while (told) ::pause();
        ::_exit(1);
    }
    ::close(ready[1]);
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    const pid_t server = postmaster();
    ::kill(daemon, SIGKILL);
    ::waitpid(daemon, nullptr, 0);
    EXPECT_TRUE(embedded_eventually([&] {
        return !fs::exists(fmt::format("/proc/{}/fd", server)) ||
               embedded_text(fmt::format("/proc/{}/cmdline", server)).empty();
    }));
    EmbeddedPostgres cluster(options());
    EXPECT_EQ(read_words(cluster), "vorher");
}

TEST_F(EmbeddedPostgresDb, AWrongPasswordFileIsNamedAtOnce) {
    {
        EmbeddedPostgres cluster(options());
    }
    embedded_put(home / "pg/postgres.secret", "falschesPasswort");
    const auto failure = refusal();
    EXPECT_EQ(failure.kind(), Failure::Kind::unavailable);
    EXPECT_THAT(failure.what(), HasSubstr("password authentication failed"));
    EXPECT_THAT(failure.what(), Not(HasSubstr("falschesPasswort")));
}

TEST_F(EmbeddedPostgresDb, ALostRolePasswordIsMadeAnew) {
    {
        EmbeddedPostgres cluster(options());
    }
    fs::remove(home / "pg/mana_app.secret");
    EmbeddedPostgres cluster(options());
    EXPECT_TRUE(Postgres({.url = cluster.app_url()}).is_reachable());
}

TEST_F(EmbeddedPostgresDb, APathTooLongForASocketIsRefused) {
    home /= std::string(90, 'x');
    const auto failure = refusal();
    EXPECT_EQ(failure.kind(), Failure::Kind::invalid);
    EXPECT_THAT(failure.what(), HasSubstr("107 bytes"));
    EXPECT_FALSE(fs::exists(home));
    home = home.parent_path();
}

TEST_F(EmbeddedPostgresDb, BinariesThatAreNotThereAreNamed) {
    auto wrong = options();
    wrong.binaries = home / "bin";
    try {
        EmbeddedPostgres cluster(wrong);
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::missing);
        EXPECT_THAT(failure.what(), HasSubstr("DATABASE_URL"));
    }
}

TEST_F(EmbeddedPostgresDb, TheUrlOfAnUnknownRoleOrFolderIsRefused) {
    EXPECT_THROW(base::embedded_url(home / "pg", "../x"), Failure);
    try {
        base::embedded_url(home / "pg", "mana_ops");
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::missing);
        EXPECT_THAT(failure.what(), HasSubstr("start the daemon"));
    }
}

}  // namespace
