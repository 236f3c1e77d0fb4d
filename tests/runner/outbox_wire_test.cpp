// The outbox between a disk and a service that both fail: nothing is lost, nothing doubled.
#include "runner/outbox.hpp"

#include <csignal>
#include <fstream>
#include <sstream>

#include <sys/resource.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runner/runner_world.hpp"

namespace {

namespace fs = std::filesystem;
using catalog::Action;
using catalog::Rating;
using catalog::VisitEnd;
using runner_tests::lost_answer;
using runner_tests::refusal;
using runner_tests::RunnerWorld;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

runner::VisitRecords outbox_visit(const std::string& id) {
    runner::VisitRecords visit;
    visit.visit_id = id;
    visit.user_id = "user-" + id;
    visit.persona = "anna";
    // The file keeps milliseconds.
    visit.started_at = std::chrono::floor<std::chrono::milliseconds>(base::SystemClock().now());
    return visit;
}

Action outbox_action(const std::string& visit, int seq, const std::string& module = "todo") {
    Action action;
    action.visit_id = visit;
    action.seq = seq;
    action.module = module;
    action.tool = module + ".create";
    action.input_hash = "ab";
    return action;
}

Action outbox_settled(Action action, Action::Outcome outcome = Action::Outcome::ok) {
    action.outcome = outcome;
    action.latency_ms = 5;
    if (outcome == Action::Outcome::error) action.error_message = "nein";
    return action;
}

Rating outbox_rating(const std::string& visit, const std::string& module = "todo") {
    Rating rating;
    rating.visit_id = visit;
    rating.module = module;
    rating.status = Rating::Status::rated;
    rating.score = 4;
    return rating;
}

VisitEnd outbox_end() {
    VisitEnd end;
    end.status = VisitEnd::Status::finished;
    end.reason = "end_turn";
    return end;
}

std::string outbox_text(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::string> outbox_files(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& item : fs::directory_iterator(folder)) {
        if (item.is_regular_file()) names.push_back(item.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

class OutboxWire : public testing::Test {
  protected:
    void deliver() { world.background.add(world.outbox.deliver()); }
    // Puts a whole visit with so many settled actions.
    void put_visit(const std::string& id, int actions) {
        world.loop.run(world.outbox.open(outbox_visit(id)));
        for (int seq = 1; seq <= actions; ++seq) put_action(id, seq);
        world.loop.run(world.outbox.close(id, {outbox_rating(id)}, outbox_end()));
    }
    void put_action(const std::string& id, int seq) {
        world.loop.run(world.outbox.put_intent(outbox_action(id, seq)));
        world.loop.run(world.outbox.put_outcome(outbox_settled(outbox_action(id, seq))));
    }
    [[nodiscard]] bool delivered() {
        return world.until(
            [this] { return world.outbox.waiting_visits() == 0 && outbox_files(folder).empty(); });
    }
    std::vector<std::string> calls() const {
        std::vector<std::string> names;
        for (const auto& call : world.service.calls()) names.push_back(call.name);
        return names;
    }

    RunnerWorld world;
    const fs::path folder = world.folder.path() / "outbox";
};

TEST_F(OutboxWire, TheIntentIsOnDiskWhenPutIntentReturns) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    world.loop.run(world.outbox.put_intent(outbox_action("v1", 1)));
    const runner::OutboxFile file = runner::read_outbox_file(outbox_text(folder / "v1.visit"));
    EXPECT_FALSE(file.torn);
    ASSERT_EQ(file.visit.actions.size(), 1U);
    EXPECT_FALSE(file.visit.settled[0]);
    world.loop.run(world.outbox.put_outcome(outbox_settled(outbox_action("v1", 1))));
    const auto later = runner::read_outbox_file(outbox_text(folder / "v1.visit")).visit;
    EXPECT_TRUE(later.settled[0]);
    EXPECT_EQ(later, *world.outbox.find("v1"));
}

TEST_F(OutboxWire, FilesAndFoldersAreForTheirOwnerOnly) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    struct stat info{};
    ASSERT_EQ(::stat((folder / "v1.visit").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    for (const fs::path& one : {folder, folder / "broken", folder / "rejected"}) {
        ASSERT_EQ(::stat(one.c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777, 0700U) << one;
    }
}

TEST_F(OutboxWire, DeliversActionsThenRatingsThenTheEndAndDeletesTheFile) {
    put_visit("v1", 3);
    EXPECT_EQ(world.outbox.waiting_visits(), 1U);
    EXPECT_EQ(world.outbox.waiting_records(), 5U);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_THAT(calls(), ElementsAre("actions", "feedback", "finish"));
    EXPECT_EQ(world.service.actions("v1").size(), 3U);
    EXPECT_EQ(world.service.ratings("v1").size(), 1U);
    const base::Json end = *world.service.end_of("v1");
    EXPECT_EQ(end["counts"], (base::Json{{"actions", 3}, {"ratings", 1}}));
    EXPECT_EQ(end["status"], "finished");
    EXPECT_EQ(world.outbox.find("v1"), nullptr);
    EXPECT_EQ(world.outbox.waiting_records(), 0U);
}

TEST_F(OutboxWire, ManyActionsGoInBatchesThatTheServiceTakes) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    base::Group writes(world.loop);
    const int many = static_cast<int>(catalog::actions_per_batch_max) + 50;
    for (int seq = 1; seq <= many; ++seq) {
        writes.add(world.outbox.put_intent(outbox_action("v1", seq)));
        writes.add(world.outbox.put_outcome(outbox_settled(outbox_action("v1", seq))));
    }
    world.loop.run(writes.all());
    world.loop.run(world.outbox.close("v1", {}, outbox_end()));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.actions("v1").size(), static_cast<std::size_t>(many));
    EXPECT_EQ(world.service.count("actions"), 2U);
}

TEST_F(OutboxWire, ActionsOfARunningVisitAreDeliveredBeforeItEnds) {
    deliver();
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    world.loop.run(world.outbox.put_intent(outbox_action("v1", 2)));
    EXPECT_TRUE(world.until([this] { return world.service.actions("v1").size() == 1; }));
    // The open intent stays here: its outcome is not known yet.
    EXPECT_EQ(world.service.actions("v1")[0]["seq"], 1);
    EXPECT_EQ(world.service.count("finish"), 0U);
    EXPECT_TRUE(fs::exists(folder / "v1.visit"));
}

TEST_F(OutboxWire, LostAnswersAreSentAgainWithoutDoubling) {
    for (const char* call : {"actions", "feedback", "finish"}) {
        world.service.then(call, [this, call](const base::ServerRequest& request) {
            world.service.usual(call, request);
            return lost_answer();
        });
    }
    put_visit("v1", 2);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_GE(world.service.count("actions"), 2U);
    EXPECT_GE(world.service.count("finish"), 2U);
    EXPECT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_EQ(world.service.ratings("v1").size(), 1U);
    EXPECT_EQ(world.service.rewrites(), 0U);
    EXPECT_EQ(world.outbox.last_error(), "");
}

TEST_F(OutboxWire, WaitsForAServiceThatIsDownAndSaysWhy) {
    for (int i = 0; i < 4; ++i) world.service.then("actions", refusal(503, "starting"));
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(world.until([this] { return !world.outbox.last_error().empty(); }));
    EXPECT_THAT(world.outbox.last_error(), HasSubstr("503"));
    EXPECT_TRUE(fs::exists(folder / "v1.visit"));
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.outbox.last_error(), "");
    EXPECT_EQ(world.service.count("actions"), 5U);
}

TEST_F(OutboxWire, AWrongServiceKeyKeepsTheRecords) {
    world.service.then("actions", refusal(401, "unknown service key"));
    world.service.then("actions", refusal(403, "not for you"));
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_TRUE(outbox_files(folder / "rejected").empty());
}

TEST_F(OutboxWire, RowsThatTheServiceLostAreSentAgain) {
    world.service.then("finish", [this](const base::ServerRequest& request) {
        world.service.forget_rows();
        return world.service.usual("finish", request);
    });
    put_visit("v1", 2);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_THAT(calls(),
                ElementsAre("actions", "feedback", "finish", "actions", "feedback", "finish"));
    EXPECT_TRUE(world.service.end_of("v1"));
}

TEST_F(OutboxWire, AVisitThatStaysIncompleteIsNeitherDroppedNorHammered) {
    world.service.always("finish", [](const base::ServerRequest&) {
        return refusal(409, "rows are missing", "incomplete");
    });
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(world.until([this] { return !world.outbox.last_error().empty(); }));
    EXPECT_THAT(world.outbox.last_error(), HasSubstr("incomplete although every row was sent"));
    EXPECT_TRUE(fs::exists(folder / "v1.visit"));
    world.service.always("finish", nullptr);
    EXPECT_TRUE(delivered());
}

TEST_F(OutboxWire, AVisitThatWasAlreadyLostIsDone) {
    world.service.then("finish", base::ServerResponse::json({{"ok", true}, {"applied", false}}));
    put_visit("v1", 1);
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_TRUE(outbox_files(folder / "rejected").empty());
}

TEST_F(OutboxWire, TheVisitOfADeletedPersonaIsSetAsideAndTheOthersGoOn) {
    for (const int status : {404, 400}) {
        const std::string id = "gone-" + std::to_string(status);
        world.service.always("actions", [this, status, id](const base::ServerRequest& request) {
            if (request.param("id") == "user-" + id) return refusal(status, "persona gone");
            return world.service.usual("actions", request);
        });
        put_visit(id, 1);
        put_visit("kept-" + std::to_string(status), 1);
        base::Group delivering(world.loop);
        delivering.add(world.outbox.deliver());
        EXPECT_TRUE(delivered());
        EXPECT_TRUE(world.service.end_of("kept-" + std::to_string(status)));
        const fs::path aside = folder / "rejected" / (id + ".visit");
        EXPECT_EQ(runner::read_outbox_file(outbox_text(aside)).visit.visit_id, id);
        EXPECT_THAT(outbox_text(folder / "rejected" / (id + ".reason")),
                    AllOf(HasSubstr(std::to_string(status)), HasSubstr("persona gone")));
    }
    EXPECT_EQ(world.outbox.last_error(), "");
}

TEST_F(OutboxWire, ARunningVisitThatTheServiceRefusesStopsAtItsNextRecord) {
    world.service.always(
        "actions", [](const base::ServerRequest&) { return refusal(404, "no such persona"); });
    deliver();
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    EXPECT_TRUE(world.until([this] { return world.service.count("actions") == 1; }));
    std::string reason;
    for (int seq = 2; reason.empty() && seq < 100; ++seq) {
        reason = world.failure_of(world.outbox.put_intent(outbox_action("v1", seq)));
        if (!reason.empty()) break;
        world.loop.run(world.outbox.put_outcome(outbox_settled(outbox_action("v1", seq))));
    }
    EXPECT_THAT(reason, AllOf(HasSubstr("refuses this visit's records"), HasSubstr("404")));
    EXPECT_EQ(world.service.count("actions"), 1U);
    world.outbox.abandon(
        "v1", runner::end_of_abandoned(*world.outbox.find("v1"), reason, VisitEnd::Source::infra));
    EXPECT_TRUE(delivered());
    EXPECT_THAT(outbox_files(folder / "rejected"), ElementsAre("v1.reason", "v1.visit"));
}

TEST_F(OutboxWire, AbandonedVisitsAreClosedWithUnknownCallsAndMissingRatings) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    world.loop.run(world.outbox.put_intent(outbox_action("v1", 2, "notes")));
    const VisitEnd end =
        runner::end_of_abandoned(*world.outbox.find("v1"), "deadline", VisitEnd::Source::model);
    EXPECT_EQ(end.status, VisitEnd::Status::partial);
    world.outbox.abandon("v1", end);
    world.outbox.abandon("v1", outbox_end());  // The first end stands.
    deliver();
    EXPECT_TRUE(delivered());
    const auto actions = world.service.actions("v1");
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(actions[0]["outcome"], "ok");
    EXPECT_EQ(actions[1]["outcome"], "unknown");
    EXPECT_EQ(actions[1]["result"], "error");
    const auto ratings = world.service.ratings("v1");
    ASSERT_EQ(ratings.size(), 2U);
    for (const base::Json& rating : ratings) {
        EXPECT_EQ(rating["status"], "missing");
        EXPECT_TRUE(rating["rating"].is_null());
        EXPECT_EQ(rating["notes"], "deadline");
    }
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "partial");
    EXPECT_EQ((*world.service.end_of("v1"))["errorSource"], "model");
}

TEST_F(OutboxWire, AVisitWithoutAnyActionFailed) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    world.outbox.abandon("v1", runner::end_of_abandoned(*world.outbox.find("v1"), "login: 401",
                                                        VisitEnd::Source::persona));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "failed");
    EXPECT_THAT(calls(), ElementsAre("finish"));
}

TEST_F(OutboxWire, FlushTriesAtOnceAndTellsWhetherAllIsDelivered) {
    world.service.always("actions",
                         [](const base::ServerRequest&) { return refusal(503, "down"); });
    put_visit("v1", 1);
    deliver();
    EXPECT_FALSE(world.run(world.outbox.flush(std::chrono::milliseconds{50})));
    EXPECT_EQ(world.outbox.waiting_visits(), 1U);
    world.service.always("actions", nullptr);
    EXPECT_TRUE(world.run(world.outbox.flush(std::chrono::seconds{10})));
}

TEST_F(OutboxWire, IdsThatAreNoFileNamesStayInsideTheFolder) {
    put_visit("../../../etc/passwd", 1);
    EXPECT_EQ(outbox_files(folder).size(), 1U);
    EXPECT_THAT(outbox_files(folder)[0], AllOf(HasSubstr(".visit"), Not(HasSubstr("passwd"))));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.actions("../../../etc/passwd").size(), 1U);
}

// What an earlier process left behind.
class OutboxRecovery : public testing::Test {
  protected:
    OutboxRecovery() { fs::create_directories(folder); }

    void leave(const std::string& name, const std::string& text) {
        std::ofstream(folder / name, std::ios::binary) << text;
    }
    // A process that died there: a fresh outbox over the folder.
    std::unique_ptr<runner::Outbox> reborn() {
        runner::OutboxOptions options = world.outbox_options();
        options.folder = folder;
        return std::make_unique<runner::Outbox>(world.loop, world.disk, world.auth, options,
                                                world.metrics);
    }
    [[nodiscard]] bool deliver(runner::Outbox& outbox) {
        base::Group group(world.loop);
        group.add(outbox.deliver());
        return world.until(
            [&] { return outbox.waiting_visits() == 0 && outbox_files(folder).empty(); });
    }

    RunnerWorld world;
    const fs::path folder = world.folder.path() / "left";
    const std::string header = runner::header_line(outbox_visit("v1"));
    const std::string intent = runner::intent_line(outbox_action("v1", 1));
    const std::string outcome =
        runner::outcome_line(outbox_settled(outbox_action("v1", 1), Action::Outcome::error));
    const std::string second = runner::intent_line(outbox_action("v1", 2, "notes"));
};

TEST_F(OutboxRecovery, AnUnfinishedVisitIsClosedAsPartial) {
    leave("v1.visit", header + intent + outcome + second);
    auto outbox = reborn();
    EXPECT_EQ(outbox->waiting_visits(), 1U);
    EXPECT_TRUE(deliver(*outbox));
    const auto actions = world.service.actions("v1");
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_EQ(actions[0]["errorMessage"], "nein");
    EXPECT_EQ(actions[1]["outcome"], "unknown");
    ASSERT_EQ(world.service.ratings("v1").size(), 2U);
    EXPECT_EQ(world.service.ratings("v1")[0]["status"], "missing");
    const base::Json end = *world.service.end_of("v1");
    EXPECT_EQ(end["status"], "partial");
    EXPECT_EQ(end["errorSource"], "infra");
    EXPECT_THAT(end["reason"].get<std::string>(), HasSubstr("runner stopped"));
}

TEST_F(OutboxRecovery, CallsOfToolsThatDoNotExistAreNotRated) {
    leave("v1.visit", header + runner::intent_line(
                                   outbox_action("v1", 1, std::string(runner::unknown_module))));
    auto outbox = reborn();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ(world.service.actions("v1").size(), 1U);
    EXPECT_TRUE(world.service.ratings("v1").empty());
}

TEST_F(OutboxRecovery, AFinishedVisitKeepsItsEnd) {
    VisitEnd end = outbox_end();
    end.actions = 1;
    end.ratings = 1;
    leave("v1.visit", header + intent + outcome + runner::rating_line(outbox_rating("v1")) +
                          runner::end_line(end));
    auto outbox = reborn();
    EXPECT_TRUE(deliver(*outbox));
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "finished");
    EXPECT_EQ(world.service.ratings("v1")[0]["rating"], 4);
}

TEST_F(OutboxRecovery, EveryCutOfAFileIsRecoveredTwiceToTheSame) {
    VisitEnd end = outbox_end();
    end.actions = 2;
    end.ratings = 2;
    const std::string text =
        header + intent + outcome + second + runner::rating_line(outbox_rating("v1")) +
        runner::rating_line(outbox_rating("v1", "notes")) + runner::end_line(end);
    for (std::size_t cut = header.size(); cut <= text.size(); cut += 17) {
        leave("v1.visit", text.substr(0, cut));
        runner::VisitRecords first;
        {
            auto outbox = reborn();
            first = *outbox->find("v1");
            EXPECT_TRUE(world.until([&] {
                return outbox_text(folder / "v1.visit").size() > 0 &&
                       runner::read_outbox_file(outbox_text(folder / "v1.visit")).visit.end;
            })) << cut;
        }
        auto again = reborn();
        EXPECT_EQ(*again->find("v1"), first) << cut;
        EXPECT_EQ(first.end->actions, static_cast<int>(first.actions.size()));
        EXPECT_EQ(first.end->ratings, static_cast<int>(first.ratings.size())) << cut;
    }
}

TEST_F(OutboxRecovery, ATornTailIsCutOffBeforeTheFileGrows) {
    leave("v1.visit", header + intent + outcome.substr(0, outcome.size() / 2));
    auto outbox = reborn();
    EXPECT_TRUE(world.until([&] {
        const auto file = runner::read_outbox_file(outbox_text(folder / "v1.visit"));
        return file.visit.end.has_value() && !file.torn;
    }));
    EXPECT_EQ(outbox->find("v1")->actions[0].outcome, Action::Outcome::unknown);
}

TEST_F(OutboxRecovery, ADamagedFileIsSetAsideAndTheOthersAreDelivered) {
    std::string damaged = header + intent + outcome;
    damaged[header.size() + 20] ^= 1;
    leave("bad.visit", damaged);
    leave("empty.visit", "");
    leave("notes.txt", "not ours");
    leave("v1.visit", header + intent + outcome);
    testing::internal::CaptureStderr();
    auto outbox = reborn();
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_THAT(log, AllOf(HasSubstr("bad.visit"), HasSubstr("line 2 is damaged")));
    EXPECT_THAT(outbox_files(folder / "broken"), ElementsAre("bad.visit", "empty.visit"));
    EXPECT_EQ(outbox_text(folder / "broken" / "bad.visit"), damaged);
    EXPECT_EQ(outbox->waiting_visits(), 1U);
    base::Group group(world.loop);
    group.add(outbox->deliver());
    EXPECT_TRUE(world.until([&] { return outbox->waiting_visits() == 0; }));
    EXPECT_TRUE(world.service.end_of("v1"));
    EXPECT_EQ(outbox_text(folder / "notes.txt"), "not ours");
}

// A disk without room: no file of this process may grow past so many bytes.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) {
        before_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit small = limit_;
        small.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        std::signal(SIGXFSZ, before_);
    }

  private:
    void (*before_)(int) = nullptr;
    rlimit limit_{};
};

TEST_F(OutboxWire, AFullDiskStopsTheVisitClearlyAndLosesNothingInMemory) {
    world.loop.run(world.outbox.open(outbox_visit("v1")));
    put_action("v1", 1);
    const std::string good = outbox_text(folder / "v1.visit");
    std::string reason;
    {
        testing::internal::CaptureStderr();
        const FullDisk full(good.size() + 40);
        reason = world.failure_of(world.outbox.put_intent(outbox_action("v1", 2)));
        testing::internal::GetCapturedStderr();
    }
    EXPECT_THAT(reason, AllOf(HasSubstr("outbox: cannot write v1.visit"),
                              HasSubstr("free space in"), HasSubstr(folder.string())));
    // The half line is cut off again.
    EXPECT_EQ(outbox_text(folder / "v1.visit"), good);
    world.outbox.abandon(
        "v1", runner::end_of_abandoned(*world.outbox.find("v1"), reason, VisitEnd::Source::infra));
    deliver();
    EXPECT_TRUE(delivered());
    EXPECT_EQ(world.service.actions("v1").size(), 2U);
    EXPECT_EQ(world.service.actions("v1")[0]["outcome"], "ok");
    EXPECT_EQ((*world.service.end_of("v1"))["status"], "partial");
}

TEST_F(OutboxWire, AVisitWhoseHeaderCannotBeWrittenDoesNotBegin) {
    std::string reason;
    {
        testing::internal::CaptureStderr();
        const FullDisk full(10);
        reason = world.failure_of(world.outbox.open(outbox_visit("v1")));
        testing::internal::GetCapturedStderr();
    }
    EXPECT_THAT(reason, HasSubstr("File too large"));
    put_visit("v2", 1);  // The next one has room again.
    EXPECT_TRUE(fs::exists(folder / "v2.visit"));
}

}  // namespace
