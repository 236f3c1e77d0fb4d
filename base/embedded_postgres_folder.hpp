// The files of the embedded cluster: layout, checks, secrets, configuration. For
// base/embedded_postgres*.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "base/state_directory.hpp"

namespace base {

struct EmbeddedFolder {
    std::filesystem::path root;  // Absolute.
    UnixUser user;               // Whom its files belong to and its processes run as.

    std::filesystem::path data() const { return root / "data"; }
    std::filesystem::path socket() const { return root / "socket"; }
    std::filesystem::path log() const { return root / "log"; }
    // Exists while initdb is under way: what it left behind after a crash is ours to remove.
    std::filesystem::path unfinished() const { return root / "initdb.unfinished"; }
};

// Makes the folders that are missing; refuses a path too long for a socket.
EmbeddedFolder open_embedded_folder(const std::filesystem::path& path);

// Whether a cluster of ours is there; false: initdb is needed (a half-made one is removed).
// Failure::conflict for anything that is not ours.
bool has_embedded_cluster(const EmbeddedFolder& folder);

// Folder of initdb and postgres: `wanted` when given; else the installed ones that fit the
// cluster's version, or the newest. Failure::conflict when no installed version fits the cluster.
std::filesystem::path find_embedded_binaries(const EmbeddedFolder& folder,
                                             const std::filesystem::path& wanted);

// The role's password; made on first use.
Secret embedded_secret(const EmbeddedFolder& folder, std::string_view role);

void write_embedded_settings(const EmbeddedFolder& folder, bool durable);
void include_embedded_settings(const EmbeddedFolder& folder);  // Once, after initdb.

void bound_embedded_log(const EmbeddedFolder& folder);  // Keeps one older file, log.1.
std::string embedded_log_tail(const EmbeddedFolder& folder);

void write_embedded_file(const EmbeddedFolder& folder, const std::filesystem::path& path,
                         std::string_view text);

}  // namespace base
