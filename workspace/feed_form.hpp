// The form of news feeds: RSS 2.0 and 1.0, Atom. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace workspace {

// One entry; texts without markup, cut to what a list shows.
struct FeedEntry {
    std::string title;
    std::string url;  // Absolute, http or https; entries without one are left out.
    std::string summary;
    std::optional<base::Moment> published_at;

    bool operator==(const FeedEntry&) const = default;
};

struct Feed {
    std::string title;
    std::vector<FeedEntry> entries;  // As in the document; at most 200.
};

// Nothing for a document that is no feed.
std::optional<Feed> read_feed(std::string_view document);

// Text without tags, entities resolved, white space as one blank, at most `bytes_max` bytes.
std::string plain_text(std::string_view markup, std::size_t bytes_max);

// "Wed, 25 Nov 2026 10:00:00 +0100" or ISO 8601.
std::optional<base::Moment> feed_moment(std::string_view text);

// The address that `reference` means in a document at `base_url`: absolute, from the root ("/a") or
// with the scheme left out ("//host/a"); nothing for other forms and schemes.
std::optional<std::string> feed_address(std::string_view base_url, std::string_view reference);

}  // namespace workspace
