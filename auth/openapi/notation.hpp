// A short notation for JSON shapes, and JSON Schema made of it. Pure.
//
//   text  text(1,200)  email  time  url  integer  integer(1,100)  number  flag  object  any  null
//   word(a,b)          one of these texts
//   Space              the named shape of that name
//   T[]                a list
//   T|U                either
//   {name:T other?:U}  an object; "?" marks what may be missing
//   {name:T ...}       an object that may have members beside these
#pragma once

#include <string_view>

#include "base/json.hpp"

namespace auth {

// Throws Failure::invalid with the place where the text is no notation.
base::Json schema_of(std::string_view notation);

}  // namespace auth
