// Store: what waits for other services (table auth.outbound). A row is written in the transaction
// of the act it follows from: no mail without its account, no account without its mail.
//
//   waiting ─► delivered            taken, sent, accepted
//      │└────► refused              the other service will never take it
//      └─────► expired              nobody took it in time
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/postgres.hpp"

namespace auth {

inline constexpr int outbound_waiting_max = 20'000;
// While somebody delivers a row, nobody else takes it for so long; longer than a delivery may take.
inline constexpr std::chrono::minutes outbound_lease{2};

struct NewOutbound {
    std::string kind;
    std::optional<std::string> once_key;
    std::string body;  // Sealed.
    base::Moment due_at;
    base::Moment expires_at;
};

// False when the key was queued before. Throws Failure::unavailable when too much waits already.
bool put_outbound(base::Transaction& transaction, const NewOutbound& row, base::Moment now);

struct TakenOutbound {
    std::string id;
    std::string kind;
    std::string body;
    int attempts = 0;  // This one included.
    base::Moment expires_at;
};

// The row that is due longest, of a kind for which none of `paused` is a prefix; it is leased.
std::optional<TakenOutbound> take_outbound(base::Transaction& transaction,
                                           const std::vector<std::string>& paused,
                                           base::Moment now);

// The end of a row (its body goes), unless somebody else has ended it meanwhile.
void end_outbound(base::Transaction& transaction, std::string_view id, std::string_view outcome,
                  std::optional<std::string> error, base::Moment now);
void retry_outbound(base::Transaction& transaction, std::string_view id, base::Moment next_at,
                    std::string_view error);
// Ended rows older than a week, a bounded number of them.
void forget_outbound(base::Transaction& transaction, base::Moment now);

}  // namespace auth
