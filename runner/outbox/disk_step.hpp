// One step of the outbox on its disk, and the hook through which tests and the simulation of time
// make a step fail. In a daemon nobody sets the hook.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>

namespace runner {

struct DiskStep {
    enum class Kind {
        create,       // A new file.
        write,        // A write that fails has written its first half.
        sync,         // What was not synced before may be lost: the hook may cut the file itself.
        remove,       // Deleting or moving a file away.
        sync_folder,  // New names and deletions become durable.
        read,         // Opening a file to read it, at the start.
    };
    Kind kind = Kind::write;
    const std::filesystem::path& file;
    std::size_t bytes = 0;  // Of a write.
};

// Called before each step on the worker's thread (on the loop when the worker works inline).
// Answers the errno that the step fails with (ENOSPC, EIO, EFBIG …), or 0: go ahead.
using DiskFaults = std::function<int(const DiskStep&)>;

}  // namespace runner
