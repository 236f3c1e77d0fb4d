// Texts by the name of their field: titles, people, places, times, ids.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "sim/filler.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

// Cuts or pads to the schema's limits, which count characters; ours are mostly single bytes.
std::string filling_fit(std::string text, const base::Json& schema) {
    const auto max = schema.value("maxLength", std::size_t{100'000});
    const auto min = schema.value("minLength", std::size_t{0});
    if (text.size() > max) {
        text = base::cut(text, max);
        if (text.size() > max) text.resize(max, '.');
    }
    while (text.size() < min) text += text.empty() ? "a" : ".";
    return text;
}

}  // namespace

bool filling_has(const std::string& name, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&name](std::string_view word) {
        return name.find(word) != std::string::npos;
    });
}

std::string filling_uuid(Dice& dice) {
    const std::uint64_t high = dice.roll();
    const std::uint64_t low = dice.roll();
    return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                       high & 0xfff, low >> 52, low & 0xffffffffffffULL);
}

base::Json Filler::text(const base::Json& schema, const std::string& raw_name) {
    const std::string format(text_member(schema, "format"));
    const std::string pattern(text_member(schema, "pattern"));
    const std::string name = base::lower_ascii(raw_name);
    if (format == "date" || format == "date-time" || format == "time") {
        return place_in_time(name, format);
    }
    if (raw_name == "id" || raw_name.ends_with("Id") || raw_name.ends_with("_id") ||
        format == "uuid") {
        return id_for(raw_name);
    }
    if (format == "email") return text_for("email");
    if (format == "uri" || format == "url") return text_for("url");
    if (pattern.find("A-F") != std::string::npos || filling_has(name, {"color", "colour"})) {
        return "#6366f1";
    }
    if (pattern.find("\\d{4}-") != std::string::npos ||
        pattern.find("[0-9]{4}-") != std::string::npos) {
        return place_in_time(name, "date");
    }
    if (pattern.find(":") != std::string::npos && pattern.find("[0-5]") != std::string::npos) {
        return fmt::format("{:02}:30", hour_);
    }
    return filling_fit(text_for(name), schema);
}

std::string Filler::place_in_time(const std::string& name, std::string_view format) {
    const bool is_end = filling_has(name, {"end", "until", "bis", "to_", "finish"});
    const int hour = is_end ? hour_ + 1 : hour_;
    const std::string time = fmt::format("{:02}:00", hour);
    if (format == "time") return time;
    std::string day = reading_.day;
    if (filling_has(name, {"birth"})) return fmt::format("19{}-04-1{}", 60 + hour_, hour_ % 10);
    // Things that are due lie ahead, but never past the month's end, so that no calendar is needed.
    if (filling_has(name, {"due", "deadline", "expected"})) {
        const int number = leading_number(day.substr(8, 2));
        day.replace(8, 2, fmt::format("{:02}", std::max(number, std::min(28, number + 3))));
    }
    return format == "date" ? day : day + "T" + time + ":00.000Z";
}

std::string Filler::title() {
    if (module_ == "habits") return std::string(dice_.pick(habit_titles()));
    if (module_ == "articles" || module_ == "library") return std::string(article_.title);
    if (module_ == "contacts") return fmt::format("{} {}", person_.first, person_.last);
    if (module_ == "calendar" && dice_.chance(0.3)) {
        return fmt::format("Treffen mit {}", person_.first);
    }
    return std::string(matter_.title);
}

std::string Filler::search_word() {
    std::string_view label;
    for (const Thing& thing : reading_.things) {
        if (thing.module == module_ && !thing.label.empty()) label = thing.label;
    }
    if (label.empty()) label = module_ == "contacts" ? person_.first : matter_.title;
    std::string_view longest;
    for (const std::string_view word : base::split(label, ' ')) {
        if (word.size() > longest.size()) longest = word;
    }
    return std::string(base::trim(longest));
}

std::string Filler::text_for(const std::string& name) {
    if (filling_has(name, {"query", "search", "filter"}) || name == "q") return search_word();
    if (filling_has(name, {"firstname", "first_name", "vorname"})) {
        return std::string(person_.first);
    }
    if (filling_has(name, {"lastname", "last_name", "nachname"})) return std::string(person_.last);
    if (filling_has(name, {"email", "mail"})) {
        return base::lower_ascii(person_.first) + "@example.org";
    }
    if (filling_has(name, {"phone", "mobile"})) {
        return fmt::format("+49 30 555{:04}", dice_.below(10'000));
    }
    if (filling_has(name, {"url", "link", "website"})) {
        return fmt::format("https://example.org/lesen/{}", article_.slug);
    }
    if (filling_has(name, {"company", "organization", "firma"}))
        return std::string(person_.company);
    if (filling_has(name, {"jobtitle", "job", "role"})) return std::string(person_.job);
    if (filling_has(name, {"city", "ort"})) return std::string(person_.city);
    if (filling_has(name, {"street", "address"})) return fmt::format("Lindenweg {}", hour_);
    if (filling_has(name, {"postal", "zip", "plz"})) return fmt::format("0{}", 4100 + hour_);
    if (filling_has(name, {"sitename"})) return "Die Lesestube";
    if (filling_has(name, {"country"})) return "Deutschland";
    if (filling_has(name, {"location", "place", "where"})) return std::string(dice_.pick(places()));
    if (filling_has(name, {"withwhom", "person", "author", "attendee"})) {
        return std::string(person_.first);
    }
    if (filling_has(name, {"tag"})) return std::string(dice_.pick(tags()));
    if (filling_has(name, {"icon"})) return "star";
    if (filling_has(name, {"title", "name", "subject", "summary", "label"})) return title();
    if (module_ == "mood") return std::string(dice_.pick(mood_notes()));
    if (module_ == "articles") return std::string(article_.gist);
    if (module_ == "journal" || filling_has(name, {"content", "body"})) {
        return fmt::format("{} {}", matter_.sentence, dice_.pick(mood_notes()));
    }
    return std::string(matter_.sentence);
}

std::string Filler::id_for(const std::string& name) {
    std::string module = module_;
    if (name != "id") {
        // "habitId", "contact_id": the thing's own module when there is one.
        const std::string stem = base::lower_ascii(name.substr(0, name.find_first_of("_I")));
        for (const Thing& thing : reading_.things) {
            if (!stem.empty() && thing.module.starts_with(stem)) module = thing.module;
        }
    }
    std::vector<const Thing*> open;
    for (const Thing& thing : reading_.things) {
        if (thing.module == module && !thing.settled) open.push_back(&thing);
    }
    if (open.empty()) return filling_uuid(dice_);
    return dice_.pick(open)->id;
}

}  // namespace sim
