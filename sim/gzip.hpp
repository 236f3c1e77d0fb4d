// A gzip member made of stored blocks: valid for every reader, with nothing compressed, so that
// each part can be read as soon as it has arrived.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sim {

class GzipWriter {
  public:
    static std::string open();
    std::string part(std::string_view bytes);
    std::string finish() const;

  private:
    std::uint32_t checksum_ = 0xFFFFFFFFU;
    std::uint32_t size_ = 0;
};

}  // namespace sim
