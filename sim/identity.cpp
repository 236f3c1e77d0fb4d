#include "sim/identity.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/dice.hpp"
#include "sim/reading.hpp"
#include "sim/wire.hpp"

namespace sim {

namespace {

constexpr std::size_t identities_max = 200'000;

std::string identity_place(const base::Json& body, std::string_view text) {
    if (!body.is_object()) return std::string(text);
    std::string place(text_member(body, "model"));
    const auto system = body.find("system");
    if (system != body.end()) place += '\n' + masked(joined_text(*system));
    const auto messages = body.find("messages");
    if (messages == body.end() || !messages->is_array()) return place;
    for (const base::Json& message : *messages) {
        if (text_member(message, "role") != "user" || !message.contains("content")) continue;
        place += '\n' + masked(joined_text(message["content"]));
        break;
    }
    return fmt::format("{}\n{}", place, messages->size());
}

}  // namespace

std::string Identities::next(const base::Json& body, std::string_view text) {
    const std::string place = identity_place(body, text);
    // Forgetting costs only that later draws differ from another run's.
    if (attempts_.size() >= identities_max) attempts_.clear();
    return fmt::format("{}\n{}", place, attempts_[hash_text(place)]++);
}

}  // namespace sim
