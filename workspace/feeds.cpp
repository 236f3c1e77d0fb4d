#include "workspace/feeds.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/text.hpp"

namespace workspace {

namespace {

using base::Failure;
using base::Json;

bool feeds_moved(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

Feeds::Feeds(FeedOptions options, base::Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Feeds::Kept Feeds::fetch(const std::string& url) const {
    Kept kept{.feed = {}, .problem = {}, .asked_at = clock_.steady()};
    std::string address = url;
    try {
        for (int hop = 0; hop <= options_.redirects_max; ++hop) {
            base::HttpRequest request;
            request.url = address;
            request.headers = {{"Accept",
                                "application/rss+xml, application/atom+xml, "
                                "application/xml;q=0.9, text/xml;q=0.8"}};
            request.connect_limit = options_.feed_limit;
            request.deadline = options_.feed_limit;
            request.body_bytes_max = options_.bytes_max;
            request.public_only = options_.public_only;
            const base::HttpResponse response = base::fetch(request);
            if (feeds_moved(response.status)) {
                const auto next = feed_address(address, response.header("location"));
                if (!next) {
                    kept.problem = "it redirects to an address that cannot be followed";
                    return kept;
                }
                address = *next;
                continue;
            }
            if (response.status != 200) {
                kept.problem = fmt::format("it answered {}", response.status);
                return kept;
            }
            auto feed = read_feed(response.body);
            if (feed) {
                kept.feed = std::move(*feed);
            } else {
                kept.problem = "its answer is no RSS or Atom feed";
            }
            return kept;
        }
        kept.problem = "it redirects too often";
    } catch (const Failure& failure) {
        // One feed's trouble is its own; whoever asks learns of it beside the others' entries.
        kept.problem = failure.what();
    }
    return kept;
}

Feeds::Kept Feeds::current(const std::string& url, base::Steady give_up_at) {
    std::optional<Kept> known;
    {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(url);
        if (found != kept_.end()) known = found->second;
    }
    const base::Steady now = clock_.steady();
    if (known) {
        const auto limit = known->problem.empty() ? options_.age_max : options_.failure_age_max;
        if (now - known->asked_at < limit) return *known;
    }
    if (now >= give_up_at) {
        if (known) return *known;
        return {.feed = {}, .problem = "there was no time left to ask it", .asked_at = now};
    }
    Kept fresh = fetch(url);
    // What was read before is better than nothing.
    if (!fresh.problem.empty() && known) fresh.feed = known->feed;
    const std::lock_guard lock(mutex_);
    kept_[url] = fresh;
    return fresh;
}

Json Feeds::all(const OnFeed& on_feed) {
    Json entries = Json::array();
    Json feeds = Json::array();
    base::Steady give_up_at = clock_.steady() + options_.total_limit;
    std::size_t done = 0;
    for (const std::string& url : options_.urls) {
        if (on_feed && !on_feed(done++, options_.urls.size(), url)) give_up_at = clock_.steady();
        const Kept kept = current(url, give_up_at);
        Json feed;
        feed["url"] = url;
        feed["title"] = kept.feed.title.empty() ? url : kept.feed.title;
        feed["entries"] = kept.feed.entries.size();
        feed["problem"] = kept.problem.empty() ? Json(nullptr) : Json(kept.problem);
        for (const FeedEntry& one : kept.feed.entries) {
            Json entry;
            entry["title"] = one.title;
            entry["url"] = one.url;
            entry["summary"] = one.summary;
            entry["publishedAt"] =
                one.published_at ? Json(base::to_iso(*one.published_at)) : Json(nullptr);
            entry["source"] = feed["title"];
            entries.push_back(std::move(entry));
        }
        feeds.push_back(std::move(feed));
    }
    Json answer;
    answer["entries"] = std::move(entries);
    answer["feeds"] = std::move(feeds);
    return answer;
}

}  // namespace workspace
