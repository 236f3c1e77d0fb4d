#include "sim/faults.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/text.hpp"

namespace sim {

namespace {

constexpr std::size_t faults_rules_max = 10'000;
constexpr long faults_number_max = 1'000'000'000;

[[noreturn]] void faults_refuse(const std::string& reason) {
    throw base::Failure(base::Failure::Kind::invalid, "fault: " + reason);
}

long faults_number(std::string_view name, std::string_view text) {
    long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0 ||
        number > faults_number_max) {
        faults_refuse(fmt::format("{} needs a number from 0 to {}, not \"{}\"", name,
                                  faults_number_max, text));
    }
    return number;
}

void faults_set_kind(Fault& fault, std::string_view name, std::string_view value) {
    const long number = faults_number(name, value);
    if (name == "status") {
        if (number < 400 || number > 599) faults_refuse("status must lie between 400 and 599");
        fault.kind = Fault::Kind::status;
        fault.status = static_cast<int>(number);
        return;
    }
    if (name == "slow" || name == "late") {
        fault.kind = name == "slow" ? Fault::Kind::slow : Fault::Kind::late;
        fault.wait = std::chrono::milliseconds(number);
        return;
    }
    fault.event = static_cast<std::size_t>(number);
    if (name == "cut") {
        fault.kind = Fault::Kind::cut;
    } else if (name == "end") {
        fault.kind = Fault::Kind::end;
    } else if (name == "silence") {
        fault.kind = Fault::Kind::silence;
    } else if (name == "error") {
        fault.kind = Fault::Kind::error;
        fault.type = "overloaded_error";
    } else {
        faults_refuse(
            fmt::format("unknown kind \"{}\"; valid are status, cut, end, silence, error, "
                        "slow and late",
                        name));
    }
}

}  // namespace

Fault parse_fault(std::string_view text) {
    Fault fault;
    bool first = true;
    for (const std::string_view raw : base::split(text, ';')) {
        const std::string_view word = base::trim(raw);
        const std::size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
        if (first) {
            faults_set_kind(fault, name, value);
            first = false;
        } else if (name == "retry-after") {
            fault.retry_after = value;
        } else if (name == "should-retry") {
            fault.should_retry = value;
        } else if (name == "type") {
            fault.type = value;
        } else if (name == "html") {
            fault.html = true;
        } else {
            faults_refuse(
                fmt::format("unknown detail \"{}\"; valid are retry-after, should-retry, "
                            "type and html",
                            name));
        }
    }
    return fault;
}

void FaultQueue::add(const FaultRule& rule) {
    Waiting waiting{.fault = parse_fault(rule.fault), .rule = rule};
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= faults_rules_max) faults_refuse("the queue is full");
    waiting_.push_back(std::move(waiting));
}

void FaultQueue::clear() {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
}

std::optional<Fault> FaultQueue::take(std::string_view body) {
    const std::lock_guard lock(mutex_);
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
        if (body.find(at->rule.match) == std::string_view::npos) continue;
        if (at->rule.skip > 0) {
            --at->rule.skip;
            continue;
        }
        const Fault fault = at->fault;
        if (at->rule.times == 1) {
            waiting_.erase(at);
        } else if (at->rule.times > 1) {
            --at->rule.times;
        }
        return fault;
    }
    return std::nullopt;
}

}  // namespace sim
