#include "scenarios/explore/risk.h"

#include <algorithm>

#include "engine/base/check.h"
#include "scenarios/explore/witness.h"
#include "sim/image_count.h"
#include "sim/lazy_search.h"

namespace powercut::scenarios {

namespace {

constexpr Duration kOff = seconds(600);  // so that what expires has expired, as in explore()
constexpr auto kFound = static_cast<uint64_t>(engine::Found::kYes);
constexpr auto kReadOn = static_cast<uint64_t>(engine::Found::kReadOn);
constexpr size_t kSinglesMost = 4'000;  // images taken one by one, in all
constexpr size_t kWaysMost = 20'000;    // through three sectors in a row

// Did the search, of an image in which all is decided, find a match?
bool finds(const sim::LazyView& single, uint32_t number, const engine::Search& what,
           sim::ContentPool& pool) {
  const uint32_t unit = single.image().sector_bytes;
  const uint64_t first = what.offset / unit;
  size_t option = 0;
  while (!single.left[number][option]) ++option;
  const sim::LazyFile& file = single.file(number);
  sim::Alternatives all;
  for (uint64_t s = first; s * unit < file.options[option].size; ++s)
    all.push_back({*single.seen[number][s]});
  return sim::feasible(what, first * unit, unit, all, pool).yes;
}

// Do all images of the view come to that answer, whatever is undecided behind it?
bool is_certain(const sim::LazyView& view, uint32_t number, const engine::Search& what, bool found,
                sim::ContentPool& pool) {
  const uint32_t unit = view.image().sector_bytes;
  const uint64_t first = what.offset / unit;
  const sim::LazyFile& file = view.file(number);
  // Most often nothing there can even end a match.
  const sim::Peaks peaks = sim::peaks_of(file, what, pool);
  if (peaks.highest[std::min<uint64_t>(first, file.sectors.size())] <= what.offset) return !found;
  sim::Alternatives all;
  for (size_t i = 0; i < file.options.size(); ++i) {
    if (!view.left[number][i]) continue;
    view.alternatives(number, i, first, all);
    size_t ways = 0;
    for (size_t s = 0; s + 2 < all.size(); ++s)
      ways += all[s].size() * all[s + 1].size() * all[s + 2].size();
    if (ways > kWaysMost) return false;
    const sim::Feasible can = sim::feasible(what, first * unit, unit, all, pool);
    if (found ? can.no : can.yes) return false;
  }
  return true;
}

}  // namespace

void Risk::begin(uint64_t served) {
  served_ = served;
  states_.clear();
  at_.clear();
  points_.clear();
  outcomes_.clear();
}

void Risk::note(uint64_t events, const sim::WorldState& world, const Promised& promised) {
  if (states_.empty() || !states_.back().disk.is_same_as(world.disk))
    states_.emplace_back(world.disk);
  at_.push_back({promised, states_.size() - 1});
  at_.back().promised.served = served_;
  points_.push_back({events, world.now, "", "", false, 0});
}

// An undecided search leaves mixtures with a match and without in one product: these are taken one by one.
bool Risk::add_class(const Recoveries::Class& one, sim::ImageCount& count, size_t part) {
  struct Asked {
    engine::Search what;
    sim::InodeId file;
    bool found;
  };
  std::vector<Asked> searches;
  for (const auto& seen : one.seen)
    if (seen.look.kind == sim::Look::kSearch && seen.answer.seen != kReadOn &&
        !is_certain(one.view, seen.look.of, seen.look.what, seen.answer.seen == kFound,
                    recoveries_->pool()))
      searches.push_back(
          {seen.look.what, one.view.file(seen.look.of).inode, seen.answer.seen == kFound});
  const sim::LazyImage narrow = one.view.narrowed();
  if (searches.empty()) {
    count.add(narrow, part);
    return true;
  }
  if (singles_ >= kSinglesMost) return false;
  return sim::for_each_single_image(
      narrow, recoveries_->pool(), options_.persona->rules,
      [&](const std::string&, const sim::LazyView& single, const sim::Disk&) {
        const bool fits = std::all_of(searches.begin(), searches.end(), [&](const auto& search) {
          const auto number = single.number_of(search.file);
          return number && finds(single, *number, search.what, recoveries_->pool()) == search.found;
        });
        if (fits) count.add(single.narrowed(), part);
        return ++singles_ < kSinglesMost;
      });
}

// Which outcomes there are, and how many images in all.
void Risk::look(State& state) {
  state.killed = recoveries_->outcome_of(state.disk.after_kill());
  count_->clear();
  uint64_t classes = 0;
  bool within = classes_ < options_.classes_all;
  const auto made =
      sim::for_each_lazy_image(state.disk, recoveries_->pool(), [&](const sim::LazyImage& image) {
        count_->add(image);
        if (!within) return;
        within = recoveries_->for_each_class(image, [&](const Recoveries::Class& one) {
          const auto known =
              std::find_if(state.parts.begin(), state.parts.end(),
                           [&](const State::Part& part) { return part.outcome == one.outcome; });
          if (known == state.parts.end()) state.parts.push_back({one.outcome, "", false});
          return ++classes < options_.classes_most && ++classes_ < options_.classes_all;
        });
      });
  state.complete = made.ok() && within;
  if (made.ok()) state.images = count_->decimal();
}

// The images of the outcomes that are wanted.
void Risk::count(State& state) {
  const auto wanted = [&](uint32_t outcome) -> State::Part* {
    for (State::Part& part : state.parts)
      if (part.outcome == outcome && part.wanted) return &part;
    return nullptr;
  };
  const auto how_many = std::count_if(state.parts.begin(), state.parts.end(),
                                      [](const State::Part& part) { return part.wanted; });
  if (how_many == 0 || !state.complete) return;
  count_->clear();
  bool within = true;
  (void)sim::for_each_lazy_image(state.disk, recoveries_->pool(), [&](const sim::LazyImage& image) {
    if (within)
      within = recoveries_->for_each_class(image, [&](const Recoveries::Class& one) {
        const State::Part* part = wanted(one.outcome);
        return part == nullptr ||
               add_class(one, *count_, static_cast<size_t>(part - state.parts.data()));
      });
  });
  if (!within) return;
  std::string sum = "0";
  for (size_t i = 0; i < state.parts.size(); ++i) {
    if (!state.parts[i].wanted) continue;
    state.parts[i].images = count_->decimal(i);
    sum = sim::add_decimal(sum, state.parts[i].images);
  }
  // All of them are the whole, or the parts are not apart.
  if (static_cast<size_t>(how_many) == state.parts.size() && sum != state.images)
    for (State::Part& part : state.parts) part.images.clear();
}

Verdict Risk::judge(const Promised& promised, const Recovered& recovered) {
  return oracle_->judge(*history_, promised, delays_, recovered, false);
}

Verdict Risk::judge(const Recovered& recovered) { return judge(promised_, recovered); }

void Risk::end(History& history, const sim::WorldState& world, const Promised& promised,
               const Delays& delays, const Opening& opening) {
  history_ = &history;
  delays_ = delays;
  promised_ = promised;
  promised_.served = served_;
  const Instant restart = world.now + kOff;
  recoveries_.emplace(opening, restart, restart.ns / 1'000'000 + world.wall_offset_ms,
                      history.backups().moment() != 0);
  count_ = std::make_unique<sim::ImageCount>(recoveries_->pool());
  oracle_.emplace(*options_.policy, options_.persona->keeps_synced,
                  options_.persona->rules.writeback);
  oracle_->served(UINT64_MAX);  // each point says what had been served
  if (states_.empty() || !states_.back().disk.is_same_as(world.disk))
    states_.emplace_back(world.disk);
  std::vector<std::vector<size_t>> points(states_.size());
  for (size_t i = 0; i < points_.size(); ++i) points[at_[i].state].push_back(i);
  for (size_t number = states_.size(); number-- > 0;) {
    State& state = states_[number];
    look(state);
    const bool last = number + 1 == states_.size();
    for (State::Part& part : state.parts) part.wanted = last;
    for (const size_t i : points[number])
      for (State::Part& part : state.parts)
        part.wanted =
            part.wanted || judge(at_[i].promised, recoveries_->outcome(part.outcome)).violation;
    count(state);
    for (const size_t i : points[number]) judge_point(i, state);
  }
  const State& state = states_.back();
  images_at_end_ = state.images;
  for (const State::Part& part : state.parts) {
    const Recovered& recovered = recoveries_->outcome(part.outcome);
    outcomes_.push_back({witness_of_outcome(*recoveries_, world.disk, part.outcome), part.images,
                         recovered, judge(promised_, recovered)});
  }
}

void Risk::judge_point(size_t i, const State& state) {
  RiskPoint& point = points_[i];
  point.images = state.images;
  std::string broken = "0";
  bool known = state.complete;
  for (const State::Part& part : state.parts) {
    const Verdict verdict = judge(at_[i].promised, recoveries_->outcome(part.outcome));
    point.lost_most = std::max(point.lost_most, verdict.loss.operations);
    if (!verdict.violation) continue;
    if (point.violation.empty()) point.violation = verdict.violation->text;
    known = known && !part.images.empty();
    if (known) broken = sim::add_decimal(broken, part.images);
  }
  if (known) point.broken = broken;
  Promised killed = at_[i].promised;
  killed.kind = sim::CrashKind::kKill;
  point.kill_breaks = judge(killed, recoveries_->outcome(state.killed)).violation.has_value();
}

}  // namespace powercut::scenarios
