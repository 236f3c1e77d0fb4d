// The disks of the simulated nodes: real folders, and beside them the knowledge of what of each
// file would outlive a crash. Works through the outbox's hook, so it sees each step before it
// happens; what a step did is read off the file at the next one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "runner/outbox/disk_step.hpp"
#include "tests/simulation/dice.hpp"
#include "tests/simulation/far_end.hpp"
#include "tests/simulation/profile.hpp"
#include "tests/simulation/trace.hpp"

namespace simulation {

class Disks {
  public:
    Disks(const base::Clock& clock, const Profile& profile, Trace& trace);
    Disks(const Disks&) = delete;
    Disks& operator=(const Disks&) = delete;
    ~Disks();

    std::filesystem::path folder(int node) const;
    // The hook of one process. `crash`: called when the dice say that the process dies here.
    runner::DiskFaults hook(Caller caller);
    std::function<void(Caller)> crash;
    base::Duration pace();  // How long the next batch takes.

    // The process is dead: no step of it happens any more.
    void silence(Caller caller) { dead_.insert(caller); }
    // After a crash: what was not synced is kept, cut, or zeroed by dice. After a clean end: kept.
    void lose_unsynced(int node);
    void settle(int node);

    bool holds_intent(Caller caller, const std::string& visit, int seq) const;
    bool holds_outcome(Caller caller, const std::string& visit, int seq) const;
    bool holds_end(const std::string& visit) const { return ends_.contains(visit); }
    // Visits whose file lost bytes in its middle: a sync failed, and then the machine died.
    const std::set<std::string>& damaged() const { return damaged_; }

    void set_calm(bool calm) { calm_ = calm; }
    void set_full(int node, bool full) { full_[node] = full; }
    // When a step of that node's disk last failed.
    std::optional<base::Steady> last_fault(int node) const;

  private:
    struct File {
        std::uintmax_t durable = 0;                         // Bytes that outlive a crash.
        bool named = false;                                 // So does its name.
        std::uintmax_t doubtful_from = 0, doubtful_to = 0;  // Lost by a sync that failed.
    };
    struct Node {
        std::map<std::filesystem::path, File> files;
        std::map<std::filesystem::path, std::string> removed;  // May come back: name not synced.
    };

    int step(Caller caller, const runner::DiskStep& step);
    int fault(Caller caller, const runner::DiskStep& step);
    void learn_record(int node, std::string_view line);
    void synced(Caller caller, const std::filesystem::path& path, File& file);
    void learn(Node& node, int number);

    const base::Clock& clock_;
    const Profile& profile_;
    Trace& trace_;
    Dice dice_;
    std::filesystem::path root_;
    std::map<int, Node> nodes_;
    std::map<int, bool> full_;
    std::map<int, base::Steady> faults_;
    std::set<Caller> dead_;
    std::set<std::tuple<int, std::string, int>> intents_, outcomes_;  // Node, visit, seq.
    std::set<std::string> ends_;
    std::set<std::string> damaged_;
    bool calm_ = false;
};

}  // namespace simulation
