#include "runner/outbox_disk.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <system_error>

#include <fmt/format.h>

namespace runner {

namespace {

std::string errno_text(std::string_view act, const std::filesystem::path& path) {
    return fmt::format("cannot {} {}: {}", act, path.filename().string(), std::strerror(errno));
}

// New names and deletions survive a crash only when their folder is synced.
std::string folder_to_disk(const std::filesystem::path& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno_text("open", folder);
    const bool synced = ::fsync(fd) == 0;
    std::string error = synced ? std::string() : errno_text("sync", folder);
    ::close(fd);
    return error;
}

}  // namespace

VisitFile::VisitFile(std::filesystem::path path, std::size_t bytes_good,
                     std::shared_ptr<const DiskFaults> faults)
    : path_(std::move(path)), faults_(std::move(faults)), bytes_good_(bytes_good) {}

VisitFile::~VisitFile() {
    if (fd_ >= 0) ::close(fd_);
}

// Sets errno when the hook lets the step fail.
int VisitFile::fault(DiskStep::Kind kind, std::size_t bytes) const {
    if (!faults_ || !*faults_) return 0;
    errno = (*faults_)({.kind = kind, .file = path_, .bytes = bytes});
    return errno;
}

std::string VisitFile::open() {
    if (fault(DiskStep::Kind::create) != 0) return errno_text("open", path_);
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) return errno_text("open", path_);
    if (::ftruncate(fd_, static_cast<off_t>(bytes_good_)) != 0) return errno_text("cut", path_);
    return {};
}

std::string VisitFile::append(const std::string& bytes) {
    if (fd_ < 0) {
        if (std::string error = open(); !error.empty()) return error;
    }
    const int refused = fault(DiskStep::Kind::write, bytes.size());
    const std::size_t accepted = refused == 0 ? bytes.size() : bytes.size() / 2;
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = done < accepted ? ::pwrite(fd_, bytes.data() + done, accepted - done,
                                                         static_cast<off_t>(bytes_good_ + done))
                                              : 0;
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            if (done >= accepted) errno = refused;
            std::string error = errno_text("write", path_);
            if (::ftruncate(fd_, static_cast<off_t>(bytes_good_)) != 0)
                error += "; half a line remains";
            return error;
        }
        done += static_cast<std::size_t>(count);
    }
    bytes_good_ += bytes.size();
    return {};
}

void VisitFile::start_sync() {
    // Only a head start: whatever fails here fails in sync(), which tells.
    if (fd_ >= 0) ::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
}

std::string VisitFile::sync() {
    if (fd_ >= 0 && fault(DiskStep::Kind::sync) != 0) return errno_text("sync", path_);
    return fd_ >= 0 && ::fdatasync(fd_) != 0 ? errno_text("sync", path_) : std::string();
}

std::string VisitFile::sync_folder() {
    if (fault(DiskStep::Kind::sync_folder) != 0) return errno_text("sync", path_.parent_path());
    return folder_to_disk(path_.parent_path());
}

std::string VisitFile::finish() {
    if (fault(DiskStep::Kind::remove) != 0) return errno_text("finish", path_);
    std::error_code failed;
    if (move_to.empty()) {
        std::filesystem::remove(path_, failed);
    } else {
        std::ofstream(move_to / (path_.stem().string() + ".reason")) << move_reason << '\n';
        std::filesystem::rename(path_, move_to / path_.filename(), failed);
        if (failed == std::errc::no_such_file_or_directory)
            failed.clear();  // Never reached the disk.
    }
    return failed ? fmt::format("cannot finish {}: {}", path_.filename().string(), failed.message())
                  : std::string();
}

std::vector<std::string> write_to_disk(const std::vector<OutboxWrite>& batch) {
    std::vector<std::string> errors(batch.size());
    std::map<VisitFile*, std::string> touched;  // File -> error of its sync.
    std::map<std::filesystem::path, std::string> folders;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        VisitFile& file = *batch[i].file;
        if (batch[i].bytes.empty()) {
            errors[i] = file.finish();
        } else {
            errors[i] = file.append(batch[i].bytes);
            touched.emplace(&file, std::string());
            if (batch[i].ticket == 1) folders.emplace(file.path().parent_path(), std::string());
        }
    }
    // One file after the other would wait for the disk as often as there are files.
    if (touched.size() > 1) {
        for (auto& [file, error] : touched) file->start_sync();
    }
    for (auto& [file, error] : touched) error = file->sync();
    for (auto& [folder, error] : folders) error = batch.front().file->sync_folder();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (!errors[i].empty() || batch[i].bytes.empty()) continue;
        errors[i] = touched[batch[i].file.get()];
        if (errors[i].empty() && batch[i].ticket == 1) {
            errors[i] = folders[batch[i].file->path().parent_path()];
        }
    }
    return errors;
}

}  // namespace runner
