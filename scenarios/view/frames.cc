#include "scenarios/view/frames.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/base/json_text.h"
#include "scenarios/run/recover.h"
#include "scenarios/story/request_text.h"
#include "scenarios/story/trace_text.h"
#include "sim/crash_images.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kTextMost = 120;  // of a request or a reply
constexpr size_t kHoldsMost = 40;

bool moves_bytes(std::string_view what) { return what == "read" || what == "write"; }

std::string kind_of(const sim::Event& event) {
  if (event.what != "crash" && event.what != "moment") return std::string(event.what);
  const auto kind = static_cast<sim::CrashKind>(event.a);
  return kind == sim::CrashKind::kKill       ? "kill"
         : kind == sim::CrashKind::kPowerCut ? "power cut"
                                             : "clock";
}

std::string text_of(const sim::Event& event, const std::string& kind) {
  const std::string file(event.path.empty() ? "the root" : event.path);
  if (kind == "kill") return "the process is killed";
  if (kind == "power cut") return "the power fails";
  if (kind == "clock") return "the wall clock jumps";
  if (kind == "died") return "a CHECK of the store failed";
  if (kind == "sync" || kind == "sync_directory") {
    const std::string fence = fence_name(event.a);
    return fmt::format("sync {}{}{}", file, kind == "sync_directory" ? "/" : "",
                       fence.empty() ? "" : fmt::format(" ({})", fence));
  }
  std::string what = kind;
  std::replace(what.begin(), what.end(), '_', ' ');
  if (moves_bytes(kind)) return fmt::format("{} {}: {} bytes at {}", what, file, event.b, event.a);
  return fmt::format("{} {}", what, file);
}

Frame frame_of(const sim::Event& event) {
  Frame frame{event.at, kind_of(event), "", 0};
  frame.text = text_of(event, frame.kind);
  frame.event = event.number;
  frame.path = event.path;
  if (moves_bytes(event.what)) frame.bytes = {event.a, event.b};
  if (!event.ok) frame.result = "error";
  return frame;
}

// Of a recovery that is made on the side.
class Calls final : public sim::TraceListener {
 public:
  void on_event(const sim::Event& event) override { frames.push_back(frame_of(event)); }
  std::vector<Frame> frames;
};

class AtOnce final : public sim::Choices {
 public:
  uint64_t choose(Site, uint64_t, uint64_t) override { return 0; }
};

// Goes through every image of a cut, choice by choice: as an odometer does.
class Tape final : public sim::Picker {
 public:
  struct Choice {
    std::string slot;
    size_t lo;
    size_t hi;
    size_t version;
  };
  size_t pick(const sim::SlotNames& names, const sim::SlotRef& slot, sim::Range range, size_t,
              bool) override {
    if (range.lo == range.hi) return range.lo;
    if (at_ == tape_.size()) {
      const std::string text = sim::print(sim::Slot{names.name_of(slot), 0});
      tape_.push_back({text.substr(0, text.rfind(' ')), range.lo, range.hi, range.lo});
    }
    return tape_[at_++].version;
  }
  const std::vector<Choice>& choices() const { return tape_; }
  bool next() {
    tape_.resize(at_);
    at_ = 0;
    while (!tape_.empty() && tape_.back().version == tape_.back().hi) tape_.pop_back();
    if (tape_.empty()) return false;
    ++tape_.back().version;
    return true;
  }

 private:
  std::vector<Choice> tape_;
  size_t at_ = 0;
};

// {slot, lo, next: what follows on each version}; a number is a recovery.
void graft(Json& node, const std::vector<Tape::Choice>& path, size_t depth, size_t recovery) {
  if (depth == path.size()) {
    node = recovery;
    return;
  }
  const Tape::Choice& choice = path[depth];
  if (node.is_null())
    node = {{"slot", choice.slot},
            {"lo", choice.lo},
            {"next", std::vector<Json>(choice.hi - choice.lo + 1)}};
  graft(node["next"][choice.version - choice.lo], path, depth + 1, recovery);
}

}  // namespace

ViewWatch::ViewWatch(const Policy& policy, const faults::Persona& persona, const ViewLimits& limits)
    : policy_(policy), persona_(persona), limits_(limits) {}

Frame& ViewWatch::add(Instant at, std::string kind, std::string text) {
  if (disk_ != nullptr && (!shown_ || !shown_->is_same_as(*disk_))) {
    shown_ = *disk_;
    shown_number_ = disks.add(*shown_);
  }
  Frame frame{at, std::move(kind), std::move(text), static_cast<uint32_t>(lives.size() - 1)};
  frame.disk = shown_number_;
  frame.risk = life().risk_first + life().risk->points().size();
  frames.push_back(std::move(frame));
  life().last = frames.size() - 1;
  called_ = false;
  return frames.back();
}

// The engine is asked what it believes, as often as something happens.
void ViewWatch::look(Instant at) {
  const auto promise = engine_ == nullptr || !open_ ? std::nullopt : engine_->promise();
  if (!promise) return;
  const auto reached = [&](const char* kind, uint64_t before, uint64_t now,
                           size_t ShownOperation::*stage) {
    if (now <= before) return;
    Frame& frame = add(at, kind, fmt::format("operations up to {} are {}", now, kind));
    frame.operation = now;
    for (ShownOperation& operation : life().operations)
      if (operation.number > before && operation.number <= now)
        operation.*stage = frames.size() - 1;
  };
  const sim::Promise before = known_;
  known_ = *promise;
  reached("written", before.written, known_.written, &ShownOperation::written);
  reached("synced", before.synced, known_.synced, &ShownOperation::synced);
}

void ViewWatch::on_opening(Instant at) {
  open_ = false;
  lives.emplace_back();
  life().first = frames.size();
  life().risk_first = risk.size();
  life().risk = std::make_unique<Risk>(Risk::Options{&policy_, &persona_, limits_.classes_most});
  life().risk->begin(0);
  due_.clear();
  add(at, "start", "the store opens its files");
}

void ViewWatch::on_opened(Instant at, sim::Target& target) {
  known_ = target.promise();
  open_ = true;
  life().recovered = target.recovery.last;
  if (lives.size() > 1) life().risk->begin(target.recovery.last);
  add(at, "serves", fmt::format("the store serves, from operation {} on", target.recovery.last))
      .operation = target.recovery.last;
}

void ViewWatch::on_open(uint32_t, Instant at, sim::Target& target, const Verdict* verdict,
                        const History&) {
  if (verdict == nullptr) return;
  // What the run itself recovered is one more way out of the cut before.
  ShownRecovery shown;
  for (size_t i = life().first; i < frames.size(); ++i)
    if (frames[i].event) shown.frames.push_back(frames[i]);
  shown.story = target.recovery_story();
  shown.holds = target.contents(wall_offset_ms_ + at.ns / 1'000'000, kHoldsMost);
  shown.recovered.last = target.recovery.last;
  shown.verdict = *verdict;
  shown.disk = frames[life().first].disk;
  recoveries.push_back(std::move(shown));
}

void ViewWatch::on_refusal(uint32_t, Instant at, const Error& error) {
  add(at, "refuses", "the store does not start: " + error.message).result = "refused";
  ShownRecovery shown;
  for (size_t i = life().first; i < frames.size(); ++i)
    if (frames[i].event) shown.frames.push_back(frames[i]);
  shown.recovered.refusal = error.message;
  shown.verdict.started = false;
  shown.disk = frames[life().first].disk;
  recoveries.push_back(std::move(shown));
}

void ViewWatch::on_end(uint32_t, Instant at, sim::CrashKind crash, bool, const History& history) {
  life().done = history.last_lsn();
  for (uint64_t lsn = 1; lsn <= history.last_lsn(); ++lsn)
    if (history.operation(lsn).acked != kNever) life().acked = lsn;
  if (crash == sim::CrashKind::kNone && open_) add(at, "end", "the life ends");
  open_ = false;
}

void ViewWatch::on_point(uint64_t, sim::Op, sim::CrashPoint, const sim::WorldState& world,
                         const Promised& promised) {
  wall_offset_ms_ = world.wall_offset_ms;
  // A recovery is judged by what the life before had promised: not here.
  if (lives.empty() || life().ended || (lives.size() > 1 && !open_)) return;
  life().risk->note(events_, world, promised);
}

void ViewWatch::on_done(History& history, const sim::WorldState& world, const Promised& promised,
                        const Delays& delays, const Opening& opening) {
  look(world.now);
  ShownLife& now = life();
  now.ended = true;
  now.promise = promised.engine;
  Risk& judged = *now.risk;
  Promised at_end = promised;
  if (at_end.kind == sim::CrashKind::kKill) at_end.kind = sim::CrashKind::kPowerCut;
  judged.note(events_, world, at_end);
  judged.end(history, world, promised, delays, opening);
  risk.insert(risk.end(), judged.points().begin(), judged.points().end());
  if (promised.kind == sim::CrashKind::kKill) return;
  known_recoveries_.clear();
  for (const RiskOutcome& outcome : judged.outcomes()) {
    const auto image = world.disk.after_power_cut(outcome.survival);
    if (!image.ok()) continue;
    const size_t recovery = recover(*image, world, opening);
    now.outcomes.push_back({recovery, outcome.images, outcome.survival});
  }
  now.tree = choices(world, opening);
}

// What is recovered once from an image is known of every image with the same bytes.
size_t ViewWatch::recover(const sim::Disk& disk, const sim::WorldState& world,
                          const Opening& opening) {
  std::string key;
  for (const auto& file : sim::image_of(disk))
    key +=
        fmt::format("{}:{}{}:{}", file.path.size(), file.path, file.content.size(), file.content);
  const auto [at, is_new] = known_recoveries_.try_emplace(key, recoveries.size());
  if (!is_new) return at->second;
  ShownRecovery shown;
  shown.disk = disks.add(disk);
  sim::WorldState other{disk, world.now, world.wall_offset_ms};
  AtOnce choices;
  Calls calls;
  shown.recovered = recover_in(
      other, opening, {.choices = choices, .trace = &calls, .opened = [&](sim::Target& target) {
                         shown.story = target.recovery_story();
                         shown.holds = target.contents(
                             world.wall_offset_ms + world.now.ns / 1'000'000, kHoldsMost);
                       }});
  shown.frames = std::move(calls.frames);
  shown.verdict = life().risk->judge(shown.recovered);
  recoveries.push_back(std::move(shown));
  return at->second;
}

Json ViewWatch::choices(const sim::WorldState& world, const Opening& opening) {
  Json root;
  Tape tape;
  size_t images = 0;
  do {
    if (++images > limits_.images_most) return nullptr;
    const sim::Disk image = world.disk.after_power_cut(tape);
    const std::vector<Tape::Choice> path = tape.choices();
    graft(root, path, 0, recover(image, world, opening));
  } while (tape.next());
  return root;
}

void ViewWatch::on_event(const sim::Event& event) {
  events_ = event.number + 1;
  if (lives.empty()) return;
  look(event.at);
  Frame made = frame_of(event);
  Frame& frame = add(event.at, made.kind, made.text);
  made.life = frame.life;
  made.disk = frame.disk;
  made.risk = frame.risk;
  frame = std::move(made);
  called_ = true;
}

void ViewWatch::on_call(const Call& call) {
  if (!called_ || frames.empty()) return;
  called_ = false;
  Frame& frame = frames.back();
  frame.task = call.task;
  if (call.began != frame.at) frame.began = call.began;
  if (call.error != nullptr) frame.result = errno_name(call.error->code);
}

void ViewWatch::on_request(Instant at, uint64_t client, std::string_view request) {
  look(at);
  asked_[client] = request_text(request, kTextMost);
  due_[client].emplace_back();
  add(at, "request", asked_[client]).client = client;
}

void ViewWatch::on_operation(Instant at, uint64_t number, std::optional<uint64_t> client) {
  Frame& frame = add(at, "applied", fmt::format("operation {} is applied, and buffered", number));
  frame.operation = number;
  ShownOperation operation;
  operation.number = number;
  operation.text = client ? asked_[*client] : "the store's own";
  operation.client = client;
  operation.applied = frames.size() - 1;
  life().operations.push_back(std::move(operation));
  if (client && !due_[*client].empty()) due_[*client].back().push_back(number);
}

void ViewWatch::on_reply(Instant at, uint64_t client, const sim::Reply& reply) {
  look(at);
  Frame& frame = add(at, "reply", reply_text(reply.bytes, kTextMost));
  frame.client = client;
  if (reply.error) frame.result = "error";
  auto& due = due_[client];
  if (due.empty()) return;
  for (const uint64_t number : due.front())
    for (ShownOperation& operation : life().operations)
      if (operation.number == number && !reply.error) {
        operation.acked = frames.size() - 1;
        frames.back().operation = number;
      }
  due.erase(due.begin());
}

void ViewWatch::finish() {
  // A life that nobody has judged has no numbers.
  for (ShownLife& one : lives)
    if (!one.ended) one.risk_first = SIZE_MAX;
}

}  // namespace powercut::scenarios
