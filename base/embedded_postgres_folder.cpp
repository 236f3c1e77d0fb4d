#include "base/embedded_postgres_folder.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "base/crypto.hpp"
#include "base/embedded_postgres_process.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"

namespace base {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t embedded_socket_bytes_max = 107;
constexpr std::uintmax_t embedded_log_bytes_max = 4 * 1024 * 1024;
constexpr std::string_view embedded_settings_name = "persona-runner.conf";

Failure embedded_conflict(std::string reason) {
    return {Failure::Kind::conflict, reason, "cluster_conflict"};
}

void embedded_make_folder(const fs::path& path, const UnixUser& user, mode_t mode) {
    const bool made = ::mkdir(path.c_str(), mode) == 0;
    if (!made && errno != EEXIST) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} cannot be made: {}", path.string(), std::strerror(errno)));
    }
    const bool given = ::geteuid() != 0 || ::chown(path.c_str(), user.uid, user.gid) == 0;
    if (!given || ::chmod(path.c_str(), mode) != 0) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} cannot be given to user {}: {}", path.string(), user.name,
                                  std::strerror(errno)));
    }
}

UnixUser embedded_self() {
    const struct passwd* entry = ::getpwuid(::geteuid());
    return {.uid = ::geteuid(),
            .gid = ::getegid(),
            .name = entry != nullptr ? entry->pw_name : fmt::format("uid {}", ::geteuid())};
}

// "15" of a cluster or of "postgres (PostgreSQL) 15.4 (Debian …)"; 0 when there is none.
int embedded_major(std::string_view text) {
    const auto digit = text.find_first_of("0123456789");
    int major = 0;
    if (digit != std::string_view::npos) {
        std::from_chars(text.data() + digit, text.data() + text.size(), major);
    }
    return major;
}

int embedded_cluster_major(const EmbeddedFolder& folder) {
    const fs::path file = folder.data() / "PG_VERSION";
    return fs::exists(file) ? embedded_major(read_small_file(file, 64)) : 0;
}

bool embedded_has_programs(const fs::path& binaries) {
    return ::access((binaries / "initdb").c_str(), X_OK) == 0 &&
           ::access((binaries / "postgres").c_str(), X_OK) == 0;
}

// Every folder that may hold the programs, the likeliest first.
std::vector<fs::path> embedded_candidates(const UnixUser& user) {
    std::vector<fs::path> folders;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
        folders.push_back(entry.path() / "bin");
    }
    std::sort(folders.begin(), folders.end(), [](const fs::path& one, const fs::path& other) {
        return embedded_major(one.string()) > embedded_major(other.string());
    });
    const char* variable = std::getenv("PATH");
    const std::string path = variable != nullptr ? variable : "/usr/bin:/bin";
    for (const std::string_view part : split(path, ':')) {
        if (part.starts_with('/')) folders.emplace_back(part);
    }
    for (const std::string_view part : split(path, ':')) {
        const fs::path config = fs::path(part) / "pg_config";
        if (!part.starts_with('/') || ::access(config.c_str(), X_OK) != 0) continue;
        const std::string told = embedded_output({config.string(), "--bindir"}, user);
        if (!trim(told).empty()) folders.emplace_back(trim(told));
    }
    return folders;
}

}  // namespace

EmbeddedFolder open_embedded_folder(const fs::path& path) {
    EmbeddedFolder folder;
    folder.root = fs::absolute(path).lexically_normal();
    if (!folder.root.has_filename()) folder.root = folder.root.parent_path();
    const std::size_t length = (folder.socket() / ".s.PGSQL.5432").string().size();
    if (length > embedded_socket_bytes_max) {
        throw Failure(
            Failure::Kind::invalid,
            fmt::format("{} is too long for PostgreSQL's socket: the path of a socket has at "
                        "most {} bytes, this one would have {}; choose a state directory "
                        "with a shorter path",
                        folder.root.string(), embedded_socket_bytes_max, length));
    }
    std::error_code error;
    fs::create_directories(folder.root.parent_path(), error);
    if (error) {
        throw Failure(Failure::Kind::invalid,
                      fmt::format("{} cannot be made: {}", folder.root.parent_path().string(),
                                  error.message()));
    }
    folder.user = ::geteuid() == 0 ? settle_owner_of(folder.root) : embedded_self();
    refuse_unreachable(folder.root, folder.user);
    embedded_make_folder(folder.root, folder.user, 0750);
    embedded_make_folder(folder.socket(), folder.user, 0750);
    return folder;
}

bool has_embedded_cluster(const EmbeddedFolder& folder) {
    if (fs::exists(folder.unfinished())) {
        fs::remove_all(folder.data());
        return false;
    }
    if (!fs::exists(folder.data()) || fs::is_empty(folder.data())) return false;
    const bool ours = fs::exists(folder.data() / embedded_settings_name) &&
                      fs::exists(folder.root / "postgres.secret");
    if (embedded_cluster_major(folder) == 0 || !ours) {
        throw embedded_conflict(fmt::format(
            "{} is not empty and was not made by this program, so it is left alone; choose another "
            "state directory, or move that folder away, or set DATABASE_URL to use the server that "
            "it belongs to",
            folder.data().string()));
    }
    return true;
}

fs::path find_embedded_binaries(const EmbeddedFolder& folder, const fs::path& wanted) {
    const int cluster = embedded_cluster_major(folder);
    const auto candidates =
        wanted.empty() ? embedded_candidates(folder.user) : std::vector<fs::path>{wanted};
    int found = 0;
    for (const fs::path& binaries : candidates) {
        if (!embedded_has_programs(binaries)) continue;
        const std::string program = (binaries / "postgres").string();
        const int major = embedded_major(embedded_output({program, "--version"}, folder.user));
        if (major != 0 && (cluster == 0 || major == cluster)) return binaries;
        found = std::max(found, major);
    }
    if (found == 0) {
        throw Failure(
            Failure::Kind::missing,
            "no PostgreSQL server is installed (initdb and postgres were looked for in "
            "/usr/lib/postgresql/*/bin, PATH and pg_config --bindir); install the package "
            "postgresql or set DATABASE_URL",
            "postgres_missing");
    }
    throw embedded_conflict(fmt::format(
        "{} is a cluster of PostgreSQL {}, but version {} is installed; it is left alone. Install "
        "postgresql-{}, or move the data with pg_upgrade (or pg_dumpall under the old version and "
        "psql under the new one), or choose another state directory",
        folder.data().string(), cluster, found, cluster));
}

void write_embedded_file(const EmbeddedFolder& folder, const fs::path& path,
                         std::string_view text) {
    write_file_durably(path, text, 0600);
    if (::geteuid() == 0 && ::chown(path.c_str(), folder.user.uid, folder.user.gid) != 0) {
        throw Failure(Failure::Kind::internal,
                      fmt::format("{} cannot be given to user {}: {}", path.string(),
                                  folder.user.name, std::strerror(errno)));
    }
}

Secret embedded_secret(const EmbeddedFolder& folder, std::string_view role) {
    const fs::path file = folder.root / fmt::format("{}.secret", role);
    if (!fs::exists(file)) write_embedded_file(folder, file, random_text(32, alphanumeric));
    return Secret(std::string(trim(read_small_file(file, 256))));
}

void write_embedded_settings(const EmbeddedFolder& folder, bool durable) {
    std::string socket;
    for (const char byte : folder.socket().string()) {
        socket += byte;
        if (byte == '\'' || byte == '\\') socket += byte;
    }
    // Errors are not logged: they quote what people wrote, and our side logs them without it.
    const std::string settings = fmt::format(
        "# Written at every start; changes belong into postgresql.auto.conf (alter system).\n"
        "listen_addresses = ''\nunix_socket_directories = '{}'\nunix_socket_permissions = 0770\n"
        "port = 5432\nmax_connections = 100\npassword_encryption = scram-sha-256\n"
        "shared_buffers = 64MB\nmaintenance_work_mem = 64MB\nmax_wal_size = 256MB\n"
        "wal_level = minimal\nmax_wal_senders = 0\njit = off\n"
        "timezone = 'UTC'\nlog_timezone = 'UTC'\nlc_messages = 'C'\n"
        "logging_collector = off\nlog_destination = 'stderr'\nlog_line_prefix = '%m [%p] '\n"
        "log_min_messages = log\nlog_min_error_statement = panic\nlog_checkpoints = off\n"
        "log_autovacuum_min_duration = -1\ncluster_name = 'persona-runner'\n{}",
        socket, durable ? "" : "fsync = off\nfull_page_writes = off\n");
    write_embedded_file(folder, folder.data() / embedded_settings_name, settings);
    write_embedded_file(folder, folder.data() / "pg_hba.conf", "local all all scram-sha-256\n");
}

void include_embedded_settings(const EmbeddedFolder& folder) {
    const fs::path file = folder.data() / "postgresql.conf";
    const std::string text = read_small_file(file, 1024 * 1024);
    write_embedded_file(folder, file,
                        text + fmt::format("\ninclude = '{}'\n", embedded_settings_name));
}

void bound_embedded_log(const EmbeddedFolder& folder) {
    std::error_code none;
    const auto bytes = fs::file_size(folder.log(), none);
    if (none || bytes <= embedded_log_bytes_max) return;
    // The server keeps its file open and appends, so the file is emptied, not moved.
    fs::copy_file(folder.log(), folder.root / "log.1", fs::copy_options::overwrite_existing, none);
    fs::resize_file(folder.log(), 0, none);
}

std::string embedded_log_tail(const EmbeddedFolder& folder) {
    constexpr std::streamoff tail_bytes_max = 1500;
    std::ifstream file(folder.log(), std::ios::binary | std::ios::ate);
    if (!file) return "(no log)";
    const std::streamoff size = file.tellg();
    const std::streamoff length = std::min(size, tail_bytes_max);
    file.seekg(size - length);
    std::string text(static_cast<std::size_t>(length), '\0');
    file.read(text.data(), length);
    const auto newline = text.find('\n');
    if (size > length && newline != std::string::npos) text.erase(0, newline + 1);
    return clean_utf8(trim(text));
}

}  // namespace base
