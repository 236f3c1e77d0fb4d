#include "workspace/bearer.hpp"

#include "base/text.hpp"

namespace workspace {

std::string bearer_in(std::string_view header) {
    constexpr std::string_view scheme = "Bearer ";
    if (header.size() <= scheme.size() ||
        !base::equals_ignoring_case(header.substr(0, scheme.size()), scheme)) {
        return {};
    }
    const std::string_view token = base::trim(header.substr(scheme.size()));
    return token.find(' ') == token.npos ? std::string(token) : std::string();
}

}  // namespace workspace
