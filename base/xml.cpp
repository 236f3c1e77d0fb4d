#include "base/xml.hpp"

#include <algorithm>
#include <cstring>

#include <pugixml.hpp>

#include "base/text.hpp"

namespace base {

namespace {

struct XmlCopy {
    const XmlLimits& limits;
    std::size_t elements = 0;

    // False when a limit is passed.
    bool run(const pugi::xml_node& from, XmlElement& into, int depth) {
        if (depth > limits.depth_max || ++elements > limits.elements_max) return false;
        into.name = clean_utf8(from.name());
        for (const pugi::xml_attribute& one : from.attributes()) {
            into.attributes.emplace_back(clean_utf8(one.name()), clean_utf8(one.value()));
        }
        for (const pugi::xml_node& node : from.children()) {
            if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
                into.text += clean_utf8(node.value());
            } else if (node.type() == pugi::node_element) {
                if (!run(node, into.children.emplace_back(), depth + 1)) return false;
            }
        }
        return true;
    }
};

}  // namespace

const XmlElement* XmlElement::child(std::string_view wanted) const {
    const auto found = std::find_if(children.begin(), children.end(),
                                    [&](const XmlElement& one) { return one.name == wanted; });
    return found == children.end() ? nullptr : &*found;
}

std::string XmlElement::child_text(std::string_view wanted) const {
    const XmlElement* found = child(wanted);
    return found ? found->text : std::string();
}

std::string_view XmlElement::attribute(std::string_view wanted) const {
    for (const auto& [name_, value] : attributes) {
        if (name_ == wanted) return value;
    }
    return {};
}

std::optional<XmlElement> try_parse_xml(std::string_view document, const XmlLimits& limits) {
    pugi::xml_document parsed;
    const pugi::xml_parse_result result =
        parsed.load_buffer(document.data(), document.size(), pugi::parse_default);
    if (!result || !parsed.document_element()) return std::nullopt;
    XmlElement root;
    XmlCopy copy{limits};
    if (!copy.run(parsed.document_element(), root, 1)) return std::nullopt;
    return root;
}

}  // namespace base
