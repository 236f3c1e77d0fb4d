// Reading XML: pugixml's only door. Entities of a document's own are never expanded and nothing is
// ever fetched, so a document costs no more than its size.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

struct XmlElement {
    std::string name;  // As written, prefix included: "dc:date".
    std::vector<std::pair<std::string, std::string>> attributes;
    std::string text;  // Its own text and CDATA, put together; valid UTF-8.
    std::vector<XmlElement> children;

    const XmlElement* child(std::string_view wanted) const;     // The first of that name.
    std::string child_text(std::string_view wanted) const;      // Empty when there is none.
    std::string_view attribute(std::string_view wanted) const;  // Empty when there is none.
};

struct XmlLimits {
    std::size_t elements_max = 100'000;
    int depth_max = 64;
};

// The root element; nothing for what is no XML or passes a limit. The encoding is that of the byte
// order mark or the declaration: UTF-8, UTF-16, UTF-32 or ISO-8859-1.
std::optional<XmlElement> try_parse_xml(std::string_view document, const XmlLimits& limits = {});

}  // namespace base
