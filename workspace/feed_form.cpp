#include "workspace/feed_form.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.hpp"
#include "base/xml.hpp"

namespace workspace {

namespace {

using base::XmlElement;

constexpr std::size_t feed_entries_max = 200;
constexpr std::size_t feed_title_bytes_max = 300;
constexpr std::size_t feed_summary_bytes_max = 500;
constexpr std::size_t feed_url_bytes_max = 2'000;

// What an entity stands for, without & and ;. Unknown ones stay as they are.
std::optional<std::string> feed_entity(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 17> known = {{
        {"amp", "&"},
        {"lt", "<"},
        {"gt", ">"},
        {"quot", "\""},
        {"apos", "'"},
        {"nbsp", " "},
        {"auml", "ä"},
        {"ouml", "ö"},
        {"uuml", "ü"},
        {"Auml", "Ä"},
        {"Ouml", "Ö"},
        {"Uuml", "Ü"},
        {"szlig", "ß"},
        {"ndash", "–"},
        {"mdash", "—"},
        {"hellip", "…"},
        {"euro", "€"},
    }};
    for (const auto& [word, text] : known) {
        if (word == name) return std::string(text);
    }
    if (name.size() < 2 || name[0] != '#') return std::nullopt;
    const bool hex = name[1] == 'x' || name[1] == 'X';
    const std::string_view digits = name.substr(hex ? 2 : 1);
    std::uint32_t code = 0;
    const auto read =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
    const bool all = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
    if (!all || code == 0 || code > 0x10FFFF) return std::nullopt;
    std::string text;
    if (code < 0x80) {
        text += static_cast<char>(code);
    } else if (code < 0x800) {
        text += static_cast<char>(0xC0 | code >> 6);
        text += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        text += static_cast<char>(0xE0 | code >> 12);
        text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | code >> 18);
        text += static_cast<char>(0x80 | (code >> 12 & 0x3F));
        text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (code & 0x3F));
    }
    return base::clean_utf8(text);
}

// A tag becomes a blank; "<" that opens none is text.
std::string feed_without_tags(std::string_view markup) {
    std::string text;
    for (std::size_t at = 0; at < markup.size(); ++at) {
        const bool opens =
            markup[at] == '<' && at + 1 < markup.size() &&
            (markup[at + 1] == '/' || markup[at + 1] == '!' || (markup[at + 1] | 0x20) >= 'a') &&
            (markup[at + 1] | 0x20) <= 'z';
        const std::size_t end = opens ? markup.find('>', at) : markup.npos;
        if (end == markup.npos) {
            text += markup[at];
        } else {
            text += ' ';
            at = end;
        }
    }
    return text;
}

std::string feed_without_entities(std::string_view markup) {
    std::string text;
    for (std::size_t at = 0; at < markup.size(); ++at) {
        if (markup[at] == '&') {
            const std::size_t end = markup.find(';', at);
            if (end != markup.npos && end - at <= 12) {
                if (const auto one = feed_entity(markup.substr(at + 1, end - at - 1))) {
                    text += *one;
                    at = end;
                    continue;
                }
            }
        }
        text += markup[at];
    }
    return text;
}

bool feed_is_web(std::string_view url) {
    const std::string lower = base::lower_ascii(url.substr(0, 8));
    return lower.starts_with("http://") || lower.starts_with("https://");
}

std::string feed_url(std::string_view given) {
    const std::string_view url = base::trim(given);
    const bool fine = feed_is_web(url) && url.size() <= feed_url_bytes_max &&
                      url.find_first_of(" \t\r\n<>\"\\") == url.npos;
    return fine ? std::string(url) : std::string();
}

// Atom: the link that is the entry itself.
std::string feed_atom_link(const XmlElement& entry) {
    for (const XmlElement& link : entry.children) {
        if (link.name != "link") continue;
        const std::string_view relation = link.attribute("rel");
        if (relation.empty() || relation == "alternate") return feed_url(link.attribute("href"));
    }
    return {};
}

FeedEntry feed_atom_entry(const XmlElement& entry) {
    FeedEntry read;
    read.title = plain_text(entry.child_text("title"), feed_title_bytes_max);
    read.url = feed_atom_link(entry);
    const std::string summary = entry.child_text("summary");
    read.summary =
        plain_text(summary.empty() ? entry.child_text("content") : summary, feed_summary_bytes_max);
    const std::string published = entry.child_text("published");
    read.published_at = feed_moment(published.empty() ? entry.child_text("updated") : published);
    return read;
}

FeedEntry feed_rss_item(const XmlElement& item) {
    FeedEntry read;
    read.title = plain_text(item.child_text("title"), feed_title_bytes_max);
    read.url = feed_url(item.child_text("link"));
    // A permanent link may stand in the guid alone.
    const XmlElement* guid = item.child("guid");
    if (read.url.empty() && guid && guid->attribute("isPermaLink") != "false") {
        read.url = feed_url(guid->text);
    }
    read.summary = plain_text(item.child_text("description"), feed_summary_bytes_max);
    const std::string published = item.child_text("pubDate");
    read.published_at = feed_moment(published.empty() ? item.child_text("dc:date") : published);
    return read;
}

int feed_number(std::string_view text) {
    int number = -1;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size() ? number : -1;
}

// Minutes east of UTC of "+0100", "GMT", "EST" …; nothing for what nobody uses.
std::optional<int> feed_offset(std::string_view zone) {
    static constexpr std::array<std::pair<std::string_view, int>, 11> names = {{
        {"GMT", 0},
        {"UT", 0},
        {"UTC", 0},
        {"Z", 0},
        {"EST", -300},
        {"EDT", -240},
        {"CST", -360},
        {"CDT", -300},
        {"MST", -420},
        {"MDT", -360},
        {"PST", -480},
    }};
    for (const auto& [name, minutes] : names) {
        if (name == zone) return minutes;
    }
    if (zone.size() != 5 || (zone[0] != '+' && zone[0] != '-')) return std::nullopt;
    const int hours = feed_number(zone.substr(1, 2)), minutes = feed_number(zone.substr(3));
    if (hours < 0 || minutes < 0 || hours > 14 || minutes > 59) return std::nullopt;
    return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

std::string plain_text(std::string_view markup, std::size_t bytes_max) {
    // Feeds escape markup once or twice; what is left then was meant as text.
    std::string text = feed_without_entities(feed_without_tags(markup));
    text = feed_without_tags(text);
    std::string joined;
    for (const char letter : text) {
        const bool blank = static_cast<unsigned char>(letter) <= ' ';
        if (!blank) {
            joined += letter;
        } else if (!joined.empty() && joined.back() != ' ') {
            joined += ' ';
        }
    }
    return base::cut(base::trim(joined), bytes_max);
}

std::optional<base::Moment> feed_moment(std::string_view text) {
    text = base::trim(text);
    if (text.empty()) return std::nullopt;
    if (const auto iso = base::from_iso(text)) return iso;
    const std::size_t comma = text.find(',');
    if (comma != text.npos) text = base::trim(text.substr(comma + 1));
    std::vector<std::string_view> parts;
    for (const std::string_view part : base::split(text, ' ')) {
        if (!part.empty()) parts.push_back(part);
    }
    if (parts.size() != 5 || parts[1].size() != 3) return std::nullopt;
    constexpr std::string_view months = "janfebmaraprmayjunjulaugsepoctnovdec";
    const std::size_t month = months.find(base::lower_ascii(parts[1]));
    const auto clock = base::split(parts[3], ':');
    const auto offset = feed_offset(parts[4]);
    if (month == months.npos || month % 3 != 0 || clock.size() < 2 || !offset) return std::nullopt;
    const std::chrono::year_month_day day{
        std::chrono::year{feed_number(parts[2])},
        std::chrono::month{static_cast<unsigned>(month / 3 + 1)},
        std::chrono::day{static_cast<unsigned>(std::max(0, feed_number(parts[0])))}};
    const int hour = feed_number(clock[0]), minute = feed_number(clock[1]);
    const int second = clock.size() > 2 ? feed_number(clock[2]) : 0;
    const bool fine = day.ok() && day.year() >= std::chrono::year{1970} && hour >= 0 && hour < 24 &&
                      minute >= 0 && minute < 60 && second >= 0 && second <= 60;
    if (!fine) return std::nullopt;
    return base::Moment{std::chrono::sys_days{day}} + std::chrono::hours{hour} +
           std::chrono::minutes{minute - *offset} + std::chrono::seconds{second};
}

std::optional<Feed> read_feed(std::string_view document) {
    const auto root = base::try_parse_xml(document);
    if (!root) return std::nullopt;
    const XmlElement* channel = root->name == "feed" ? &*root : root->child("channel");
    if (!channel) return std::nullopt;
    const bool atom = root->name == "feed";
    // RSS 1.0 keeps its items beside the channel.
    const XmlElement& holder = root->name == "rdf:RDF" ? *root : *channel;
    Feed feed;
    feed.title = plain_text(channel->child_text("title"), feed_title_bytes_max);
    for (const XmlElement& one : holder.children) {
        if (one.name != (atom ? "entry" : "item")) continue;
        FeedEntry entry = atom ? feed_atom_entry(one) : feed_rss_item(one);
        if (entry.url.empty() || entry.title.empty()) continue;
        feed.entries.push_back(std::move(entry));
        if (feed.entries.size() == feed_entries_max) break;
    }
    return feed;
}

std::optional<std::string> feed_address(std::string_view base_url, std::string_view reference) {
    if (feed_is_web(reference)) return std::string(reference);
    const std::size_t scheme_end = base_url.find("://");
    if (scheme_end == base_url.npos || reference.empty() || reference[0] != '/') {
        return std::nullopt;
    }
    if (reference.starts_with("//")) {
        return std::string(base_url.substr(0, scheme_end + 1)) + std::string(reference);
    }
    const std::size_t host_end = base_url.find_first_of("/?#", scheme_end + 3);
    return std::string(base_url.substr(0, host_end)) + std::string(reference);
}

}  // namespace workspace
