#include "auth/openapi/notation.hpp"

#include <charconv>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace auth {

namespace {

using base::Json;

class NotationReader {
  public:
    explicit NotationReader(std::string_view text) : text_(text) {}

    Json whole() {
        Json schema = either();
        skip();
        if (at_ != text_.size()) fail("the end");
        return schema;
    }

  private:
    Json either() {
        std::vector<Json> choices{listed()};
        while (take('|')) choices.push_back(listed());
        if (choices.size() == 1) return choices[0];
        Json any_of = Json::array();
        for (Json& choice : choices) any_of.push_back(std::move(choice));
        return {{"anyOf", std::move(any_of)}};
    }

    Json listed() {
        Json schema = one();
        while (take('[')) {
            if (!take(']')) fail("]");
            schema = {{"type", "array"}, {"items", std::move(schema)}};
        }
        return schema;
    }

    Json one() {
        skip();
        if (take('{')) return object();
        const std::string word = name();
        if (word[0] >= 'A' && word[0] <= 'Z') return {{"$ref", "#/components/schemas/" + word}};
        std::vector<std::string> arguments;
        if (take('(')) {
            do arguments.push_back(name());
            while (take(','));
            if (!take(')')) fail(")");
        }
        return simple(word, arguments);
    }

    Json object() {
        Json properties = Json::object();
        Json required = Json::array();
        bool open = false;
        while (!take('}')) {
            const std::string field = name();
            if (field == "...") {
                open = true;
                continue;
            }
            const bool optional = take('?');
            if (!take(':')) fail(":");
            properties[field] = either();
            if (!optional) required.push_back(field);
        }
        Json schema = {{"type", "object"}};
        if (!properties.empty()) schema["properties"] = std::move(properties);
        if (!required.empty()) schema["required"] = std::move(required);
        if (open) schema["additionalProperties"] = true;
        return schema;
    }

    Json simple(const std::string& word, const std::vector<std::string>& arguments) {
        if (word == "word") {
            Json values = Json::array();
            for (const std::string& value : arguments) values.push_back(value);
            return {{"type", "string"}, {"enum", std::move(values)}};
        }
        if (word == "text") return bounded("string", "minLength", "maxLength", arguments);
        if (word == "integer") return bounded("integer", "minimum", "maximum", arguments);
        if (word == "number") return bounded("number", "minimum", "maximum", arguments);
        if (!arguments.empty()) fail("no arguments here");
        if (word == "email") return {{"type", "string"}, {"format", "email"}};
        if (word == "time") return {{"type", "string"}, {"format", "date-time"}};
        if (word == "url") return {{"type", "string"}, {"format", "uri-reference"}};
        if (word == "flag") return {{"type", "boolean"}};
        if (word == "object") return {{"type", "object"}};
        if (word == "null") return {{"type", "null"}};
        if (word == "any") return Json::object();
        fail("a known word instead of " + word);
    }

    Json bounded(const char* type, const char* min, const char* max,
                 const std::vector<std::string>& arguments) {
        Json schema = {{"type", type}};
        if (arguments.empty()) return schema;
        if (arguments.size() != 2) fail("two bounds");
        schema[min] = number(arguments[0]);
        schema[max] = number(arguments[1]);
        return schema;
    }

    std::int64_t number(const std::string& digits) {
        std::int64_t value = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc() || end != digits.data() + digits.size()) fail("a number");
        return value;
    }

    std::string name() {
        skip();
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
        if (at_ == begin) fail("a word");
        return std::string(text_.substr(begin, at_ - begin));
    }

    static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    }

    void skip() {
        while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    }
    bool take(char c) {
        skip();
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    [[noreturn]] void fail(std::string_view wanted) const {
        throw base::Failure(base::Failure::Kind::invalid,
                            fmt::format("the shape {} must have {} at {}", text_, wanted, at_));
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

Json schema_of(std::string_view notation) {
    return NotationReader(notation).whole();
}

}  // namespace auth
