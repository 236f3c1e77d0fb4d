// Which module a foreign product's tool belongs to, where its name alone does not say: patterns in
// which "*" stands for any text, the first that fits counts. Value; immutable.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace catalog {

class Modules {
  public:
    Modules() = default;  // Knows no pattern.
    // Throws Failure::invalid naming file and field.
    Modules(std::string_view text, std::string_view file_name);

    // The name as the tool map has it: "create_event", or "github:create_issue" where several
    // servers are in use. Any case.
    std::optional<std::string> module_of(std::string_view tool) const;

  private:
    struct Rule {
        std::string pattern;  // Lower case.
        std::string module;
    };
    std::vector<Rule> rules_;
};

// Whether the whole text fits; "*" stands for any text, case counts.
bool fits_pattern(std::string_view pattern, std::string_view text);

// Where no pattern fits: the name's prefix ("todo.create", "crm/add", "notes_add"), unless that is
// but a verb ("create_issue"); else the server's own name.
std::string module_by_name(std::string_view tool, std::string_view server);

Modules shipped_modules();
Modules load_modules(const std::filesystem::path& file);  // Empty: the shipped ones.

}  // namespace catalog
