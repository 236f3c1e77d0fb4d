#include "auth/keys/administration.hpp"

namespace auth {

std::vector<KeyLine> list_keys(base::Postgres& database, base::Clock& clock,
                               const base::Secret& secret) {
    const base::Moment now = clock.now();
    const auto keys = database.transact(
        [&](base::Transaction& transaction) { return read_keys(transaction, secret, now); });
    std::vector<KeyLine> lines;
    const KeyRow* signer = signing_key(keys, now);
    for (const KeyRow& key : keys) {
        const char* state = key.private_key.empty() ? "unreadable"
                            : &key == signer        ? "signs"
                            : key.signs_from > now  ? "published"
                                                    : "verifies";
        lines.push_back({key.kid, state, key.signs_from, key.verifies_until});
    }
    return lines;
}

Rotated rotate_keys(base::Postgres& database, base::Clock& clock, const base::Secret& secret,
                    Rotation rotation) {
    return database.transact([&](base::Transaction& transaction) {
        return rotate_keys(transaction, secret, rotation, clock.now());
    });
}

}  // namespace auth
