// One request and its answer as a libcurl easy handle: what Http (on the loop) and fetch()
// (blocking) share. Private to base/http*.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/failure.hpp"
#include "base/http.hpp"

struct curl_slist;
struct curl_sockaddr;

namespace base::http_detail {

// The easy handle's callbacks hold its address: an Exchange never moves. They fill in state and
// tell the listener; they never call libcurl and never resume anybody.
class Exchange {
  public:
    enum class Trouble { none, resent, too_large, bad_header, not_public };

    // Throws Failure::invalid when the request cannot be sent as it stands.
    Exchange(HttpRequest request, const std::string& user_agent, bool streaming);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    virtual ~Exchange();

    // The sentence for an answer that did not come; `cause` overrides libcurl's own words.
    Failure failure(std::string_view cause) const;

    HttpRequest request;
    std::string origin;    // scheme://host[:port]
    std::string host;      // host[:port], for messages; never the path.
    void* easy = nullptr;  // CURL*

    int status = 0;
    HttpHeaders headers;
    bool headers_done = false;
    std::string buffer;  // Body bytes that nobody has read yet.
    std::size_t body_bytes = 0;
    bool paused = false;

    bool done = false;
    std::string cause;  // Why it failed, when done without an answer; empty: it went well.

    // Writes down how the exchange ended; `code` is a CURLcode.
    void conclude(int code);
    void release_handle();  // libcurl's side is over; the answer stays.
    // Frees the request's body, and libcurl's copy of it, once it has gone out whole.
    // False while it has not.
    bool release_sent_body();

  protected:
    virtual void on_progress() {}       // Headers are complete, or body bytes have come.
    virtual void on_name_resolved() {}  // A socket is about to be opened to the host's address.
    virtual void on_connected() {}      // The request goes out now.

  private:
    void set_request_line();
    void set_body();
    void set_request_headers(const std::string& user_agent);
    void set_limits();
    void set_callbacks();
    bool take_header_line(std::string_view line);

    static std::size_t header_arrived(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t body_wanted(char* into, std::size_t size, std::size_t count, void* self);
    static int body_rewound(void* self, std::int64_t offset, int origin);
    static std::size_t body_arrived(char* data, std::size_t size, std::size_t count, void* self);
    static int before_request(void* self, char*, char*, int, int);
    static int open_socket(void* self, int purpose, curl_sockaddr* address);

    bool streaming_;
    bool request_left_ = false;
    Trouble trouble_ = Trouble::none;
    std::size_t header_bytes_ = 0;
    std::size_t piece_ = 0;  // Where in the request's body libcurl reads next …
    std::size_t piece_read_ = 0;
    curl_slist* header_list_ = nullptr;
};

// True for localhost, 127.0.0.0/8 and [::1].
bool is_loopback(std::string_view host);
// True for an address in digits, which needs no resolver.
bool is_numeric(std::string_view host);
std::string_view host_of(std::string_view host_and_port);  // Without port and brackets.

void initialise_curl();  // Once per process; any thread.

}  // namespace base::http_detail
