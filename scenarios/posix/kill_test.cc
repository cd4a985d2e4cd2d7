// Kills of a real process on a real filesystem: the store in a child, SIGKILL at random moments,
// recovery in the same directory, and the Oracle that judges the simulated world.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/os/posix/descriptor.h"
#include "engine/os/posix/posix_os.h"
#include "scenarios/judge/oracle.h"
#include "scenarios/posix/kill_child.h"
#include "scenarios/store/history_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Descriptor;
using engine::Engine;
using engine::PosixOs;

constexpr int kLives = 8;              // of each store
constexpr uint64_t kUnits = 1500;      // in each life, if it lasts
constexpr int kSilenceMaxMs = 60'000;  // a child that says nothing for so long hangs

// One store, killed again and again.
class KilledStore {
 public:
  KilledStore(std::string_view policy, bool use_io_uring, bool buffers_writes, uint64_t seed)
      : choices_(seed),
        workload_(make_builtin("mixed", seed)),
        oracle_(*find_policy(policy), true, true) {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "powercut_kill_XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    job_.root = pattern;
    job_.policy = find_policy(policy);
    job_.workload = workload_.get();
    job_.units = kUnits;
    job_.use_io_uring = use_io_uring;
    job_.buffers_writes = buffers_writes;
  }
  ~KilledStore() {
    mirror_.reset();
    std::filesystem::remove_all(job_.root);
  }

  // Lives `lives` times or until a promise is broken.
  void live(int lives) {
    for (int life = 0; life < lives && !violation && !::testing::Test::HasFatalFailure(); ++life) {
      run_child(static_cast<uint64_t>(life));
      if (!::testing::Test::HasFatalFailure()) recover();
    }
  }

  std::optional<Violation> violation;
  uint64_t kills = 0;
  uint64_t kills_in_the_middle = 0;  // the workload was under way
  uint64_t acked = 0;
  uint64_t survived = 0;  // operations found, summed over the recoveries
  uint64_t torn_tails = 0;

 private:
  void run_child(uint64_t life);
  void hear(std::vector<Told> told);
  void hear_one(const Told& told);
  void recover();

  sim::SeededChoices choices_;
  std::shared_ptr<const Workload> workload_;
  KillJob job_;
  StoreHistory history_;
  Oracle oracle_;
  std::unique_ptr<HistoryStore> mirror_;  // the child's keyspace, rebuilt from what it told
  std::vector<Told> found_;               // by the recovery of the child
  Promised promised_;
  uint64_t recovered_lsn_ = 0;
  bool open_ = false;
  bool finished_ = false;
};

void KilledStore::run_child(uint64_t life) {
  job_.first_unit = life * 97;
  job_.clients = 1 + static_cast<int>(choices_.choose("kill.clients", life, 4));
  // Some die while they recover, most at some operation; then the kernel decides how soon.
  const uint64_t most = job_.policy->always() ? 200 : 1000;  // waiting for the disk takes longest
  const uint64_t operations =
      choices_.chance("kill.early", life, 1, 6) ? 0 : choices_.choose("kill.after", life, most);
  const auto delay_ms = static_cast<int>(choices_.choose("kill.delay", life, 4));

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  Descriptor ours(ends[0]);
  Descriptor theirs(ends[1]);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ours = Descriptor();
    run_kill_child(job_, theirs.get());
  }
  theirs = Descriptor();
  open_ = finished_ = false;
  std::string bytes;
  uint64_t heard = 0;
  const auto read_some = [&](int timeout_ms) {
    pollfd wait{ours.get(), POLLIN, 0};
    if (poll(&wait, 1, timeout_ms) <= 0) return false;
    char buffer[1 << 16];
    const ssize_t n = ::read(ours.get(), buffer, sizeof buffer);
    if (n <= 0) return false;
    bytes.append(buffer, static_cast<size_t>(n));
    std::vector<Told> told = take_told(bytes);
    for (const Told& one : told) heard += one.tell == Tell::kOperation;
    hear(std::move(told));
    return true;
  };
  while (heard < operations && !finished_) {
    if (!read_some(kSilenceMaxMs)) {
      ADD_FAILURE() << "the child hangs, or has ended";
      break;
    }
  }
  poll(nullptr, 0, delay_ms);
  ASSERT_EQ(kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << "it did not live until its kill";
  while (read_some(0)) {
  }
  ++kills;
  kills_in_the_middle += open_ && !finished_;
}

void KilledStore::hear(std::vector<Told> told) {
  for (Told& one : told) {
    if (one.tell == Tell::kKey) {
      found_.push_back(std::move(one));
    } else {
      hear_one(one);
    }
  }
}

void KilledStore::hear_one(const Told& told) {
  const auto apply = [this](const Told& change) {
    engine::Keyspace& keyspace = mirror_->keyspace();
    if (change.db == kLibraries) {
      change.absent ? void(keyspace.remove_library(change.key))
                    : keyspace.put_library(change.key, change.text);
    } else if (change.absent) {
      keyspace.remove(change.db, change.key);
    } else {
      engine::Object* object =
          keyspace.put(change.db, change.key, engine::restore_payload(change.text).value());
      keyspace.set_expiry(change.db, change.key, object, change.expire_at_ms);
    }
    keyspace.settle();
  };
  if (mirror_) {
    mirror_->world.now = Instant{told.at_ns};
    mirror_->set_wall(told.wall_ms);
  }
  switch (told.tell) {
    case Tell::kKey:
      break;
    case Tell::kOpen:
      EXPECT_EQ(told.text, "");
      mirror_.reset();
      mirror_ = std::make_unique<HistoryStore>(&history_, told.lsn, /*attached=*/false);
      mirror_->keyspace().set_loading(true);  // the child says what expires
      mirror_->world.now = Instant{told.at_ns};
      mirror_->set_wall(told.wall_ms);
      for (const Told& key : found_) apply(key);
      // The second recovery of one directory finds what the first one found.
      EXPECT_EQ(told.lsn, recovered_lsn_);
      EXPECT_EQ(mirror_->digest(told.wall_ms), history_.digests_at(told.wall_ms)[told.lsn]);
      mirror_->attach();
      found_.clear();
      open_ = true;
      break;
    case Tell::kChange:
      apply(told);
      break;
    case Tell::kSwap:
      mirror_->keyspace().swap(told.db, told.other_db);
      break;
    case Tell::kOperation:
      history_.on_operation(told.lsn);
      if (told.digest != 0) {
        EXPECT_EQ(told.digest, history_.digests_at(INT64_MIN).back());
      }
      break;
    case Tell::kAck:
      history_.ack(told.lsn, Instant{told.at_ns});
      ++acked;
      break;
    case Tell::kFinished:
      finished_ = true;
      break;
    case Tell::kError:
      ADD_FAILURE() << "the child says: " << told.text;
      break;
  }
  if (open_ && told.tell != Tell::kError) {
    promised_.engine.synced = told.synced_lsn;
    // A buffer in user space has what the store takes for written: then its acknowledgements alone are asked about.
    promised_.engine.written = job_.buffers_writes ? told.synced_lsn : told.written_lsn;
    promised_.engine.snapshot = told.saved_lsn;
  }
}

void KilledStore::recover() {
  found_.clear();
  auto opened_os = PosixOs::open(job_.root, {.use_io_uring = job_.use_io_uring});
  ASSERT_TRUE(opened_os.ok()) << opened_os.error().message;
  PosixOs& os = **opened_os;
  std::unique_ptr<Engine> store;
  os.spawn("main", [&] {
    auto opened = Engine::open(os, config_of({job_.policy->name, 4096}));
    if (!opened.ok()) {
      violation = Violation{Breach::kNoStart, opened.error().message};
    } else {
      store = std::move(*opened);
      const engine::RecoveryReport& report = store->recovery();
      promised_.kind = sim::CrashKind::kKill;
      promised_.at = os.now();
      promised_.last = history_.last_lsn();
      const int64_t wall_ms = os.wall_now().unix_ms;
      Recovered recovered;
      recovered.digest = keyspace_digest(store->keyspace(), wall_ms);
      recovered.wall_ms = wall_ms;
      recovered.last = report.last_lsn;
      violation = oracle_.judge(history_, promised_, {}, recovered, false).violation;
      recovered_lsn_ = report.last_lsn;
      oracle_.served(report.last_lsn);
      survived += report.last_lsn;
      torn_tails += report.dropped_bytes > 0;
    }
    os.stop();  // as a kill would end it: what it recovered is all it did
  });
  os.run();
  os.destroy_tasks();
}

struct Setup {
  const Policy* policy;
  bool use_io_uring;
};
std::vector<Setup> setups() {
  std::vector<Setup> all;
  for (const Policy& policy : all_policies()) {
    all.push_back({&policy, true});  // or plain calls, where io_uring is refused
    all.push_back({&policy, false});
  }
  return all;
}

class PosixKill : public ::testing::TestWithParam<Setup> {};
INSTANTIATE_TEST_SUITE_P(Policies, PosixKill, ::testing::ValuesIn(setups()), [](const auto& info) {
  std::string name(info.param.policy->name);
  std::erase(name, '-');
  return name + (info.param.use_io_uring ? "IoUring" : "PlainCalls");
});

TEST_P(PosixKill, LosesNothingThatWasHandedToTheKernel) {
  KilledStore store(GetParam().policy->name, GetParam().use_io_uring, false, 1);
  store.live(kLives);
  EXPECT_FALSE(store.violation) << code_of(store.violation->breach) << ": "
                                << store.violation->text;
  EXPECT_EQ(store.kills, static_cast<uint64_t>(kLives));
  EXPECT_GT(store.kills_in_the_middle, 0u);
  EXPECT_GT(store.acked, 0u);
  EXPECT_EQ(store.survived > 0, GetParam().policy->kind != PolicyKind::kNone);
  RecordProperty("kills_in_the_middle", static_cast<int>(store.kills_in_the_middle));
  RecordProperty("acked", static_cast<int>(store.acked));
  RecordProperty("torn_tails", static_cast<int>(store.torn_tails));
}

// The test would see it if writes stayed in the process.
TEST(PosixKillTeeth, ABufferInUserSpaceIsFound) {
  for (const char* policy : {"no", "everysec", "hybrid-everysec"}) {
    KilledStore store(policy, true, true, 2);
    store.live(3 * kLives);
    ASSERT_TRUE(store.violation) << policy;
    EXPECT_EQ(store.violation->breach, Breach::kLost) << policy << ": " << store.violation->text;
  }
}

// Where every reply waits for a sync, the same bug breaks no promise.
TEST(PosixKillTeeth, ABufferThatASyncEmptiesIsHarmless) {
  KilledStore store("always", true, true, 3);
  store.live(kLives);
  EXPECT_FALSE(store.violation) << code_of(store.violation->breach) << ": "
                                << store.violation->text;
}

}  // namespace
}  // namespace powercut::scenarios
