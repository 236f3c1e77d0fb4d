#include "runner/logins.hpp"

#include <utility>

#include "base/failure.hpp"
#include "catalog/password.hpp"

namespace runner {

namespace {

bool logins_hold(const clients::Login& login, base::Moment now, std::chrono::milliseconds needed) {
    // A token that does not say when it ends is not trusted to hold.
    return login.expires && *login.expires - now >= needed;
}

}  // namespace

Logins::Logins(base::Loop& loop, clients::Auth& auth, LoginsOptions options, base::Metrics& metrics)
    : loop_(loop), auth_(auth), options_(std::move(options)), metrics_(metrics) {}

base::Task<clients::Login> Logins::enter(std::string email, std::chrono::milliseconds needed) {
    const clients::Login* known = find(email);
    if (known && logins_hold(*known, loop_.clock().now(), needed)) {
        count("memory");
        co_return *known;
    }
    base::Task<clients::Login> way = known ? by_refresh(email, *known) : by_password(email);
    clients::Login login = co_await std::move(way);
    co_return login;
}

base::Task<clients::Login> Logins::renew(std::string email, base::Secret refused) {
    const clients::Login* known = find(email);
    // Somebody may have renewed it while the refusal was under way.
    if (known && known->access_token.reveal() != refused.reveal()) co_return *known;
    base::Task<clients::Login> way = known ? by_refresh(email, *known) : by_password(email);
    clients::Login login = co_await std::move(way);
    co_return login;
}

base::Task<clients::Login> Logins::by_refresh(std::string email, clients::Login login) {
    bool refused = false;
    try {
        login.access_token = co_await auth_.refresh(login.session_token);
    } catch (const base::Failure& failure) {
        // Her session ended: logged out, password changed, too old. The password decides.
        using Kind = base::Failure::Kind;
        refused = failure.kind() == Kind::unauthenticated || failure.kind() == Kind::forbidden ||
                  failure.kind() == Kind::missing;
        if (!refused) throw;
    }
    if (!refused) {
        login.expires = clients::expiry_of(login.access_token);
        count("refresh");
        keep(email, login);
        co_return login;
    }
    forget(email);
    login = co_await by_password(std::move(email));
    co_return login;
}

base::Task<clients::Login> Logins::by_password(std::string email) {
    clients::Login login =
        co_await auth_.log_in(email, catalog::password_of(email, options_.seed_secret));
    count("password");
    keep(email, login);
    co_return login;
}

const clients::Login* Logins::find(const std::string& email) {
    const auto place = places_.find(email);
    if (place == places_.end()) return nullptr;
    kept_.splice(kept_.begin(), kept_, place->second);
    return &place->second->login;
}

void Logins::keep(const std::string& email, const clients::Login& login) {
    forget(email);
    kept_.push_front({email, login});
    places_[email] = kept_.begin();
    if (kept_.size() > options_.personas_max) {
        places_.erase(kept_.back().email);
        kept_.pop_back();
    }
}

void Logins::forget(const std::string& email) {
    const auto place = places_.find(email);
    if (place == places_.end()) return;
    kept_.erase(place->second);
    places_.erase(place);
}

void Logins::count(const char* way) {
    metrics_
        .counter("persona_logins_total", "Logins by way: memory, refresh, password", {{"way", way}})
        .add();
}

}  // namespace runner
