#include "auth/mail/post_office.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "auth/keys/purposes.hpp"
#include "base/crypto.hpp"
#include "base/failure.hpp"
#include "base/http.hpp"
#include "base/log.hpp"

namespace auth {

namespace {

using base::Failure;
using base::Json;

// The worker looks again soon after something was queued (it may not be committed yet), then less
// and less often: other processes queue too, and what failed becomes due.
constexpr auto post_look_first = std::chrono::milliseconds(20);
constexpr auto post_look_last = std::chrono::seconds(5);
constexpr int post_pass_max = 1'000;
constexpr auto post_deadline = std::chrono::seconds(10);
constexpr auto post_retry_first = std::chrono::seconds(5);
constexpr auto post_retry_last = std::chrono::hours(1);
constexpr auto post_call_life = std::chrono::hours(7 * 24);
// What must be deleted is not forgotten because a service was away for long.
constexpr auto post_deletion_life = std::chrono::hours(365 * 24);
constexpr auto post_notice_life = std::chrono::hours(24);
constexpr std::size_t post_answer_bytes_max = 64 * 1024;

enum class PostService { credits, mailbox, product };

struct PostForm {
    Call call;
    std::string_view kind;
    PostService service;
    std::string_view method;
    std::string_view path;  // ":name" is filled from the body, which is then not sent.
};

constexpr auto post_forms = std::to_array<PostForm>({
    {Call::credits_init, "credits.init", PostService::credits, "POST",
     "/api/v1/internal/credits/init"},
    {Call::credits_gifts, "credits.redeem_gifts", PostService::credits, "POST",
     "/api/v1/internal/gifts/redeem-pending"},
    {Call::credits_delete, "credits.delete_balance", PostService::credits, "DELETE",
     "/api/v1/internal/credits/balance/:userId"},
    {Call::guild_pool_init, "credits.init_guild_pool", PostService::credits, "POST",
     "/api/v1/internal/guild-pool/init"},
    {Call::mailbox_created, "mailbox.user_created", PostService::mailbox, "POST",
     "/api/v1/internal/mail/on-user-created"},
    {Call::product_delete, "product.delete_records", PostService::product, "DELETE",
     "/internal/users/:userId/records"},
    {Call::product_space_delete, "product.delete_space", PostService::product, "DELETE",
     "/internal/spaces/:organizationId/records"},
});

const PostForm& post_form(Call call) {
    for (const PostForm& form : post_forms) {
        if (form.call == call) return form;
    }
    base::unreachable("a call without a form");
}

std::string post_url(const Options& options, PostService service) {
    switch (service) {
        case PostService::credits: return options.credits_url;
        case PostService::mailbox: return options.mailbox_url;
        case PostService::product: return options.product_url ? options.product_url() : "";
    }
    base::unreachable("a service of the post office outside its enumerators");
}

// A service that does not answer makes only its own rows wait.
std::string post_prefix(std::string_view kind) {
    return std::string(kind.substr(0, kind.find('.') + 1));
}

// Statuses that the same request will always get.
bool post_is_final(int status) {
    constexpr auto final = std::to_array({400, 405, 410, 411, 413, 414, 415, 422});
    return std::find(final.begin(), final.end(), status) != final.end();
}

std::optional<std::chrono::milliseconds> post_wait(std::string_view seconds) {
    int count = 0;
    const auto end = seconds.data() + seconds.size();
    const auto read = std::from_chars(seconds.data(), end, count);
    if (read.ec != std::errc() || read.ptr != end || count <= 0) return std::nullopt;
    return std::chrono::seconds(std::min(count, 3600));
}

// 5 s, 10 s, … up to an hour, each between half and all of it so that many do not come at once.
std::chrono::milliseconds post_pause(int attempts) {
    std::chrono::milliseconds pause = post_retry_first;
    for (int i = 1; i < attempts && pause < post_retry_last; ++i) pause *= 2;
    pause = std::min<std::chrono::milliseconds>(pause, post_retry_last);
    const std::string dice = base::random_bytes(1);
    return pause / 2 + pause / 2 * static_cast<unsigned char>(dice[0]) / 255;
}

bool post_has_link(MailText text) {
    return text != MailText::email_changed && text != MailText::password_changed &&
           text != MailText::account_deleted;
}

}  // namespace

PostOffice::PostOffice(base::Postgres& database, const Options& options, base::Clock& clock,
                       base::Metrics& metrics)
    : database_(database),
      options_(options),
      clock_(clock),
      metrics_(metrics),
      key_(key_for(Purpose::outbound, options.secret)),
      folder_(options.notify_url.empty() ? options.mail_folder : std::filesystem::path(), clock) {}

PostOffice::~PostOffice() {
    stop();
}

void PostOffice::start() {
    thread_ = std::thread([this] { work(); });
}

void PostOffice::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void PostOffice::put(base::Transaction& transaction, std::string_view kind, const Json& body,
                     const std::optional<std::string>& once_key, std::chrono::minutes after,
                     std::chrono::minutes life) {
    const base::Moment now = clock_.now();
    put_outbound(transaction,
                 {.kind = std::string(kind),
                  .once_key = once_key,
                  .body = base::to_hex(base::seal(key_.reveal(), base::to_text(body))),
                  .due_at = now + after,
                  .expires_at = now + after + life},
                 now);
    const std::lock_guard lock(mutex_);
    queued_ = true;
    wake_.notify_all();
}

void PostOffice::queue(base::Transaction& transaction, const Mail& mail) {
    const Letter letter = write_letter(mail);
    put(transaction, name_of(mail.text),
        {{"recipient", letter.to}, {"subject", letter.subject}, {"body", letter.html}},
        std::nullopt, std::chrono::minutes(0),
        post_has_link(mail.text) ? mail.fields.life : post_notice_life);
}

void PostOffice::queue(base::Transaction& transaction, const ServiceCall& call) {
    const PostForm& form = post_form(call.call);
    if (post_url(options_, form.service).empty()) return;
    put(transaction, form.kind, call.body, call.once_key, call.after,
        form.method == "DELETE" ? post_deletion_life : post_call_life);
}

PostOffice::Result PostOffice::send_http(const std::string& method, const std::string& url,
                                         const std::string& body, const std::string& id) {
    base::HttpRequest request;
    request.method = method;
    request.url = url;
    request.headers = {{"X-Service-Key", options_.service_key.reveal()},
                       {"X-App-Id", "mana-auth"},
                       {"Idempotency-Key", id}};
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = body;
    request.deadline = post_deadline;
    request.connect_limit = post_deadline / 2;
    request.body_bytes_max = post_answer_bytes_max;
    try {
        const base::HttpResponse answer = base::fetch(request);
        const bool gone = method == "DELETE" && answer.status == 404;
        if ((answer.status >= 200 && answer.status < 300) || gone)
            return {Outcome::delivered, "", {}};
        const std::string error = "answered " + std::to_string(answer.status);
        if (post_is_final(answer.status)) return {Outcome::refused, error, {}};
        return {Outcome::retry, error, post_wait(answer.header("retry-after"))};
    } catch (const Failure& failure) {
        // No answer: the row says why and is tried again.
        return {Outcome::retry, failure.what(), {}};
    }
}

PostOffice::Result PostOffice::send_mail(const Json& body, const std::string& id) {
    if (!options_.notify_url.empty()) {
        Json wire = {{"channel", "email"}, {"appId", "mana-auth"}};
        wire.update(body);
        return send_http("POST", options_.notify_url + "/api/v1/notifications/send",
                         base::to_text(wire), id);
    }
    try {
        folder_.send({body.at("recipient").get<std::string>(),
                      body.at("subject").get<std::string>(), body.at("body").get<std::string>()});
        return {Outcome::delivered, "", {}};
    } catch (const Failure& failure) {
        // A full disk is mended some day.
        return {Outcome::retry, failure.what(), {}};
    }
}

PostOffice::Result PostOffice::deliver(const TakenOutbound& row) {
    if (row.expires_at <= clock_.now()) return {Outcome::expired, "", {}};
    const auto sealed = base::from_hex(row.body);
    const auto plain = sealed ? base::open_sealed(key_.reveal(), *sealed) : std::nullopt;
    if (!plain) return {Outcome::refused, "sealed with another BETTER_AUTH_SECRET", {}};
    const Json body = base::parse_json(*plain, "outbound body");
    if (row.kind.starts_with("mail.")) return send_mail(body, row.id);
    for (const PostForm& form : post_forms) {
        if (form.kind != row.kind) continue;
        const std::string url = post_url(options_, form.service);
        if (url.empty()) return {Outcome::refused, "the service is not configured any more", {}};
        std::string path(form.path);
        const std::size_t begin = path.find(':');
        if (begin == std::string::npos) {
            return send_http(std::string(form.method), url + path, *plain, row.id);
        }
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string name = path.substr(begin + 1, end - begin - 1);
        path.replace(begin, end - begin, base::url_encode(body.at(name).get<std::string>()));
        return send_http(std::string(form.method), url + path, "", row.id);
    }
    return {Outcome::refused, "unknown kind", {}};
}

void PostOffice::settle(const TakenOutbound& row, const Result& result) {
    const base::Moment now = clock_.now();
    const std::chrono::milliseconds pause =
        std::max(post_pause(row.attempts), result.wait.value_or(std::chrono::seconds(0)));
    const bool late = result.outcome == Outcome::expired ||
                      (result.outcome == Outcome::retry && now + pause >= row.expires_at);
    const std::string_view outcome = result.outcome == Outcome::delivered ? "delivered"
                                     : result.outcome == Outcome::refused ? "refused"
                                     : late                               ? "expired"
                                                                          : "retry";
    metrics_
        .counter("auth_outbound_total", "Mails and calls to other services, by what came of it",
                 {{"outcome", std::string(outcome)}})
        .add();
    database_.transact([&](base::Transaction& transaction) {
        if (outcome == "retry") {
            retry_outbound(transaction, row.id, base::Moment(now + pause), result.error);
        } else {
            end_outbound(transaction, row.id, outcome,
                         result.error.empty() ? std::nullopt : std::optional(result.error), now);
        }
    });
    if (outcome == "delivered") return;
    const auto level = outcome == "retry" ? base::LogLevel::warning : base::LogLevel::error;
    base::log(level, "outbound not delivered",
              {{"id", row.id},
               {"kind", row.kind},
               {"outcome", outcome},
               {"attempt", row.attempts},
               {"reason", result.error}});
}

std::size_t PostOffice::deliver_due() {
    const std::lock_guard lock(delivering_);
    std::vector<std::string> paused;
    std::size_t delivered = 0;
    for (int i = 0; i < post_pass_max; ++i) {
        {
            const std::lock_guard state(mutex_);
            if (stopping_) break;
        }
        const auto row = database_.transact([&](base::Transaction& transaction) {
            return take_outbound(transaction, paused, clock_.now());
        });
        if (!row) break;
        const Result result = deliver(*row);
        settle(*row, result);
        if (result.outcome == Outcome::delivered) ++delivered;
        if (result.outcome == Outcome::retry) paused.push_back(post_prefix(row->kind));
    }
    return delivered;
}

void PostOffice::work() {
    using Wait = std::chrono::milliseconds;
    Wait wait = post_look_first;
    auto next_cleaning = std::chrono::steady_clock::now();
    for (;;) {
        try {
            if (deliver_due() > 0) wait = post_look_first;
            if (std::chrono::steady_clock::now() >= next_cleaning) {
                database_.transact([&](base::Transaction& transaction) {
                    forget_outbound(transaction, clock_.now());
                });
                next_cleaning = std::chrono::steady_clock::now() + std::chrono::hours(1);
            }
        } catch (const Failure& failure) {
            // The database is away: what is queued stays there.
            base::log_warning("outbound waits", {{"reason", failure.what()}});
            wait = post_look_last;
        }
        std::unique_lock lock(mutex_);
        if (stopping_) return;
        if (queued_) wait = post_look_first;
        queued_ = false;
        wake_.wait_for(lock, wait, [this] { return stopping_ || queued_; });
        if (stopping_) return;
        if (queued_) {
            // Its transaction needs a moment to commit.
            queued_ = false;
            wait = post_look_first;
            wake_.wait_for(lock, wait, [this] { return stopping_; });
        } else {
            wait = std::min<Wait>(wait * 2, post_look_last);
        }
    }
}

}  // namespace auth
