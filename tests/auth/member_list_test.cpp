#include "auth/spaces/member_list.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"

namespace {

using auth::Member;

std::vector<Member> three() {
    const base::Moment start{};
    return {
        {.id = "1", .user_id = "c", .role = "owner", .created_at = start},
        {.id = "2", .user_id = "a", .role = "member", .created_at = start + std::chrono::hours(1)},
        {.id = "3", .user_id = "b", .role = "member", .created_at = start + std::chrono::hours(2)}};
}

base::ServerRequest asked(std::multimap<std::string, std::string> query) {
    base::ServerRequest request;
    request.query = std::move(query);
    return request;
}

std::string page(std::multimap<std::string, std::string> query) {
    const auto shown = auth::page_of(three(), auth::read_member_query(asked(std::move(query))));
    std::string ids;
    for (const Member& member : shown.members) ids += member.id;
    return ids + "/" + std::to_string(shown.total);
}

TEST(MemberList, IsOldestFirstUnlessAskedOtherwise) {
    EXPECT_EQ(page({}), "123/3");
    EXPECT_EQ(page({{"sortDirection", "desc"}}), "321/3");
    EXPECT_EQ(page({{"sortBy", "userId"}}), "231/3");
    EXPECT_EQ(page({{"sortBy", "role"}}), "231/3");
}

TEST(MemberList, IsCutByLimitAndOffset) {
    EXPECT_EQ(page({{"limit", "2"}}), "12/3");
    EXPECT_EQ(page({{"limit", "2"}, {"offset", "2"}}), "3/3");
    EXPECT_EQ(page({{"offset", "9"}}), "/3");
}

TEST(MemberList, IsFilteredByEachOperator) {
    const auto filtered = [](const char* field, const char* how, const char* value) {
        return page({{"filterField", field}, {"filterOperator", how}, {"filterValue", value}});
    };
    EXPECT_EQ(page({{"filterField", "role"}, {"filterValue", "owner"}}), "1/1");
    EXPECT_EQ(filtered("role", "ne", "owner"), "23/2");
    EXPECT_EQ(filtered("id", "in", "1,3"), "13/2");
    EXPECT_EQ(filtered("role", "contains", "em"), "23/2");
    EXPECT_EQ(filtered("role", "starts_with", "o"), "1/1");
    EXPECT_EQ(filtered("role", "ends_with", "er"), "123/3");
    EXPECT_EQ(filtered("id", "gt", "1"), "23/2");
    EXPECT_EQ(filtered("id", "gte", "2"), "23/2");
    EXPECT_EQ(filtered("id", "lt", "2"), "1/1");
    EXPECT_EQ(filtered("createdAt", "lte", "1970-01-01T01:00:00.000Z"), "12/2");
}

TEST(MemberList, RefusesWhatItDoesNotKnow) {
    using Query = std::multimap<std::string, std::string>;
    for (const Query& wrong :
         {Query{{"limit", "0"}}, Query{{"limit", "1001"}}, Query{{"limit", "x"}},
          Query{{"limit", "1x"}}, Query{{"offset", "-1"}}, Query{{"sortBy", "email"}},
          Query{{"sortDirection", "up"}}, Query{{"filterField", "email"}, {"filterValue", "x"}},
          Query{{"filterField", "role"}},
          Query{{"filterField", "role"}, {"filterValue", "x"}, {"filterOperator", "like"}}}) {
        EXPECT_THROW(auth::read_member_query(asked(wrong)), base::Failure)
            << wrong.begin()->first << "=" << wrong.begin()->second;
    }
}

}  // namespace
