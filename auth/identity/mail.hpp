// Mails to users. Each becomes one file (RFC 5322, 0600) in a folder from which a mail service or
// an operator takes it.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace auth {

struct Letter {
    std::string to;
    std::string subject;
    std::string html;
};

// The German text around a confirmation link; name and link are escaped.
Letter verification_letter(std::string_view to, std::string_view name, std::string_view link);

std::string escape_html(std::string_view text);

// Resource; any thread.
class Mail {
  public:
    // The folder is made (0700) when missing; empty: send() is Failure::unavailable.
    Mail(std::filesystem::path folder, base::Clock& clock);
    Mail(const Mail&) = delete;
    Mail& operator=(const Mail&) = delete;

    // The file appears whole or not at all. At most 1,000 files are kept, the newest.
    void send(const Letter& letter);

  private:
    void drop_oldest();

    const std::filesystem::path folder_;
    base::Clock& clock_;
    std::mutex mutex_;
};

}  // namespace auth
