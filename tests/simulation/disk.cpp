#include "tests/simulation/disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace simulation {

namespace fs = std::filesystem;

namespace {

std::string bytes_of(const fs::path& file, std::uintmax_t from = 0) {
    std::ifstream in(file, std::ios::binary);
    if (from > 0) in.seekg(static_cast<std::streamoff>(from));
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

void write_bytes(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

std::uintmax_t size_of(const fs::path& file) {
    std::error_code missing;
    const std::uintmax_t size = fs::file_size(file, missing);
    return missing ? 0 : size;
}

// A folder in memory where there is one: what survives is decided here, not by the real disk.
fs::path new_root() {
    std::error_code none;
    const fs::path place =
        fs::is_directory("/dev/shm", none) ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string name = (place / "simulation-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("no temporary folder can be made in " + place.string());
    }
    return name;
}

}  // namespace

Disks::Disks(const base::Clock& clock, const Profile& profile, Trace& trace)
    : clock_(clock), profile_(profile), trace_(trace), dice_(profile.seed, 5), root_(new_root()) {}

Disks::~Disks() {
    std::error_code ignored;  // A leftover in memory is no result of the run.
    fs::remove_all(root_, ignored);
}

fs::path Disks::folder(int node) const {
    return root_ / ("node" + std::to_string(node)) / "outbox";
}

runner::DiskFaults Disks::hook(Caller caller) {
    return [this, caller](const runner::DiskStep& each) { return step(caller, each); };
}

base::Duration Disks::pace() {
    if (profile_.disk_pace == std::chrono::milliseconds::zero()) return {};
    const auto time = dice_.time(std::chrono::milliseconds::zero(), profile_.disk_pace);
    return !calm_ && dice_.chance(0.02) ? 10 * time : time;
}

std::optional<base::Steady> Disks::last_fault(int node) const {
    const auto found = faults_.find(node);
    return found == faults_.end() ? std::nullopt : std::optional(found->second);
}

bool Disks::holds_outcome(Caller caller, const std::string& visit, int seq) const {
    return outcomes_.contains({caller.node, visit, seq});
}

bool Disks::holds_intent(Caller caller, const std::string& visit, int seq) const {
    return intents_.contains({caller.node, visit, seq});
}

int Disks::fault(Caller caller, const runner::DiskStep& step) {
    using Kind = runner::DiskStep::Kind;
    if (calm_) return 0;
    const bool grows = step.kind == Kind::create || step.kind == Kind::write;
    if (grows && full_[caller.node]) return ENOSPC;
    if (step.kind == Kind::write && dice_.chance(profile_.disk_error)) return EIO;
    if (step.kind == Kind::sync && dice_.chance(profile_.sync_error)) return EIO;
    return 0;
}

int Disks::step(Caller caller, const runner::DiskStep& step) {
    using Kind = runner::DiskStep::Kind;
    if (step.kind == Kind::read) return 0;
    if (dead_.contains(caller)) return EIO;
    if (!calm_ && dice_.chance(profile_.crash_on_disk)) {
        trace_.add("node{}.{} crash at disk step {} of {}", caller.node, caller.life,
                   static_cast<int>(step.kind), step.file.filename().string());
        crash(caller);
        return EIO;
    }
    Node& node = nodes_[caller.node];
    const int error = fault(caller, step);
    if (error != 0) {
        faults_[caller.node] = clock_.steady();
        trace_.add("node{} disk step {} of {} fails with {}", caller.node,
                   static_cast<int>(step.kind), step.file.filename().string(), error);
        if (step.kind == Kind::sync) {
            File& file = node.files[step.file];
            if (file.doubtful_to == 0) file.doubtful_from = file.durable;
            file.doubtful_to = size_of(step.file);
        }
        return error;
    }
    switch (step.kind) {
        case Kind::create: node.files[step.file] = {}; break;
        case Kind::write:
        case Kind::read: break;
        case Kind::sync: synced(caller, step.file, node.files[step.file]); break;
        case Kind::remove:
            if (node.files.contains(step.file)) node.removed[step.file] = bytes_of(step.file);
            node.files.erase(step.file);
            break;
        case Kind::sync_folder:
            for (auto& [path, file] : node.files) file.named = true;
            node.removed.clear();
            break;
    }
    return 0;
}

void Disks::synced(Caller caller, const fs::path& path, File& file) {
    if (profile_.sabotage == Sabotage::disk_lies) return;
    const std::uintmax_t size = size_of(path);
    const std::string fresh =
        bytes_of(path, std::min(size, std::max(file.durable, file.doubtful_to)));
    for (const std::string_view line : base::split(fresh, '\n')) {
        learn_record(caller.node, line);
    }
    file.durable = size;
}

// A line of the outbox: checksum, visit, number, and the JSON of a record.
void Disks::learn_record(int node, std::string_view line) {
    const std::size_t start = line.find('{');
    if (start == std::string_view::npos) return;
    const auto record = base::try_parse_json(line.substr(start));
    if (!record) return;
    const std::string kind = record->value("kind", "");
    const std::vector<std::string_view> words = base::split(line.substr(0, start), ' ');
    if (kind == "end" && words.size() > 2) ends_.emplace(words[1]);
    if (kind != "intent" && kind != "outcome") return;
    if (kind == "outcome" && profile_.sabotage == Sabotage::loses_outcomes) return;
    (kind == "intent" ? intents_ : outcomes_)
        .insert({node, record->at("tickId").get<std::string>(), record->at("seq").get<int>()});
}

void Disks::lose_unsynced(int number) {
    Node& node = nodes_[number];
    for (const auto& [path, file] : node.files) {
        if (!fs::exists(path)) continue;
        if (!file.named && dice_.chance(0.5)) {
            trace_.add("disk{}: {} was never there", number, path.filename().string());
            fs::remove(path);
            continue;
        }
        std::string bytes = bytes_of(path);
        if (file.doubtful_to > file.doubtful_from && dice_.chance(0.5)) {
            // The kernel threw these pages away when it could not write them.
            const auto end = std::min<std::size_t>(bytes.size(), file.doubtful_to);
            for (std::size_t i = file.doubtful_from; i < end; ++i) bytes[i] = '\0';
            write_bytes(path, bytes);
            damaged_.insert(path.stem().string());
        }
        if (bytes.size() <= file.durable) continue;
        const auto kept = static_cast<std::size_t>(
            dice_.between(static_cast<int>(file.durable), static_cast<int>(bytes.size())));
        trace_.add("disk{}: of {} {} bytes stay, {} were synced, {} written", number,
                   path.filename().string(), kept, file.durable, bytes.size());
        if (dice_.chance(0.3)) {
            // Its length was known to the file system, its end was not yet written.
            for (std::size_t i = kept; i < bytes.size(); ++i) bytes[i] = '\0';
        } else {
            bytes.resize(kept);
        }
        write_bytes(path, bytes);
    }
    for (const auto& [path, bytes] : node.removed) {
        if (!dice_.chance(0.3)) continue;
        trace_.add("disk{}: {} is back", number, path.filename().string());
        write_bytes(path, bytes);
    }
    learn(node, number);
}

void Disks::settle(int number) {
    learn(nodes_[number], number);
}

// What a new process finds is on the disk.
void Disks::learn(Node& node, int number) {
    node = {};
    if (!fs::is_directory(folder(number))) return;
    for (const auto& item : fs::directory_iterator(folder(number))) {
        if (!item.is_regular_file()) continue;
        node.files[item.path()] = {.durable = size_of(item.path()), .named = true};
    }
}

}  // namespace simulation
