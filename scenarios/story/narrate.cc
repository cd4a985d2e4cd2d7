#include "scenarios/story/narrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/base/terminal.h"
#include "scenarios/run/guards.h"
#include "scenarios/run/last_words.h"
#include "scenarios/sweep/report.h"
#include "sim/crash_images.h"

namespace powercut::scenarios {

namespace {

// More tapes than this are only sampled.
constexpr uint64_t kTapesMax = 4096;

std::string_view crash_text(sim::CrashKind crash) {
  switch (crash) {
    case sim::CrashKind::kKill:
      return "kill";
    case sim::CrashKind::kPowerCut:
      return "power cut";
    case sim::CrashKind::kNone:
      break;
  }
  return "end";
}

std::string moment_text(Instant at) {
  return fmt::format("{:.6f} s", static_cast<double>(at.ns) / 1e9);
}

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

std::string found_text(const Verdict& verdict, uint64_t operations) {
  if (verdict.violation && verdict.violation->breach == Breach::kNoPrefix) {
    return "recovered a state that is no prefix of the history";
  }
  return fmt::format("recovered operation {} of {}; lost {}, bound {}", verdict.k, operations,
                     loss_text(verdict.loss), bound_text(verdict.loss));
}

class Teller final : public RunObserver, public sim::TraceListener {
 public:
  Teller(std::FILE* out, const Telling& telling) : out_(out), telling_(telling) {}

  void on_begin(const faults::Plan& plan, const sim::Disk& disk) override {
    disk_ = &disk;
    const std::string text = faults::print(plan);
    fmt::print(out_, "plan     {}\n", text.empty() ? "nothing goes wrong" : text);
  }
  void on_open(uint32_t life, Instant at, sim::Target& target, const Verdict* verdict,
               const History& history) override {
    tell(life, at, target.recovery_summary());
    if (verdict != nullptr) tell(life, at, found_text(*verdict, history.last_lsn()));
  }
  void on_image(Instant at, const Verdict& verdict, const Promised& promised) override {
    if (stopped_) return;
    fmt::print(out_, "image    {:>14}  cut here instead: {}\n", moment_text(at),
               found_text(verdict, promised.last));
  }
  void on_refusal(uint32_t life, Instant at, const Error& error) override {
    tell(life, at, "does not start: " + error.message);
  }
  void on_end(uint32_t life, Instant at, sim::CrashKind crash, bool served,
              const History& history) override {
    if (served) {
      tell(life, at,
           fmt::format("{} after {} operations; {} acknowledged in all", crash_text(crash),
                       history.last_lsn(), history.acked()));
    } else if (crash != sim::CrashKind::kNone) {
      tell(life, at, fmt::format("{} during recovery", crash_text(crash)));
    }
  }

  void on_event(const sim::Event& event) override {
    if (stopped_) return;
    if (telling_.events) fmt::print(out_, "{}\n", event_line(event));
    if (telling_.until != event.number) return;
    if (!telling_.events) fmt::print(out_, "{}\n", event_line(event));
    stopped_ = *disk_;
  }
  // The disk at the event where the account was to stop, if it came so far.
  const std::optional<sim::Disk>& stopped() const { return stopped_; }

 private:
  void tell(uint32_t life, Instant at, const std::string& text) {
    if (stopped_) return;
    fmt::print(out_, "life {}   {:>14}  {}\n", life, moment_text(at), text);
  }

  std::FILE* out_;
  Telling telling_;
  const sim::Disk* disk_ = nullptr;
  std::optional<sim::Disk> stopped_;
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

}  // namespace

RunResult narrate(std::FILE* out, const RunSpec& spec, const Telling& telling,
                  const Stated& stated) {
  Teller teller(out, telling);
  const UnderWay under_way(spec);
  fmt::print(out, "run      {}\n", run_id(spec));
  const bool listen = telling.events || telling.until;
  RunResult result =
      run_once(spec, stated, {.observer = &teller, .trace = listen ? &teller : nullptr});
  if (teller.stopped()) {
    print_disk(out, *teller.stopped());
    return result;
  }
  if (telling.until)
    fmt::print(out, "there is no event {}: the run has {}\n", *telling.until, result.events);
  if (spec.mutant != nullptr) {
    fmt::print(out, "mutant   {}: {}\n", spec.mutant->name, spec.mutant->story);
    for (const std::string& line : faults::change_lines(*spec.mutant))
      fmt::print(out, "         {}\n", line);
  }
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

}  // namespace powercut::scenarios
