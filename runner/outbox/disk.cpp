#include "runner/outbox/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/failure.hpp"

namespace runner {

namespace {

constexpr std::size_t disk_block_bytes = 4'096;

std::string disk_error(std::string_view act, const std::filesystem::path& path) {
    return fmt::format("cannot {} {}: {}", act, path.filename().string(), std::strerror(errno));
}

}  // namespace

Disk::Disk(DiskFaults faults) {
    if (faults) faults_ = std::make_shared<const DiskFaults>(std::move(faults));
}

Disk::File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

Disk::File& Disk::File::operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
}

Disk::File::~File() {
    if (fd_ >= 0) ::close(fd_);
}

bool Disk::refuses(DiskStep::Kind kind, const std::filesystem::path& path,
                   std::size_t bytes) const {
    if (!faults_) return false;
    errno = (*faults_)({.kind = kind, .file = path, .bytes = bytes});
    return errno != 0;
}

std::string Disk::create(const std::filesystem::path& path, File& file, bool replace) const {
    if (refuses(DiskStep::Kind::create, path)) return disk_error("create", path);
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (replace ? O_TRUNC : O_EXCL);
    File made;
    made.fd_ = ::open(path.c_str(), flags, 0600);
    if (made.fd_ < 0) return disk_error("create", path);
    made.path_ = path;
    file = std::move(made);
    return {};
}

std::string Disk::write(const File& file, std::uint64_t offset, std::string_view bytes) const {
    const bool refused = refuses(DiskStep::Kind::write, file.path_, bytes.size());
    const int why = errno;
    const std::size_t accepted = refused ? bytes.size() / 2 : bytes.size();
    for (std::size_t done = 0; done < accepted;) {
        const ssize_t count = ::pwrite(file.fd_, bytes.data() + done, accepted - done,
                                       static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) errno = EIO;  // No progress and no reason given.
        if (count <= 0) return disk_error("write", file.path_);
        done += static_cast<std::size_t>(count);
    }
    if (!refused) return {};
    errno = why;
    return disk_error("write", file.path_);
}

std::string Disk::sync(const File& file) const {
    if (refuses(DiskStep::Kind::sync, file.path_)) return disk_error("sync", file.path_);
    return ::fdatasync(file.fd_) != 0 ? disk_error("sync", file.path_) : std::string();
}

std::string Disk::cut(const File& file, std::uint64_t bytes) const {
    if (::ftruncate(file.fd_, static_cast<off_t>(bytes)) == 0) return {};
    return disk_error("cut", file.path_);
}

std::string Disk::remove(const std::filesystem::path& path) const {
    if (refuses(DiskStep::Kind::remove, path)) return disk_error("delete", path);
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return disk_error("delete", path);
}

std::string Disk::rename(const std::filesystem::path& from, const std::filesystem::path& to) const {
    if (refuses(DiskStep::Kind::remove, from)) return disk_error("move", from);
    return ::rename(from.c_str(), to.c_str()) != 0 ? disk_error("move", from) : std::string();
}

std::string Disk::link(const std::filesystem::path& from, const std::filesystem::path& to) const {
    if (refuses(DiskStep::Kind::create, to)) return disk_error("create", to);
    if (::link(from.c_str(), to.c_str()) == 0 || errno == EEXIST) return {};
    return disk_error("create", to);
}

std::string Disk::sync_folder(const std::filesystem::path& folder) const {
    if (refuses(DiskStep::Kind::sync_folder, folder)) return disk_error("sync", folder);
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return disk_error("open", folder);
    std::string error = ::fsync(fd) == 0 ? std::string() : disk_error("sync", folder);
    ::close(fd);
    return error;
}

std::string Disk::write_whole(const std::filesystem::path& path, std::string_view text) const {
    File file;
    if (std::string error = create(path, file, /*replace=*/true); !error.empty()) return error;
    if (std::string error = write(file, 0, text); !error.empty()) return error;
    if (std::string error = sync(file); !error.empty()) return error;
    return sync_folder(path.parent_path());
}

Disk::Content Disk::read(const std::filesystem::path& path) const {
    Content content;
    const bool refused = refuses(DiskStep::Kind::read, path);
    const int fd = refused ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status{};
    bool opened = fd >= 0 && ::fstat(fd, &status) == 0;
    if (opened && static_cast<std::uint64_t>(status.st_size) > read_bytes_max) {
        errno = EFBIG;
        opened = false;
    }
    if (!opened) {
        content.error = errno;
        content.reason =
            fmt::format("cannot read {}: {}", path.string(), std::strerror(content.error));
        if (fd >= 0) ::close(fd);
        return content;
    }
    std::string& text = content.text;
    text.resize(static_cast<std::size_t>(status.st_size));
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t count =
            ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) break;
        // A bad block: its zeros count as damage, what follows is read all the same.
        const std::size_t step = count > 0 ? static_cast<std::size_t>(count)
                                           : disk_block_bytes - done % disk_block_bytes;
        done = std::min(text.size(), done + step);
    }
    ::close(fd);
    return content;
}

std::string read_all_there_is(const std::filesystem::path& path) {
    Disk::Content content = Disk().read(path);
    if (content.error != 0) {
        throw base::Failure{base::Failure::Kind::unavailable, std::move(content.reason)};
    }
    return std::move(content.text);
}

}  // namespace runner
