// The post office: takes mails and calls inside a transaction, delivers them on a thread of its own
// after the commit, and tries again until they are accepted, refused or too late.
//
//   handler ─► queue() ─► auth.outbound ─commit─► worker ─► notify, credits, mail   (HTTP)
//                                                       └─► mail folder             (development)
//
// A delivery may happen twice when the process dies between sending and writing that down: each
// carries its row's id as Idempotency-Key, the same at every attempt.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "auth/mail/letters.hpp"
#include "auth/mail/mail_folder.hpp"
#include "auth/mail/outbound.hpp"
#include "auth/options.hpp"
#include "base/json.hpp"
#include "base/metrics.hpp"

namespace auth {

// What other services of the product are told. Nothing is queued for a service without a URL.
enum class Call {
    credits_init,          // {userId}
    credits_gifts,         // {userId, email}: gifts that wait for the address.
    credits_delete,        // {userId}
    guild_pool_init,       // {organizationId}
    mailbox_created,       // {userId, email, name}
    product_delete,        // {userId}: her records there.
    product_space_delete,  // {organizationId}: whoever's records in a space that is gone.
};

// A space's records are deleted when nobody can be writing into it any more.
inline constexpr std::chrono::minutes space_deletion_pause{2};

struct ServiceCall {
    Call call = Call::credits_init;
    base::Json body;
    std::optional<std::string> once_key;  // The same key is queued once.
    std::chrono::minutes after{0};        // Not told before.
};

// Resource; any thread.
class PostOffice {
  public:
    PostOffice(base::Postgres& database, const Options& options, base::Clock& clock,
               base::Metrics& metrics);
    PostOffice(const PostOffice&) = delete;
    PostOffice& operator=(const PostOffice&) = delete;
    ~PostOffice();  // stop()

    // The worker's thread. What waits from an earlier life is delivered first.
    void start();
    void stop();  // After the delivery under way; the rest waits for the next start.

    // A mail is good for as long as what stands in it: then it is given up.
    void queue(base::Transaction& transaction, const Mail& mail);
    void queue(base::Transaction& transaction, const ServiceCall& call);

    // One pass over what is due, on the caller's thread; answers how much was delivered. Waits for
    // a pass that is under way. The worker does nothing else.
    std::size_t deliver_due();

  private:
    enum class Outcome { delivered, refused, retry, expired };
    struct Result {
        Outcome outcome = Outcome::retry;
        std::string error;
        std::optional<std::chrono::milliseconds> wait;  // As the other side asks.
    };

    void put(base::Transaction& transaction, std::string_view kind, const base::Json& body,
             const std::optional<std::string>& once_key, std::chrono::minutes after,
             std::chrono::minutes life);
    Result deliver(const TakenOutbound& row);
    Result send_mail(const base::Json& body, const std::string& id);
    Result send_http(const std::string& method, const std::string& url, const std::string& body,
                     const std::string& id);
    void settle(const TakenOutbound& row, const Result& result);
    void work();

    base::Postgres& database_;
    const Options& options_;
    base::Clock& clock_;
    base::Metrics& metrics_;
    const base::Secret key_;  // Of the sealed bodies.
    MailFolder folder_;

    std::mutex delivering_;  // One pass at a time.
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    bool queued_ = false;
    std::thread thread_;
};

}  // namespace auth
