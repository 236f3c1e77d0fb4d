// The floor: a plain libcurl reader that performs every HTTP exchange of a visit, with the bytes of
// one recorded visit, over as many multi handles as the runner has, and parses nothing. Prints one
// line of JSON: what this process used.
//
//   bench_reader AUTH_PORT MCP_PORT CLAUDE_PORT VISITS CONCURRENCY PACING_US
#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include "tests/bench/usage.hpp"

namespace bench {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t shard_count = 128;
// A shard keeps so many connections open: all together stay under the limit of open files.
constexpr long connections_kept = 96;

struct Exchange {
    std::string method, url, body;
    curl_slist* headers = nullptr;  // Lives as long as the process.
};

std::size_t append_bytes(char* data, std::size_t size, std::size_t count, void* text) {
    static_cast<std::string*>(text)->append(data, size * count);
    return size * count;
}

std::size_t drop_bytes(char*, std::size_t size, std::size_t count, void* bytes) {
    *static_cast<std::size_t*>(bytes) += size * count;
    return size * count;
}

std::string ask_far_end(const std::string& url, bool post) {
    CURL* easy = curl_easy_init();
    std::string body;
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, append_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (post) curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, "");
    const CURLcode code = curl_easy_perform(easy);
    curl_easy_cleanup(easy);
    if (code == CURLE_OK) return body;
    std::fprintf(stderr, "bench_reader: %s: %s\n", url.c_str(), curl_easy_strerror(code));
    std::exit(1);
}

// The recorded requests: "PORT HEAD_BYTES BODY_BYTES\n" and the bytes of each.
std::vector<Exchange> read_recorded(const std::string& text,
                                    const std::array<std::string, 3>& origins) {
    std::vector<Exchange> exchanges;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t port = 0, head_bytes = 0, body_bytes = 0;
        const std::size_t line_end = text.find('\n', at);
        std::istringstream(text.substr(at, line_end - at)) >> port >> head_bytes >> body_bytes;
        std::istringstream head(text.substr(line_end + 1, head_bytes));
        Exchange exchange;
        std::string path, version;
        head >> exchange.method >> path >> version;
        exchange.url = origins.at(port) + path;
        exchange.body = text.substr(line_end + 1 + head_bytes, body_bytes);
        std::string line;
        std::getline(head, line);
        while (std::getline(head, line)) {
            if (line.ends_with('\r')) line.pop_back();
            // libcurl writes these two itself.
            if (line.empty() || line.starts_with("Host:") || line.starts_with("Content-Length:"))
                continue;
            exchange.headers = curl_slist_append(exchange.headers, line.c_str());
        }
        exchange.headers = curl_slist_append(exchange.headers, "Expect:");
        exchanges.push_back(std::move(exchange));
        at = line_end + 1 + head_bytes + body_bytes;
    }
    return exchanges;
}

class Reader;

struct Shard {
    Reader* reader = nullptr;
    CURLM* multi = nullptr;
    std::optional<Steady::time_point> timer;
};

// One visit after the other in this place, each exchange after the one before.
struct Place {
    Shard* shard = nullptr;
    std::size_t next = 0;
    std::size_t bytes = 0;
};

class Reader {
  public:
    Reader(const std::vector<Exchange>& exchanges, int visits)
        : exchanges_(exchanges), visits_left_(visits), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        for (Shard& shard : shards_) {
            shard.reader = this;
            shard.multi = curl_multi_init();
            curl_multi_setopt(shard.multi, CURLMOPT_SOCKETFUNCTION, &Reader::socket_changed);
            curl_multi_setopt(shard.multi, CURLMOPT_SOCKETDATA, &shard);
            curl_multi_setopt(shard.multi, CURLMOPT_TIMERFUNCTION, &Reader::timer_changed);
            curl_multi_setopt(shard.multi, CURLMOPT_TIMERDATA, &shard);
            curl_multi_setopt(shard.multi, CURLMOPT_MAXCONNECTS, connections_kept);
        }
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    bool run(int concurrency);

  private:
    void start(Place& place);
    void act(Shard& shard, int socket, int events);
    void collect(Shard& shard);
    int wait_time() const;
    static int socket_changed(CURL*, curl_socket_t socket, int what, void* self, void* known);
    static int timer_changed(CURLM*, long milliseconds, void* self);

    const std::vector<Exchange>& exchanges_;
    int visits_left_;
    int visits_open_ = 0;
    int failures_ = 0;
    int epoll_;
    std::array<Shard, shard_count> shards_;
};

void Reader::start(Place& place) {
    if (place.next == exchanges_.size()) {
        place.next = 0;
        --visits_open_;
    }
    if (place.next == 0) {
        if (visits_left_ == 0) return;
        --visits_left_;
        ++visits_open_;
    }
    const Exchange& exchange = exchanges_[place.next++];
    CURL* easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, exchange.url.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange.headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &place.bytes);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &place);
    if (exchange.method == "POST") {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(exchange.body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange.body.c_str());
    } else if (exchange.method != "GET") {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange.method.c_str());
    }
    curl_multi_add_handle(place.shard->multi, easy);
}

void Reader::act(Shard& shard, int socket, int events) {
    int running = 0;
    curl_multi_socket_action(shard.multi, socket, events, &running);
    collect(shard);
}

void Reader::collect(Shard& shard) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(shard.multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* easy = message->easy_handle;
        Place* place = nullptr;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &place);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (message->data.result != CURLE_OK || status >= 300) ++failures_;
        curl_multi_remove_handle(shard.multi, easy);
        curl_easy_cleanup(easy);
        start(*place);
    }
}

int Reader::socket_changed(CURL*, curl_socket_t socket, int what, void* self, void* known) {
    auto& shard = *static_cast<Shard*>(self);
    const auto index = static_cast<std::uint64_t>(&shard - shard.reader->shards_.data());
    epoll_event event{};
    event.events =
        ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    event.data.u64 = index << 32 | static_cast<std::uint32_t>(socket);
    if (what == CURL_POLL_REMOVE) {
        ::epoll_ctl(shard.reader->epoll_, EPOLL_CTL_DEL, socket, &event);
        curl_multi_assign(shard.multi, socket, nullptr);
        return 0;
    }
    const int operation = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    ::epoll_ctl(shard.reader->epoll_, operation, socket, &event);
    curl_multi_assign(shard.multi, socket, &shard);
    return 0;
}

int Reader::timer_changed(CURLM*, long milliseconds, void* self) {
    auto& shard = *static_cast<Shard*>(self);
    shard.timer.reset();
    if (milliseconds >= 0) shard.timer = Steady::now() + std::chrono::milliseconds{milliseconds};
    return 0;
}

int Reader::wait_time() const {
    std::optional<Steady::time_point> next;
    for (const Shard& shard : shards_) {
        if (shard.timer && (!next || *shard.timer < *next)) next = shard.timer;
    }
    if (!next) return 1'000;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Steady::now()).count();
    return static_cast<int>(std::max<long>(0, left));
}

bool Reader::run(int concurrency) {
    std::vector<Place> places(static_cast<std::size_t>(concurrency));
    for (std::size_t i = 0; i < places.size(); ++i) {
        places[i].shard = &shards_[i % shard_count];
        start(places[i]);
    }
    std::array<epoll_event, 256> events;
    while (visits_open_ > 0) {
        const int count = ::epoll_wait(epoll_, events.data(), events.size(), wait_time());
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            const int bits = ((event.events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
                             ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                             ((event.events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
            act(shards_[event.data.u64 >> 32], static_cast<int>(event.data.u64 & 0xFFFF'FFFF),
                bits);
        }
        const Steady::time_point now = Steady::now();
        for (Shard& shard : shards_) {
            if (!shard.timer || *shard.timer > now) continue;
            shard.timer.reset();
            act(shard, CURL_SOCKET_TIMEOUT, 0);
        }
    }
    if (failures_ > 0) std::fprintf(stderr, "bench_reader: %d exchanges failed\n", failures_);
    return failures_ == 0;
}

int run(const std::array<std::string, 3>& origins, int visits, int concurrency,
        const std::string& pacing_us) {
    raise_file_limit();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::vector<Exchange> exchanges =
        read_recorded(ask_far_end(origins[0] + "/bench/recorded", false), origins);
    if (exchanges.empty()) {
        std::fputs("bench_reader: nothing is recorded; run bench_runner … record first\n", stderr);
        return 1;
    }
    ask_far_end(origins[0] + "/bench/start?pacing_us=" + pacing_us, true);
    const Measure measure;
    Reader reader(exchanges, visits);
    if (!reader.run(concurrency)) return 1;
    const long asked = std::stol(ask_far_end(origins[0] + "/bench/exchanges", false));
    std::puts(measure.report(visits, concurrency, asked).c_str());
    return 0;
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
    if (argc != 7) {
        std::fputs(
            "usage: bench_reader AUTH_PORT MCP_PORT CLAUDE_PORT VISITS CONCURRENCY PACING_US\n",
            stderr);
        return 2;
    }
    std::array<std::string, 3> origins;
    for (std::size_t i = 0; i < origins.size(); ++i) {
        origins[i] = std::string("http://127.0.0.1:") + argv[i + 1];
    }
    const int visits = static_cast<int>(std::strtol(argv[4], nullptr, 10));
    const int concurrency = static_cast<int>(std::strtol(argv[5], nullptr, 10));
    if (visits < 1 || concurrency < 1) {
        std::fputs("bench_reader: VISITS and CONCURRENCY must be at least 1\n", stderr);
        return 2;
    }
    return bench::run(origins, visits, concurrency, argv[6]);
}
