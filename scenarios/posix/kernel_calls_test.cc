// What the simulated disk is told stands for what the kernel is asked: the seam's calls against the system calls, in the
// contract's tests and in whole lives of the store.
#include "scenarios/posix/kernel_calls.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/os/os_contract.h"
#include "engine/os/posix/posix_os.h"
#include "scenarios/posix/seam_calls.h"
#include "scenarios/store/store_target.h"
#include "scenarios/workload/workload.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using engine::PosixOptions;
using engine::PosixOs;

// A world on a directory of its own, watched from both sides.
class WatchedPosix : public engine::OsUnderTest {
 public:
  explicit WatchedPosix(PosixOptions options) : options_(options) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "powercut_seam_XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    kill_and_restart();
    KernelCalls::it().watch(root_);
  }
  ~WatchedPosix() override {
    const std::vector<KernelCall> made = KernelCalls::it().stop();
    EXPECT_EQ(difference(calls, made), "");
    posix_.reset();
    std::filesystem::remove_all(root_);
  }
  engine::Os& os() override { return *seam_; }
  void run(std::function<void()> body) override {
    posix_->spawn("test", std::move(body));
    EXPECT_EQ(posix_->run(), engine::RunEnd::kNoTasks);
    for (SeamCall& call : seam_->calls) calls.push_back(std::move(call));
    seam_->calls.clear();
  }
  void kill_and_restart() override {
    seam_.reset();
    posix_.reset();
    posix_ = std::move(PosixOs::open(root_, options_).value());
    seam_ = std::make_unique<SeamOs>(*posix_);
  }
  bool asked_for(std::string_view what) const {
    return std::any_of(calls.begin(), calls.end(),
                       [&](const SeamCall& call) { return call.what.starts_with(what); });
  }

  std::vector<SeamCall> calls;

 private:
  PosixOptions options_;
  std::string root_;
  std::unique_ptr<PosixOs> posix_;
  std::unique_ptr<SeamOs> seam_;
};

engine::OsFactory factory(std::string name, PosixOptions options) {
  return {std::move(name), [options] { return std::make_unique<WatchedPosix>(options); }};
}

}  // namespace
}  // namespace powercut::scenarios

namespace powercut::engine {
INSTANTIATE_TEST_SUITE_P(Watched, OsContract,
                         ::testing::Values(scenarios::factory("IoUring", {}),
                                           scenarios::factory("PlainCalls",
                                                              {.use_io_uring = false})),
                         name_of_factory);
}  // namespace powercut::engine

namespace powercut::scenarios {
namespace {

class KernelCallsTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Posix, KernelCallsTest, ::testing::Values(true, false),
                         [](const auto& info) { return info.param ? "IoUring" : "PlainCalls"; });

// One life: `units` of a workload, with what makes files come and go.
void live(engine::Os& os, std::string_view policy, const Workload& workload, size_t first,
          size_t units) {
  auto opened = StoreTarget::open(os, {.policy = policy});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  sim::Target& store = **opened;
  const auto ask = [&](std::string_view request) {
    store.apply(0, request);
    if (store.waits(0)) return store.hang_up(0);  // nobody else is there to serve it
    const Instant deadline = os.now() + seconds(60);
    ASSERT_TRUE(store.acknowledged(0, deadline)) << request;
  };
  for (size_t i = first; i < first + units; ++i) {
    for (const std::string& request : workload.units[i % workload.units.size()].requests)
      ask(request);
    if (i % 40 == 10) ask(sim::encode_request({"BGREWRITEAOF"}));
    if (i % 40 == 30) ask(sim::encode_request({"SAVE"}));
  }
  EXPECT_TRUE(store.shut_down().ok());
}

TEST_P(KernelCallsTest, WholeLivesOfTheStore) {
  const auto workload = make_builtin("mixed", 5);
  for (const char* policy : {"always", "everysec", "no", "hybrid-everysec", "checkpoint"}) {
    SCOPED_TRACE(policy);
    WatchedPosix world({.use_io_uring = GetParam()});
    for (size_t life = 0; life < 2; ++life) {
      world.run([&] { live(world.os(), policy, *workload, life * 100, 100); });
      world.kill_and_restart();
    }
    for (const char* call : {"create", "write", "fdatasync", "fsync", "rename", "unlink", "link"})
      EXPECT_TRUE(world.asked_for(call)) << call;
  }
}

// --- Would it show? ---

std::string seen(void (*body)(SeamOs& seam, PosixOs& os)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "powercut_seam_XXXXXX").string();
  CHECK(mkdtemp(pattern.data()) != nullptr);
  std::string result;
  {
    auto os = std::move(PosixOs::open(pattern, {.use_io_uring = false}).value());
    SeamOs seam(*os);
    KernelCalls::it().watch(pattern);
    os->spawn("test", [&] { body(seam, *os); });
    os->run();
    result = difference(seam.calls, KernelCalls::it().stop());
  }
  std::filesystem::remove_all(pattern);
  return result;
}

TEST(KernelCallsTeeth, WhatIsAskedBesideTheSeamIsSeen) {
  EXPECT_EQ(seen([](SeamOs&, PosixOs& os) { (void)os.open("a", engine::Open::kCreateNew); }),
            "the kernel was asked: create a");
  EXPECT_EQ(seen([](SeamOs& seam, PosixOs& os) {
              (void)seam.make_directory("d");
              (void)os.sync_directory("d", "test.sync");
            }),
            "the kernel was asked: fsync d");
}

TEST(KernelCallsTeeth, WhatIsNotAskedIsSeen) {
  EXPECT_EQ(seen([](SeamOs& seam, PosixOs&) {
              seam.calls.push_back({1, 2, call_on("fdatasync", "a"), "", false});
            }),
            "the kernel was not asked: fdatasync a");
}

// A sync before the bytes that it is to force is none.
TEST(KernelCallsTeeth, TheOrderCounts) {
  EXPECT_EQ(difference({{2, 4, "write", "", false}, {5, 7, "fdatasync", "", false}},
                       {{3, "fdatasync"}, {6, "write"}}),
            "the kernel was not asked: write");
}

}  // namespace
}  // namespace powercut::scenarios
