// The verbs' names, flags and help; CLI11's second half. Only config.cpp includes it.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "runner/config.hpp"

namespace runner {

// What the verbs take beside the settings.
struct VerbOptions {
    std::string config_file, jwt;
    int token_minutes = 15;
    long pacing_ms = 4;
    double top_seconds = 1;
    std::string sim_manual;  // Given: what `sim --help` ends with.
};

struct VerbEntry {
    CLI::App* app;
    Verb verb;
};

// Declares every verb; their options land in `config` and `options`, which outlive the parsing.
std::vector<VerbEntry> add_verbs(CLI::App& app, Config& config, VerbOptions& options);

}  // namespace runner
