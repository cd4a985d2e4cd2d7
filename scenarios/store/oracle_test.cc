#include "scenarios/judge/oracle.h"

#include <gtest/gtest.h>

#include "scenarios/store/history_testing.h"

namespace powercut::scenarios {
namespace {

using sim::CrashKind;

constexpr Instant at_ms(int64_t ms) { return Instant{} + milliseconds(ms); }
// What the oracle grants beyond the time that syncs took: kSlack there.
constexpr int64_t kSlackMs = 5;

class OracleTest : public ::testing::Test {
 protected:
  // Operation i sets key i, so that all states differ; acknowledged at once.
  void operations(int count, int64_t first_ms = 0, int64_t step_ms = 0) {
    for (int i = 0; i < count; ++i) {
      store_.acked("SET key:" + std::to_string(history_.last_lsn()) + " v",
                   at_ms(first_ms + i * step_ms));
    }
    promised_.last = history_.last_lsn();
  }
  void operation_at(int64_t ms) { operations(1, ms); }
  void unacked() {
    store_.run("SET key:" + std::to_string(history_.last_lsn()) + " v");
    promised_.last = history_.last_lsn();
  }
  void crash(CrashKind kind, int64_t ms) {
    promised_.kind = kind;
    promised_.at = at_ms(ms);
  }
  uint64_t digest_of(uint64_t k, int64_t wall_ms = kWallMs) {
    return history_.digests_at(wall_ms)[k];
  }

  Verdict judge(std::string_view policy, uint64_t k) { return judge(policy, k, digest_of(k)); }
  Verdict judge(std::string_view policy, uint64_t claimed, uint64_t digest) {
    Oracle oracle(*find_policy(policy), keeps_synced_, promises_writeback_);
    oracle.served(served_);
    Recovered recovered;
    recovered.digest = digest;
    recovered.wall_ms = kWallMs;
    recovered.last = claimed;
    return oracle.judge(history_, promised_, delays_, recovered, contract_broken_);
  }
  // The code of the violation, or "".
  std::string code(std::string_view policy, uint64_t k) {
    const Verdict verdict = judge(policy, k);
    if (!verdict.violation) return "";
    EXPECT_EQ(verdict.violation->text.find('\n'), std::string::npos);
    return std::string(code_of(verdict.violation->breach));
  }

  StoreHistory history_;
  HistoryStore store_{&history_};
  Promised promised_;
  Delays delays_;
  uint64_t served_ = 0;
  bool keeps_synced_ = true;
  bool promises_writeback_ = true;
  bool contract_broken_ = false;
};

const std::string kFine;

// --- Always, under every policy ---

TEST_F(OracleTest, TheRecoveredStateIsAPrefix) {
  operations(5);
  promised_.kind = CrashKind::kPowerCut;
  for (const Policy& policy : all_policies()) {
    const Verdict verdict = judge(policy.name, 5, digest_of(5) + 1);
    ASSERT_TRUE(verdict.violation) << policy.name;
    EXPECT_EQ(verdict.violation->breach, Breach::kNoPrefix);
  }
  // A hole: the third is missing, the rest is there.
  HistoryStore holed;
  for (const char* line : {"SET key:0 v", "SET key:1 v", "SET key:3 v", "SET key:4 v"})
    holed.run(line);
  EXPECT_EQ(judge("none", 4, holed.digest()).violation->breach, Breach::kNoPrefix);
  EXPECT_EQ(judge("everysec", 4, holed.digest()).violation->breach, Breach::kNoPrefix);
  HistoryStore whole;
  for (const char* line : {"SET key:0 v", "SET key:1 v"}) whole.run(line);
  EXPECT_EQ(judge("no", 2, whole.digest()).k, 2u);
}

TEST_F(OracleTest, HalfATransactionIsNoPrefix) {
  store_.acked("MULTI\r\nSET a 1\r\nSET b 1\r\nEXEC", at_ms(0));
  promised_.last = history_.last_lsn();
  ASSERT_EQ(promised_.last, 1u);
  crash(CrashKind::kPowerCut, 1);
  HistoryStore half, whole;
  half.run("SET a 1");
  whole.run("MSET a 1 b 1");
  EXPECT_EQ(judge("no", 1, half.digest()).violation->breach, Breach::kNoPrefix);
  EXPECT_FALSE(judge("no", 1, whole.digest()).violation);
  EXPECT_FALSE(judge("no", 0, 0).violation);
}

TEST_F(OracleTest, NothingIsInvented) {
  operations(3);
  crash(CrashKind::kPowerCut, 0);
  EXPECT_EQ(code("always", 3), kFine);
  // What was executed after the crash cannot be there.
  promised_.last = 2;
  EXPECT_EQ(code("always", 3), "NPX");
  EXPECT_EQ(code("always", 2), kFine);
}

TEST_F(OracleTest, TheNumberMustFitTheState) {
  operations(3);
  crash(CrashKind::kPowerCut, 0);
  EXPECT_EQ(judge("no", 2, digest_of(1)).violation->breach, Breach::kNoPrefix);
  EXPECT_EQ(judge("no", 4, digest_of(3)).violation->breach, Breach::kNoPrefix);
  EXPECT_FALSE(judge("no", 3, digest_of(3)).violation);
  // A number from after the crash, even of an equal state.
  store_.acked("SET key:2 v", at_ms(0));
  ASSERT_EQ(digest_of(4), digest_of(3));
  EXPECT_EQ(judge("no", 4, digest_of(3)).violation->breach, Breach::kNoPrefix);
}

// Two operations that leave the same state cannot be told apart: the store has the benefit.
TEST_F(OracleTest, EqualStatesAreTakenForTheLater) {
  store_.acked("SET a 1", at_ms(0));
  store_.acked("SET a 1", at_ms(0));
  promised_.last = 2;
  crash(CrashKind::kPowerCut, 1);
  const Verdict verdict = judge("always", 1, digest_of(1));
  EXPECT_EQ(verdict.k, 2u);
  EXPECT_FALSE(verdict.violation);
}

TEST_F(OracleTest, ExpiryFollowsTheClockOfTheRecovery) {
  store_.acked("SET a 1", at_ms(0));
  store_.acked("SET b 1 PX 1000", at_ms(0));
  promised_.last = 2;
  crash(CrashKind::kPowerCut, 1);
  const Policy& always = *find_policy("always");
  HistoryStore without;
  without.run("SET a 1");
  const auto judge_at = [&](int64_t wall_ms) {
    Oracle oracle(always, true, true);
    Recovered recovered;
    recovered.digest = without.digest(wall_ms);
    recovered.wall_ms = wall_ms;
    recovered.last = 2;
    return oracle.judge(history_, promised_, delays_, recovered, false);
  };
  // Expired: S(2) is the state without it.
  EXPECT_FALSE(judge_at(kWallMs + 1000).violation);
  EXPECT_EQ(judge_at(kWallMs + 1000).k, 2u);
  // A millisecond earlier it is missing.
  EXPECT_TRUE(judge_at(kWallMs + 999).violation);
}

TEST_F(OracleTest, WhatWasServedStays) {
  operations(4);
  crash(CrashKind::kPowerCut, 0);
  served_ = 3;
  for (const char* policy : {"everysec", "no", "hybrid-everysec"}) {
    EXPECT_EQ(code(policy, 2), "MON") << policy;
    EXPECT_EQ(code(policy, 3), kFine) << policy;
  }
  EXPECT_EQ(code("checkpoint", 2), "MON");
  EXPECT_EQ(code("checkpoint", 3), kFine);
  EXPECT_EQ(code("none", 0), kFine);
  // A crash from before it was served.
  promised_.served = 1;
  EXPECT_EQ(code("no", 1), kFine);
  EXPECT_EQ(code("no", 0), "MON");
}

// --- The floors ---

TEST_F(OracleTest, AlwaysLosesNothingAcknowledged) {
  operations(3);
  unacked();
  crash(CrashKind::kPowerCut, 0);  // in the same instant
  for (const char* policy : {"always", "hybrid-always"}) {
    EXPECT_EQ(code(policy, 2), "LAW") << policy;
    EXPECT_EQ(code(policy, 3), kFine) << policy;
    EXPECT_EQ(code(policy, 4), kFine) << policy;
  }
  promised_.acks = 2;  // ... but the cut came before the third acknowledgement
  EXPECT_EQ(code("always", 2), kFine);
  promised_.engine.synced = 3;
  EXPECT_EQ(code("always", 2), "LAW");
  EXPECT_EQ(code("always", 3), kFine);
}

TEST_F(OracleTest, AKillLosesNothingWritten) {
  operations(2);
  unacked();
  unacked();
  promised_.engine.written = 3;
  for (const char* policy : {"always", "everysec", "no", "hybrid-always", "hybrid-everysec"}) {
    crash(CrashKind::kKill, 1);
    EXPECT_EQ(code(policy, 2), "LAW") << policy;
    EXPECT_EQ(code(policy, 3), kFine) << policy;
    EXPECT_EQ(code(policy, 4), kFine) << policy;
    crash(CrashKind::kPowerCut, 1);
    EXPECT_EQ(code(policy, 2), kFine) << policy;
  }
}

TEST_F(OracleTest, AKillLosesNothingAcknowledged) {
  operations(3);
  for (const char* policy : {"always", "everysec", "no", "hybrid-always", "hybrid-everysec"}) {
    crash(CrashKind::kKill, 0);
    EXPECT_EQ(code(policy, 2), "LAW") << policy;
    EXPECT_EQ(code(policy, 3), kFine) << policy;
  }
  // A sync had failed before: even the page cache may have lost what it covered.
  promised_.engine.indeterminate = true;
  EXPECT_EQ(code("everysec", 2), kFine);
  EXPECT_EQ(code("no", 2), kFine);
  EXPECT_EQ(code("always", 2), "LAW");
}

TEST_F(OracleTest, WhatWasSyncedStays) {
  for (int i = 0; i < 4; ++i) unacked();
  promised_.engine.synced = 3;
  for (const CrashKind kind : {CrashKind::kPowerCut, CrashKind::kKill, CrashKind::kNone}) {
    crash(kind, 1);
    EXPECT_EQ(code("everysec", 2), "BND");
    EXPECT_EQ(code("no", 2), "BND");
    EXPECT_EQ(code("always", 2), "LAW");
    EXPECT_EQ(code("everysec", 3), kFine);
    EXPECT_EQ(code("no", 3), kFine);
    EXPECT_EQ(code("always", 3), kFine);
  }
}

TEST_F(OracleTest, EverysecBoundsTheAge) {
  operation_at(100);
  for (const char* policy : {"everysec", "hybrid-everysec"}) {
    crash(CrashKind::kPowerCut, 100 + kEverysecMs + kSlackMs - 1);
    EXPECT_EQ(code(policy, 0), kFine);
    crash(CrashKind::kPowerCut, 100 + kEverysecMs + kSlackMs);  // at the bound it must be there
    EXPECT_EQ(code(policy, 0), "BND");
    EXPECT_EQ(code(policy, 1), kFine);
  }
}

TEST_F(OracleTest, TheTimeOfSyncsExtendsTheAge) {
  operation_at(100);
  // From 200 to 500 in pieces that overlap, and one that was over before the acknowledgement.
  delays_.waits = {{at_ms(0), at_ms(90)},
                   {at_ms(200), at_ms(400)},
                   {at_ms(460), at_ms(470)},
                   {at_ms(300), at_ms(450)}};
  delays_.blocked = {{at_ms(450), at_ms(500)}};
  const int64_t bound_ms = 1000 + 300 + kSlackMs;
  crash(CrashKind::kPowerCut, 100 + bound_ms - 1);
  EXPECT_EQ(code("everysec", 0), kFine);
  EXPECT_EQ(judge("everysec", 0).loss.bound_ms, bound_ms);
  crash(CrashKind::kPowerCut, 100 + bound_ms);
  EXPECT_EQ(code("everysec", 0), "BND");
  // One that still hangs counts up to the crash, and no further.
  delays_.waits = {{at_ms(50), kForever}};
  delays_.blocked.clear();
  crash(CrashKind::kPowerCut, 100 + 1900);
  EXPECT_EQ(judge("everysec", 0).loss.bound_ms, 1000 + 1900 + kSlackMs);
  EXPECT_EQ(code("everysec", 0), kFine);
}

TEST_F(OracleTest, EverysecBoundsTheWindow) {
  operations(3, 0, 1000);  // acknowledged at 0, 1000 and 2000
  operation_at(2001);
  // However slow the disk: a sync hangs all the time.
  delays_.waits = {{at_ms(0), kForever}};
  crash(CrashKind::kPowerCut, 60'000);
  EXPECT_EQ(code("everysec", 0), "BND");  // 2001 ms
  EXPECT_EQ(code("everysec", 1), kFine);  // 1001 ms
  promised_.last = 3;                     // the last one was never executed
  EXPECT_EQ(code("everysec", 0), kFine);  // 2000 ms
  EXPECT_EQ(judge("everysec", 0).loss.span_ms, kWindowMs);
  EXPECT_EQ(code("no", 0), kFine);
}

TEST_F(OracleTest, NoIsBoundByTheKernel) {
  operation_at(0);
  crash(CrashKind::kPowerCut, kKernelMs + kSlackMs - 1);
  EXPECT_EQ(code("no", 0), kFine);
  crash(CrashKind::kPowerCut, kKernelMs + kSlackMs);
  EXPECT_EQ(code("no", 0), "BND");
  EXPECT_EQ(code("no", 1), kFine);
  promises_writeback_ = false;  // a persona that never writes back by itself
  EXPECT_EQ(code("no", 0), kFine);
  EXPECT_EQ(judge("no", 0).loss.bound_ms, -1);
}

TEST_F(OracleTest, ACheckpointHoldsWhatItHolds) {
  operations(4);
  promised_.engine.snapshot = 2;
  promised_.engine.written = promised_.engine.synced = 0;
  for (const CrashKind kind : {CrashKind::kKill, CrashKind::kPowerCut}) {
    crash(kind, 100'000);
    EXPECT_EQ(code("checkpoint", 1), "LAW");
    EXPECT_EQ(code("checkpoint", 2), kFine);
    EXPECT_EQ(code("checkpoint", 4), kFine);
  }
}

TEST_F(OracleTest, NoneHoldsNothing) {
  operations(3);
  for (const CrashKind kind : {CrashKind::kKill, CrashKind::kPowerCut}) {
    crash(kind, 100'000);
    EXPECT_EQ(code("none", 0), kFine);
    EXPECT_EQ(code("none", 1), "NPX");
    EXPECT_EQ(code("none", 3), "NPX");
  }
}

// --- Broken contracts ---

TEST_F(OracleTest, WithoutAContractOnlyThePrefixIsAsked) {
  operations(4);
  promised_.engine.synced = 4;
  served_ = 4;
  crash(CrashKind::kPowerCut, 100'000);
  ASSERT_EQ(code("always", 1), "MON");
  keeps_synced_ = false;
  EXPECT_EQ(code("always", 1), kFine);
  EXPECT_EQ(judge("always", 1, digest_of(1) + 1).violation->breach, Breach::kNoPrefix);
  keeps_synced_ = true;
  contract_broken_ = true;
  EXPECT_EQ(code("always", 1), kFine);
  EXPECT_EQ(judge("always", 1, digest_of(1) + 1).violation->breach, Breach::kNoPrefix);
}

// --- The measure of a loss ---

TEST_F(OracleTest, TheLossIsMeasuredWhetherItIsLegalOrNot) {
  operations(5, 100, 100);  // 100, 200, ... 500
  unacked();
  crash(CrashKind::kPowerCut, 700);
  for (const char* policy : {"always", "everysec", "no", "checkpoint"}) {
    const Loss loss = judge(policy, 2).loss;
    EXPECT_EQ(loss.operations, 3u) << policy;  // the sixth was never acknowledged
    EXPECT_EQ(loss.age_ms, 400) << policy;     // since 300
    EXPECT_EQ(loss.span_ms, 200) << policy;    // 300 to 500
  }
  EXPECT_EQ(judge("always", 2).loss.bound_ms, 0);
  EXPECT_EQ(judge("everysec", 2).loss.bound_ms, 1000 + kSlackMs);
  EXPECT_EQ(judge("no", 2).loss.bound_ms, kKernelMs + kSlackMs);
  EXPECT_EQ(judge("checkpoint", 2).loss.bound_ms, -1);
  promised_.kind = CrashKind::kKill;
  EXPECT_EQ(judge("everysec", 2).loss.bound_ms, 0);
  promised_.kind = CrashKind::kPowerCut;
  const Loss none = judge("everysec", 5).loss;
  EXPECT_EQ(none.operations, 0u);
  EXPECT_EQ(none.age_ms, 0);
  EXPECT_EQ(none.span_ms, 0);
}

// Acknowledgements need not come in the order of the operations.
TEST_F(OracleTest, TheOldestLostAcknowledgementCounts) {
  store_.run("SET a 1");
  store_.run("SET b 1");
  history_.ack(1, at_ms(900));
  history_.ack(2, at_ms(100));
  promised_.last = 2;
  crash(CrashKind::kPowerCut, 1000);
  const Loss loss = judge("everysec", 0).loss;
  EXPECT_EQ(loss.age_ms, 900);
  EXPECT_EQ(loss.span_ms, 800);
  // What the crash came before counts as never acknowledged.
  crash(CrashKind::kPowerCut, 500);
  EXPECT_EQ(judge("everysec", 0).loss.operations, 1u);
}

TEST_F(OracleTest, WhatDoesNotStartIsBrokenUnlessTheDiskIs) {
  Oracle oracle(*find_policy("always"), true, true);
  Recovered refused;
  refused.refusal = "a.aof: damaged";
  const Verdict verdict = oracle.judge(history_, promised_, delays_, refused, false);
  EXPECT_FALSE(verdict.started);
  ASSERT_TRUE(verdict.violation);
  EXPECT_EQ(verdict.violation->breach, Breach::kNoStart);
  EXPECT_EQ(verdict.violation->text, "a.aof: damaged");
  EXPECT_FALSE(oracle.judge(history_, promised_, delays_, refused, true).violation);
  Oracle lying(*find_policy("always"), false, true);
  EXPECT_FALSE(lying.judge(history_, promised_, delays_, refused, false).violation);
}

TEST_F(OracleTest, WhatHangsIsBrokenOnEveryDisk) {
  Recovered hanging;
  hanging.hangs = true;
  for (const bool contract_broken : {false, true}) {
    Oracle oracle(*find_policy("always"), true, true);
    const Verdict verdict = oracle.judge(history_, promised_, delays_, hanging, contract_broken);
    ASSERT_TRUE(verdict.violation);
    EXPECT_EQ(verdict.violation->breach, Breach::kHangs);
  }
}

TEST_F(OracleTest, WhatCannotBeDoneAgainIsBroken) {
  operations(2);
  crash(CrashKind::kPowerCut, 1);
  Oracle oracle(*find_policy("always"), true, true);
  Recovered recovered;
  recovered.digest = digest_of(2);
  recovered.wall_ms = kWallMs;
  recovered.last = 2;
  EXPECT_FALSE(oracle.judge(history_, promised_, delays_, recovered, false).violation);
  recovered.failed = 1;
  const Verdict verdict = oracle.judge(history_, promised_, delays_, recovered, false);
  ASSERT_TRUE(verdict.violation);
  EXPECT_EQ(verdict.violation->breach, Breach::kNoPrefix);
}

TEST(Breach, CodesAreDistinctAndComeBack) {
  for (const BreachRow& row : kBreachRows) EXPECT_EQ(breach_of(row.code), row.breach);
  EXPECT_EQ(breach_of("???"), std::nullopt);
}

// --- Where clients change the policy ---

TEST_F(OracleTest, AnAcknowledgementIsHeldAgainstThePolicyThatWasInForce) {
  operation_at(0);
  history_.put_in_force(find_policy("no"), at_ms(10));
  operation_at(20);
  history_.put_in_force(nullptr, at_ms(30));
  crash(CrashKind::kPowerCut, 40);
  // What is lost under another policy is not a loss of the run's own.
  EXPECT_EQ(code("always", 1), kFine);
  EXPECT_EQ(judge("always", 1).loss.operations, 0u);
  EXPECT_EQ(judge("always", 1).loss.bound_ms, 0);
  EXPECT_EQ(code("always", 0), "LAW");
  EXPECT_EQ(judge("always", 0).loss.operations, 1u);
  operation_at(35);  // under the run's own again
  EXPECT_EQ(code("always", 2), "LAW");
  crash(CrashKind::kPowerCut, 60'000);
  EXPECT_EQ(code("no", 2), "BND");
}

TEST_F(OracleTest, AStrongerPolicyIsHeldToFromThenOn) {
  operation_at(0);
  history_.put_in_force(find_policy("always"), at_ms(10));
  operation_at(20);
  crash(CrashKind::kPowerCut, 30);
  EXPECT_EQ(code("no", 1), "LAW");
  promised_.last = 1;
  EXPECT_EQ(code("no", 0), kFine);
}

// It may have been released under either.
TEST_F(OracleTest, AReplyThatWasWaitedForWhileThePolicyChangedHasTheWeakerPromise) {
  const uint64_t lsn = store_.acked("SET a 1", at_ms(0));
  history_.put_in_force(find_policy("always"), at_ms(1));
  history_.ack(lsn, at_ms(2));
  promised_.last = lsn;
  crash(CrashKind::kPowerCut, 3);
  EXPECT_EQ(code("everysec", 0), kFine);
  EXPECT_EQ(code("always", 0), "LAW");
}

TEST_F(OracleTest, WhoLeavesEverysecMustHaveForcedByThenWhatWasDue) {
  operation_at(0);
  operation_at(1'500);
  history_.put_in_force(find_policy("no"), at_ms(1'800));
  crash(CrashKind::kPowerCut, 20'000);
  EXPECT_EQ(code("everysec", 0), "BND") << "it was due at 1 s";
  EXPECT_EQ(code("everysec", 1), kFine) << "left to the kernel";
  crash(CrashKind::kPowerCut, 50'000);
  EXPECT_EQ(code("everysec", 1), "BND");
}

TEST_F(OracleTest, NothingNewIsPromisedWithoutALog) {
  operation_at(0);
  promised_.engine.synced = promised_.engine.written = 1;
  history_.put_in_force(find_policy("none"), at_ms(10));
  operations(2, 20);
  for (const CrashKind kind : {CrashKind::kKill, CrashKind::kPowerCut}) {
    crash(kind, 30);
    for (const char* policy : {"always", "everysec", "no"}) {
      EXPECT_EQ(code(policy, 1), kFine) << policy;
      EXPECT_NE(code(policy, 0), kFine) << policy << ": the log held it";
    }
  }
}

TEST_F(OracleTest, UnderNoneThereIsWhatWasSaved) {
  operations(5);
  crash(CrashKind::kPowerCut, 1);
  EXPECT_EQ(code("none", 0), kFine);
  EXPECT_EQ(code("none", 3), "NPX") << "nobody saved it";
  promised_.engine.saves = true;
  EXPECT_EQ(code("none", 3), kFine) << "one that was not published";
  promised_.engine.snapshot = 3;
  EXPECT_EQ(code("none", 3), kFine);
  EXPECT_EQ(code("none", 2), "LAW");
  promised_.engine.saves = false;  // of a life before
  EXPECT_EQ(code("none", 3), kFine);
  EXPECT_EQ(code("none", 4), "NPX");
}

// --- Which loss is the worst ---

TEST(Loss, NoneIsNeverWorseThanSome) {
  const Loss none{0, 0, 0, 40'005};
  const Loss none_without_bound{0, 0, 0, -1};
  const Loss unbounded{200, 5, 5, -1};
  const Loss small{1, 5, 0, 40'005};
  const Loss near{1, 30'000, 0, 40'005};
  const Loss broken{1, 50'000, 0, 40'005};
  const Loss all[] = {broken, near, small, unbounded, none, none_without_bound};
  for (size_t i = 0; i < std::size(all); ++i)
    for (size_t j = 0; j < std::size(all); ++j)
      EXPECT_EQ(worse(all[i], all[j]), i < j) << i << " " << j;
  EXPECT_TRUE(worse({201, 0, 0, -1}, unbounded)) << "without a bound, the most operations";
}

// --- Backups ---

class BackupOracleTest : public OracleTest {
 protected:
  BackupOracleTest() {
    operations(6);
    found_.name = "b";
    found_.sealed = true;
    found_.says = sealed_;
    found_.states = {{5, digest_of(5)}, {3, digest_of(3)}};
  }
  std::string judge_found(bool errors = false) {
    const auto violation = judge_backups(history_, {{&told_, 1}, kWallMs, errors}, {&found_, 1});
    return violation ? violation->text : "";
  }
  SealedBackup sealed_{"b", 1, 5};
  BackupLedger::Entry told_{sealed_};
  FoundBackup found_;
};

std::string names(const std::vector<BackupLedger::Entry>& entries) {
  std::string text;
  for (const auto& entry : entries)
    text += entry.backup.name + (entry.gone   ? " gone, "
                                 : entry.owed ? " owed, "
                                              : " may be gone, ");
  return text;
}

TEST_F(BackupOracleTest, OneThatWasSealedIsThereAndIsWhatItWas) {
  EXPECT_EQ(judge_found(), "");
  found_.states[1].digest = digest_of(4);
  EXPECT_EQ(judge_found(), "backup b: restored up to operation 3 it is not S(3)");
  history_.disown("b");
  EXPECT_EQ(judge_found(), "");
  found_.says.last = 6;
  EXPECT_EQ(judge_found(), "backup b: it has operations 1 to 6, and was sealed with 1 to 5");
  found_.trouble = "torn";
  EXPECT_EQ(judge_found(), "backup b: torn");
  found_.name = "another";
  EXPECT_EQ(judge_found(), "backup b: it was sealed, and is not there");
}

TEST_F(BackupOracleTest, OneWhoseRemovalWasAskedForMayBeThereAndOneThatWasRemovedMayNot) {
  told_.owed = false;
  EXPECT_EQ(judge_found(), "");
  EXPECT_FALSE(judge_backups(history_, {{&told_, 1}, kWallMs, false}, {}));
  told_.gone = true;
  EXPECT_FALSE(judge_backups(history_, {{&told_, 1}, kWallMs, false}, {}));
  EXPECT_EQ(judge_found(), "backup b: it was removed, and is there again");
}

using Asks = BackupRequest::Kind;

TEST(BackupLedger, KnowsWhatWasSoAtEachMoment) {
  BackupLedger ledger;
  ledger.seal({"a", 0, 1, 10});
  const size_t sealed = ledger.moment();
  ledger.ask({Asks::kRemove, "a"});
  const size_t asked = ledger.moment();
  ledger.remove("a", true);
  const size_t removed = ledger.moment();
  ledger.ask({Asks::kStart, "a"});
  ledger.start("a");
  ledger.seal({"a", 1, 4, 11});
  EXPECT_EQ(names(ledger.at(0)), "");
  EXPECT_EQ(names(ledger.at(sealed)), "a owed, ");
  EXPECT_EQ(names(ledger.at(asked)), "a may be gone, ");
  EXPECT_EQ(names(ledger.at(removed)), "a gone, ");
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "a owed, ");
  EXPECT_EQ(ledger.at(SIZE_MAX)[0].backup.last, 4u);
  ledger.ask({Asks::kStart, "a"});
  ledger.ask({Asks::kRemove, "a"});  // by another client: whichever comes first
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "");
  ledger.start("a");
  ledger.seal({"a", 1, 4, 12});
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "a may be gone, ") << "its removal is not answered";
  ledger.remove("a", true);
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "a may be gone, ") << "of the one before it, perhaps";
  ledger.begin(3);
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "") << "it has what this life has not";
}

TEST(BackupLedger, RetentionMayTakeAllButTheNewestByTheClock) {
  BackupLedger ledger;
  ledger.seal({"late", 0, 1, 30});
  ledger.seal({"early", 0, 2, 10});  // the clock went back
  ledger.seal({"between", 0, 3, 20});
  ledger.ask({Asks::kSeal, {}});
  ledger.seal_nothing();
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "late owed, early owed, between owed, ");
  ledger.ask({Asks::kRetain, {}, 3});
  ledger.ask({Asks::kSeal, {}});
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "late owed, early may be gone, between owed, ");
  ledger.ask({Asks::kRetain, {}, 0});
  // That one was not told of: it may be one of the three.
  ledger.ask({Asks::kSeal, {}});
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "late owed, early may be gone, between may be gone, ");
}

TEST(BackupLedger, OfTwoThatAreAsOldAsOneAnotherEitherMayGo) {
  BackupLedger ledger;
  ledger.seal({"a", 0, 7, 10});
  ledger.seal({"b", 0, 7, 10});
  ledger.ask({Asks::kRetain, {}, 2});
  ledger.ask({Asks::kSeal, {}});
  EXPECT_EQ(names(ledger.at(SIZE_MAX)), "a may be gone, b may be gone, ");
}

TEST_F(BackupOracleTest, AStartLeavesNoHalfOfOne) {
  EXPECT_FALSE(judge_backups(history_, {{}, kWallMs, false}, {}));
  found_.sealed = false;
  EXPECT_EQ(judge_backups(history_, {{}, kWallMs, false}, {&found_, 1})->text,
            "backup b: a start has left half of it");
  EXPECT_FALSE(judge_backups(history_, {{}, kWallMs, true}, {&found_, 1}));
}

TEST_F(BackupOracleTest, ItIsNeitherOlderThanItsSealingNorNewer) {
  EXPECT_FALSE(judge_sealed(sealed_, 5, 6));
  EXPECT_TRUE(judge_sealed(sealed_, 6, 6));
  EXPECT_TRUE(judge_sealed(sealed_, 3, 4));
}

}  // namespace
}  // namespace powercut::scenarios
