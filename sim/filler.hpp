// The inner workings of sim/filling: one set of arguments in the making. All values of one set come
// from the same matter, person and hour, so that they fit each other.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "sim/dice.hpp"
#include "sim/filling.hpp"
#include "sim/phrases.hpp"
#include "sim/reading.hpp"

namespace sim {

// Short-lived: refers to the schema and the reading that it was made with.
class Filler {
  public:
    Filler(const base::Json& root, const Reading& reading, std::string module, Verb verb, Care care,
           Dice dice)
        : root_(root),
          reading_(reading),
          module_(std::move(module)),
          verb_(verb),
          care_(care),
          dice_(dice),
          matter_(dice_.pick(matters(reading.theme))),
          person_(dice_.pick(acquaintances())),
          article_(dice_.pick(reading_matters())),
          hour_(8 + static_cast<int>(dice_.below(10))) {}

    base::Json object(const base::Json& raw, int depth);
    base::Json value(const base::Json& raw, const std::string& name, int depth);
    void spoil(base::Json& arguments, const base::Json& schema);
    void change_something(base::Json& arguments, const base::Json& schema);

  private:
    bool wants(const std::string& name, const base::Json& schema, bool required, int depth);
    bool may_choose(const std::string& lower, const base::Json& schema) const;
    base::Json text(const base::Json& schema, const std::string& raw_name);
    std::string text_for(const std::string& name);
    std::string title();
    std::string search_word();
    std::string place_in_time(const std::string& name, std::string_view format);
    base::Json number(const base::Json& schema, const std::string& name, bool whole);
    base::Json list(const base::Json& schema, const std::string& name, int depth);
    std::string id_for(const std::string& name);

    const base::Json& root_;
    const Reading& reading_;
    std::string module_;
    Verb verb_;
    Care care_;
    Dice dice_;
    const Matter& matter_;
    const Acquaintance& person_;
    const ReadingMatter& article_;
    int hour_;
};

// Whether a lower-case name contains one of the words.
bool filling_has(const std::string& name, std::initializer_list<std::string_view> words);
std::string filling_uuid(Dice& dice);

}  // namespace sim
