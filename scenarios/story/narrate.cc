#include "scenarios/story/narrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"
#include "scenarios/run/last_words.h"
#include "scenarios/run/targets.h"
#include "scenarios/story/story.h"
#include "scenarios/story/trace_text.h"
#include "scenarios/sweep/report.h"
#include "sim/crash_images.h"

namespace powercut::scenarios {

namespace {

// More tapes than this are only sampled.
constexpr uint64_t kTapesMax = 4096;

// What a path is in the states a power cut may leave.
struct Fates {
  uint64_t present = 0;
  uint64_t size_min = UINT64_MAX;
  uint64_t size_max = 0;
  std::map<std::string, uint64_t> contents;

  void add(const std::string& content) {
    ++present;
    size_min = std::min<uint64_t>(size_min, content.size());
    size_max = std::max<uint64_t>(size_max, content.size());
    ++contents[content];
  }
};

std::string fate_text(const Fates& fates, uint64_t images, bool directory) {
  std::string text;
  if (fates.present < images) {
    text = fmt::format("there in {} of {}", fates.present, images);
  } else {
    text = "there";
  }
  if (directory || fates.present == 0) return text;
  text += fates.size_min == fates.size_max
              ? fmt::format(", {} bytes", fates.size_min)
              : fmt::format(", {}..{} bytes", fates.size_min, fates.size_max);
  if (fates.contents.size() > 1) text += fmt::format(", {} contents", fates.contents.size());
  return text;
}

void print_disk(std::FILE* out, const sim::Disk& disk) {
  std::map<std::string, Fates> paths;
  std::map<std::string, uint64_t> live;
  for (const auto& file : sim::image_of(disk)) {
    live[file.path] = file.content.size();
    paths[file.path];
  }
  const auto count =
      sim::for_each_crash_state(disk, kTapesMax, [&](const sim::Disk&, const sim::Image& image) {
        for (const auto& file : image) paths[file.path].add(file.content);
      });
  fmt::print(out, "the disk: what the process sees, and what a power cut now may leave\n");
  size_t width = 0;
  for (const auto& [path, fates] : paths) width = std::max(width, path.size());
  for (const auto& [path, fates] : paths) {
    const bool directory = path.ends_with('/');
    const auto found = live.find(path);
    const std::string now = found == live.end() ? "gone"
                            : directory         ? "directory"
                                                : fmt::format("{} bytes", found->second);
    fmt::print(out, "  {:<{}}  {:>14}  {}\n", path, width, now,
               fate_text(fates, count.images, directory));
  }
  if (paths.empty()) fmt::print(out, "  nothing\n");
  fmt::print(out, "{} legal {}{}\n", count.images, count.images == 1 ? "state" : "states",
             count.complete ? "" : " among those looked at; there are more");
}

// What happens to a run while it is told; the story itself is written afterwards.
class Teller final : public RunObserver, public sim::TraceListener {
 public:
  Teller(std::FILE* out, const Telling& telling, TraceTeller& trace)
      : out_(out), telling_(telling), trace_(trace) {}

  void on_begin(const faults::Plan& plan, const sim::Disk& disk) override {
    disk_ = &disk;
    plan_ = faults::print(plan);
    fmt::print(out_, "{}", folded("plan     " + (plan_.empty() ? "nothing goes wrong" : plan_), 9));
  }
  void on_open(uint32_t, Instant, sim::Target&, const Verdict*, const History&) override {}
  void on_refusal(uint32_t, Instant, const Error&) override {}
  void on_image(Instant, const Verdict& verdict, const Promised&) override {
    ++images_;
    broken_ += verdict.violation ? 1 : 0;
    if (images_ == 1 || took_more(verdict.loss, most_)) most_ = verdict.loss;
    if (images_ == 1 || worse(verdict.loss, nearest_)) nearest_ = verdict.loss;
  }
  void on_end(uint32_t, Instant, sim::CrashKind, bool, const History&) override {}

  void on_event(const sim::Event& event) override {
    if (stopped_) return;
    trace_.on_event(event);
    if (telling_.until != event.number) return;
    trace_.finish();
    if (!telling_.events) {
      TraceTeller one(out_);
      one.print_head();
      one.on_event(event);
      one.finish();
    }
    stopped_ = *disk_;
  }
  // The disk at the event where the account was to stop, if it came so far.
  const std::optional<sim::Disk>& stopped() const { return stopped_; }

  // What the plan became, where a copy of the disk was damaged besides and that broke a promise.
  void tell_damage(const faults::Plan& plan) const {
    const std::string text = faults::print(plan);
    if (text != plan_)
      fmt::print(out_, "{}", folded("damage   on a copy of the disk, as in this plan: " + text, 9));
  }

  void tell_images() const {
    if (images_ == 0) return;
    std::string text = fmt::format("beside   {} power cut{} on copies of the disk: {}", images_,
                                   images_ == 1 ? "" : "s",
                                   broken_ == 0 ? "all within the promise" : "a promise is broken");
    if (most_.operations == 0) {
      text += "; nothing lost";
    } else {
      text += fmt::format("; most lost: {}", loss_text(most_));
      if (nearest_.bound_ms > 0)
        text += fmt::format("; nearest to its bound: an age of {} of {}",
                            folded_ms(nearest_.age_ms), bound_text(nearest_));
    }
    fmt::print(out_, "{}", folded(text, 9));
  }

 private:
  static std::string folded_ms(int64_t ms) { return grouped(static_cast<uint64_t>(ms)) + " ms"; }

  std::FILE* out_;
  Telling telling_;
  TraceTeller& trace_;
  std::string plan_;
  const sim::Disk* disk_ = nullptr;
  std::optional<sim::Disk> stopped_;
  uint64_t images_ = 0;
  uint64_t broken_ = 0;
  Loss most_;
  Loss nearest_;
};

std::string verdict_text(std::FILE* out, const RunResult& result) {
  if (!result.harness_fault.empty()) return "the harness is at fault: " + result.harness_fault;
  if (const auto& v = result.violation) {
    return fmt::format("{}: {} ({}): {}", coloured(out, Colour::kBad, "broken"),
                       sentence_of(v->breach), code_of(v->breach), v->text);
  }
  if (result.refused) return "held: outside the contract, and it refused to start";
  if (result.contract_broken) return "held: outside the contract, and it recovered a prefix";
  return coloured(out, Colour::kGood, "held");
}

void tell_mutant(std::FILE* out, const faults::MutantInfo& mutant) {
  fmt::print(out, "{}", folded(fmt::format("mutant   {}: {}", mutant.name, mutant.story), 9));
  for (const std::string& line : faults::change_lines(mutant))
    fmt::print(out, "         {}\n", line);
}

}  // namespace

RunResult narrate(std::FILE* out, const RunSpec& spec, const Telling& telling) {
  TraceTeller trace(telling.events ? out : nullptr);
  Teller teller(out, telling, trace);
  WatchedEngine watched(trace);
  trace.watch(watched);
  const UnderWay under_way(spec);
  fmt::print(out, "run      {}\n", run_id(spec));
  if (!telling.until && !telling.events) {
    fmt::print(out, "{}",
               folded(fmt::format("policy   {}: {}", spec.policy->name,
                                  target_or_store(spec.target).promise(*spec.policy)),
                      9));
    fmt::print(
        out, "{}",
        folded(fmt::format("persona  {}: {}", spec.persona->name, spec.persona->guarantee), 9));
  }
  trace.print_head();
  const WrittenRun written =
      write_out(spec, {.observer = &teller, .trace = &teller, .engine = &watched});
  trace.finish();
  const RunResult& result = written.account.result;
  if (teller.stopped()) {
    print_disk(out, *teller.stopped());
    return result;
  }
  if (telling.until)
    fmt::print(out, "there is no event {}: the run has {}\n", *telling.until, result.events);
  if (spec.mutant != nullptr) tell_mutant(out, *spec.mutant);
  if (!telling.events && !telling.until) {
    fmt::print(out, "{}\n", tell_lives(written.scenario, written.account));
    teller.tell_images();
    teller.tell_damage(result.plan);
  }
  if (telling.why)
    fmt::print(out, "{}\n", tell_why(written.scenario, written.account, trace.lives()));
  const auto departs =
      telling.recorded ? departure(*telling.recorded, result.fingerprint) : std::nullopt;
  if (departs) fmt::print(out, "departs  from the recorded run {}\n", departure_text(*departs));
  if (result.misstated) {
    fmt::print(out, "verdict  none: {}\n", result.misstated->message);
    return result;
  }
  const bool none = departs && !result.violation && result.harness_fault.empty();
  fmt::print(out, "verdict  {}\n",
             none ? "none on the recorded run; the one told here held" : verdict_text(out, result));
  return result;
}

Result<Account> trace_scenario(std::FILE* out, const Scenario& scenario) {
  TraceTeller trace(out);
  WatchedEngine watched(trace);
  trace.watch(watched);
  trace.print_head();
  CutManner manner;
  manner.also = {.trace = &trace, .engine = &watched};
  auto account = run_scenario(scenario, manner);
  trace.finish();
  return account;
}

Result<std::string> why_of_scenario(const Scenario& scenario) {
  TraceTeller trace(nullptr);
  WatchedEngine watched(trace);
  trace.watch(watched);
  CutManner manner;
  manner.also = {.trace = &trace, .engine = &watched};
  TRY_ASSIGN(const Account account, run_scenario(scenario, manner));
  return tell_why(scenario, account, trace.lives());
}

}  // namespace powercut::scenarios
