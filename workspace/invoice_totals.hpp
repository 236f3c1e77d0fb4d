// What an invoice amounts to, in exact cents. Amounts come as decimal numbers and are counted as
// whole hundredths (money, per cent) and thousandths (quantities); each line and each rate's tax is
// rounded once, half away from zero. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.hpp"

namespace workspace {

// The number times 10^places as a whole number; nothing when it has more decimal places. At most
// 10^12 in size.
std::optional<std::int64_t> whole_parts(double number, int places);

// {"net", "vat", "gross", "vatBreakdown": [{"rate", "base", "tax"}]} of lines {"quantity",
// "unitPrice", "vatRate", "discount"?}, which whole_parts() accepts: quantity with 3 places, the
// others with 2. Rates ascend.
base::Json invoice_totals(const base::Json& lines);

// What is wrong with the lines' numbers: "lines[1].unitPrice must have at most 2 decimal places".
std::optional<std::string> invoice_lines_fault(const base::Json& lines);

}  // namespace workspace
