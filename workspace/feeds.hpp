// The configured news feeds: fetched when somebody asks, kept for some minutes. Every address on
// the way, redirects included, must belong to the public Internet.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "workspace/feed_form.hpp"

namespace workspace {

struct FeedOptions {
    std::vector<std::string> urls;  // http(s); at most 50.
    std::chrono::seconds age_max{600};
    std::chrono::seconds failure_age_max{60};  // A feed that failed is not asked again before.
    std::chrono::milliseconds feed_limit{5'000};
    std::chrono::milliseconds total_limit{12'000};  // Of one question over all feeds.
    std::size_t bytes_max = 2 * 1024 * 1024;
    int redirects_max = 4;
    bool public_only = true;  // False: also addresses of the local network (tests).
};

// Resource; any inbound thread. Nothing is locked while a feed is asked.
class Feeds {
  public:
    Feeds(FeedOptions options, base::Clock& clock);
    Feeds(const Feeds&) = delete;
    Feeds& operator=(const Feeds&) = delete;

    // {"entries": [{"title", "url", "summary", "publishedAt", "source", "feed"}], "feeds":
    // [{"url", "title", "entries", "problem"}]}. Never throws for a feed's trouble: its `problem`
    // says what is wrong, and what was fetched before stays. `on_feed` is told before each feed how
    // many are done of all; when it answers false, no further feed is asked.
    using OnFeed = std::function<bool(std::size_t done, std::size_t all, const std::string& url)>;
    base::Json all(const OnFeed& on_feed = {});

  private:
    struct Kept {
        Feed feed;
        std::string problem;
        base::Steady asked_at;
    };

    Kept fetch(const std::string& url) const;
    Kept current(const std::string& url, base::Steady give_up_at);

    const FeedOptions options_;
    base::Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Kept> kept_;
};

}  // namespace workspace
