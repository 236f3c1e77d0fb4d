// What the service can be told. The daemon fills it from its configuration; production rules
// (no development default of a secret) are checked there and again by Service's constructor.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace auth {

inline constexpr const char* development_service_key = "dev-service-key";
inline constexpr const char* development_secret = "better-auth-secret-12345678901234567890";

struct Options {
    std::string address = "127.0.0.1";
    int port = 3001;       // 0: any free one.
    std::string base_url;  // JWT issuer and base of mailed links; empty: the real address.
    base::Secret secret{development_secret};  // Keys for all purposes are derived from it.
    int key_days = 90;                        // A new signing key after so many; 0: never.
    base::Secret service_key{development_service_key};
    // Personas' passwords are derived from it; theirs are then stored in a light form. Empty: none.
    base::Secret seed_secret;
    std::string audience = "mana";
    std::string cookie_domain;  // Empty: cookies belong to this host alone.
    bool production = false;

    std::vector<std::string> cors_origins{"http://localhost:5173"};
    // Beside these, the origin of base_url and the CORS origins are trusted. Production does
    // without those on localhost.
    std::vector<std::string> trusted_origins{"https://mana.how", "https://auth.mana.how",
                                             "https://whopxl.mana.how", "http://localhost:3001",
                                             "http://localhost:5173"};
    // Passkeys. Empty: the cookies' domain or the host of base_url; the CORS origins and base_url.
    std::string webauthn_rp_id;
    std::string webauthn_rp_name = "Mana";
    std::vector<std::string> webauthn_origins;

    // Addresses and ranges whose X-Forwarded-For is believed, counted from the right.
    std::vector<std::string> trusted_proxies;

    // Other services. Mails go to notify_url; without it they become files in mail_folder (made
    // when missing), which production refuses. What the others would hear is left out when empty.
    std::string notify_url, credits_url, mailbox_url, subscriptions_url;
    std::filesystem::path mail_folder;  // Empty: mails wait in the database.
    // Where the product keeps users' records, asked each time: the hosted product starts after this
    // service. Any thread. Not set or empty: no product.
    std::function<std::string()> product_url;
    std::string web_url;  // Where users' pages are: mailed links lead there by default.

    int daily_signups_max = 0;    // 0: no cap.
    bool address_limits = false;  // Limits per client address; always on in production.
    int scrypt_parallel_max = 2;  // Each takes 32 MiB and a core.
    int scrypt_waiting_max = 32;  // Past it: 503. Fewer than the listener has threads.

    std::string timezone = "UTC";  // Of the personas' slots.
    bool database_time = false;    // Of leases, slots, visits; else this host's clock, for tests.
    std::chrono::seconds visit_deadline{600};
    std::chrono::seconds spread{0};  // Of the personas' starts: they are delayed by up to this.
};

}  // namespace auth
