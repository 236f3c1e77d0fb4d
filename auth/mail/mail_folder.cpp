#include "auth/mail/mail_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include <fmt/chrono.h>

#include "base/crypto.hpp"
#include "base/failure.hpp"

namespace auth {

namespace {

constexpr std::size_t mail_files_max = 1'000;
constexpr std::string_view mail_sender = "Mana <noreply@mana.how>";

[[noreturn]] void mail_fail(const std::filesystem::path& file) {
    throw base::Failure(base::Failure::Kind::unavailable,
                        "the mail " + file.filename().string() +
                            " could not be written; check space and rights of the mail folder");
}

void mail_write(const std::filesystem::path& file, std::string_view bytes) {
    const int handle = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (handle < 0) mail_fail(file);
    while (!bytes.empty()) {
        const ssize_t written = ::write(handle, bytes.data(), bytes.size());
        if (written <= 0) break;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    const bool kept = ::fsync(handle) == 0;
    if (::close(handle) != 0 || !kept || !bytes.empty()) {
        ::unlink(file.c_str());
        mail_fail(file);
    }
}

// A header value on one line: whoever registers chooses part of it.
std::string mail_header(std::string_view text) {
    std::string line;
    for (const char letter : text) {
        if (static_cast<unsigned char>(letter) >= ' ' && letter != 0x7f) line += letter;
    }
    return line;
}

}  // namespace

MailFolder::MailFolder(std::filesystem::path folder, base::Clock& clock)
    : folder_(std::move(folder)), clock_(clock) {
    if (folder_.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (!error) {
        std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, error);
    }
    if (error) {
        throw base::Failure(base::Failure::Kind::unavailable,
                            "the mail folder cannot be made: " + error.message());
    }
}

void MailFolder::send(const Letter& letter) {
    if (folder_.empty()) {
        throw base::Failure(base::Failure::Kind::unavailable,
                            "no mail folder is configured, so no mail can be sent");
    }
    const base::Moment now = clock_.now();
    const std::string date = fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000",
                                         std::chrono::floor<std::chrono::seconds>(now));
    const std::string id = base::to_iso(now) + "-" + base::random_text(8, base::alphanumeric);
    const std::string text =
        "From: " + std::string(mail_sender) + "\r\nTo: " + mail_header(letter.to) +
        "\r\nSubject: =?UTF-8?B?" + base::to_base64(mail_header(letter.subject)) +
        "?=\r\nDate: " + date + "\r\nMessage-ID: <" + base::random_id() +
        "@mana.how>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n" +
        letter.html;

    const std::lock_guard lock(mutex_);
    const std::filesystem::path draft = folder_ / (id + ".part");
    mail_write(draft, text);
    std::error_code error;
    std::filesystem::rename(draft, folder_ / (id + ".eml"), error);
    if (error) mail_fail(draft);
    drop_oldest();
}

void MailFolder::drop_oldest() {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
        if (entry.path().extension() == ".eml") files.push_back(entry.path());
    }
    if (files.size() <= mail_files_max) return;
    std::sort(files.begin(), files.end());  // Names begin with the time.
    for (std::size_t i = 0; i + mail_files_max < files.size(); ++i) {
        std::filesystem::remove(files[i], error);
    }
}

}  // namespace auth
