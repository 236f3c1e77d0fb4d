#include "runner/ratings.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace runner {

namespace {

using catalog::Rating;

constexpr std::size_t answer_bytes_max = 256 * 1024;
constexpr int rating_candidates_max = 64;  // Opening brackets tried before giving up.

// End of the JSON value that opens at `start` (one past its closing bracket), by counting brackets
// outside strings; npos when it never closes.
std::size_t closing_bracket(std::string_view text, std::size_t start) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = start; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return std::string_view::npos;
}

std::optional<int> score_of(const base::Json& value) {
    double number = 0;
    if (value.is_number()) {
        number = value.get<double>();
    } else if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        const std::string_view digits = base::trim(text);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    } else {
        return std::nullopt;
    }
    if (number != std::floor(number) || number < 1 || number > 5) return std::nullopt;
    return static_cast<int>(number);
}

const base::Json* member_of(const base::Json& object, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        const auto found = object.find(name);
        if (found != object.end() && !found->is_null()) return &*found;
    }
    return nullptr;
}

// Fills one module's row from its entry; the row stays unparsed when the score cannot be read.
void read_entry(Rating& rating, const base::Json& entry, int actions) {
    const base::Json* score = &entry;
    if (entry.is_object()) {
        score = member_of(entry, {"rating", "score"});
        if (const base::Json* notes = member_of(entry, {"notes", "note"});
            notes && notes->is_string()) {
            rating.notes =
                base::cut(notes->get_ref<const std::string&>(), catalog::notes_bytes_max);
        }
        if (const base::Json* evidence = member_of(entry, {"evidence"});
            evidence && evidence->is_array()) {
            for (const base::Json& seq : *evidence) {
                if (!seq.is_number_integer()) continue;
                if (rating.evidence.size() == catalog::evidence_max) break;
                const auto number = seq.get<std::int64_t>();
                const bool known = number >= 1 && number <= actions;
                const int value = known ? static_cast<int>(number) : 0;
                if (known && std::find(rating.evidence.begin(), rating.evidence.end(), value) ==
                                 rating.evidence.end()) {
                    rating.evidence.push_back(value);
                }
            }
        }
    }
    rating.score = score ? score_of(*score) : std::nullopt;
    rating.status = rating.score ? Rating::Status::rated : Rating::Status::unparsed;
}

// Takes what `value` says about the modules asked for; false when it has not the form of an answer.
bool read_answer(std::vector<Rating>& rows, const base::Json& value, int actions) {
    const auto row_of = [&rows](std::string_view module) {
        return std::find_if(rows.begin(), rows.end(), [&](const Rating& row) {
            return base::equals_ignoring_case(row.module, module);
        });
    };
    const base::Json* list = &value;
    if (value.is_object()) {
        if (const auto found = value.find("ratings"); found != value.end()) list = &*found;
    }
    bool any = false;
    if (list->is_array()) {
        for (const base::Json& entry : *list) {
            if (!entry.is_object()) continue;
            const base::Json* module = member_of(entry, {"module"});
            if (!module || !module->is_string()) continue;
            any = true;
            const auto row = row_of(base::trim(module->get_ref<const std::string&>()));
            if (row != rows.end() && row->status != Rating::Status::rated) {
                read_entry(*row, entry, actions);
            }
        }
    } else if (list->is_object()) {
        for (const auto& [module, entry] : list->items()) {
            const auto row = row_of(module);
            if (row == rows.end() || row->status == Rating::Status::rated) continue;
            any = true;
            read_entry(*row, entry, actions);
        }
    }
    return any;
}

}  // namespace

std::vector<Rating> unanswered_ratings(const RatingQuestion& question, Rating::Status status,
                                       std::string_view reason) {
    std::vector<Rating> rows;
    for (const std::string& module : question.modules) {
        Rating row;
        row.visit_id = question.visit_id;
        row.module = module;
        row.status = status;
        row.notes = base::cut(base::clean_utf8(reason), catalog::notes_bytes_max);
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<Rating> read_ratings(const RatingQuestion& question, std::string_view answer) {
    const std::string clean = base::clean_utf8(answer.substr(0, answer_bytes_max));
    std::vector<Rating> rows = unanswered_ratings(question, Rating::Status::missing, "");
    int candidates = 0;
    for (std::size_t at = clean.find_first_of("{["); at != std::string::npos;
         at = clean.find_first_of("{[", at)) {
        if (++candidates > rating_candidates_max) break;
        const std::size_t end = closing_bracket(clean, at);
        if (end != std::string::npos) {
            const auto value = base::try_parse_json(std::string_view(clean).substr(at, end - at));
            if (value && read_answer(rows, *value, question.actions)) return rows;
        }
        ++at;
    }
    Rating unreadable;
    unreadable.visit_id = question.visit_id;
    unreadable.module = unreadable_answer_module;
    unreadable.status = Rating::Status::unparsed;
    unreadable.notes = base::cut(clean, 500);
    rows = unanswered_ratings(question, Rating::Status::unparsed, "");
    rows.insert(rows.begin(), std::move(unreadable));
    return rows;
}

}  // namespace runner
