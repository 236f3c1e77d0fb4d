#include "tests/interop/conformance_tools.hpp"

#include <nlohmann/json.hpp>

#include "base/failure.hpp"

namespace interop {

namespace {

using base::Json;

// One red pixel; a tenth of a millisecond of silence.
constexpr const char* pixel_png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg"
    "==";
constexpr const char* silence_wav =
    "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==";

constexpr const char* tools_text = R"json([
{"name":"test_simple_text","description":"Answers one sentence."},
{"name":"test_image_content","description":"Answers an image."},
{"name":"test_audio_content","description":"Answers a sound."},
{"name":"test_embedded_resource","description":"Answers a resource."},
{"name":"test_multiple_content_types","description":"Answers a text, an image and a resource."},
{"name":"test_error_handling","description":"Always fails."},
{"name":"test_tool_with_progress","description":"Tells how far it is."},
{"name":"test_reconnection","description":"Answers on a stream that can be taken up again."},
{"name":"test_missing_capability","description":"Needs sampling."},
{"name":"test_streaming_elicitation","description":"Answers on a stream, without asking back."},
{"name":"test_logging_tool","description":"Would log, had anybody asked for it."},
{"name":"test_region","description":"Has a parameter that travels as a header, too.",
 "inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}},
{"name":"json_schema_2020_12_tool","description":"Tool with JSON Schema 2020-12 features",
 "inputSchema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
  "$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{
    "street":{"type":"string"},"city":{"type":"string"}}}},
  "properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},
    "contactMethod":{"type":"string","enum":["phone","email"]},
    "phone":{"type":"string"},"email":{"type":"string"}},
  "allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
  "if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},
  "then":{"required":["phone"]},"else":{"required":["email"]},
  "additionalProperties":false}}
])json";

Json text_part(std::string text) {
    return {{"type", "text"}, {"text", std::move(text)}};
}
Json image_part() {
    return {{"type", "image"}, {"data", pixel_png}, {"mimeType", "image/png"}};
}
Json resource_part(const char* uri, const char* type, const char* text) {
    return {{"type", "resource"}, {"resource", {{"uri", uri}, {"mimeType", type}, {"text", text}}}};
}

}  // namespace

ConformanceTools::ConformanceTools() : listing_(base::parse_json(tools_text, "the tools")) {
    for (Json& tool : listing_) {
        if (!tool.contains("inputSchema")) tool["inputSchema"]["type"] = "object";
    }
}

std::optional<workspace::ToolTraits> ConformanceTools::traits(std::string_view name) const {
    for (const Json& tool : listing_) {
        if (tool["name"] != name) continue;
        workspace::ToolTraits traits{.input_schema = &tool["inputSchema"]};
        traits.slow = name == "test_tool_with_progress" || name == "test_streaming_elicitation" ||
                      name == "test_reconnection";
        if (name == "test_missing_capability") traits.needs["sampling"] = Json::object();
        return traits;
    }
    return std::nullopt;
}

Json ConformanceTools::call(const workspace::ToolCall& call, const workspace::McpCaller& /*caller*/,
                            workspace::CallWatch& watch) {
    Json content = Json::array();
    if (call.name == "test_image_content") {
        content.push_back(image_part());
    } else if (call.name == "test_audio_content") {
        content.push_back({{"type", "audio"}, {"data", silence_wav}, {"mimeType", "audio/wav"}});
    } else if (call.name == "test_embedded_resource") {
        content.push_back(resource_part("test://embedded-resource", "text/plain",
                                        "This is an embedded resource content."));
    } else if (call.name == "test_multiple_content_types") {
        content.push_back(text_part("Multiple content types test:"));
        content.push_back(image_part());
        content.push_back(resource_part("test://mixed-content-resource", "application/json",
                                        R"({"test":"data","value":123})"));
    } else if (call.name == "test_error_handling") {
        content.push_back(text_part("This tool intentionally returns an error for testing"));
        return {{"content", content}, {"isError", true}};
    } else {
        if (call.name == "test_tool_with_progress") {
            for (const int done : {0, 50, 100}) watch.progress(done, 100, "");
        }
        content.push_back(text_part("This is a simple text response for testing."));
    }
    return {{"content", content}};
}

}  // namespace interop
