#include "scenarios/trace/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/base/check.h"
#include "scenarios/trace/replay.h"
#include "sim/crash_space.h"
#include "sim/image_count.h"
#include "sim/lazy_disk.h"
#include "sim/lazy_stated.h"

namespace powercut::scenarios {

using sim::Disk;

std::string_view code_of(TraceBreach breach) {
  switch (breach) {
    case TraceBreach::kLost:
      return "lost";
    case TraceBreach::kNoPrefix:
      return "not a prefix";
    case TraceBreach::kNoStart:
      return "does not start";
    case TraceBreach::kHangs:
      return "hangs";
    case TraceBreach::kUnsteady:
      return "not deterministic";
    case TraceBreach::kCheckFails:
      return "check fails";
  }
  return "";
}

// --- Acknowledgements ---

std::vector<Acknowledgement> acknowledgements(const Trace& trace,
                                              const std::optional<std::regex>& pattern) {
  std::vector<Acknowledgement> acks;
  std::map<std::string, std::string> begun;  // lines, by stream
  for (size_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    if (event.kind == TraceEvent::kExit && !pattern && event.number == 0)
      acks.push_back({i, event.ms, "the end of the command"});
    if (event.kind != TraceEvent::kOut) continue;
    if (pattern ? event.other == kStderr : event.other != kStdout) continue;
    std::string& line = begun[event.other];
    for (const char c : event.bytes) {
      if (c != '\n') {
        line += c;
        continue;
      }
      if (!pattern || std::regex_search(line, *pattern)) acks.push_back({i, event.ms, line});
      line.clear();
    }
  }
  return acks;
}

// --- Outcomes ---

// Exact: paths, which of them are one file, and contents by their numbers in the pool.
std::string ImageOutcomes::key_of(const Disk& disk) {
  std::string key;
  const auto add = [&key](uint64_t number) {
    key.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  std::map<sim::InodeId, uint64_t> first;  // by inode: which of the paths
  for (const sim::FoundFile& file : sim::image_of(disk)) {
    add(pool_.intern(file.path));
    if (file.path.back() != '/')
      add(first.try_emplace(disk.lookup(file.path).value(), first.size()).first->second);
    add(file.content.size());
    const std::string_view content = file.content;
    for (size_t at = 0; at < content.size(); at += sim::kBlockBytes)
      add(pool_.intern(content.substr(at, sim::kBlockBytes)));
  }
  return key;
}

std::optional<uint32_t> ImageOutcomes::of(const Disk& disk, bool may_run) {
  std::string key = key_of(disk);
  if (const auto at = known_.find(key); at != known_.end()) return at->second;
  if (!may_run) return std::nullopt;
  const uint32_t outcome = number_of(recover_(disk));
  known_.emplace(std::move(key), outcome);
  return outcome;
}

uint32_t ImageOutcomes::number_of(ImageOutcome outcome) {
  const auto known = std::find_if(outcomes_.begin(), outcomes_.end(),
                                  [&](const ImageOutcome& one) { return one.same_as(outcome); });
  const auto number = static_cast<uint32_t>(known - outcomes_.begin());
  if (known == outcomes_.end()) outcomes_.push_back(std::move(outcome));
  return number;
}

// --- Exploring ---

namespace {

// The legal states: what a kill leaves at the beginning, at each acknowledgement, and at the end.
class LegalStates {
 public:
  LegalStates(const TraceSpec& spec, const ImageOutcomes& outcomes, std::vector<uint32_t> states)
      : spec_(spec), outcomes_(outcomes), states_(std::move(states)) {}

  // How many acknowledgements are in it, if it is a state; the last that looks so.
  std::optional<size_t> place_of(uint32_t outcome) const {
    for (size_t j = states_.size(); j-- > 0;)
      if (states_[j] == outcome) return j;
    return std::nullopt;
  }

  std::optional<TraceBreach> breach(uint32_t number, size_t floor) const {
    const ImageOutcome& outcome = outcomes_[number];
    if (outcome.unsteady) return TraceBreach::kUnsteady;
    if (spec_.checked) {
      if (outcome.hangs) return TraceBreach::kHangs;
      const bool as_before = floor == 0 && number == states_.front();
      if (outcome.status == 0 || as_before) return std::nullopt;
      return TraceBreach::kCheckFails;
    }
    const std::optional<size_t> place = place_of(number);
    if (place && *place >= floor) return std::nullopt;
    if (place) return TraceBreach::kLost;
    if (outcome.hangs) return TraceBreach::kHangs;
    return outcome.status != 0 ? TraceBreach::kNoStart : TraceBreach::kNoPrefix;
  }

 private:
  const TraceSpec& spec_;
  const ImageOutcomes& outcomes_;
  std::vector<uint32_t> states_;
};

class TraceExplorer {
 public:
  TraceExplorer(const TraceSpec& spec, const faults::Persona& persona, const LegalStates& legal,
                ImageOutcomes& outcomes)
      : spec_(spec),
        persona_(persona),
        legal_(legal),
        outcomes_(outcomes),
        count_(outcomes.pool()) {
    found_.persona = &persona;
  }

  Result<TraceCertificate> run() {
    TRY_ASSIGN(Replay replay, Replay::begin(*spec_.trace, persona_.rules));
    judge_disk(replay.disk());
    point(replay.disk(), 0);
    for (size_t i = 0; i < spec_.trace->events.size() && !spent_; ++i) {
      const TraceEvent& event = spec_.trace->events[i];
      const Disk before = replay.disk();
      TRY(replay.step(event, [&] {
        judge_disk(replay.disk());
        point(replay.disk(), i);
      }));
      if (!replay.disk().is_same_as(before)) judge_disk(replay.disk());
      point(replay.disk(), i + 1);
    }
    if (drawn_ > 0)
      incomplete(fmt::format("more than {} images at {} of {} points: of these so many were drawn",
                             spec_.images_most, drawn_, found_.points));
    return std::move(found_);
  }

 private:
  // An outcome of the disk that was judged last, and the first image that led there: by its key, or as
  // the n-th that was drawn.
  struct Reached {
    uint32_t outcome;
    std::string key;
    uint64_t draw;
  };

  void incomplete(std::string because) {
    if (found_.complete) found_.because = std::move(because);
    found_.complete = false;
  }

  // What all images come to that a power cut may leave of it now.
  void judge_disk(const Disk& disk) {
    ++found_.disks;
    reached_.clear();
    images_judged_ = 0;
    count_.clear();
    const Result<void> all = sim::for_each_lazy_image(
        disk, outcomes_.pool(), [&](const sim::LazyImage& image) { count_.add(image); });
    images_ = count_.decimal();
    const uint64_t images =
        all.ok() && images_.size() <= kDigitsMost ? std::stoull(images_) : UINT64_MAX;
    if (!all.ok()) incomplete(all.error().message);
    sampled_ = by_class_ = false;
    const bool each = images <= spec_.images_most;
    if (each && (spec_.classes == nullptr || images <= spec_.each_most)) return enumerate(disk);
    if (all.ok() && go_by_class(disk)) return;
    if (each) return enumerate(disk);
    sampled_ = true;
    draw(disk);
  }

  // False: there are too many, or the recovery does not look at the same twice.
  bool go_by_class(const Disk& disk) {
    const uint32_t sector = sim::CrashSpace(disk.state()).sector_bytes();
    if (spec_.classes == nullptr || spec_.classes->is_unsteady() || sector < kSectorLeast)
      return false;
    std::set<uint32_t> leaves;
    bool whole = true;
    (void)sim::for_each_lazy_image(disk, outcomes_.pool(), [&](const sim::LazyImage& image) {
      whole = whole && spec_.classes->for_each_class(image, [&](const auto& one) {
        if (!leaves.insert(one.leaf).second) return true;
        reach(one.outcome, "", 0);
        return leaves.size() < spec_.images_most && executed() < spec_.recoveries_most;
      });
    });
    if (!whole) {
      reached_.clear();
      return false;
    }
    images_judged_ = leaves.size();
    by_class_ = true;
    return true;
  }

  uint64_t executed() const {
    return outcomes_.executed() + (spec_.classes == nullptr ? 0 : spec_.classes->executed());
  }

  void enumerate(const Disk& disk) {
    std::set<std::string> seen;
    (void)sim::for_each_lazy_image(disk, outcomes_.pool(), [&](const sim::LazyImage& lazy) {
      sim::for_each_single_image(
          lazy, outcomes_.pool(), disk.rules(),
          [&](const std::string& key, const sim::LazyView&, const Disk& image) {
            if (spent_ || !seen.insert(key).second) return !spent_;
            return note(image, key, 0);
          });
    });
  }

  void draw(const Disk& disk) {
    for (uint64_t n = 0; n < spec_.images_most && !spent_; ++n) {
      sim::SeededChoices choices(1);
      note(disk.after_power_cut(choices, n, style_of(n)), "", n);
    }
  }

  static sim::CutStyle style_of(uint64_t draw) {
    return draw % 2 == 0 ? sim::CutStyle::kUseful : sim::CutStyle::kUniform;
  }

  // False: no more recoveries may run.
  bool note(const Disk& image, const std::string& key, uint64_t draw) {
    const auto outcome = outcomes_.of(image, executed() < spec_.recoveries_most);
    if (!outcome) {
      spent_ = found_.stopped = true;
      incomplete(fmt::format("more than {} recoveries", spec_.recoveries_most));
      return false;
    }
    ++images_judged_;
    reach(*outcome, key, draw);
    return true;
  }

  void reach(uint32_t outcome, const std::string& key, uint64_t draw) {
    const auto known = std::find_if(reached_.begin(), reached_.end(),
                                    [&](const Reached& one) { return one.outcome == outcome; });
    if (known == reached_.end()) reached_.push_back({outcome, key, draw});
  }

  // Acknowledgements that a cut behind so many events may not take.
  size_t floor_at(size_t events) const {
    if (!persona_.keeps_synced) return 0;
    const auto& all = spec_.trace->events;
    if (all.empty()) return 0;
    const uint64_t now = events < all.size() ? all[events].ms : all.back().ms;
    size_t floor = 0;
    while (floor < spec_.acks.size() && spec_.acks[floor].event < events &&
           spec_.acks[floor].ms + spec_.window_ms <= now)
      ++floor;
    return floor - std::min<size_t>(floor, spec_.lost_most);
  }

  void point(const Disk& disk, size_t events) {
    ++found_.points;
    found_.judged += images_judged_;
    found_.legal_images = sim::add_decimal(found_.legal_images, images_);
    drawn_ += sampled_ ? 1 : 0;
    const size_t floor = floor_at(events);
    for (const Reached& one : reached_) {
      const auto breach = legal_.breach(one.outcome, floor);
      if (!breach) continue;
      ++found_.violations;
      const auto known = std::any_of(found_.first.begin(), found_.first.end(),
                                     [&](const TraceViolation& v) { return v.breach == *breach; });
      if (!known) violate(disk, events, floor, *breach, one);
    }
  }

  void violate(const Disk& disk, size_t events, size_t floor, TraceBreach breach,
               const Reached& one) {
    TraceViolation violation;
    violation.breach = breach;
    violation.persona = &persona_;
    violation.event = events;
    violation.acked = floor;
    violation.reached = legal_.place_of(one.outcome).value_or(0);
    violation.outcome = one.outcome;
    violation.live = disk;
    if (sampled_) {
      sim::SeededChoices choices(1);
      violation.image = disk.after_power_cut(choices, one.draw, style_of(one.draw));
      violation.survival = sim::survival_of(disk, choices, one.draw, style_of(one.draw));
    } else if (by_class_) {
      state_class(disk, one.outcome, violation);
    } else {
      state(disk, one.key, violation);
    }
    found_.first.push_back(std::move(violation));
  }

  // The image of that key, once more.
  void state(const Disk& disk, const std::string& key, TraceViolation& violation) {
    bool done = false;
    (void)sim::for_each_lazy_image(disk, outcomes_.pool(), [&](const sim::LazyImage& lazy) {
      if (done) return;
      sim::for_each_single_image(
          lazy, outcomes_.pool(), disk.rules(),
          [&](const std::string& at, const sim::LazyView& view, const Disk& image) {
            if (at != key) return true;
            violation.image = image;
            violation.survival = sim::stated(disk, view);
            done = true;
            return false;
          });
    });
    CHECK(done);
  }

  // An image of the first class that comes to it.
  void state_class(const Disk& disk, uint32_t outcome, TraceViolation& violation) {
    bool done = false;
    (void)sim::for_each_lazy_image(disk, outcomes_.pool(), [&](const sim::LazyImage& lazy) {
      if (done) return;
      spec_.classes->for_each_class(lazy, [&](const auto& one) {
        if (one.outcome != outcome) return true;
        sim::LazyView view = one.view;
        for (uint32_t f = 0; f < view.files(); ++f)
          view.seen[f].resize(view.file(f).sectors.size());
        violation.survival = sim::stated(disk, view);
        violation.image = disk.after_power_cut(violation.survival).value();
        done = true;
        return false;
      });
    });
    CHECK(done);
  }

  static constexpr uint32_t kSectorLeast = 512;  // that can be settled in a file for itself
  static constexpr size_t kDigitsMost = 18;      // of a count that is a number here

  const TraceSpec& spec_;
  const faults::Persona& persona_;
  const LegalStates& legal_;
  ImageOutcomes& outcomes_;
  sim::ImageCount count_;
  TraceCertificate found_;
  // Of the disk that was judged last:
  std::vector<Reached> reached_;
  std::string images_ = "0";
  uint64_t images_judged_ = 0;
  bool sampled_ = false;
  bool by_class_ = false;
  uint64_t drawn_ = 0;  // points
  bool spent_ = false;
};

// What a mere kill leaves, at the beginning, at each acknowledgement, and at the end.
Result<std::vector<uint32_t>> kill_states(const TraceSpec& spec, ImageOutcomes& outcomes) {
  TRY_ASSIGN(Replay replay, Replay::begin(*spec.trace, sim::PersonaRules{}));
  std::vector<uint32_t> states{*outcomes.of(replay.disk())};
  for (size_t i = 0; i < spec.trace->events.size(); ++i) {
    TRY(replay.step(spec.trace->events[i]));
    while (states.size() <= spec.acks.size() && spec.acks[states.size() - 1].event == i)
      states.push_back(*outcomes.of(replay.disk()));
  }
  CHECK(states.size() == spec.acks.size() + 1);
  states.push_back(*outcomes.of(replay.disk()));
  return states;
}

// A judgement that could not fail says nothing.
Result<void> check_states(const TraceSpec& spec, const ImageOutcomes& outcomes,
                          const std::vector<uint32_t>& states) {
  const auto nothing = [](const std::string& why) {
    return Error{Errc::kCorrupt, "nothing is judged: " + why};
  };
  if (spec.acks.empty() && !spec.checked)
    return nothing("nothing was acknowledged; --ack REGEX says what is a promise");
  for (size_t j = 1; j < states.size(); ++j) {
    const ImageOutcome& outcome = outcomes[states[j]];
    const std::string where = fmt::format("what a mere kill leaves at acknowledgement {}", j);
    if (outcome.hangs) return nothing(where + " hangs: --limit gives it more time");
    if (outcome.unsteady) return nothing(where + " does not come to the same thing twice");
    if (spec.checked && outcome.status != 0)
      return nothing(where + fmt::format(" does not pass the check: status {}{}{}", outcome.status,
                                         outcome.said.empty() ? "" : ": ", outcome.said));
  }
  if (spec.checked) return {};
  const auto fails = [&](uint32_t state) { return outcomes[state].status != 0; };
  if (std::all_of(states.begin() + 1, states.end(), fails))
    return nothing(fmt::format(
        "the recovery ends with status {} after each acknowledgement, also "
        "where no power was cut{}{}",
        outcomes[states.back()].status, outcomes[states.back()].said.empty() ? "" : ": ",
        outcomes[states.back()].said));
  const bool same =
      std::all_of(states.begin(), states.end(), [&](uint32_t state) { return state == states[0]; });
  if (same)
    return nothing(
        "what is observed is the same before the first acknowledgement and after the "
        "last");
  return {};
}

}  // namespace

bool TraceExploration::complete() const {
  return std::all_of(by_persona.begin(), by_persona.end(),
                     [](const TraceCertificate& one) { return one.complete; });
}

bool TraceExploration::stopped() const {
  return std::any_of(by_persona.begin(), by_persona.end(),
                     [](const TraceCertificate& one) { return one.stopped; });
}

uint64_t TraceExploration::violations() const {
  uint64_t sum = 0;
  for (const TraceCertificate& one : by_persona) sum += one.violations;
  return sum;
}

Result<TraceExploration> explore_trace(const TraceSpec& spec, ImageOutcomes& outcomes) {
  TraceExploration all;
  TRY_ASSIGN(all.states, kill_states(spec, outcomes));
  TRY(check_states(spec, outcomes, all.states));
  const LegalStates legal(spec, outcomes, all.states);
  for (const faults::Persona* persona : spec.personas) {
    TRY_ASSIGN(TraceCertificate found, TraceExplorer(spec, *persona, legal, outcomes).run());
    all.by_persona.push_back(std::move(found));
  }
  return all;
}

}  // namespace powercut::scenarios
