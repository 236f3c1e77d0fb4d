#include "base/http.hpp"

#include <algorithm>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/http_exchange.hpp"
#include "base/http_shard.hpp"
#include "base/text.hpp"

namespace base {

namespace {

// Exchanges that a shard carries before the next one is used: few requests then share few
// connections instead of opening one per shard.
constexpr std::size_t http_shard_fill = 16;

std::string_view http_header(const HttpHeaders& headers, std::string_view name) {
    for (const auto& [key, value] : headers) {
        if (equals_ignoring_case(key, name)) return value;
    }
    return {};
}

using http_detail::Shard;
using http_detail::Transfer;

class SocketStream final : public HttpStream {
  public:
    SocketStream(Loop& loop, std::unique_ptr<Transfer> transfer)
        : loop_(loop), transfer_(std::move(transfer)) {}

    int status() const override { return transfer_->status; }
    const HttpHeaders& headers() const override { return transfer_->headers; }

    Task<std::optional<std::string>> next() override {
        const auto idle = transfer_->request.idle_limit;
        const Steady limit = loop_.now() + idle;
        while (!transfer_->has_bytes()) {
            co_await transfer_->progress(limit);
            if (!transfer_->has_bytes() && loop_.now() >= limit) {
                throw transfer_->failure(fmt::format("nothing came for {} ms", idle.count()));
            }
        }
        if (!transfer_->buffer.empty()) co_return transfer_->take_bytes();
        if (!transfer_->cause.empty()) throw transfer_->failure(transfer_->cause);
        co_return std::nullopt;
    }

  private:
    Loop& loop_;
    std::unique_ptr<Transfer> transfer_;
};

// Exchanges over sockets, by libcurl.
class SocketTransport final : public HttpTransport {
  public:
    SocketTransport(Loop& loop, HttpOptions options)
        : loop_(loop), options_(std::move(options)), names_(loop) {
        http_detail::initialise_curl();
        share_ = curl_share_init();
        require(share_ != nullptr, "libcurl has no memory for a share handle");
        // One thread uses it, so it needs no lock functions.
        curl_share_setopt(static_cast<CURLSH*>(share_), CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
        const http_detail::ShardOptions shared{options_.idle_connections_max,
                                               options_.idle_connection_limit};
        for (int i = 0; i < std::max(1, options_.shards); ++i) {
            shards_.push_back(std::make_unique<Shard>(loop, shared));
        }
        for (const auto& [origin, count] : options_.connections_max) {
            hosts_.emplace(origin, std::make_unique<CappedHost>(loop, std::max(1, count),
                                                                options_.idle_connection_limit));
        }
    }
    ~SocketTransport() override {
        shards_.clear();
        hosts_.clear();
        curl_share_cleanup(static_cast<CURLSH*>(share_));
    }

    Task<HttpResponse> send(HttpRequest request) override;
    Task<std::unique_ptr<HttpStream>> open(HttpRequest request) override;
    std::size_t active() const override {
        std::size_t count = 0;
        for (const auto& shard : shards_) count += shard->active();
        for (const auto& [origin, host] : hosts_) count += host->shard.active();
        return count;
    }

  private:
    // Its connections, in use and idle, are those of one shard, and no more than its turns.
    struct CappedHost {
        CappedHost(Loop& loop, int count, std::chrono::seconds idle_limit)
            : turns(loop, static_cast<std::size_t>(count)), shard(loop, {0, idle_limit, count}) {}
        http_detail::Turns turns;
        Shard shard;
    };

    // On its way; Failure when its turn or its name does not come in time.
    Task<void> begin(Transfer& transfer, Steady header_deadline, std::chrono::milliseconds limit,
                     bool standing = false);

    Shard& pick() {
        for (const auto& shard : shards_) {
            if (shard->active() < http_shard_fill) return *shard;
        }
        const auto least = std::min_element(
            shards_.begin(), shards_.end(),
            [](const auto& left, const auto& right) { return left->active() < right->active(); });
        return **least;
    }

    Loop& loop_;
    const HttpOptions options_;
    http_detail::Names names_;
    void* share_ = nullptr;  // CURLSH*: the addresses of hosts, known to all shards.
    std::vector<std::unique_ptr<Shard>> shards_;
    std::map<std::string, std::unique_ptr<CappedHost>, std::less<>> hosts_;
};

Task<void> SocketTransport::begin(Transfer& transfer, Steady header_deadline,
                                  std::chrono::milliseconds limit, bool standing) {
    const auto capped = standing ? hosts_.end() : hosts_.find(transfer.origin);
    CappedHost* host = capped == hosts_.end() ? nullptr : capped->second.get();
    if (host != nullptr) {
        http_detail::Turn turn = co_await host->turns.take(loop_.now() + limit / 2);
        if (!turn.is_held()) {
            throw transfer.failure("all connections to it are taken, and none became free in time");
        }
        transfer.hold(std::move(turn));
    }
    co_await transfer.await_name(header_deadline);
    (host != nullptr ? host->shard : pick()).add(transfer);
}

// A new exchange costs several times what an event of a running one does, and often many begin
// together: those that run come first.
Task<HttpResponse> SocketTransport::send(HttpRequest request) {
    const Steady deadline = loop_.now() + request.deadline;
    const Steady header_deadline = std::min(deadline, loop_.now() + request.header_limit);
    const std::chrono::milliseconds limit = request.header_limit;
    co_await loop_.when_free();
    Transfer transfer(loop_, names_, share_, std::move(request), options_, /*streaming=*/false);
    co_await begin(transfer, header_deadline, limit);
    const bool answered = co_await transfer.await_until(&Transfer::has_headers, header_deadline);
    if (!answered) throw transfer.failure("no headers came in time");
    const bool ended = co_await transfer.await_until(&Transfer::has_ended, deadline);
    if (!ended) throw transfer.failure("the deadline passed before the answer was whole");
    if (!transfer.cause.empty()) throw transfer.failure(transfer.cause);
    co_return HttpResponse{transfer.status, std::move(transfer.headers),
                           std::move(transfer.buffer)};
}

Task<std::unique_ptr<HttpStream>> SocketTransport::open(HttpRequest request) {
    const Steady header_deadline = loop_.now() + request.header_limit;
    const std::chrono::milliseconds limit = request.header_limit;
    const bool standing = request.standing;
    co_await loop_.when_free();
    auto transfer = std::make_unique<Transfer>(loop_, names_, share_, std::move(request), options_,
                                               /*streaming=*/true);
    co_await begin(*transfer, header_deadline, limit, standing);
    const bool answered = co_await transfer->await_until(&Transfer::has_headers, header_deadline);
    if (!answered) throw transfer->failure("no headers came in time");
    if (!transfer->headers_done) throw transfer->failure(transfer->cause);
    transfer->release_sent_body();
    std::unique_ptr<HttpStream> stream = std::make_unique<SocketStream>(loop_, std::move(transfer));
    co_return stream;
}

}  // namespace

HttpBody::HttpBody(std::string text) : size_(text.size()) {
    if (size_ > 0) pieces_.push_back(std::make_shared<const std::string>(std::move(text)));
}

HttpBody::HttpBody(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {
    std::erase_if(pieces_, [](const Piece& piece) { return piece->empty(); });
    for (const Piece& piece : pieces_) size_ += piece->size();
}

std::string HttpBody::text() const {
    std::string text;
    text.reserve(size_);
    for (const Piece& piece : pieces_) text += *piece;
    return text;
}

std::string_view HttpResponse::header(std::string_view name) const {
    return http_header(headers, name);
}

std::string_view HttpStream::header(std::string_view name) const {
    return http_header(headers(), name);
}

Http::Http(Loop& loop, HttpOptions options)
    : loop_(loop), transport_(std::make_unique<SocketTransport>(loop, std::move(options))) {}

Http::Http(Loop& loop, std::unique_ptr<HttpTransport> transport)
    : loop_(loop), transport_(std::move(transport)) {}

Http::~Http() = default;

}  // namespace base
