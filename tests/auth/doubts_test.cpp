// Every row of the list of the ancestor's doubts (auth-api-doubts, B1 to B75) is named by the
// comment of a test that shows it avoided. The vault's rows wait for the vault.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace {

constexpr int doubts = 75;
const std::set<int> doubts_of_the_vault = {17};

std::set<int> named_rows() {
    std::set<int> rows;
    const std::regex row("\\bB([0-9]{1,2})\\b");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SOURCE_DIR "/tests")) {
        const std::string file = entry.path().filename().string();
        if (!file.ends_with("_test.cpp") || file == "doubts_test.cpp") continue;
        std::ifstream in(entry.path());
        // A comment, and what it goes on with in the next line.
        bool told = false;
        for (std::string line; std::getline(in, line);) {
            const bool comment = line.find("//") != std::string::npos;
            told = comment && (told || line.find("auth-api-doubts") != std::string::npos);
            if (!told) continue;
            for (std::sregex_iterator at(line.begin(), line.end(), row), end; at != end; ++at) {
                rows.insert(std::stoi((*at)[1]));
            }
        }
    }
    return rows;
}

TEST(Doubts, EachHasATestThatNamesIt) {
    const std::set<int> named = named_rows();
    for (int row = 1; row <= doubts; ++row) {
        if (doubts_of_the_vault.contains(row)) continue;
        EXPECT_TRUE(named.contains(row)) << "B" << row;
    }
    EXPECT_EQ(*named.rbegin(), doubts);
}

}  // namespace
