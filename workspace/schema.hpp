// JSON Schemas of the tools: building them and checking arguments against them. The keywords
// are the part of draft 2020-12 that the tools use; registering a schema with any other is a bug.
//
//   type (one or a list) · enum · properties · required · additionalProperties:false · items
//   minItems maxItems · minLength maxLength (characters) · minimum maximum exclusiveMinimum
//   format: uuid date date-time uri email · pattern: the two below
//   title description default: carried along
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace workspace {

using Schema = std::shared_ptr<const base::Json>;  // Immutable; shared by every listing.

inline constexpr std::string_view hex_color = "^#[0-9a-fA-F]{6}$";
// No "format": JSON Schema's time has seconds and a zone.
inline constexpr std::string_view hour_minute = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

// An object without further members. `properties` is the text of a JSON object.
Schema object_schema(std::string_view properties, const std::vector<std::string>& required = {});
// {"<name>": <record>}, e.g. the answer of a create tool. Both are required members.
Schema answer_schema(std::string_view name, std::string_view record);
// {"<name>": [<record>, …]}, the answer of a list tool.
Schema list_schema(std::string_view name, std::string_view record);
// {"ok": true}
Schema done_schema();
// The text of a record's schema: all listed properties, those in `optional` not required.
std::string record_schema(std::string_view properties,
                          const std::vector<std::string>& optional = {});

// The arguments as the tool gets them: null for an optional argument that cannot be null counts as
// not given, and defaults fill the gaps. Call it before check().
void fill_in(const base::Json& schema, base::Json& arguments);

// Whether a record that another app wrote has the form of `schema`, once what is merely absent is
// filled in: defaults, null, no items, false; null that cannot be is taken out.
bool fit(const base::Json& schema, base::Json& record);

// The schema as a value; aborts when it is no JSON.
base::Json parsed_schema(std::string_view text);

// What is wrong, each as "<path> <what would be valid>, got <what came>"; empty when all is well.
// At most eight entries.
std::vector<std::string> check(const base::Json& schema, const base::Json& value);

// Aborts when the schema holds a keyword or a word that check() does not know.
void require_known(const base::Json& schema);

}  // namespace workspace
