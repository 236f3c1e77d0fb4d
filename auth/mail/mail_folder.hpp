// Where mails go in development: each becomes one file (RFC 5322, 0600) in a folder, so that every
// flow can be finished by hand.
#pragma once

#include <filesystem>
#include <mutex>

#include "auth/mail/letters.hpp"
#include "base/clock.hpp"

namespace auth {

// Resource; any thread.
class MailFolder {
  public:
    // The folder is made (0700) when missing; empty: send() is Failure::unavailable.
    MailFolder(std::filesystem::path folder, base::Clock& clock);
    MailFolder(const MailFolder&) = delete;
    MailFolder& operator=(const MailFolder&) = delete;

    // The file appears whole or not at all. At most 1,000 files are kept, the newest.
    void send(const Letter& letter);

  private:
    void drop_oldest();

    const std::filesystem::path folder_;
    base::Clock& clock_;
    std::mutex mutex_;
};

}  // namespace auth
