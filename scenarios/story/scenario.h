// A scenario: one run written out in full, so that nothing of it depends on how a seed is drawn:
// what the clients send, what goes wrong, and what each power cut leaves. As a file (.scn) it is a
// conversation: a directive, `----`, and beneath it what was seen.
//
//   # Why this file is here.
//   store policy=always persona=xfs mutant=failed-sync-retried
//   ----
//   promised: nothing acknowledged is lost
//
//   start eio@sync:3 cut@idle:0ns
//   SET a 1
//   ----
//   ...
//
//   cut
//   rest lost
//   journal 2
//   ----
//   ...
//
//   recover
//   ----
//   ...
//   broken: ...
//
// store    also target=NAME (another engine than the store), rewrite=BYTES, step=BYTES, script=N (instructions of a script behind which others are let in), lag=MS, write=US (microseconds that a write takes), pipeline=N, end=clean, end=idle (a while, then clean), log=on or log=late (whether the first life begins with its log; where it is not clear from the steps), another=N (behind the first N lives redis-server writes the log, which has no checksums then), asks=starts (behind each life it is started on copies, told otherwise or disturbed), asks=write (when all is answered, a client asks until a write is taken), asks=work (then it is left alone for a minute, and what it has not done by itself is a broken promise), twins=none (no twins hear what clients say: else what they say to it may come first), seed=N,
//          clock=MS (Unix time of the start), off=S (seconds without power, or without a process,
//          after each crash), cuts=nearest (what is stated of a cut and not legal there: the
//          nearest that is, or nothing; without it, it is a mistake).
// start    the first life of the store: words of a fault plan (faults/plan.h), then steps
//          (scenarios/workload/script.h).
// recover  the next life. A plan's crash word ends it, as it does the first.
// schedule of the life before it: each call completes at once, and tasks run first in, first out,
//          but for turns, one a line: `12 aof.writer`, at decision 12 of this life (only moments
//          when more than one task is ready count, from 0) this one runs (sim::task_name). If it is
//          not ready then, that is a mistake. Without it, the seed draws: order and latencies.
// cut      what the power cut before it left (sim/survival.h). Without it, the seed draws.
//
// What is still drawn from the seed: lengths of short reads, and where no schedule is stated,
// latencies and the order of tasks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/run/run.h"
#include "scenarios/story/turns.h"
#include "sim/survival.h"

namespace powercut::scenarios {

// The line between what is stated and what was seen.
inline constexpr std::string_view kSeen = "----";

struct Scenario {
  std::vector<std::string> about;      // lines of comment, without their "# "
  const TargetType* target = nullptr;  // nullptr: the store
  const Policy* policy = nullptr;
  const faults::Persona* persona = nullptr;
  const faults::MutantInfo* mutant = nullptr;
  sim::Sizes sizes = {};
  Duration write_latency = sim::LatencyProfile{}.write;
  uint64_t seed = 1;
  Duration off;  // the machine's, after each crash; whole seconds
  int64_t wall_start_ms = 1'700'000'000'000;
  Script script;
  faults::Plan plan;
  std::vector<std::optional<sim::Survival>> cuts;                // by life; none: drawn
  std::vector<std::optional<std::vector<sim::Turn>>> schedules;  // by life; none: drawn
  bool cuts_nearest = false;  // what is stated of one and not legal there is bent
};

// What was seen in one life, and in the crash it ended in.
struct LifeAccount {
  std::optional<std::string> summary;  // of its recovery; none: it was not open
  std::vector<std::string> recovery;   // the same as a story
  std::optional<Error> refusal;
  std::optional<Verdict> verdict;  // of its recovery; none in the first life
  uint64_t known = 0;              // operations there had been when it was judged
  std::vector<Step> steps;
  std::vector<uint64_t> positions;  // unit -> step, where the run was not scripted
  std::vector<Said> said;
  std::vector<std::optional<Instant>> acked;  // by lsn, from 1
  std::vector<faults::PlanInjector::Strike> strikes;
  bool served = false;
  sim::CrashKind crash = sim::CrashKind::kNone;
  Instant ended;
  std::vector<TurnTaken> turns;           // where they were watched: see run_scenario()
  uint64_t decisions = 0;                 // the same
  bool another = false;                   // redis-server has written the log behind it
  std::optional<sim::Survival> survival;  // in full
  std::optional<sim::Disk> before;        // the power cut
  std::optional<sim::Disk> after;
};

struct Account {
  std::vector<LifeAccount> lives;
  RunResult result;
  sim::Survival beside;  // what was kept where the violation was seen beside the run
};

// Who else watches while a run is told. All may be null.
struct Also {
  RunObserver* observer = nullptr;
  PointObserver* points = nullptr;  // as in Watchers, but the plan may have words
  sim::TraceListener* trace = nullptr;
  WatchedEngine* engine = nullptr;
};

// How cuts are made where they are stated, and turns taken.
struct CutManner {
  sim::Illegal illegal = sim::Illegal::kProblem;  // of turns: bent ones are left out
  Beside beside = Beside::kNothing;
  // Life `life` draws from this seed instead of taking what is stated.
  std::optional<uint32_t> drawn_life;
  uint64_t drawn_key = 0;
  const Fence* fence = nullptr;
  sim::Scheduler* scheduler = nullptr;  // if not null: orders every life, instead of what is stated
  Also also = {};
};
// Errors: kInvalid: what is stated of a cut is not legal there, or a turn cannot be taken. Turns
// are watched in lives whose schedule is stated, or a scheduler given.
Result<Account> run_scenario(const Scenario& scenario, const CutManner& manner = {},
                             sim::TraceListener* listener = nullptr);

// The run of a sweep, written out, with its schedule unless that is random. It breaks the same
// promise: that is checked. `cuts`: what they left, by life, where that is not drawn.
//   Errors: kInvalid: the run breaks none, or not again when written out.
Result<Scenario> scenario_of(const RunSpec& spec, const Stated& stated = {},
                             const std::vector<std::optional<sim::Survival>>& cuts = {});

// The run of a sweep as it goes, whether or not it breaks a promise, and what was seen of it. Of the
// scenario the policy, the persona, the plan and the like count; it is not checked that it goes the same
// way when it is run.
struct WrittenRun {
  Scenario scenario;
  Account account;
};
WrittenRun write_out(const RunSpec& spec, const Also& also = {});

std::string print(const Scenario& scenario, const Account& account);
// `name`: of the file, for messages. What was seen is not read.
//   Errors: kInvalid: one line, NAME:LINE: what is wrong.
Result<Scenario> parse_scenario(std::string_view text, const std::string& name);

// A line on top that says what makes the scenario fail: "fails with: --mutant NAME: CODE", of an oracle,
// or "refused" where that is all there is to see.
inline constexpr std::string_view kFailsWith = "fails with: --mutant ";
// The mutant that the first such line names, if none is planted; else empty.
std::string unplanted(const Scenario& scenario);

// "broken: an acknowledged write is lost (LAW): ...", or "held".
std::string verdict_line(const RunResult& result);
// "power cut inside sync appendonlydir/appendonly.aof.1.incr.aof".
std::string strike_text(const faults::PlanInjector::Strike& strike);
// Equal ones once, and how often.
std::vector<std::pair<faults::PlanInjector::Strike, uint64_t>> strikes_of(const LifeAccount& life);

}  // namespace powercut::scenarios
