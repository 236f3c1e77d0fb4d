// A string that refuses to be printed, compared byte by byte or logged. Reading it is a word that
// a reviewer can search for: reveal().
#pragma once

#include <string>
#include <utility>

namespace base {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    Secret(Secret&&) = default;
    Secret& operator=(Secret&&) = default;
    ~Secret() {
        volatile char* byte = text_.data();
        for (std::size_t i = 0; i < text_.size(); ++i) byte[i] = 0;
    }

    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

  private:
    std::string text_;
};

}  // namespace base
