#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/failure.hpp"
#include "base/state_directory.hpp"

namespace base {

namespace {

Failure files_failure(const std::filesystem::path& path, std::string_view what, int error) {
    auto kind = Failure::Kind::internal;
    if (error == ENOENT) kind = Failure::Kind::missing;
    if (error == EACCES || error == EPERM) kind = Failure::Kind::forbidden;
    if (error == ENOSPC || error == EDQUOT || error == EIO) kind = Failure::Kind::unavailable;
    return {kind, fmt::format("{} cannot be {}: {}", path.string(), what, std::strerror(error))};
}

// A file descriptor that closes itself.
struct FilesHandle {
    int fd = -1;
    explicit FilesHandle(int opened) : fd(opened) {}
    FilesHandle(const FilesHandle&) = delete;
    FilesHandle& operator=(const FilesHandle&) = delete;
    ~FilesHandle() {
        if (fd >= 0) ::close(fd);
    }
};

bool files_put(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

void write_file_durably(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
    const std::filesystem::path temporary = path.string() + ".new";
    // A left-over of a crash may have another mode or owner.
    if (::unlink(temporary.c_str()) != 0 && errno != ENOENT) {
        throw files_failure(temporary, "removed", errno);
    }
    {
        const FilesHandle file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
        if (file.fd < 0) throw files_failure(temporary, "made", errno);
        if (::fchmod(file.fd, mode) != 0 || !files_put(file.fd, bytes) || ::fsync(file.fd) != 0) {
            const int error = errno;
            ::unlink(temporary.c_str());
            throw files_failure(path, "written", error);
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        throw files_failure(path, "replaced", error);
    }
    const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const FilesHandle folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.fd < 0 || ::fsync(folder.fd) != 0) throw files_failure(path, "made durable", errno);
}

std::string read_small_file(const std::filesystem::path& path, std::size_t bytes_max) {
    const FilesHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.fd < 0) throw files_failure(path, "read", errno);
    std::string text;
    char block[4096];
    for (;;) {
        const ssize_t count = ::read(file.fd, block, sizeof block);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw files_failure(path, "read", errno);
        if (count == 0) return text;
        text.append(block, static_cast<std::size_t>(count));
        if (text.size() > bytes_max) {
            throw Failure(Failure::Kind::invalid,
                          fmt::format("{} is longer than {} bytes", path.string(), bytes_max));
        }
    }
}

}  // namespace base
