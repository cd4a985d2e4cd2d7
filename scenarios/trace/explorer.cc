// Every cut of a trace, and with depth 2 every cut of the recoveries from these.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/base/check.h"
#include "scenarios/trace/judge.h"
#include "scenarios/trace/replay.h"
#include "sim/crash_space.h"
#include "sim/image_count.h"
#include "sim/lazy_disk.h"
#include "sim/lazy_stated.h"

namespace powercut::scenarios {

using sim::Disk;

namespace {

class TraceExplorer {
 public:
  TraceExplorer(const TraceSpec& spec, const faults::Persona& persona,
                const std::vector<uint32_t>& states, ImageOutcomes& outcomes)
      : spec_(spec),
        persona_(persona),
        states_(states),
        outcomes_(outcomes),
        count_(outcomes.pool()) {
    found_.persona = &persona;
  }

  Result<TraceCertificate> run() {
    TRY(play(
        [this](const Disk& disk, size_t events, size_t within) { point(disk, events, within); }));
    if (is_sampled(*spec_.trace))
      incomplete("what was written through mappings was seen where something was synced or said");
    if (drawn_ > 0)
      incomplete(fmt::format("more than {} images at {} of {} points: of these so many were drawn",
                             spec_.images_most, drawn_, found_.points));
    return std::move(found_);
  }

 private:
  // An outcome of the disk that was judged last, and the first image that led there: by its key, or as
  // the n-th that was drawn. `deeper`: there, the recovery was cut.
  struct Reached {
    uint32_t outcome;
    std::string key;
    uint64_t draw;
    bool deeper;
  };
  // What comes of the images that cuts of one recovery leave.
  struct Deeper {
    std::vector<uint32_t> outcomes;
    std::string because;  // not empty: these are not all
  };
  using OnPoint = std::function<void(const Disk& disk, size_t events, size_t within)>;

  // Judges the disk at each point, and calls `on_point` there: `reached_` says what came of it.
  Result<void> play(const OnPoint& on_point) {
    TRY_ASSIGN(Replay replay, Replay::begin(*spec_.trace, persona_.rules));
    judge_disk(replay.disk());
    on_point(replay.disk(), 0, 0);
    for (size_t i = 0; i < spec_.trace->events.size() && !spent_; ++i) {
      const TraceEvent& event = spec_.trace->events[i];
      const Disk before = replay.disk();
      size_t within = 0;
      TRY(replay.step(event, [&] {
        judge_disk(replay.disk());
        on_point(replay.disk(), i, ++within);
      }));
      if (!replay.disk().is_same_as(before)) judge_disk(replay.disk());
      on_point(replay.disk(), i + 1, 0);
    }
    return {};
  }

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
    const bool by_class = spec_.classes != nullptr && spec_.depth == 1;
    if (each && (!by_class || images <= spec_.each_most)) return enumerate(disk);
    if (all.ok() && by_class && go_by_class(disk)) return;
    if (each) return enumerate(disk);
    sampled_ = true;
    draw(disk);
  }

  // False: there are too many, or the recovery does not look at the same twice.
  bool go_by_class(const Disk& disk) {
    const uint32_t sector = sim::CrashSpace(disk.state()).sector_bytes();
    if (spec_.classes->is_unsteady() || sector < kSectorLeast) return false;
    std::set<uint32_t> leaves;
    bool whole = true;
    (void)sim::for_each_lazy_image(disk, outcomes_.pool(), [&](const sim::LazyImage& image) {
      whole = whole && spec_.classes->for_each_class(image, [&](const auto& one) {
        if (!leaves.insert(one.leaf).second) return true;
        reach({one.outcome, "", 0, false});
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
    reach({*outcome, key, draw, false});
    if (spec_.depth > 1)
      for (const uint32_t deeper : deeper_of(image).outcomes) reach({deeper, key, draw, true});
    return !spent_;
  }

  void reach(Reached reached) {
    const auto known = std::find_if(reached_.begin(), reached_.end(), [&](const Reached& one) {
      return one.outcome == reached.outcome;
    });
    if (known == reached_.end()) reached_.push_back(std::move(reached));
  }

  // --- Behind a first cut ---

  // Cuts of the recovery from `image`, judged by whoever was asked for that.
  TraceSpec spec_of_recovery(const Trace& recovery) const {
    TraceSpec spec = spec_;
    spec.trace = &recovery;
    spec.acks.clear();
    spec.depth = 1;
    spec.classes = nullptr;  // where symbolic links may lead is known of the program's trace alone
    return spec;
  }

  const Deeper& deeper_of(const Disk& image) {
    std::string key = outcomes_.key_of(image);
    if (const auto at = deeper_.find(key); at != deeper_.end()) return at->second;
    Deeper deeper;
    const Result<Trace>& recovery = outcomes_.recording_of(image);
    if (recovery.ok()) {
      const TraceSpec spec = spec_of_recovery(recovery.value());
      TraceExplorer below(spec, persona_, states_, outcomes_);
      const auto played = below.play([&](const Disk&, size_t, size_t) {
        for (const Reached& one : below.reached_)
          if (std::find(deeper.outcomes.begin(), deeper.outcomes.end(), one.outcome) ==
              deeper.outcomes.end())
            deeper.outcomes.push_back(one.outcome);
        below.drawn_ += below.sampled_ ? 1 : 0;
        found_.deeper_judged += below.images_judged_;
        ++found_.deeper_points;
      });
      spent_ = spent_ || below.spent_;
      found_.stopped = found_.stopped || below.spent_;
      if (!played.ok()) deeper.because = played.error().message;
      if (below.drawn_ > 0) deeper.because = "of a cut recovery some images were drawn";
      if (!below.found_.complete) deeper.because = below.found_.because;
    } else {
      deeper.because = "a recovery cannot be recorded: " + recovery.error().message;
    }
    if (!deeper.because.empty()) incomplete(deeper.because);
    return deeper_.emplace(std::move(key), std::move(deeper)).first->second;
  }

  // The first cut of the recovery from violation.image that comes to its outcome.
  void state_deeper(TraceViolation& violation) {
    const Trace& recovery = outcomes_.recording_of(violation.image).value();
    const TraceSpec spec = spec_of_recovery(recovery);
    TraceExplorer below(spec, persona_, states_, outcomes_);
    TraceViolation second;
    bool done = false;
    (void)below.play([&](const Disk& disk, size_t events, size_t within) {
      if (done) return;
      for (const Reached& one : below.reached_) {
        if (one.outcome != violation.outcome) continue;
        below.state_image(disk, one, second);
        violation.second = {recovery, events, within, second.survival, second.image};
        done = true;
        return;
      }
    });
    CHECK(done);
  }

  void point(const Disk& disk, size_t events, size_t within) {
    ++found_.points;
    found_.judged += images_judged_;
    found_.legal_images = sim::add_decimal(found_.legal_images, images_);
    drawn_ += sampled_ ? 1 : 0;
    const size_t floor = floor_at(spec_, persona_, events);
    for (const Reached& one : reached_) {
      const auto breach = breach_of(spec_, outcomes_, states_, one.outcome, floor);
      if (!breach) continue;
      ++found_.violations;
      ++found_.by_breach[static_cast<size_t>(*breach)];
      const auto known = std::any_of(found_.first.begin(), found_.first.end(),
                                     [&](const TraceViolation& v) { return v.breach == *breach; });
      if (known) continue;
      TraceViolation violation;
      violation.breach = *breach;
      violation.persona = &persona_;
      violation.event = events;
      violation.within = within;
      violation.acked = floor;
      violation.reached = place_of(states_, one.outcome).value_or(0);
      violation.outcome = one.outcome;
      violation.live = disk;
      state_image(disk, one, violation);
      if (one.deeper) state_deeper(violation);
      found_.first.push_back(std::move(violation));
    }
  }

  // The image that led there, and what survives in it.
  void state_image(const Disk& disk, const Reached& one, TraceViolation& violation) {
    if (sampled_) {
      sim::SeededChoices choices(1);
      violation.image = disk.after_power_cut(choices, one.draw, style_of(one.draw));
      violation.survival = sim::survival_of(disk, choices, one.draw, style_of(one.draw));
    } else if (by_class_) {
      state_class(disk, one.outcome, violation);
    } else {
      state(disk, one.key, violation);
    }
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
  const std::vector<uint32_t>& states_;
  ImageOutcomes& outcomes_;
  sim::ImageCount count_;
  TraceCertificate found_;
  std::map<std::string, Deeper> deeper_;  // by image
  // Of the disk that was judged last:
  std::vector<Reached> reached_;
  std::string images_ = "0";
  uint64_t images_judged_ = 0;
  bool sampled_ = false;
  bool by_class_ = false;
  uint64_t drawn_ = 0;  // points
  bool spent_ = false;
};

}  // namespace

Result<TraceExploration> explore_trace(const TraceSpec& spec, ImageOutcomes& outcomes) {
  TraceExploration all;
  TRY_ASSIGN(all.states, legal_states(spec, outcomes));
  for (const faults::Persona* persona : spec.personas) {
    TRY_ASSIGN(TraceCertificate found, TraceExplorer(spec, *persona, all.states, outcomes).run());
    all.by_persona.push_back(std::move(found));
  }
  return all;
}

}  // namespace powercut::scenarios
