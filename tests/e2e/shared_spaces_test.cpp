// Spaces that personas share: seeded through the calls that every user makes, once; visits work in
// them by their weight; what members keep there is theirs together.
#include <fstream>

#include "base/state_directory.hpp"
#include "tests/e2e/world.hpp"

namespace {

using base::Json;

class SharedSpaces : public e2e::World {
  protected:
    // Anna, Ben and Marcus; Anna and Ben share a flat.
    static Json seed(double weight) {
        const std::filesystem::path file = daemon().state().parent_path() / "shared.json";
        e2e::write_catalog(file, personas);
        Json catalog = base::parse_json(base::read_small_file(file, 1'000'000), "catalog");
        EXPECT_EQ(catalog.at("spaces").size(), 1u);
        catalog["spaces"][0]["weight"] = weight;
        std::ofstream(file) << catalog.dump();
        const e2e::Outcome seeded = daemon().verb({"seed", "--json", "--catalog", file.string()},
                                                  {{"MANA_ADMIN_JWT", daemon().admin_token()}});
        EXPECT_EQ(seeded.exit_code, 0) << seeded.out << seeded.err;
        return seeded.json().at("spaces");
    }
    static std::int64_t shared_members() {
        return daemon().count(
            "select count(*) from auth.members m join auth.organizations o on "
            "o.id = m.organization_id where o.slug = 'wg-altbau'");
    }
};

TEST_F(SharedSpaces, AreSeededOnce) {
    EXPECT_EQ(shared_members(), 2) << "the first seed of the suite has made it";
    const Json again = seed(0.3);
    EXPECT_EQ(again.at("created"), 0);
    EXPECT_EQ(again.at("unchanged"), 1);
    EXPECT_EQ(again.at("joined"), 0);
    // Who was removed is invited again.
    daemon().query(
        "delete from auth.members m using auth.organizations o, auth.users u where "
        "o.id = m.organization_id and o.slug = 'wg-altbau' and u.id = m.user_id and "
        "u.email = 'persona.ben@mana.test'");
    EXPECT_EQ(seed(0.3).at("joined"), 1);
    EXPECT_EQ(shared_members(), 2);
}

TEST_F(SharedSpaces, AreWorkedInByTheirWeight) {
    EXPECT_EQ(seed(1).at("updated"), 1);
    ASSERT_EQ(daemon().tick_all().at("ranSuccessfully"), personas);
    ASSERT_TRUE(daemon().await_delivery());

    const auto calls = [](const std::string& where) {
        return daemon().count(
            "select count(*) from workspace.calls c join auth.users u on u.id = c.user_id "
            "left join auth.organizations o on o.id = c.space_id and o.slug = 'wg-altbau' where " +
            where);
    };
    EXPECT_GT(calls("u.email like 'persona.anna%' and o.id is not null"), 0);
    EXPECT_GT(calls("u.email like 'persona.ben%' and o.id is not null"), 0);
    EXPECT_EQ(calls("u.email like 'persona.marcus%' and o.id is not null"), 0);
    EXPECT_EQ(daemon().count("select count(*) from workspace.records r left join "
                             "auth.members m on m.organization_id = r.space_id and "
                             "m.user_id = r.created_by where m.id is null"),
              0)
        << "nobody writes where she is no member";
}

}  // namespace
