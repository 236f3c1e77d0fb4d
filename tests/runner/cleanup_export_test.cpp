// The file of what a cleanup deletes: nobody's older file, and gone when nothing was deleted.
#include "runner/cleanup_export.hpp"

#include <sys/stat.h>
#include <csignal>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "tests/runner/temp_folder.hpp"

namespace {

namespace fs = std::filesystem;
using runner::CleanupExport;

// In a folder of its own, which is the working directory as well.
class CleanupExportTest : public testing::Test {
  protected:
    CleanupExportTest() : before_(fs::current_path()) { fs::current_path(folder_.path()); }
    ~CleanupExportTest() override { fs::current_path(before_); }

    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
    }

  private:
    fs::path before_;
    runner_tests::TempFolder folder_;
};

TEST_F(CleanupExportTest, IsOnTheDiskForItsOwnerOnlyOnceItIsKept) {
    fs::path file;
    {
        CleanupExport out("rows.jsonl");
        struct stat info{};
        ASSERT_EQ(::stat("rows.jsonl", &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0600U);
        out.write("{\"a\":1}");
        out.write("{\"b\":2}");
        out.finish();
        out.keep();
        file = out.file();
    }
    std::ifstream in(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "{\"a\":1}\n{\"b\":2}\n");
    EXPECT_TRUE(file.is_absolute());
}

TEST_F(CleanupExportTest, IsGoneWhenNothingWasDeleted) {
    {
        CleanupExport out("rows.jsonl");
        out.finish();
    }
    EXPECT_EQ(files(), 0U);
}

TEST_F(CleanupExportTest, TakesNoOlderFilesPlace) {
    std::ofstream("rows.jsonl") << "precious";
    EXPECT_THROW(CleanupExport("rows.jsonl"), base::Failure);
    EXPECT_EQ(fs::file_size("rows.jsonl"), 8U);
}

TEST_F(CleanupExportTest, WithoutANameItFindsAFreeOneHoweverOften) {
    for (int i = 0; i < 3; ++i) {
        CleanupExport out{fs::path()};
        out.keep();
    }
    EXPECT_EQ(files(), 3U);
}

TEST_F(CleanupExportTest, IsGoneWhenASignalEndsTheProgram) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        EXPECT_EXIT(
            {
                ::signal(signal, SIG_DFL);
                const CleanupExport out("rows.jsonl");
                ::raise(signal);
            },
            testing::KilledBySignal(signal), "nothing was deleted; the export was removed");
    }
    EXPECT_EQ(files(), 0U);
}

}  // namespace
