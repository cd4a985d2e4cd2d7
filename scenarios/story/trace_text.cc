#include "scenarios/story/trace_text.h"

#include <fmt/format.h>

#include "scenarios/base/table.h"
#include "scenarios/story/request_text.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kTextMost = 44;  // of a request or a reply
constexpr size_t kFold = 24;      // where a name goes on that does not fit

bool is_sync(const sim::Event& event) {
  return event.what == "sync" || event.what == "sync_directory";
}

bool moves_bytes(std::string_view what) {
  return what == "read" || what == "write" || what == "truncate";
}

std::string event_text(const sim::Event& event, std::string_view path, std::string_view result) {
  std::string file(path.empty() ? "./" : path);
  if ((event.what == "sync_directory" || event.what == "list") && !path.empty()) file += '/';
  std::string what(event.what);
  if (event.what == "crash" || event.what == "moment") {
    const auto kind = static_cast<sim::CrashKind>(event.a);
    what = kind == sim::CrashKind::kKill       ? "kill"
           : kind == sim::CrashKind::kPowerCut ? "power cut"
                                               : "clock";
    file = event.what == "crash"           ? ""
           : kind == sim::CrashKind::kNone ? "the wall clock jumps"
                                           : "at a moment of the clock";
    result = "";
  } else if (event.what == "died") {
    file = "a CHECK of the store failed";
    result = "";
  }
  std::string text = fmt::format(
      "{:>6} {:>14.6f}  {:<14}  {:>7} {:>6}  {:<6}", event.number,
      static_cast<double>(event.at.ns) / 1e6, what,
      moves_bytes(event.what) ? std::to_string(event.a) : "",
      event.what == "read" || event.what == "write" ? std::to_string(event.b) : "", result);
  if (is_sync(event)) {
    const std::string fence = fence_name(event.a);
    if (!fence.empty()) file += fmt::format(" ({})", fence);
  }
  if (file.empty()) return text.substr(0, text.find_last_not_of(' ') + 1);
  if (text.size() + 1 + file.size() <= kColumns) return text + " " + file;
  return text.substr(0, text.find_last_not_of(' ') + 1) + '\n' + std::string(kFold, ' ') + file;
}

}  // namespace

std::string_view errno_name(Errc code) {
  switch (code) {
    case Errc::kIo:
      return "EIO";
    case Errc::kNoSpace:
      return "ENOSPC";
    case Errc::kNotFound:
      return "ENOENT";
    case Errc::kExists:
      return "EEXIST";
    case Errc::kNotEmpty:
      return "ENOTEMPTY";
    case Errc::kInvalid:
      return "EINVAL";
    case Errc::kRefused:
      return "EACCES";
    case Errc::kUnsupported:
      return "ENOTSUP";
    default:
      return "error";
  }
}

std::string fence_name(uint64_t hash) {
  static const std::map<uint64_t, std::string> kNames = [] {
    std::map<uint64_t, std::string> names;
    for (const auto& mutant : faults::all_mutants())
      if (mutant.decorator == faults::DecoratorKind::kNoSync)
        names[mutant.fence.hash] = mutant.fence.name;
    return names;
  }();
  const auto known = kNames.find(hash);
  return known == kNames.end() ? "" : known->second;
}

void TraceTeller::print_head() {
  if (out_ == nullptr) return;
  fmt::print(out_, "{:>6} {:>14}  {:<14}  {:>7} {:>6}  {:<6} file\n", "event", "time ms", "call",
             "offset", "bytes", "result");
}

void TraceTeller::finish() {
  if (held_ && out_ != nullptr) fmt::print(out_, "{}\n", event_text(*held_, held_path_, "error"));
  held_.reset();
}

void TraceTeller::line(Instant at, std::string_view what, const std::string& text) {
  finish();
  now_ = at;
  if (out_ == nullptr) return;
  fmt::print(out_, "{:>6} {:>14.6f}  {:<9} {}\n", "", static_cast<double>(at.ns) / 1e6, what, text);
}

// What the engine believes is asked at every event: when it knows of a sync, that was the last one.
void TraceTeller::look() {
  if (engine_ == nullptr) return;
  const auto promise = engine_->promise();
  if (!promise) return;
  if (promise->written > known_.written)
    line(now_, "written", fmt::format("up to operation {}", promise->written));
  if (promise->synced > known_.synced) {
    line(now_, "synced", fmt::format("up to operation {}", promise->synced));
    if (last_sync_)
      for (uint64_t lsn = known_.synced + 1; lsn <= promise->synced; ++lsn)
        lives_.back().covers.emplace(lsn, *last_sync_);
  }
  known_ = *promise;
}

void TraceTeller::on_event(const sim::Event& event) {
  look();
  finish();
  now_ = event.at;
  if (is_sync(event) && event.ok)
    last_sync_ = Cover{event.number, event.at, std::string(event.path), fence_name(event.a)};
  if (!event.ok && event.what != "died") {
    held_ = event;
    held_path_ = event.path;
    held_->path = {};
    return;
  }
  if (out_ != nullptr) fmt::print(out_, "{}\n", event_text(event, event.path, "ok"));
}

void TraceTeller::on_call(const Call& call) {
  if (!held_ || call.error == nullptr) return;
  if (out_ != nullptr)
    fmt::print(out_, "{}\n", event_text(*held_, held_path_, errno_name(call.error->code)));
  held_.reset();
}

void TraceTeller::on_opening(Instant at) {
  known_ = {};
  lives_.emplace_back();
  last_sync_.reset();
  line(at, "start", "the store opens its files");
}

void TraceTeller::on_opened(Instant at, sim::Target& target) {
  const sim::Promise promise = target.promise();
  known_ = promise;
  line(at, "serves", fmt::format("from operation {} on", target.recovery.last));
}

void TraceTeller::on_request(Instant at, uint64_t client, std::string_view request) {
  now_ = at;
  look();
  asked_[client] = request_text(request, kTextMost);
  line(at, "request", fmt::format("client {}: {}", client, asked_[client]));
}

void TraceTeller::on_reply(Instant at, uint64_t client, const sim::Reply& reply) {
  now_ = at;
  look();
  line(at, "acked",
       fmt::format("client {}: {}", client,
                   reply_text(std::string(reply.error ? "error " : "") + std::string(reply.bytes),
                              kTextMost)));
}

void TraceTeller::on_operation(Instant at, uint64_t number, std::optional<uint64_t> client) {
  lives_.back().requests[number] = client ? asked_[*client] : "the store's own";
  line(at, "applied", fmt::format("operation {}, and buffered", number));
}

}  // namespace powercut::scenarios
