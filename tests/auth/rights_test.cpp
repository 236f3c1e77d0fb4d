#include "auth/spaces/rights.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace {

using auth::Right;
using base::Json;

// auth-api-doubts B61: the matrix is our own and is the one that answers.
TEST(Rights, AnOwnerMayEverythingAnAdminAllButDeletingAMemberNothing) {
    const Right all[] = {Right::update_space,     Right::delete_space,  Right::add_member,
                         Right::update_member,    Right::remove_member, Right::invite,
                         Right::cancel_invitation};
    for (const Right right : all) {
        EXPECT_TRUE(auth::may("owner", right));
        EXPECT_EQ(auth::may("admin", right), right != Right::delete_space);
        EXPECT_FALSE(auth::may("member", right));
        EXPECT_FALSE(auth::may("", right));
        EXPECT_FALSE(auth::may("superowner", right));
    }
}

TEST(Rights, SeveralRolesAddUp) {
    EXPECT_TRUE(auth::may("member,admin", Right::invite));
    EXPECT_TRUE(auth::may("member, admin", Right::invite));
    EXPECT_FALSE(auth::may("member,admin", Right::delete_space));
    EXPECT_TRUE(auth::is_owner("admin,owner"));
    EXPECT_FALSE(auth::is_owner("admin,ownership"));
}

TEST(Rights, AskedByNameAllMustHold) {
    EXPECT_TRUE(auth::may_all("admin", {{"member", {"create", "delete"}}}));
    EXPECT_FALSE(auth::may_all("admin", {{"organization", {"update", "delete"}}}));
    EXPECT_TRUE(auth::may_all("owner", {{"organization", {"update", "delete"}}}));
    EXPECT_FALSE(auth::may_all("owner", {{"team", {"create"}}}));
    EXPECT_FALSE(auth::may_all("owner", {{"member", {"devour"}}}));
    EXPECT_FALSE(auth::may_all("member", {{"member", {"create"}}}));
    for (const Json& wrong :
         {Json("x"), Json::array(), Json{{"member", "create"}}, Json{{"member", {1}}}}) {
        EXPECT_THROW(auth::may_all("owner", wrong), base::Failure) << wrong;
    }
}

TEST(Rights, RolesComeAsATextOrAList) {
    EXPECT_EQ(auth::checked_roles("member"), "member");
    EXPECT_EQ(auth::checked_roles("member,admin"), "admin,member");
    EXPECT_EQ(auth::checked_roles(Json{"member", "admin", "member"}), "admin,member");
    for (const Json& wrong : {Json(nullptr), Json(""), Json(7), Json::array(), Json::object(),
                              Json{{"x", 1}}, Json{1}, Json(std::string(65, 'a'))}) {
        EXPECT_THROW(auth::checked_roles(wrong), base::Failure) << wrong;
    }
    try {
        auth::checked_roles("king");
        FAIL();
    } catch (const base::Failure& failure) {
        EXPECT_EQ(failure.code(), "ROLE_NOT_FOUND");
    }
}

}  // namespace
