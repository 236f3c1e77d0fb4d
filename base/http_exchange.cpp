#include "base/http_exchange.hpp"

#include <algorithm>
#include <cstring>

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/public_address.hpp"
#include "base/text.hpp"

namespace base::http_detail {

namespace {

constexpr std::size_t exchange_unread_max = 256 * 1024;  // Of a stream; past it the sender waits.
constexpr std::size_t exchange_header_bytes_max = 64 * 1024;
constexpr std::size_t exchange_header_count_max = 200;
constexpr long exchange_stream_chunk = 4'096;   // An event is smaller; every stream has one.
constexpr long exchange_upload_chunk = 16'384;  // The least that libcurl takes.
constexpr long exchange_upload_chunk_pieces = 65'536;
constexpr std::size_t exchange_joined_max = 65'536;  // What libcurl sends along with the head.
constexpr std::size_t exchange_body_kept_max = 1'024;

template <class T>
void exchange_set(void* easy, CURLoption option, T value) {
    const CURLcode code = curl_easy_setopt(static_cast<CURL*>(easy), option, value);
    if (code != CURLE_OK) {
        throw Failure(Failure::Kind::invalid, fmt::format("the HTTP request cannot be set up: {}",
                                                          curl_easy_strerror(code)));
    }
}

bool exchange_is_token(std::string_view text) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != std::string_view::npos;
    });
}

bool exchange_has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
    });
}

std::string exchange_header_line(const std::string& name, const std::string& value) {
    if (!exchange_is_token(name)) {
        throw Failure(Failure::Kind::invalid,
                      "a request header's name has characters that HTTP "
                      "does not allow; use letters, digits and '-'");
    }
    if (exchange_has_control(value)) {
        throw Failure(
            Failure::Kind::invalid,
            fmt::format("the request header {} has control characters; remove them", name));
    }
    // libcurl's own notation: "Name;" is a header without value, "Name:" would remove it.
    return value.empty() ? name + ";" : name + ": " + value;
}

}  // namespace

void initialise_curl() {
    static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    require(code == CURLE_OK, "libcurl could not be initialised");
}

Exchange::Exchange(HttpRequest the_request, const std::string& user_agent, bool streaming)
    : request(std::move(the_request)), streaming_(streaming) {
    origin = origin_of(request.url);
    host = origin.substr(origin.find("//") + 2);
    easy = curl_easy_init();
    if (easy == nullptr) {
        throw Failure(Failure::Kind::unavailable, "no memory for another HTTP request");
    }
    try {
        set_request_line();
        set_request_headers(user_agent);
        set_limits();
        set_callbacks();
    } catch (...) {
        curl_slist_free_all(header_list_);
        curl_easy_cleanup(static_cast<CURL*>(easy));
        throw;
    }
}

Exchange::~Exchange() {
    release_handle();
}

void Exchange::release_handle() {
    if (easy != nullptr) curl_easy_cleanup(static_cast<CURL*>(easy));
    curl_slist_free_all(header_list_);
    easy = nullptr;
    header_list_ = nullptr;
}

void Exchange::set_request_line() {
    if (!exchange_is_token(request.method)) {
        throw Failure(Failure::Kind::invalid, "the HTTP method must be a word, e.g. GET or POST");
    }
    exchange_set(easy, CURLOPT_URL, request.url.c_str());
    exchange_set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    exchange_set(easy, CURLOPT_PATH_AS_IS, 1L);
    if (request.method == "HEAD") {
        exchange_set(easy, CURLOPT_NOBODY, 1L);
    } else if (request.method == "POST" || !request.body.empty()) {
        set_body();
        if (request.method != "POST") {
            exchange_set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
        }
    } else if (request.method != "GET") {
        exchange_set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
}

// One piece stays in `request` until it has left; a small one goes out with the head, by one call.
// Several large ones are fetched.
void Exchange::set_body() {
    if (request.body.size() <= exchange_joined_max && request.body.pieces().size() > 1) {
        request.body = HttpBody(request.body.text());
    }
    const std::vector<HttpBody::Piece>& pieces = request.body.pieces();
    exchange_set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    exchange_set(easy, CURLOPT_UPLOAD_BUFFERSIZE,
                 pieces.size() > 1 ? exchange_upload_chunk_pieces : exchange_upload_chunk);
    if (pieces.size() <= 1) {
        exchange_set(easy, CURLOPT_POSTFIELDS, pieces.empty() ? "" : pieces.front()->c_str());
        return;
    }
    exchange_set(easy, CURLOPT_POST, 1L);
    exchange_set(easy, CURLOPT_READFUNCTION, &Exchange::body_wanted);
    exchange_set(easy, CURLOPT_READDATA, static_cast<void*>(this));
    const auto rewound = +[](void* self, curl_off_t offset, int origin) {
        return body_rewound(self, static_cast<std::int64_t>(offset), origin);
    };
    exchange_set(easy, CURLOPT_SEEKFUNCTION, rewound);
    exchange_set(easy, CURLOPT_SEEKDATA, static_cast<void*>(this));
}

void Exchange::set_request_headers(const std::string& user_agent) {
    bool typed = false;
    const auto append = [this](const std::string& line) {
        curl_slist* longer = curl_slist_append(header_list_, line.c_str());
        if (longer == nullptr) {
            throw Failure(Failure::Kind::unavailable, "no memory for another HTTP request");
        }
        header_list_ = longer;
    };
    for (const auto& [name, value] : request.headers) {
        typed = typed || equals_ignoring_case(name, "content-type");
        append(exchange_header_line(name, value));
    }
    append("Expect:");                    // Else a larger body waits a second for a "100 Continue".
    if (!typed) append("Content-Type:");  // Else libcurl claims a form.
    exchange_set(easy, CURLOPT_HTTPHEADER, header_list_);
    // Asks for plain bytes, and lets libcurl decode what a proxy encodes nevertheless.
    exchange_set(easy, CURLOPT_ACCEPT_ENCODING, "identity");
    exchange_set(easy, CURLOPT_USERAGENT, user_agent.c_str());
    request.headers.clear();
}

void Exchange::set_limits() {
    exchange_set(easy, CURLOPT_NOSIGNAL, 1L);
    exchange_set(easy, CURLOPT_TCP_NODELAY, 1L);
    exchange_set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    exchange_set(easy, CURLOPT_TCP_KEEPIDLE, 60L);
    exchange_set(easy, CURLOPT_TCP_KEEPINTVL, 30L);
    exchange_set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    exchange_set(easy, CURLOPT_CONNECTTIMEOUT_MS,
                 static_cast<long>(std::max<std::int64_t>(1, request.connect_limit.count())));
    if (streaming_) exchange_set(easy, CURLOPT_BUFFERSIZE, exchange_stream_chunk);
    if (request.url.starts_with("https") || request.url.starts_with("HTTPS")) {
        // HTTP/2 by ALPN only, and then as few connections as it takes.
        exchange_set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
        exchange_set(easy, CURLOPT_PIPEWAIT, 1L);
    } else {
        exchange_set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    }
    // Our own listeners are never reached through the environment's proxy.
    if (is_loopback(host_of(host)) || request.public_only) exchange_set(easy, CURLOPT_PROXY, "");
    // A connection that another request left open was not asked whether it is public.
    if (request.public_only) exchange_set(easy, CURLOPT_FRESH_CONNECT, 1L);
}

void Exchange::set_callbacks() {
    exchange_set(easy, CURLOPT_PRIVATE, static_cast<void*>(this));
    exchange_set(easy, CURLOPT_HEADERFUNCTION, &Exchange::header_arrived);
    exchange_set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
    exchange_set(easy, CURLOPT_WRITEFUNCTION, &Exchange::body_arrived);
    exchange_set(easy, CURLOPT_WRITEDATA, static_cast<void*>(this));
    exchange_set(easy, CURLOPT_PREREQFUNCTION, &Exchange::before_request);
    exchange_set(easy, CURLOPT_PREREQDATA, static_cast<void*>(this));
    const auto opened = +[](void* self, curlsocktype purpose, curl_sockaddr* address) {
        return open_socket(self, static_cast<int>(purpose), address);
    };
    exchange_set(easy, CURLOPT_OPENSOCKETFUNCTION, opened);
    exchange_set(easy, CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
}

// libcurl silently repeats a request when a kept connection dies before the answer starts. The
// server may have acted on the first copy, so only methods that change nothing go out twice.
int Exchange::before_request(void* self, char*, char*, int, int) {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::string& method = exchange.request.method;
    const bool repeatable = method == "GET" || method == "HEAD" || method == "OPTIONS";
    if (exchange.request_left_ && !repeatable) {
        exchange.trouble_ = Trouble::resent;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange.request_left_ = true;
    exchange.on_connected();
    return CURL_PREREQFUNC_OK;
}

// The library's own sockets would be inherited by the programs that the daemon starts.
int Exchange::open_socket(void* self, int, curl_sockaddr* address) {
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.on_name_resolved();
    if (exchange.request.public_only && !is_public_address(address->addr)) {
        exchange.trouble_ = Trouble::not_public;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t Exchange::header_arrived(char* data, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::size_t bytes = size * count;
    return exchange.take_header_line({data, bytes}) ? bytes : bytes + 1;
}

bool Exchange::take_header_line(std::string_view line) {
    if (headers_done) return true;  // Trailers after the body say nothing that we use.
    header_bytes_ += line.size();
    if (header_bytes_ > exchange_header_bytes_max || headers.size() > exchange_header_count_max) {
        trouble_ = Trouble::bad_header;
        return false;
    }
    line = trim(line);
    if (line.starts_with("HTTP/")) {
        headers.clear();  // What came before was an interim answer (1xx).
        long code = 0;
        curl_easy_getinfo(static_cast<CURL*>(easy), CURLINFO_RESPONSE_CODE, &code);
        status = static_cast<int>(code);
        return true;
    }
    if (line.empty()) {
        headers_done = status >= 200;
        if (headers_done) on_progress();
        return true;
    }
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
        headers.emplace_back(lower_ascii(trim(line.substr(0, colon))),
                             std::string(trim(line.substr(colon + 1))));
    }
    return true;
}

std::size_t Exchange::body_wanted(char* into, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::vector<HttpBody::Piece>& pieces = exchange.request.body.pieces();
    const std::size_t room = size * count;
    std::size_t given = 0;
    while (given < room && exchange.piece_ < pieces.size()) {
        const std::string& piece = *pieces[exchange.piece_];
        const std::size_t bytes = piece.copy(into + given, room - given, exchange.piece_read_);
        given += bytes;
        exchange.piece_read_ += bytes;
        if (exchange.piece_read_ < piece.size()) break;
        ++exchange.piece_;
        exchange.piece_read_ = 0;
    }
    return given;
}

// Asked when a kept connection has died; before_request() then decides whether it goes out again.
int Exchange::body_rewound(void* self, std::int64_t offset, int origin) {
    if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.piece_ = 0;
    exchange.piece_read_ = 0;
    return CURL_SEEKFUNC_OK;
}

std::size_t Exchange::body_arrived(char* data, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const std::size_t bytes = size * count;
    if (exchange.streaming_ && exchange.buffer.size() >= exchange_unread_max) {
        exchange.paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (exchange.body_bytes + bytes > exchange.request.body_bytes_max) {
        exchange.trouble_ = Trouble::too_large;
        return 0;
    }
    exchange.body_bytes += bytes;
    exchange.buffer.append(data, bytes);
    exchange.on_progress();
    return bytes;
}

void Exchange::conclude(int code) {
    done = true;
    if (code == CURLE_OK) {
        // libcurl takes an answer without a status line for HTTP/0.9 only when told so.
        if (!headers_done) cause = "the answer ended before its headers did";
    } else if (trouble_ == Trouble::too_large) {
        cause = fmt::format("the answer is larger than {} bytes", request.body_bytes_max);
    } else if (trouble_ == Trouble::bad_header) {
        cause = "the answer's headers are larger than the limit";
    } else if (trouble_ == Trouble::not_public) {
        cause = "its address is not one of the public Internet";
    } else if (trouble_ == Trouble::resent) {
        cause = "the connection was closed before an answer came";
    } else {
        cause = curl_easy_strerror(static_cast<CURLcode>(code));
        long system = 0;
        curl_easy_getinfo(static_cast<CURL*>(easy), CURLINFO_OS_ERRNO, &system);
        if (code == CURLE_COULDNT_CONNECT && system != 0) {
            cause = fmt::format("cannot connect ({})", std::strerror(static_cast<int>(system)));
        }
    }
}

bool Exchange::release_sent_body() {
    if (request.body.size() <= exchange_body_kept_max || easy == nullptr) return true;
    auto* handle = static_cast<CURL*>(easy);
    curl_off_t sent = 0;
    curl_easy_getinfo(handle, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (sent < static_cast<curl_off_t>(request.body.size())) return false;
    if (request.body.pieces().size() == 1) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, "");
    } else {
        // Another size makes libcurl let go of the buffer that it sent from.
        curl_easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, exchange_upload_chunk);
    }
    request.body = {};
    return true;
}

Failure Exchange::failure(std::string_view why) const {
    // "certainly did not leave": libcurl never got as far as writing the request.
    return Failure(
        Failure::Kind::unavailable,
        fmt::format("no answer from {}: {}; check that it runs, then try again", host, why),
        request_left_ ? "outcome_unknown" : "not_sent");
}

}  // namespace base::http_detail
