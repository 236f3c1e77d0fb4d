// What the tables of bad input are made of: an endpoint, a good body, and for each field what it
// must be. Each room of the service has its table beside this file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"
#include "tests/auth/service_support.hpp"

namespace tests {

using base::Json;

enum class Who { anybody, user, admin, service };

// One field of a body: where it is, what it must be. Wrong values follow from that.
struct Field {
    enum class Kind { text, integer, number, word, flag, object, list } kind;
    std::string pointer;  // "/counts/actions"
    bool required = true;
    std::int64_t min = 0, max = 0;      // Bytes, or the value; of a list, its items.
    std::vector<Json> more_wrong = {};  // Beside those that follow from the kind.
    std::string more_valid = {};        // What is said about these.
};

struct Endpoint {
    std::string method, route, path;  // Path: the route with real ids in it.
    Who who = Who::anybody;
    Json good;
    std::vector<Field> fields;
    std::vector<std::string> closed = {};  // Objects that take no unknown member: "" or "/counts".
    bool good_is_tried = true;             // Whether `good`, sent at last, must not be a 400.
};

// What the tables may name.
struct BadInputWorld {
    std::string persona_id;
    std::string tick;      // Of the persona's running visit.
    std::string user_id;   // Who::user.
    std::string space_id;  // Owned by that user, not her personal one.
};

inline std::vector<Json> wrong_values(const Field& field) {
    using Kind = Field::Kind;
    std::vector<Json> wrong;
    switch (field.kind) {
        case Kind::text:
            wrong = {7,
                     Json::array(),
                     Json::object(),
                     true,
                     std::string(static_cast<std::size_t>(field.max) + 1, 'a'),
                     std::string("a\0b", 3)};
            if (field.min > 0 && field.required) wrong.emplace_back("");
            break;
        case Kind::integer:
            wrong = {"7", 1.5, true, Json::array(), field.min - 1, field.max + 1};
            break;
        case Kind::number:
            wrong = {"7", true, field.min - 1};
            if (field.max > 0) wrong.emplace_back(field.max + 1);
            break;
        case Kind::word: wrong = {"nonsense", 7, Json::array()}; break;
        case Kind::flag: wrong = {"yes", 1}; break;
        case Kind::object: wrong = {"x", 7, Json::array()}; break;
        case Kind::list: {
            Json many = Json::array();
            for (std::int64_t i = 0; i <= field.max; ++i) many.push_back(1);
            wrong = {"x", 7, Json::object(), many};
        }
    }
    if (field.required) wrong.emplace_back(nullptr);
    return wrong;
}

inline std::string valid_of(Field::Kind kind) {
    using Kind = Field::Kind;
    switch (kind) {
        case Kind::text: return "text ";
        case Kind::integer: return "a whole number from ";
        case Kind::number: return "a number from ";
        case Kind::word: return "one of ";
        case Kind::flag: return "true or false";
        case Kind::object: return "an object";
        case Kind::list: return "a list of at most ";
    }
    return "";
}

// "/counts/actions" -> "counts.actions", "/actions/0/seq" -> "actions[0].seq"
inline std::string shown(const std::string& pointer) {
    std::string text;
    for (const std::string_view part : base::split(std::string_view(pointer).substr(1), '/')) {
        const bool index = part.find_first_not_of("0123456789") == std::string_view::npos;
        if (!text.empty() && !index) text += '.';
        text += index ? "[" + std::string(part) + "]" : std::string(part);
    }
    return text;
}

// A text field of 1 (when required) to `max` bytes.
inline Field text_field(const char* pointer, std::int64_t max, bool required = true) {
    return {Field::Kind::text, pointer, required, required ? 1 : 0, max};
}
inline Field whole_field(const char* pointer, std::int64_t min, std::int64_t max,
                         bool required = true) {
    return {Field::Kind::integer, pointer, required, min, max};
}

}  // namespace tests
