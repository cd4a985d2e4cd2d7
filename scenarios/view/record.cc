#include "scenarios/view/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/base/glossary.h"
#include "scenarios/base/json_text.h"
#include "scenarios/run/targets.h"
#include "scenarios/story/story.h"
#include "scenarios/view/frames.h"
#include "sim/survival.h"

namespace powercut::scenarios {

namespace {

// One run on one persona, watched.
struct Column {
  const faults::Persona* persona;
  std::unique_ptr<ViewWatch> watch;
  Account account;
  std::string story;
};

// --- Making the runs ---

struct Played {
  Scenario scenario;  // of a run that nobody wrote: as far as it goes
  bool written = false;
};

Result<Column> play(const Played& played, const Recipe* recipe, const faults::Persona& persona,
                    bool own, const ViewLimits& limits) {
  const RunSpec* spec = recipe == nullptr ? nullptr : &recipe->spec;
  const Policy& policy = played.written ? *played.scenario.policy : *spec->policy;
  Column column{&persona, std::make_unique<ViewWatch>(policy, persona, limits), {}, {}};
  WatchedEngine watched(*column.watch);
  column.watch->watch(watched);
  const Also also{column.watch.get(), column.watch.get(), column.watch.get(), &watched};
  if (played.written) {
    Scenario scenario = played.scenario;
    scenario.persona = &persona;
    scenario.cuts_nearest = scenario.cuts_nearest || !own;
    CutManner manner;
    manner.also = also;
    TRY_ASSIGN(column.account, run_scenario(scenario, manner));
    column.story = tell_story(scenario, column.account, {});
  } else {
    RunSpec other = *spec;
    other.persona = &persona;
    WrittenRun run = write_out(other, also);
    column.account = std::move(run.account);
    column.story = tell_story(run.scenario, column.account, {});
  }
  column.watch->finish();
  return column;
}

// --- Writing them down ---

Json frame_json(const Frame& frame, const ViewWatch& watch) {
  Json json = {{"t", frame.at.ns}, {"k", frame.kind}, {"x", frame.text}};
  if (frame.life != 0) json["l"] = frame.life;
  if (frame.event) json["n"] = *frame.event;
  if (!frame.path.empty()) json["f"] = frame.path;
  if (frame.bytes) json["b"] = {frame.bytes->first, frame.bytes->second};
  if (!frame.result.empty()) json["r"] = frame.result;
  if (!frame.task.empty()) json["s"] = frame.task;
  if (frame.began) json["t0"] = frame.began->ns;
  if (frame.client) json["c"] = *frame.client;
  if (frame.operation) json["o"] = *frame.operation;
  json["d"] = frame.disk;
  if (frame.life < watch.lives.size()) {
    const ShownLife& life = watch.lives[frame.life];
    if (life.ended && life.risk_first != SIZE_MAX && !life.risk->points().empty())
      json["q"] = std::min(frame.risk, life.risk_first + life.risk->points().size() - 1);
  }
  return json;
}

Json call_json(const Frame& frame) {
  Json json = {{"k", frame.kind}, {"x", frame.text}};
  if (!frame.path.empty()) json["f"] = frame.path;
  if (frame.bytes) json["b"] = {frame.bytes->first, frame.bytes->second};
  if (!frame.result.empty()) json["r"] = frame.result;
  return json;
}

Json loss_json(const Loss& loss) {
  return {{"ops", loss.operations},
          {"span", loss.span_ms},
          {"age", loss.age_ms},
          {"bound", loss.bound_ms}};
}

Json verdict_json(const Verdict& verdict, const Recovered& recovered) {
  Json json = {{"k", verdict.k}, {"loss", loss_json(verdict.loss)}};
  if (!recovered.refusal.empty()) json["refused"] = recovered.refusal;
  if (!verdict.started) json["started"] = false;
  if (const auto& broken = verdict.violation)
    json["broken"] = {{"code", code_of(broken->breach)},
                      {"what", sentence_of(broken->breach)},
                      {"story", row_of(broken->breach).story},
                      {"text", broken->text}};
  return json;
}

// Recoveries of one disk are much alike: what is equal is written once.
class Once {
 public:
  size_t number(Json value) {
    const auto [at, is_new] = numbers_.try_emplace(json_text(value, -1), all.size());
    if (is_new) all.push_back(std::move(value));
    return at->second;
  }
  Json all = Json::array();

 private:
  std::map<std::string, size_t> numbers_;
};

Json recovery_json(const ShownRecovery& shown, Once& calls, Once& lines) {
  Json json = verdict_json(shown.verdict, shown.recovered);
  json["calls"] = Json::array();
  for (const Frame& frame : shown.frames) json["calls"].push_back(calls.number(call_json(frame)));
  json["story"] = Json::array();
  for (const std::string& line : shown.story) json["story"].push_back(lines.number(line));
  json["holds"] = Json::array();
  for (const std::string& line : shown.holds) json["holds"].push_back(lines.number(line));
  json["d"] = shown.disk;
  return json;
}

Json risk_json(const RiskPoint& point) {
  Json json = {{"t", point.at.ns}, {"i", point.images}, {"b", point.broken}};
  if (point.kill_breaks) json["kill"] = true;
  if (point.lost_most != 0) json["m"] = point.lost_most;
  if (!point.violation.empty()) json["v"] = point.violation;
  return json;
}

Json operation_json(const ShownOperation& operation) {
  Json json = {{"o", operation.number}, {"x", operation.text}, {"a", operation.applied}};
  if (operation.client) json["c"] = *operation.client;
  if (operation.written != 0) json["w"] = operation.written;
  if (operation.synced != 0) json["s"] = operation.synced;
  if (operation.acked != 0) json["k"] = operation.acked;
  return json;
}

// Each slot that the cut decided, with what it could have been.
class SlotLister final : public sim::Picker {
 public:
  explicit SlotLister(const sim::Survival& survival) : stated_(survival, sim::Illegal::kBent) {}
  size_t pick(const sim::SlotNames& names, const sim::SlotRef& slot, sim::Range range,
              size_t prefix, bool frontier) override {
    const size_t version = stated_.pick(names, slot, range, prefix, frontier);
    if (range.lo != range.hi) {
      const std::string text = sim::print(sim::Slot{names.name_of(slot), 0});
      slots.push_back({{"x", text.substr(0, text.rfind(' '))},
                       {"lo", range.lo},
                       {"hi", range.hi},
                       {"v", version}});
    }
    return version;
  }
  Json slots = Json::array();

 private:
  sim::StatedPicker stated_;
};

Json slots_json(const sim::Disk& disk, const sim::Survival& survival) {
  SlotLister slots(survival);
  (void)disk.after_power_cut(slots);
  return std::move(slots.slots);
}

Json life_json(const Column& column, size_t number) {
  const ShownLife& life = column.watch->lives[number];
  Json json = {{"first", life.first}, {"last", life.last}, {"recovered", life.recovered}};
  json["ops"] = Json::array();
  for (const ShownOperation& operation : life.operations)
    json["ops"].push_back(operation_json(operation));
  json["done"] = life.done;
  json["acked"] = life.acked;
  json["synced"] = life.promise.synced;
  json["written"] = life.promise.written;
  if (number >= column.account.lives.size()) return json;
  const LifeAccount& account = column.account.lives[number];
  json["how"] = account.crash == sim::CrashKind::kKill       ? "kill"
                : account.crash == sim::CrashKind::kPowerCut ? "power cut"
                                                             : "end";
  json["strikes"] = Json::array();
  for (const auto& [strike, times] : strikes_of(account))
    json["strikes"].push_back(strike_text(strike) +
                              (times > 1 ? fmt::format(", {} times", times) : ""));
  if (!account.after) return json;
  json["slots"] = slots_json(*account.before, account.survival.value_or(sim::Survival{}));
  json["cut"] = {{"before", column.watch->disks.add(*account.before)},
                 {"after", column.watch->disks.add(*account.after)}};
  if (life.ended) {
    json["images"] = life.risk->images_at_end();
    json["outcomes"] = Json::array();
    for (const auto& outcome : life.outcomes)
      json["outcomes"].push_back({{"r", outcome.recovery},
                                  {"i", outcome.images},
                                  {"slots", slots_json(*account.before, outcome.survival)}});
    json["tree"] = life.tree;
  }
  return json;
}

// --- Why it came to that ---

struct Because {
  Json steps = Json::array();
  void add(std::string text, std::optional<size_t> frame = {}) {
    Json step = {{"x", std::move(text)}};
    if (frame) step["f"] = *frame;
    steps.push_back(std::move(step));
  }
};

// The life whose power cut the run is about: the last that was cut or killed.
std::optional<size_t> cut_life(const Account& account) {
  for (size_t i = account.lives.size(); i-- > 0;)
    if (account.lives[i].after || account.lives[i].crash == sim::CrashKind::kKill) return i;
  return std::nullopt;
}

const ShownOperation* operation_of(const ViewWatch& watch, size_t last, uint64_t number) {
  for (size_t life = last + 1; life-- > 0;)
    for (const ShownOperation& operation : watch.lives[life].operations)
      if (operation.number == number) return &operation;
  return nullptr;
}

// The last sync that returned between its write and the store's belief.
std::optional<size_t> covering_sync(const ViewWatch& watch, const ShownOperation& operation) {
  for (size_t i = operation.synced; i > operation.written; --i) {
    const Frame& frame = watch.frames[i];
    if ((frame.kind == "sync" || frame.kind == "sync_directory") && frame.result.empty()) return i;
  }
  return std::nullopt;
}

Json because(const Column& column) {
  Because why;
  const auto cut = cut_life(column.account);
  if (!cut || *cut >= column.watch->lives.size()) return why.steps;
  const ViewWatch& watch = *column.watch;
  const ShownLife& life = watch.lives[*cut];
  const bool behind = *cut + 1 < column.account.lives.size();
  const std::optional<Verdict> verdict =
      behind ? column.account.lives[*cut + 1].verdict : std::nullopt;
  const bool lost = verdict && verdict->loss.operations > 0;
  const uint64_t number = lost ? verdict->k + 1 : life.acked;
  if (const ShownOperation* operation = operation_of(watch, *cut, number)) {
    why.add(fmt::format("operation {} ({}) took effect", number, operation->text),
            operation->applied);
    if (operation->acked != 0) why.add("its client was told that it is done", operation->acked);
    if (operation->written != 0)
      why.add("its bytes were handed to the system: they survive a kill", operation->written);
    const auto sync = covering_sync(watch, *operation);
    if (operation->synced != 0 && sync)
      why.add("the store held it to be synced, since this sync had returned", sync);
    else if (operation->synced != 0)
      why.add("the store held it to be synced, though nothing had been synced since",
              operation->synced);
    else
      why.add("no sync covered it before the crash: a power cut may take it");
  }
  why.add(column.account.lives[*cut].crash == sim::CrashKind::kKill ? "the process was killed"
          : column.account.lives[*cut].crash == sim::CrashKind::kPowerCut
              ? "the power failed"
              : "the store was shut down, and then the power failed",
          life.last);
  if (verdict && verdict->started)
    why.add(
        fmt::format("recovery came to operation {} of {}", verdict->k, life.done),
        watch.lives.size() > *cut + 1 ? std::optional(watch.lives[*cut + 1].last) : std::nullopt);
  const RunResult& result = column.account.result;
  if (result.violation)
    why.add(fmt::format("{}: {}", sentence_of(result.violation->breach), result.violation->text));
  else
    why.add("that is within the promise");
  return why.steps;
}

// --- All of it ---

// What is long gets shorter in the middle: a page that no reader could open helps nobody.
Json frames_json(const ViewWatch& watch, size_t most, Json& elided) {
  Json frames = Json::array();
  const size_t count = watch.frames.size();
  const size_t edge = most / 2;
  for (size_t i = 0; i < count; ++i) {
    if (count > most && i >= edge && i < count - edge) {
      if (i == edge) elided = {{"from", edge}, {"to", count - edge}};
      frames.push_back(Json(nullptr));
      continue;
    }
    frames.push_back(frame_json(watch.frames[i], watch));
  }
  return frames;
}

Json column_json(const Column& column, bool whole, const ViewLimits& limits) {
  const ViewWatch& watch = *column.watch;
  Json json = {{"persona", column.persona->name}, {"guarantee", column.persona->guarantee}};
  Json elided;
  json["frames"] = frames_json(watch, whole ? limits.frames_most : limits.frames_most / 2, elided);
  if (!elided.is_null()) json["elided"] = elided;
  json["lives"] = Json::array();
  for (size_t i = 0; i < watch.lives.size(); ++i) json["lives"].push_back(life_json(column, i));
  json["risk"] = Json::array();
  for (const RiskPoint& point : watch.risk) json["risk"].push_back(risk_json(point));
  json["recoveries"] = Json::array();
  Once calls, lines;
  for (const ShownRecovery& one : watch.recoveries)
    json["recoveries"].push_back(recovery_json(one, calls, lines));
  json["calls"] = std::move(calls.all);
  json["lines"] = std::move(lines.all);
  const auto cut = cut_life(column.account);
  json["cut"] = cut ? Json(*cut) : Json(nullptr);
  if (cut && *cut + 1 < watch.lives.size()) {
    // The run's own way out: among the recoveries, the one that was noted when the next life opened.
    for (size_t i = 0; i < watch.recoveries.size(); ++i)
      if (watch.recoveries[i].disk == watch.frames[watch.lives[*cut + 1].first].disk &&
          (watch.recoveries[i].verdict.started || !watch.recoveries[i].recovered.refusal.empty()))
        json["drawn"] = i;
  }
  json["because"] = because(column);
  const RunResult& result = column.account.result;
  Json verdict = {{"held", !result.violation.has_value()}, {"line", verdict_line(result)}};
  if (result.violation)
    verdict.update({{"code", code_of(result.violation->breach)},
                    {"what", sentence_of(result.violation->breach)},
                    {"text", result.violation->text}});
  json["verdict"] = verdict;
  json["story"] = column.story;
  json["files"] = watch.disks.files_json();
  json["disks"] = watch.disks.disks_json();
  return json;
}

Json glossary_json() {
  Json terms = Json::array();
  for (const Term& term : all_terms()) terms.push_back({term.name, term.text});
  return terms;
}

}  // namespace

Result<Json> record_view(const ViewSubject& subject, const ViewLimits& limits) {
  Played played;
  if (subject.scenario) {
    played = {*subject.scenario, true};
  } else if (auto broken = scenario_of(subject.recipe->spec); broken.ok()) {
    played = {std::move(broken).value(), true};
  }
  const Recipe* recipe = subject.recipe ? &*subject.recipe : nullptr;
  const faults::Persona& own = played.written ? *played.scenario.persona : *recipe->spec.persona;
  const Policy& policy = played.written ? *played.scenario.policy : *recipe->spec.policy;
  const TargetType& type =
      target_or_store(played.written ? played.scenario.target : recipe->spec.target);
  const faults::MutantInfo* mutant = played.written ? played.scenario.mutant : recipe->spec.mutant;
  Json json = {{"version", POWERCUT_VERSION},
               {"title", subject.title},
               {"command", subject.command},
               {"policy", {{"name", policy.name}, {"promise", type.promise(policy)}}},
               {"mutant", nullptr},
               {"columns", Json::array()}};
  if (mutant != nullptr)
    json["mutant"] = {
        {"name", mutant->name}, {"story", mutant->story}, {"lines", faults::change_lines(*mutant)}};
  std::vector<const faults::Persona*> personas = {&own};
  for (const faults::Persona* other : subject.personas)
    if (std::find(personas.begin(), personas.end(), other) == personas.end())
      personas.push_back(other);
  bool broken = false;
  for (const faults::Persona* persona : personas) {
    TRY_ASSIGN(const Column column, play(played, recipe, *persona, persona == &own, limits));
    broken = broken || (persona == &own && column.account.result.violation.has_value());
    json["columns"].push_back(column_json(column, persona == &own, limits));
  }
  json["remedies"] = Json::array();
  if (broken && played.written)
    for (const MissingFence& fence : missing_fences(played.scenario))
      json["remedies"].push_back(
          {{"path", fence.path}, {"after", fence.after}, {"before", fence.before}});
  json["glossary"] = glossary_json();
  return json;
}

}  // namespace powercut::scenarios
