#include "workspace/sync/sync_api.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "workspace/bearer.hpp"

namespace workspace {

namespace {

using base::Failure;
using base::Json;
using base::ServerRequest;
using base::ServerResponse;

constexpr std::size_t sync_tables_max = 50;
constexpr std::size_t sync_client_bytes_max = 128;

std::optional<std::string> sync_client(const ServerRequest& request) {
    const std::string client(base::trim(request.header("x-client-id")));
    if (client.size() > sync_client_bytes_max) {
        throw Failure(Failure::Kind::invalid, "X-Client-Id must be at most 128 characters");
    }
    return client.empty() ? std::nullopt : std::optional(client);
}

std::vector<std::string> sync_tables(const std::string& list) {
    std::vector<std::string> tables;
    for (std::size_t at = 0; at <= list.size();) {
        const std::size_t comma = std::min(list.find(',', at), list.size());
        tables.emplace_back(base::trim(std::string_view(list).substr(at, comma - at)));
        check_sync_word("each of collections", tables.back());
        at = comma + 1;
    }
    if (tables.size() > sync_tables_max) {
        throw Failure(Failure::Kind::invalid, "collections must be at most 50 names");
    }
    return tables;
}

Json sync_answer(const SyncPage& page, const SyncCursor& until) {
    Json answer;
    answer["serverChanges"] = page.changes;
    answer["conflicts"] = Json::array();  // Fields merge; nobody has to decide.
    answer["syncedUntil"] = cursor_text(until);
    if (page.has_more) answer["hasMore"] = true;
    return answer;
}

// Places in spaces that were not asked for stay: they could not be, this time.
SyncCursor sync_kept(SyncCursor until, const SyncCursor& since, bool whole) {
    if (!whole) until.insert(since.begin(), since.end());
    return until;
}

}  // namespace

struct SyncApi::Caller {
    std::string user_id, app_id;
    base::Secret token;
    base::Moment expires;
    std::optional<std::string> client_id;
};

// A stream's place among those of its user and of all; given back at its end.
class SyncApi::StreamPlace {
  public:
    StreamPlace(SyncApi& owner, std::string user_id) : owner_(owner), user_id_(std::move(user_id)) {
        const std::lock_guard lock(owner_.mutex_);
        int& own = owner_.streams_of_user_[user_id_];
        if (own >= owner_.options_.streams_per_user_max ||
            owner_.streams_ >= owner_.options_.streams_max) {
            if (own == 0) owner_.streams_of_user_.erase(user_id_);
            throw Failure{Failure(Failure::Kind::throttled,
                                  "too many streams are open; close one, or pull instead")
                              .retry_after(std::chrono::seconds{30})};
        }
        ++own;
        ++owner_.streams_;
    }
    StreamPlace(const StreamPlace&) = delete;
    StreamPlace& operator=(const StreamPlace&) = delete;
    ~StreamPlace() {
        const std::lock_guard lock(owner_.mutex_);
        const auto own = owner_.streams_of_user_.find(user_id_);
        if (--own->second == 0) owner_.streams_of_user_.erase(own);
        --owner_.streams_;
    }

  private:
    SyncApi& owner_;
    const std::string user_id_;
};

SyncApi::SyncApi(SyncOptions options, base::JwtVerifier& verifier, Memberships& memberships,
                 Sessions& sessions, base::Postgres& database, base::Clock& clock)
    : options_(options),
      verifier_(verifier),
      memberships_(memberships),
      sessions_(sessions),
      replica_(database),
      clock_(clock) {}

SyncApi::Caller SyncApi::admit(const ServerRequest& request) const {
    const std::string token = bearer_in(request.header("authorization"));
    std::string why = "send Authorization: Bearer <access token>";
    const std::optional<Json> claims = token.empty() ? std::nullopt : verifier_.verify(token, &why);
    if (!claims) {
        throw Failure(Failure::Kind::unauthenticated,
                      "the access token is not accepted (" + why + "); log in again");
    }
    Caller caller{
        .user_id = claims->at("sub").get<std::string>(),
        .app_id = request.param("app"),
        .token = base::Secret(token),
        .expires = base::Moment{std::chrono::seconds{claims->at("exp").get<std::int64_t>()}},
        .client_id = sync_client(request)};
    check_sync_word("the app's name", caller.app_id);
    if (!sessions_.may_call_without(caller.user_id)) {
        throw Failure{Failure(Failure::Kind::throttled, "too many requests within a minute")
                          .retry_after(std::chrono::seconds{30})};
    }
    return caller;
}

void SyncApi::settle_spaces(const Caller& caller, std::vector<PushedChange>& changes) {
    std::string personal;
    for (PushedChange& change : changes) {
        if (!change.space_id.empty()) continue;
        if (personal.empty()) {
            for (const Json& space : memberships_.spaces(caller.user_id, caller.token)) {
                const Json metadata = space.value("metadata", Json::object());
                if (metadata.is_object() && metadata.value("type", "") == "personal") {
                    personal = space["id"].get<std::string>();
                }
            }
            if (personal.empty()) {
                throw Failure(Failure::Kind::invalid,
                              "a change names no spaceId, and the user has no personal space");
            }
        }
        change.space_id = personal;
    }
    std::map<std::string, bool> asked;
    for (const PushedChange& change : changes) {
        if (!asked.emplace(change.space_id, true).second) continue;
        const auto role =
            memberships_.role(caller.user_id, change.space_id, Memberships::Use::writing);
        if (role && may_write(*role)) continue;
        throw Failure(Failure::Kind::forbidden,
                      role ? "your role in the space of a change does not write"
                           : "you are not a member of the space of a change");
    }
}

SyncPage SyncApi::read(const Caller& caller, SyncQuestion question) {
    bool whole = true;
    for (const auto& [space, role] : memberships_.roles(caller.user_id, whole)) {
        question.spaces.push_back(space);
    }
    SyncPage page = replica_.pull(question);
    page.until = sync_kept(std::move(page.until), question.since, whole);
    return page;
}

ServerResponse SyncApi::push(const ServerRequest& request) {
    const Caller caller = admit(request);
    request.only_query({});
    ChangeSet set = read_change_set(request.json(), {.user_id = caller.user_id,
                                                     .app_id = caller.app_id,
                                                     .client_header = caller.client_id.value_or(""),
                                                     .now = clock_.now()});
    SyncQuestion question{.user_id = caller.user_id,
                          .app_id = caller.app_id,
                          .tables = {},
                          .client_id = set.client_id,
                          .spaces = {},
                          .since = read_cursor(set.since),
                          .limit = options_.page_max};
    if (!set.changes.empty()) {
        settle_spaces(caller, set.changes);
        replica_.push({.user_id = caller.user_id,
                       .client_id = set.client_id,
                       .app_id = caller.app_id,
                       .now = clock_.now()},
                      set.changes);
        {
            const std::lock_guard lock(mutex_);
            ++pushes_;
        }
        pushed_.notify_all();
    }
    const SyncPage page = read(caller, std::move(question));
    return ServerResponse::json(sync_answer(page, page.until));
}

ServerResponse SyncApi::pull(const ServerRequest& request) {
    const Caller caller = admit(request);
    request.only_query(std::array<std::string_view, 2>{"collection", "since"});
    const auto table = request.query_value("collection");
    if (!table) throw Failure(Failure::Kind::invalid, "collection must name a table");
    check_sync_word("collection", *table);
    const SyncPage page =
        read(caller, {.user_id = caller.user_id,
                      .app_id = caller.app_id,
                      .tables = {*table},
                      .client_id = caller.client_id,
                      .spaces = {},
                      .since = read_cursor(request.query_value("since").value_or("")),
                      .limit = options_.page_max});
    return ServerResponse::json(sync_answer(page, page.until));
}

ServerResponse SyncApi::stream(const ServerRequest& request) {
    const Caller caller = admit(request);
    request.only_query(std::array<std::string_view, 2>{"collections", "since"});
    const auto tables = request.query_value("collections");
    if (!tables) throw Failure(Failure::Kind::invalid, "collections must name tables: a,b");
    // A browser's reader says where it stopped in a header.
    const std::string since = request.has_header("last-event-id")
                                  ? std::string(request.header("last-event-id"))
                                  : request.query_value("since").value_or("");
    const SyncQuestion question{.user_id = caller.user_id,
                                .app_id = caller.app_id,
                                .tables = sync_tables(*tables),
                                .client_id = caller.client_id,
                                .spaces = {},
                                .since = read_cursor(since),
                                .limit = options_.page_max};
    const auto place = std::make_shared<const StreamPlace>(*this, caller.user_id);
    ServerResponse response;
    response.content_type = "text/event-stream";
    response.headers.emplace_back("Cache-Control", "no-cache");
    response.headers.emplace_back("X-Accel-Buffering", "no");
    response.stream = [this, caller, question, place](base::StreamWriter& writer) {
        serve(writer, caller, question);
    };
    return response;
}

std::uint64_t SyncApi::pushes() {
    const std::lock_guard lock(mutex_);
    return pushes_;
}

// Until something was pushed after `seen`, or it is time to look anyway.
void SyncApi::wait_for_changes(std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    pushed_.wait_for(lock, options_.poll_every, [&] { return pushes_ != seen; });
}

void SyncApi::serve(base::StreamWriter& writer, const Caller& caller, SyncQuestion question) {
    base::Steady beat_at = clock_.steady();
    // The token's right ends with it: whoever listens on logs in again.
    while (writer.open() && clock_.now() < caller.expires) {
        const std::uint64_t seen = pushes();  // What comes while we read is not waited for.
        SyncPage page;
        try {
            page = read(caller, question);
        } catch (const Failure& failure) {
            // The headers are sent; the end of the stream makes the client come again.
            base::log_warning("sync stream ended", {{"kind", base::name_of(failure.kind())},
                                                    {"reason", failure.what()}});
            return;
        }
        if (!page.changes.empty() && !send(writer, page, page.until)) return;
        question.since = std::move(page.until);
        if (page.has_more) continue;
        if (clock_.steady() - beat_at >= options_.heartbeat_every) {
            beat_at = clock_.steady();
            if (!writer.write("event: heartbeat\ndata: {}\n\n")) return;
        }
        wait_for_changes(seen);
    }
}

// One event a table; only the last one carries the cursor as its id, for then all is told.
bool SyncApi::send(base::StreamWriter& writer, const SyncPage& page,
                   const SyncCursor& until) const {
    std::vector<std::pair<std::string, Json>> tables;
    for (const Json& change : page.changes) {
        const auto& name = change["table"].get_ref<const std::string&>();
        auto table = std::find_if(tables.begin(), tables.end(),
                                  [&name](const auto& one) { return one.first == name; });
        if (table == tables.end()) table = tables.emplace(tables.end(), name, Json::array());
        table->second.push_back(change);
    }
    const std::string cursor = cursor_text(until);
    for (std::size_t i = 0; i < tables.size(); ++i) {
        Json event;
        event["table"] = tables[i].first;
        event["changes"] = std::move(tables[i].second);
        event["syncedUntil"] = cursor;
        event["hasMore"] = page.has_more;
        std::string text = i + 1 == tables.size() ? "id: " + cursor + "\n" : "";
        text += "event: changes\ndata: " + base::to_text(event) + "\n\n";
        if (!writer.write(text)) return false;
    }
    return true;
}

}  // namespace workspace
