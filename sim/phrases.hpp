// What people of different kinds write about, in German: the material of the simulated personas.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sim {

class Dice;

enum class Theme {
    everyday,
    student,
    chief,
    parent,
    developer,
    researcher,
    photographer,
    newcomer
};

// The kind of person that a system prompt describes.
Theme theme_of(std::string_view system);

struct Matter {
    std::string_view title;     // A thing to do, meet about or note down.
    std::string_view sentence;  // What one would write about it.
};
std::span<const Matter> matters(Theme theme);

struct Acquaintance {
    std::string_view first;
    std::string_view last;
    std::string_view company;
    std::string_view job;
    std::string_view city;
};
std::span<const Acquaintance> acquaintances();

struct ReadingMatter {
    std::string_view title;
    std::string_view slug;
    std::string_view gist;
};
std::span<const ReadingMatter> reading_matters();

std::span<const std::string_view> habit_titles();
std::span<const std::string_view> mood_notes();
std::span<const std::string_view> places();
std::span<const std::string_view> tags();

std::string_view praise(Theme theme, Dice& dice);
std::string_view complaint(Theme theme, Dice& dice);
std::string_view before_calls(Dice& dice);
std::string_view after_error(Dice& dice);
std::string_view farewell(Theme theme, Dice& dice);

}  // namespace sim
