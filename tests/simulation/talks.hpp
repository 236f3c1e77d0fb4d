// What the model is asked. A day's talk only grows, byte for byte, and every tool call in it gets
// its own answer; system and tools never change; tools are known by names that lead back to them; a
// rating is one question of its own about what was done; and nobody asks more often than agreed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "tests/simulation/auth_service.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/product.hpp"
#include "tests/simulation/profile.hpp"
#include "tests/simulation/referee.hpp"

namespace simulation {

inline constexpr std::string_view rating_model = "claude-haiku-5-5";

class Talks {
  public:
    // A reply as it was streamed. `inputs`: the text of each tool call's input, in order; nothing
    // of one that was cut off.
    struct Said {
        base::Json content;
        std::vector<std::string> inputs;
    };
    // An action as a question for ratings tells of it.
    struct Line {
        std::string module, tool, outcome, answer;
    };
    struct Day {
        std::string messages;  // As last heard, without cache marks and the closing bracket.
        std::size_t count = 0;
        std::vector<Said> replies;   // All that were streamed for these messages.
        int uses = 0;                // Tool calls answered so far: their seqs.
        std::vector<Line> digest;    // Empty: nobody asked for ratings yet.
        int turns = 0, ratings = 0;  // Requests, each counted once however often it was tried.
    };
    struct Question {
        std::string persona, model;
        const KnownVisit* visit = nullptr;
        Day* day = nullptr;  // Null: of no visit.
        bool is_rating = false, is_first = false, has_schema = false;
        std::vector<std::string> tools;    // Names as offered.
        std::vector<std::string> modules;  // To be rated.
        int actions = 0;                   // In the digest.
    };

    Talks(const Profile& profile, const AuthService& auth, const Product& product,
          const Disks& disks, Referee& referee);
    Talks(const Talks&) = delete;
    Talks& operator=(const Talks&) = delete;

    // A request leaves its process, whether or not it arrives.
    void leaves(const Sent& sent, const std::string& body);
    // It has arrived.
    Question hear(const std::string& body, Caller caller);
    const Day* day(const std::string& visit) const;

    // Whose day it is, by the first words of a system prompt: "Du bist anna. …"
    static std::string persona_in(std::string_view text);

  private:
    // What stands before the messages.
    struct Head {
        std::string model, persona, prompt;  // `prompt`: the text of tools and system.
        bool is_in_character = false;
        bool has_schema = false;
        std::vector<std::string> tools;
        std::map<std::string, const OfferedTool*, std::less<>> by_name;
    };

    const Head& head_of(const std::string& text);
    void read_tools(Head& head, const base::Json& tools);
    void check_prompt(const Head& head);
    void hear_day(Question& question, const Head& head, std::string messages);
    void check_echo(Question& question, const Head& head, const std::string& fresh);
    void check_answers(Question& question, const Head& head, const base::Json& echoed,
                       const base::Json& answers);
    void check_answer(Question& question, const Head& head, const base::Json& use,
                      const base::Json& answer);
    void hear_rating(Question& question, const Head& head, const std::string& messages,
                     Caller caller);
    void check_digest(Question& question, Caller caller);
    void check_line(const std::string& visit, int seq, const Line& line);
    void fail(Invariant invariant, const Question& question, std::string_view what,
              Referee::Place where = Referee::Place::current());

    const Profile& profile_;
    const AuthService& auth_;
    const Product& product_;
    const Disks& disks_;
    Referee& referee_;
    std::map<std::string, Head, std::less<>> heads_;
    std::map<std::pair<std::string, bool>, std::string> prompts_;  // Persona, for ratings.
    std::map<std::string, Day> days_;                              // By visit.
    std::map<std::pair<std::string, std::size_t>, int> tries_;     // Visit, hash of the request.
};

}  // namespace simulation
