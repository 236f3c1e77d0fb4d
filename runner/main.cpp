// The program: one verb, one boundary for what goes wrong.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "runner/commands.hpp"
#include "runner/config.hpp"
#include "sim/manual.hpp"

int main(int argc, char** argv) {
    // The boundary: every way out has a message for people and an exit code for scripts.
    try {
        const runner::Config config =
            runner::parse_command_line(argc, argv, runner::process_environment(), sim::manual());
        base::set_log_level(config.log_level);
        return runner::run_verb(config);
    } catch (const runner::Usage& usage) {
        // Asked for help, or a wrong command line.
        std::fputs(usage.text.c_str(), usage.exit_code == 0 ? stdout : stderr);
        return usage.exit_code;
    } catch (const base::Failure& failure) {
        // Not fmt::print, which throws where the terminal is gone.
        std::fputs(fmt::format("persona-runner: {}\n", failure.what()).c_str(), stderr);
        return runner::exit_code_of(failure);
    } catch (const std::exception& error) {
        // Nothing of ours: out of memory, a broken file system.
        std::fputs(fmt::format("persona-runner: stopped: {}\n", error.what()).c_str(), stderr);
        return runner::exit_failed;
    }
}
