// Any JSON as a JSON-RPC message: a kind, and an id that can be printed.
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "workspace/json_rpc.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message = base::try_parse_json({reinterpret_cast<const char*>(data), size});
    if (!message) return 0;
    std::string fault;
    static_cast<void>(workspace::kind_of(*message, &fault));
    static_cast<void>(base::to_text(workspace::rpc_error(
        workspace::id_of(*message), workspace::RpcCode::invalid_request, fault)));
    return 0;
}
