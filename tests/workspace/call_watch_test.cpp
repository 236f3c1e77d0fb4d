#include "workspace/call_watch.hpp"

#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using base::Json;

struct KeptStream final : base::StreamWriter {
    bool write(std::string_view bytes) override {
        text += bytes;
        return is_open;
    }
    bool open() const override { return is_open; }
    void reset() override { is_open = false; }

    std::string text;
    bool is_open = true;
};

Json request_with(const Json& token) {
    return {{"id", 1}, {"params", {{"_meta", {{"progressToken", token}}}}}};
}

TEST(CallWatch, TellsGrowingProgressToWhoAskedForIt) {
    KeptStream stream;
    workspace::StreamWatch watch(stream, request_with("p1"), nullptr);

    watch.progress(0, 3, "");
    watch.progress(2, 3, "two feeds");
    watch.progress(1, 3, "late");

    EXPECT_EQ(stream.text,
              "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
              "{\"progressToken\":\"p1\",\"progress\":0.0,\"total\":3.0}}\n\n"
              "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
              "{\"progressToken\":\"p1\",\"progress\":2.0,\"total\":3.0,\"message\":\"two feeds\"}}"
              "\n\n");
}

TEST(CallWatch, SaysNothingWithoutAToken) {
    KeptStream stream;
    for (const Json& request : {Json{{"id", 1}}, request_with(nullptr), request_with(1.5)}) {
        workspace::StreamWatch(stream, request, nullptr).progress(1, 2, "x");
    }
    EXPECT_EQ(stream.text, "");
}

TEST(CallWatch, IsCancelledByItsFlagOrByTheEndOfTheStream) {
    KeptStream stream;
    const auto flag = std::make_shared<std::atomic<bool>>(false);
    const workspace::StreamWatch session(stream, request_with(1), flag);
    const workspace::StreamWatch stateless(stream, request_with(1), nullptr);

    EXPECT_FALSE(session.cancelled());
    EXPECT_FALSE(stateless.cancelled());
    stream.is_open = false;
    EXPECT_FALSE(session.cancelled()) << "a session's call goes on when its stream ends";
    EXPECT_TRUE(stateless.cancelled());
    *flag = true;
    EXPECT_TRUE(session.cancelled());
}

}  // namespace
