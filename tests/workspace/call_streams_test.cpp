#include "workspace/call_streams.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace {

using workspace::CallStreams;
using workspace::KeptWriter;

class Written final : public base::StreamWriter {
  public:
    bool write(std::string_view bytes) override {
        if (is_open) text += bytes;
        return is_open;
    }
    bool open() const override { return is_open; }
    void reset() override { is_open = false; }

    std::string text;
    bool is_open = true;
};

std::string followed(CallStreams::Place place) {
    Written out;
    place.stream->follow(place.last, out);
    return out.text;
}

TEST(CallStreams, GoOnAfterAnyEventOfTheirSession) {
    CallStreams streams;
    const auto stream = streams.begin("s1");
    Written out;
    {
        KeptWriter writer(out, stream);
        writer.write("data: one\n\n");
        out.is_open = false;
        EXPECT_TRUE(writer.open()) << "the call goes on without its client";
        EXPECT_TRUE(writer.write("data: two\n\n"));
    }
    const std::string id = stream->id;
    const std::string one = "id: " + id + "-1\ndata: one\n\n",
                      two = "id: " + id + "-2\ndata: two\n\n";
    EXPECT_EQ(out.text, "id: " + id + "-0\nretry: 1000\ndata: \n\n" + one);

    EXPECT_EQ(followed(streams.find("s1", id + "-0")), one + two);
    EXPECT_EQ(followed(streams.find("s1", id + "-1")), two);
    EXPECT_EQ(followed(streams.find("s1", id + "-2")), "");
    EXPECT_EQ(streams.find("s2", id + "-0").stream, nullptr) << "another session's";
    for (const char* wrong : {"", "-", "x-0", "0"}) {
        EXPECT_EQ(streams.find("s1", wrong).stream, nullptr) << wrong;
    }
    EXPECT_EQ(streams.find("s1", id + "-1x").stream, nullptr);
}

TEST(CallStreams, WaitForWhatIsStillToCome) {
    CallStreams streams;
    const auto stream = streams.begin("s1");
    Written out, again;
    std::thread follower;
    {
        KeptWriter writer(out, stream);
        follower = std::thread([&] { stream->follow(0, again); });
        writer.write("data: late\n\n");
    }
    follower.join();
    EXPECT_EQ(again.text, "id: " + stream->id + "-1\ndata: late\n\n");
}

TEST(CallStreams, AreBounded) {
    CallStreams streams(2);
    const std::string oldest = streams.begin("s1")->id;
    const auto stream = streams.begin("s1");
    streams.begin("s1");
    EXPECT_EQ(streams.find("s1", oldest + "-0").stream, nullptr);

    const std::string large(300 * 1024, 'x');
    EXPECT_EQ(stream->add(large), large) << "written, but not kept";
    stream->end();
    EXPECT_EQ(followed({stream, 0}), "");
}

TEST(CallStreams, WithoutOneAWriterIsLikeAnyOther) {
    Written out;
    KeptWriter writer(out, nullptr);
    EXPECT_TRUE(writer.write("data: x\n\n"));
    EXPECT_EQ(out.text, "data: x\n\n");
    out.is_open = false;
    EXPECT_FALSE(writer.open());
    EXPECT_FALSE(writer.write("y"));
}

}  // namespace
