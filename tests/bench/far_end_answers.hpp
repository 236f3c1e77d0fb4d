// What the far ends of a visit say: the model, the product and the auth service, from texts that
// are built once. Stateless but for the number of visits that are left to claim: which answer a
// request gets lies in the request itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Request {
    std::string_view method, path, head, body;  // Views of the connection's buffer.
};

struct Answer {
    int status = 200;
    std::string headers;  // Lines that end in CRLF, besides length and type.
    std::string body;     // JSON; empty: no body.
    const std::vector<std::string>* events = nullptr;  // Of a stream: each is one event's text.
    double length = 1;  // Of a stream: how long this visit's streams are beside the shortest.
};

// A day of six turns: five of them with seven tool calls in all, then the rating.
inline constexpr int turns_with_tools = 5;
inline constexpr int calls_of_a_day = 7;

class Answers {
  public:
    // `tools_json`: the product's list of tools, as tools/list has it ("[…]").
    explicit Answers(const std::string& tools_json);
    Answers(const Answers&) = delete;
    Answers& operator=(const Answers&) = delete;

    Answer answer(const Request& request);
    void offer_visits(int count) { visits_left_ = count; }
    // Visits are 1 to 4 times as long as the shortest; which one is how long lies in the seed. 0:
    // all are as long.
    void mix_lengths(long seed) { lengths_seed_ = seed; }

    // False for what a runner asks for itself: heartbeats and claims.
    static bool belongs_to_a_visit(const Request& request);

  private:
    Answer claim(std::string_view body);
    Answer auth(const Request& request);
    Answer product(const Request& request) const;
    Answer model(std::string_view body) const;
    double length_of_visit(std::string_view body) const;

    long lengths_seed_ = 0;
    int visits_left_ = 0;
    int visits_claimed_ = 0;
    std::string tools_result_;
    std::vector<std::vector<std::string>> turns_;
    std::vector<std::string> rating_;
};

}  // namespace bench
