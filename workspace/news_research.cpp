// News research: the entries of the configured feeds, searched; offered only where there are any.
// Nothing of it is stored; what is worth keeping is saved with articles.save.
#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::string_view news_entry = R"({"type": "object", "properties": {
            "title": {"type": "string"},
            "url": {"type": "string"},
            "summary": {"type": "string"},
            "publishedAt": {"type": ["string", "null"], "format": "date-time"},
            "source": {"type": "string"}},
            "required": ["title", "url", "summary", "publishedAt", "source"],
            "additionalProperties": false})";
constexpr std::string_view news_feed = R"({"type": "object", "properties": {
            "url": {"type": "string"},
            "title": {"type": "string"},
            "entries": {"type": "integer"},
            "problem": {"type": ["string", "null"],
                        "description": "Why it could not be read the last time"}},
            "required": ["url", "title", "entries", "problem"],
            "additionalProperties": false})";

Json news_ask(Outside& outside) {
    return outside.news();
}

// Any case, umlauts of both cases included.
std::string news_folded(const Json& entry, const char* field) {
    std::string text = base::lower_ascii(entry[field].get<std::string>());
    for (const auto& [upper, lower] :
         {std::pair{"Ä", "ä"}, std::pair{"Ö", "ö"}, std::pair{"Ü", "ü"}}) {
        for (std::size_t at = text.find(upper); at != text.npos; at = text.find(upper, at)) {
            text.replace(at, 2, lower);
        }
    }
    return text;
}

// How well an entry fits: words in the title count more. Zero when one of them is missing.
int news_score(const Json& entry, const std::vector<std::string>& words) {
    const std::string title = news_folded(entry, "title");
    const std::string rest = news_folded(entry, "summary") + " " + news_folded(entry, "source");
    int score = 1;
    for (const std::string& word : words) {
        const bool in_title = title.find(word) != title.npos;
        if (!in_title && rest.find(word) == rest.npos) return 0;
        score += in_title ? 3 : 1;
    }
    return score;
}

struct NewsHit {
    int score = 0;
    std::string published = {};  // Empty: unknown.
    std::size_t place = 0;
    const Json* entry = nullptr;

    // Best first, then newest, then as the feeds have them.
    bool operator<(const NewsHit& other) const {
        return std::tie(other.score, other.published, place) <
               std::tie(score, published, other.place);
    }
};

Json news_search(Call& call) {
    const Json query{{"query", call.text("query")}};
    std::vector<std::string> words;
    const std::string folded = news_folded(query, "query");
    for (const std::string_view word : base::split(folded, ' ')) {
        if (!base::trim(word).empty()) words.emplace_back(base::trim(word));
    }
    std::string from;
    if (call.given("from")) from = call.text("from");
    std::vector<NewsHit> hits;
    for (const Json& entry : call.outside["entries"]) {
        NewsHit hit{.score = news_score(entry, words), .entry = &entry};
        if (!entry["publishedAt"].is_null()) {
            hit.published = entry["publishedAt"].get<std::string>();
        }
        hit.place = hits.size();
        if (hit.score > 0 && hit.published >= from) hits.push_back(std::move(hit));
    }
    std::sort(hits.begin(), hits.end());
    Json results = Json::array();
    const auto limit = call.args["limit"].get<std::size_t>();
    for (const NewsHit& hit : hits) {
        if (results.size() < limit) results.push_back(*hit.entry);
    }
    Json problems = Json::array();
    for (const Json& feed : call.outside["feeds"]) {
        if (feed["problem"].is_null()) continue;
        problems.push_back(feed["title"].get<std::string>() + ": " +
                           feed["problem"].get<std::string>());
    }
    Json answer;
    answer["results"] = std::move(results);
    answer["found"] = hits.size();
    answer["problems"] = std::move(problems);
    return answer;
}

Json news_list_feeds(Call& call) {
    return {{"feeds", call.outside["feeds"]}};
}

}  // namespace

void add_news_research(Registry& registry) {
    registry.add({.name = "newsResearch.search",
                  .title = "Search the news",
                  .description =
                      "Answers the entries of the configured news feeds that have every word of "
                      "the query, best first; an empty query answers the newest. Keep what is "
                      "worth reading with articles.save.",
                  .input = object_schema(R"({
            "query": {"type": "string", "maxLength": 200, "default": "",
                      "description": "One or two words"},
            "from": {"type": "string", "format": "date", "description": "Not older than"}, )" +
                                         limit_piece(50, 10) + "}"),
                  .output = object_schema(
                      R"({"results": {"type": "array", "items": )" + std::string(news_entry) + R"(},
            "found": {"type": "integer", "description": "In all"},
            "problems": {"type": "array", "items": {"type": "string"},
                         "description": "Feeds that could not be read"}})",
                      {"results", "found", "problems"}),
                  .effect = Effect::reads,
                  .slow = true,
                  .run = news_search,
                  .ask = news_ask,
                  .open_world = true});
    registry.add({.name = "newsResearch.listFeeds",
                  .title = "List the news feeds",
                  .description = "Answers the configured news feeds and whether they can be read.",
                  .input = object_schema("{}"),
                  .output = list_schema("feeds", news_feed),
                  .effect = Effect::reads,
                  .slow = true,
                  .run = news_list_feeds,
                  .ask = news_ask,
                  .open_world = true});
}

}  // namespace workspace
