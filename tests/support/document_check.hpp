// Whether what passed between a test and the service is what /openapi.json says: every answer of
// every database test is held against the schema of its route and status, and the body that it
// answers to when it was accepted. Stricter than JSON Schema in one point: an object of an answer
// has no member beside those of its schema, so that none stays undocumented.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace tests {

struct Exchange {
    std::string method;
    std::string path;  // With its query.
    std::string sent;  // The body.
    int status = 0;
    std::string content_type;
    base::Json answer;  // Discarded when the body is none.
};

// Empty when all is as documented, or when the table has no such route.
std::string undocumented(const Exchange& exchange);

// What is wrong with the value; empty when it fits. `closed`: members beside the schema's are
// wrong.
std::string misfit(const base::Json& value, const base::Json& schema, bool closed);

}  // namespace tests
