#include "auth/spaces/member_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace auth {

namespace {

using Field = MemberQuery::Field;
using Operator = MemberQuery::Operator;

constexpr auto list_fields = std::to_array<std::string_view>({"id", "userId", "role", "createdAt"});
constexpr auto list_operators = std::to_array<std::string_view>(
    {"eq", "ne", "in", "contains", "starts_with", "ends_with", "gt", "gte", "lt", "lte"});
constexpr auto list_directions = std::to_array<std::string_view>({"asc", "desc"});

[[noreturn]] void list_refuse(std::string_view name, const std::string& valid) {
    throw base::Failure(base::Failure::Kind::invalid, fmt::format("{} must be {}", name, valid),
                        "VALIDATION_ERROR");
}

template <std::size_t n>
std::size_t list_word(const base::ServerRequest& request, const char* name,
                      const std::array<std::string_view, n>& words, std::size_t otherwise) {
    const auto asked = request.query_value(name);
    if (!asked) return otherwise;
    const auto place = std::find(words.begin(), words.end(), *asked);
    if (place == words.end()) {
        list_refuse(name, fmt::format("one of {}", fmt::join(words, ", ")));
    }
    return static_cast<std::size_t>(place - words.begin());
}

std::size_t list_number(const base::ServerRequest& request, const char* name, std::size_t min,
                        std::size_t max, std::size_t otherwise) {
    const auto asked = request.query_value(name);
    if (!asked) return otherwise;
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(asked->data(), asked->data() + asked->size(), number);
    const bool whole = error == std::errc{} && end == asked->data() + asked->size();
    if (!whole || number < min || number > max) {
        list_refuse(name, fmt::format("a whole number from {} to {}", min, max));
    }
    return number;
}

// Times compare as text, too: they have one form and one zone.
std::string list_text(const Member& member, Field field) {
    switch (field) {
        case Field::id: return member.id;
        case Field::user_id: return member.user_id;
        case Field::role: return member.role;
        case Field::created_at: return base::to_iso(member.created_at);
    }
    base::unreachable("a field of the member list outside its enumerators");
}

bool list_passes(const std::string& text, Operator how, const std::string& value) {
    switch (how) {
        case Operator::eq: return text == value;
        case Operator::ne: return text != value;
        case Operator::in: {
            const auto values = base::split(value, ',');
            return std::find(values.begin(), values.end(), text) != values.end();
        }
        case Operator::contains: return text.find(value) != std::string::npos;
        case Operator::starts_with: return text.starts_with(value);
        case Operator::ends_with: return text.ends_with(value);
        case Operator::gt: return text > value;
        case Operator::gte: return text >= value;
        case Operator::lt: return text < value;
        case Operator::lte: return text <= value;
    }
    base::unreachable("an operator of the member list outside its enumerators");
}

}  // namespace

MemberQuery read_member_query(const base::ServerRequest& request) {
    MemberQuery query;
    query.limit = list_number(request, "limit", 1, 1000, members_of_space_max);
    query.offset = list_number(request, "offset", 0, 1'000'000, 0);
    query.sort_by = static_cast<Field>(
        list_word(request, "sortBy", list_fields, static_cast<std::size_t>(Field::created_at)));
    query.descending = list_word(request, "sortDirection", list_directions, 0) == 1;
    query.filters = request.query_value("filterField").has_value();
    if (!query.filters) return query;
    query.filter_field = static_cast<Field>(list_word(request, "filterField", list_fields, 0));
    query.filter_operator =
        static_cast<Operator>(list_word(request, "filterOperator", list_operators, 0));
    const auto value = request.query_value("filterValue");
    if (!value) list_refuse("filterValue", "given with filterField");
    query.filter_value = *value;
    return query;
}

MemberPage page_of(std::vector<Member> members, const MemberQuery& query) {
    if (query.filters) {
        std::erase_if(members, [&](const Member& member) {
            return !list_passes(list_text(member, query.filter_field), query.filter_operator,
                                query.filter_value);
        });
    }
    std::sort(members.begin(), members.end(), [&](const Member& a, const Member& b) {
        const std::string left = list_text(a, query.sort_by), right = list_text(b, query.sort_by);
        if (left == right) return a.id < b.id;
        return query.descending ? right < left : left < right;
    });
    MemberPage page{.members = {}, .total = members.size()};
    for (std::size_t i = query.offset; i < members.size() && page.members.size() < query.limit;
         ++i) {
        page.members.push_back(std::move(members[i]));
    }
    return page;
}

}  // namespace auth
