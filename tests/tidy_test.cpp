// The map, executed: arrows between folders, doors of libraries, sizes, names, migrations,
// documents. A rule that nobody runs is a wish.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/crypto.hpp"
#include "runner/config.hpp"

namespace {

namespace fs = std::filesystem;

const fs::path root = SOURCE_DIR;
const std::vector<std::string> folders{"base",      "catalog", "clients", "auth",
                                       "workspace", "sim",     "runner"};

struct Source {
    std::string path;  // From the root.
    std::string folder;
    std::vector<std::string> lines;
    bool is_header() const { return path.ends_with(".hpp"); }
};

std::string text_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<Source> sources_below(const std::vector<std::string>& places) {
    std::vector<Source> sources;
    for (const std::string& place : places) {
        for (const auto& item : fs::recursive_directory_iterator(root / place)) {
            const fs::path& path = item.path();
            if (path.string().find("node_modules") != std::string::npos) continue;
            if (path.extension() != ".cpp" && path.extension() != ".hpp") continue;
            Source source{fs::relative(path, root).string(), place, {}};
            std::istringstream in(text_of(path));
            for (std::string line; std::getline(in, line);) source.lines.push_back(line);
            sources.push_back(std::move(source));
        }
    }
    std::sort(sources.begin(), sources.end(),
              [](const Source& a, const Source& b) { return a.path < b.path; });
    return sources;
}

const std::vector<Source>& product() {
    static const std::vector<Source> all = sources_below(folders);
    return all;
}

std::vector<Source> everything() {
    std::vector<std::string> places = folders;
    places.push_back("tests");
    return sources_below(places);
}

bool sees_everything(const std::string& path) {
    return path == "runner/main.cpp" || path == "runner/daemon.cpp" ||
           path == "runner/commands.cpp";
}

std::size_t columns_of(const std::string& line) {
    return static_cast<std::size_t>(
        std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

TEST(Tidy, ArrowsBetweenFoldersPointDown) {
    const std::map<std::string, std::set<std::string>> allowed{
        {"base", {"base"}},
        {"catalog", {"base", "catalog"}},
        {"clients", {"base", "catalog", "clients"}},
        {"auth", {"base", "catalog", "auth"}},
        {"workspace", {"base", "workspace"}},
        {"sim", {"base", "sim"}},
        {"runner", {"base", "catalog", "clients", "runner"}},
    };
    const std::regex include(R"re(^#include "([a-z_]+)/)re");
    for (const Source& source : product()) {
        if (sees_everything(source.path)) continue;
        for (const std::string& line : source.lines) {
            std::smatch match;
            if (!std::regex_search(line, match, include)) continue;
            EXPECT_TRUE(allowed.at(source.folder).contains(match[1]))
                << source.path << ": " << line;
        }
    }
}

TEST(Tidy, EveryLibraryHasOneDoor) {
    struct Door {
        const char* include;
        const char* files;  // Regular expression of the paths that may include it.
    };
    const Door doors[] = {
        {"<curl/", R"(base/http.*\.(cpp|hpp))"},
        {"<httplib", R"(base/server.*\.(cpp|hpp))"},
        {"<openssl/", R"(base/crypto.*\.cpp)"},
        {"<sodium", R"(base/crypto.*\.cpp)"},
        {"<pqxx/", R"(base/(embedded_)?postgres.*\.(cpp|hpp))"},
        {"<libpq-fe", R"(base/postgres_connection\.cpp)"},
        {"<utf8proc", R"(base/unicode\.cpp)"},
        {"<CLI/", R"(runner/config_verbs\.(cpp|hpp))"},
        {"<simdjson", R"(base/json_quick\.cpp)"},
        {"<liboath/", R"(auth/factors/totp\.cpp)"},
        {"<fido", R"(auth/factors/webauthn\.cpp)"},
        {"<cbor", R"(auth/factors/webauthn\.cpp)"},
        {"<pugixml", R"(base/xml\.cpp)"},
        {"<zlib", R"(runner/outbox/frame\.cpp)"},
    };
    for (const Source& source : product()) {
        for (const Door& door : doors) {
            if (std::regex_match(source.path, std::regex(door.files))) continue;
            for (const std::string& line : source.lines) {
                const bool includes = line.starts_with("#include " + std::string(door.include));
                EXPECT_FALSE(includes) << source.path << " must not include " << door.include;
            }
        }
    }
}

TEST(Tidy, FilesStaySmallEnoughToRead) {
    for (const Source& source : product()) {
        const std::size_t limit = source.is_header() ? 220 : 420;
        EXPECT_LE(source.lines.size(), limit) << source.path << ": split it";
    }
}

// A function starts at a line without indentation that ends in '{' and ends at the next "}".
TEST(Tidy, FunctionsFitOnAScreen) {
    constexpr std::size_t lines_max = 75;
    for (const Source& source : product()) {
        std::size_t start = 0;
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const std::string& line = source.lines[i];
            const bool opens = !line.empty() && line[0] != ' ' && line[0] != '}' &&
                               line[0] != '#' && line.ends_with("{") &&
                               line.find('(') != std::string::npos;
            if (opens) start = i + 1;
            if (line == "}" && start > 0) {
                EXPECT_LE(i + 1 - start, lines_max) << source.path << ":" << start;
                start = 0;
            }
        }
    }
}

TEST(Tidy, LinesHaveAtMostAHundredColumns) {
    for (const Source& source : everything()) {
        if (source.path.starts_with("tests/")) continue;  // Fixtures hold recorded lines.
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            EXPECT_LE(columns_of(source.lines[i]), 100U) << source.path << ":" << i + 1;
        }
    }
}

TEST(Tidy, HeadersSayWhatTheyAreFor) {
    for (const Source& source : product()) {
        if (!source.is_header()) continue;
        ASSERT_FALSE(source.lines.empty()) << source.path;
        EXPECT_TRUE(source.lines[0].starts_with("// "))
            << source.path << ": purpose sentence first";
        const bool guarded = std::find(source.lines.begin(), source.lines.end(), "#pragma once") !=
                             source.lines.end();
        EXPECT_TRUE(guarded) << source.path << ": #pragma once";
    }
}

TEST(Tidy, FileNamesAreNounsInSnakeCase) {
    const std::regex name(R"([a-z0-9]+(_[a-z0-9]+)*\.(cpp|hpp))");
    for (const Source& source : everything()) {
        EXPECT_TRUE(std::regex_match(fs::path(source.path).filename().string(), name))
            << source.path;
    }
}

TEST(Tidy, BannedWordsHaveBetterOnes) {
    const std::map<std::string, std::string> banned{
        {"using namespace", "write the namespace"},
        {"std::regex", "parse by hand; it is slow and throws"},
        {".detach()", "threads are joined, tasks belong to a Group"},
        {"std::endl", "'\\n'"},
        {"FIXME", "mend it"},
        {"XXX", "mend it"},
        {"for now", "say what it is"},
        {"atoi(", "std::from_chars"},
        {"system(", "no shell"},
    };
    for (const Source& source : product()) {
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            for (const auto& [word, better] : banned) {
                if (source.lines[i].find(word) == std::string::npos) continue;
                if (word == "XXX" && source.lines[i].find("XXXXXX") != std::string::npos)
                    continue;  // mkdtemp
                ADD_FAILURE() << source.path << ":" << i + 1 << ": " << word << " -> " << better;
            }
        }
    }
}

TEST(Tidy, TestsNeverSleep) {
    for (const Source& source : sources_below({"tests"})) {
        if (source.path == "tests/tidy_test.cpp" || source.path.starts_with("tests/bench/"))
            continue;
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            const bool sleeps = source.lines[i].find("sleep_for(") != std::string::npos &&
                                source.lines[i].find("poll") == std::string::npos;
            EXPECT_FALSE(sleeps) << source.path << ":" << i + 1
                                 << ": wait on a condition (poll interval named so)";
        }
    }
}

// Who catches says why: a comment within the first lines of the handler, or just before it.
TEST(Tidy, EveryCatchConvinces) {
    for (const Source& source : product()) {
        for (std::size_t i = 0; i < source.lines.size(); ++i) {
            if (source.lines[i].find("} catch (") == std::string::npos) continue;
            bool explained = false;
            for (std::size_t j = i < 6 ? 0 : i - 6; j < std::min(i + 7, source.lines.size()); ++j) {
                explained = explained || source.lines[j].find("//") != std::string::npos;
            }
            for (std::size_t j = i; j < std::min(i + 6, source.lines.size()); ++j) {
                explained = explained ||
                            source.lines[j].find("throw") != std::string::npos;  // Adds words only.
            }
            EXPECT_TRUE(explained) << source.path << ":" << i + 1;
        }
    }
}

TEST(Tidy, MigrationsAreNumberedAndUnchanged) {
    std::map<std::string, std::string> recorded;
    std::ifstream in(root / "tests/migrations.sha256");
    for (std::string hash, name; in >> hash >> name;) recorded[name] = hash;
    for (const char* folder : {"auth", "workspace"}) {
        std::set<std::string> numbers;
        for (const auto& item : fs::directory_iterator(root / folder / "migrations")) {
            const std::string file = item.path().filename().string();
            EXPECT_TRUE(std::regex_match(file, std::regex(R"(\d{3}_[a-z_]+\.sql)"))) << file;
            EXPECT_TRUE(numbers.insert(file.substr(0, 3)).second)
                << folder << ": two files number " << file.substr(0, 3);
            const std::string name = fmt::format("{}/migrations/{}", folder, file);
            const std::string hash = base::to_hex(base::sha256(text_of(item.path())));
            EXPECT_EQ(recorded[name], hash)
                << name << ": a released migration is never edited; a new one is recorded with: "
                << "sha256sum auth/migrations/*.sql workspace/migrations/*.sql > "
                   "tests/migrations.sha256";
        }
    }
}

TEST(Tidy, TheMapNamesOnlyWhatExists) {
    const std::string map = text_of(root / "CLAUDE.md");
    EXPECT_LE(std::count(map.begin(), map.end(), '\n'), 150) << "CLAUDE.md is one page";
    const std::regex path(
        R"re(`((?:base|catalog|clients|auth|workspace|sim|runner|tests|scripts|systemd|docs|cmake)/[A-Za-z0-9_./-]*)`)re");
    for (auto match = std::sregex_iterator(map.begin(), map.end(), path);
         match != std::sregex_iterator(); ++match) {
        const std::string name = (*match)[1];
        const bool exists = fs::exists(root / name) || fs::exists(root / (name + ".cpp")) ||
                            fs::exists(root / (name + ".hpp"));
        EXPECT_TRUE(exists) << "CLAUDE.md names " << name;
    }
}

TEST(Tidy, ReadmeListsEverySetting) {
    const std::string readme = text_of(root / "README.md");
    const std::size_t begin = readme.find("<!-- settings -->\n");
    const std::size_t end = readme.find("<!-- /settings -->");
    ASSERT_NE(begin, std::string::npos);
    ASSERT_NE(end, std::string::npos);
    EXPECT_EQ(readme.substr(begin + 18, end - begin - 18), runner::settings_table())
        << "replace the table by the output of `persona-runner settings`";
}

TEST(Tidy, ScriptsCanBeRun) {
    for (const char* script :
         {"scripts/demo", "scripts/test", "scripts/format", "scripts/bench", ".ci/run"}) {
        struct stat status{};
        ASSERT_EQ(::stat((root / script).c_str(), &status), 0) << script;
        EXPECT_TRUE(status.st_mode & S_IXUSR) << script;
    }
}

}  // namespace
