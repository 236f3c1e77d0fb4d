// Articles to read: saved once per address, listed by status, marked, annotated. The workspace
// fetches nothing from the web; what is known of an article is what the saver says.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "workspace/dates.hpp"
#include "workspace/modules.hpp"
#include "workspace/registry.hpp"
#include "workspace/schema_pieces.hpp"

namespace workspace {

namespace {

using base::Json;

constexpr std::array<std::string_view, 16> articles_fields = {
    "originalUrl", "title",     "excerpt",
    "content",     "author",    "siteName",
    "imageUrl",    "wordCount", "readingTimeMinutes",
    "publishedAt", "status",    "readingProgress",
    "isFavorite",  "savedAt",   "readAt",
    "userNote"};
const Json& articles_form();
constexpr Table articles_articles{.app = "articles",
                                  .name = "articles",
                                  .fields = articles_fields,
                                  .once = "originalUrl",
                                  .form = articles_form};

constexpr std::array<std::string_view, 3> articles_highlight_fields = {"articleId", "text", "note"};
const Json& articles_highlight_form();
constexpr Table articles_highlights{.app = "articles",
                                    .name = "highlights",
                                    .fields = articles_highlight_fields,
                                    .form = articles_highlight_form};

constexpr int articles_highlights_max = 200;  // Of one article.
constexpr int articles_words_per_minute = 200;
constexpr std::string_view articles_statuses =
    R"("enum": ["unread", "reading", "finished", "archived"])";

std::string articles_record() {
    return record_schema(fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "originalUrl": {{"type": "string"}},
        "title": {{"type": "string"}},
        "excerpt": {{"type": ["string", "null"]}},
        "content": {{"type": "string"}},
        "author": {{"type": ["string", "null"]}},
        "siteName": {{"type": ["string", "null"]}},
        "imageUrl": {{"type": ["string", "null"]}},
        "wordCount": {{"type": ["integer", "null"]}},
        "readingTimeMinutes": {{"type": ["integer", "null"]}},
        "publishedAt": {{"type": ["string", "null"], "format": "date-time"}},
        "status": {{"type": "string", {}}},
        "readingProgress": {{"type": "number", "minimum": 0, "maximum": 1}},
        "isFavorite": {{"type": "boolean"}},
        "savedAt": {{"type": "string", "format": "date-time"}},
        "readAt": {{"type": ["string", "null"], "format": "date-time"}},
        "userNote": {{"type": ["string", "null"]}},
        "createdAt": {{"type": "string", "format": "date-time"}},
        "updatedAt": {{"type": "string", "format": "date-time"}}}})",
                                     articles_statuses),
                         {"createdAt", "updatedAt"});
}

const Json& articles_form() {
    static const Json form = parsed_schema(articles_record());
    return form;
}

std::string articles_host(const std::string& url) {
    const std::size_t begin = url.find("://") + 3;
    std::string host =
        base::lower_ascii(url.substr(begin, url.find_first_of("/?#:", begin) - begin));
    return host.starts_with("www.") ? host.substr(4) : host;
}

// Page marks do not make another article.
std::string articles_address(const std::string& url) {
    return url.substr(0, url.find('#'));
}

Json articles_save(Call& call) {
    const std::string url = articles_address(call.text("url"));
    if (const auto known = call.records.holder(articles_articles, url)) {
        return call.refuse("This address is saved already, its id is " + *known +
                           ". Use articles.mark or articles.note with that id.");
    }
    Json article;
    article["originalUrl"] = url;
    article["title"] = call.args["title"];
    for (const char* field : {"excerpt", "content", "author", "siteName"}) {
        article[field] = call.args[field];
    }
    if (!call.given("siteName")) article["siteName"] = articles_host(url);
    article["imageUrl"] = nullptr;
    const std::int64_t words = count_words(call.text("content"));
    article["wordCount"] = words > 0 ? Json(words) : Json(nullptr);
    article["readingTimeMinutes"] =
        words > 0 ? Json((words + articles_words_per_minute - 1) / articles_words_per_minute)
                  : Json(nullptr);
    article["publishedAt"] =
        call.given("publishedAt") ? Json(*utc_text(call.text("publishedAt"))) : Json(nullptr);
    article["status"] = "unread";
    article["readingProgress"] = 0;
    article["isFavorite"] = call.args["isFavorite"];
    article["savedAt"] = call.now_text();
    article["readAt"] = nullptr;
    article["userNote"] = call.args["note"];
    return {{"article", call.records.insert(articles_articles, std::move(article))}};
}

Json articles_list(Call& call) {
    Json equal = call.asked_flags();
    RecordFilter filter = call.asked();
    if (call.given("status")) {
        equal["status"] = call.args["status"];
    } else {
        filter.without["status"] = "archived";
    }
    return {{"articles", call.records.list(articles_articles, equal, filter)}};
}

Json articles_mark(Call& call) {
    const auto article = call.records.hold(articles_articles, call.text("id"));
    if (!article) return call.refuse_missing("article", "articles.list");
    Json fields = call.chosen({"status", "isFavorite"});
    if (fields.empty()) return call.refuse("articles.mark needs status or isFavorite.");
    if (call.given("status")) {
        const std::string status = call.text("status");
        if (status == "finished") {
            fields["readingProgress"] = 1;
            if ((*article)["readAt"].is_null()) fields["readAt"] = call.now_text();
        } else if (status == "unread") {
            fields["readingProgress"] = 0;
            fields["readAt"] = nullptr;
        }
    }
    return call.change(articles_articles, fields, {"article", "article", "articles.list"});
}

Json articles_note(Call& call) {
    Json fields;
    fields["userNote"] = call.args["note"];
    return call.change(articles_articles, fields, {"article", "article", "articles.list"});
}

Json articles_archive(Call& call) {
    const auto article = call.records.hold(articles_articles, call.text("id"));
    if (!article) return call.refuse_missing("article", "articles.list");
    const char* taken_back = (*article)["readAt"].is_null() ? "unread" : "finished";
    Json fields;
    fields["status"] = call.args["archived"].get<bool>() ? "archived" : taken_back;
    return call.change(articles_articles, fields, {"article", "article", "articles.list"});
}

Json articles_marked(Call& call) {
    RecordFilter filter;
    filter.ascending = true;
    filter.limit = articles_highlights_max;
    return call.records.list(articles_highlights, {{"articleId", call.text("id")}}, filter);
}

Json articles_highlight(Call& call) {
    if (!call.records.hold(articles_articles, call.text("id"))) {
        return call.refuse_missing("article", "articles.list");
    }
    if (articles_marked(call).size() >= articles_highlights_max) {
        return call.refuse(
            "articles.highlight was not run: this article has 200 highlights, which "
            "is the limit. Write a note with articles.note instead.");
    }
    Json highlight = call.chosen({"text", "note"});
    highlight["articleId"] = base::lower_ascii(call.text("id"));
    return {{"highlight", call.records.insert(articles_highlights, std::move(highlight))}};
}

Json articles_list_highlights(Call& call) {
    if (!call.records.find(articles_articles, call.text("id"))) {
        return call.refuse_missing("article", "articles.list");
    }
    return {{"highlights", articles_marked(call)}};
}

std::string articles_highlight_record() {
    return record_schema(fmt::format(R"({{
        "id": {{"type": "string", "format": "uuid"}},
        "articleId": {{"type": "string"}},
        "text": {{"type": "string"}},
        "note": {{"type": ["string", "null"]}}, {}}})",
                                     record_times),
                         {"createdAt", "updatedAt"});
}

const Json& articles_highlight_form() {
    static const Json form = parsed_schema(articles_highlight_record());
    return form;
}

void add_articles_highlights(Registry& registry) {
    registry.add({.name = "articles.highlight",
                  .title = "Highlight a passage",
                  .description = "Keeps a passage of a saved article, with a note if wished.",
                  .input = object_schema("{" + id_piece("articles.list") + R"(,
            "text": {"type": "string", "minLength": 1, "maxLength": 5000,
                     "description": "The passage"},
            "note": {"type": ["string", "null"], "maxLength": 5000, "default": null}})",
                                         {"id", "text"}),
                  .output = answer_schema("highlight", articles_highlight_record()),
                  .effect = Effect::adds,
                  .run = articles_highlight});
    registry.add({.name = "articles.listHighlights",
                  .title = "List highlights",
                  .description = "Answers the highlights of an article in their order.",
                  .input = id_schema("articles.list"),
                  .output = list_schema("highlights", articles_highlight_record()),
                  .effect = Effect::reads,
                  .run = articles_list_highlights});
    registry.add({.name = "articles.archive",
                  .title = "Archive an article",
                  .description = "Puts an article away, or takes it back, unread or finished as it "
                                 "was, with archived false.",
                  .input = archive_schema("articles.list"),
                  .output = answer_schema("article", articles_record()),
                  .effect = Effect::marks,
                  .run = articles_archive});
}

Tool articles_saving_tool() {
    return {.name = "articles.save",
            .title = "Save an article",
            .description =
                "Keeps an article to read later, unread at first. The page is not fetched: "
                "give the title and whatever is known.",
            .input = object_schema(R"({
            "url": {"type": "string", "format": "uri", "maxLength": 2000},
            "title": {"type": "string", "minLength": 1, "maxLength": 500},
            "excerpt": {"type": ["string", "null"], "maxLength": 2000, "default": null},
            "content": {"type": "string", "maxLength": 200000, "default": ""},
            "author": {"type": ["string", "null"], "maxLength": 200, "default": null},
            "siteName": {"type": ["string", "null"], "maxLength": 200, "default": null},
            "publishedAt": {"type": ["string", "null"], "format": "date-time", "default": null},
            "isFavorite": {"type": "boolean", "default": false},
            "note": {"type": ["string", "null"], "maxLength": 10000, "default": null,
                     "description": "Why it is worth reading"}})",
                                   {"url", "title"}),
            .output = answer_schema("article", articles_record()),
            .effect = Effect::adds,
            .run = articles_save};
}

}  // namespace

void add_articles(Registry& registry) {
    registry.add(articles_saving_tool());
    registry.add({.name = "articles.list",
                  .title = "List articles",
                  .description =
                      "Answers the saved articles, newest first: all that are not archived, those "
                      "of one status, those with the query in their texts.",
                  .input = object_schema(fmt::format(R"({{
            "status": {{"type": "string", {}}},
            {},
            "favoritesOnly": {{"type": "boolean", "default": false}},
            "limit": {{"type": "integer", "minimum": 1, "maximum": 100, "default": 20}}}})",
                                                     articles_statuses, query_piece(false))),
                  .output = list_schema("articles", articles_record()),
                  .effect = Effect::reads,
                  .run = articles_list});
    registry.add({.name = "articles.mark",
                  .title = "Mark an article",
                  .description =
                      "Sets the reading status (finished also notes when it was read) or "
                      "the favourite mark of an article.",
                  .input = object_schema(fmt::format(R"({{
            "id": {{"type": "string", "format": "uuid", "description": "From articles.list"}},
            "status": {{"type": "string", {}}},
            "isFavorite": {{"type": "boolean"}}}})",
                                                     articles_statuses),
                                         {"id"}),
                  .output = answer_schema("article", articles_record()),
                  .effect = Effect::marks,
                  .run = articles_mark});
    registry.add({.name = "articles.note",
                  .title = "Annotate an article",
                  .description = "Sets the user's own note on an article; null removes it.",
                  .input = object_schema(R"({
            "id": {"type": "string", "format": "uuid", "description": "From articles.list"},
            "note": {"type": ["string", "null"], "maxLength": 10000}})",
                                         {"id", "note"}),
                  .output = answer_schema("article", articles_record()),
                  .effect = Effect::overwrites,
                  .run = articles_note});
    add_articles_highlights(registry);
}

}  // namespace workspace
