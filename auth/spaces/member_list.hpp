// A page of a space's members: filtered, sorted and cut as the query of list-members asks. A space
// has at most some hundred members, so that this needs no SQL. Pure but for reading the request.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "auth/spaces/members.hpp"
#include "base/server.hpp"

namespace auth {

struct MemberQuery {
    enum class Field { id, user_id, role, created_at };
    enum class Operator { eq, ne, in, contains, starts_with, ends_with, gt, gte, lt, lte };

    std::size_t limit = members_of_space_max;
    std::size_t offset = 0;
    Field sort_by = Field::created_at;
    bool descending = false;
    bool filters = false;
    Field filter_field = Field::role;
    Operator filter_operator = Operator::eq;
    std::string filter_value;  // For `in`: values joined by commas.
};

// Throws Failure::invalid naming the parameter.
MemberQuery read_member_query(const base::ServerRequest& request);

struct MemberPage {
    std::vector<Member> members;
    std::size_t total = 0;  // That pass the filter.
};

MemberPage page_of(std::vector<Member> members, const MemberQuery& query);

}  // namespace auth
