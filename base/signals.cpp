#include "base/signals.hpp"

#include <pthread.h>
#include <csignal>
#include <utility>

namespace base {

namespace {

constexpr int signal_thread_end = SIGUSR1;

sigset_t awaited_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, signal_thread_end}) sigaddset(&set, signal);
    return set;
}

}  // namespace

void block_stop_signals() {
    const sigset_t set = awaited_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

SignalThread::SignalThread(std::function<void(int)> arrived)
    : arrived_(std::move(arrived)), thread_([this] { serve(); }) {}

SignalThread::~SignalThread() {
    pthread_kill(thread_.native_handle(), signal_thread_end);
    thread_.join();
}

void SignalThread::serve() {
    const sigset_t set = awaited_signals();
    for (int count = 1;; ++count) {
        int signal = 0;
        if (sigwait(&set, &signal) != 0 || signal == signal_thread_end) return;
        arrived_(count);
    }
}

}  // namespace base
