#include "engine/tier/archiver.h"

#include <fmt/format.h>

#include <algorithm>

namespace powercut::engine {

namespace {
constexpr Duration kFirstArchiveRetry = milliseconds(500);
constexpr Duration kLongestArchiveRetry = seconds(30);
}  // namespace

Archiver::Archiver(Os& os, ColdFolder& folder, const TierOptions& options, bool restless)
    : os_(os), folder_(folder), options_(options), restless_(restless), wake_(os) {}

void Archiver::set_options(const TierOptions& options) {
  options_ = options;
  wake_.notify_all();
}

void Archiver::stop() {
  stopping_ = true;
  wake_.notify_all();
}

void Archiver::look() {
  asked_ = restless_;
  wake_.notify_all();
}

ColdSegment* Archiver::next_to_go() {
  if (restless_) return asked_ ? folder_.any_here() : nullptr;
  if (options_.cold_bytes != 0 && folder_.bytes_here() > options_.cold_bytes)
    return folder_.coldest_here();
  if (options_.archive_after_s == 0) return nullptr;
  return folder_.coldest_here(os_.now() - seconds(options_.archive_after_s));
}

// When the one that has rested longest is due.
Instant Archiver::next_due() const {
  if (restless_ || options_.archive_after_s == 0) return kForever;
  const ColdSegment* coldest = folder_.coldest_here();
  return coldest == nullptr ? kForever : coldest->used + seconds(options_.archive_after_s);
}

void Archiver::run() {
  while (!stopping_) {
    ColdSegment* segment = next_to_go();
    if (!folder_.any_disputed() && !folder_.any_doomed() && segment == nullptr) {
      wake_.rest(next_due());
    } else if (os_.now() < not_before_) {
      wake_.rest(not_before_);
    } else if (folder_.any_disputed()) {
      settle();
    } else if (folder_.any_doomed()) {
      remove();
    } else {
      move(*segment);
    }
  }
}

void Archiver::move(ColdSegment& segment) {
  const uint64_t bytes = segment.bytes;  // it may be gone behind the call
  bool of_disk = false;
  const auto moved = folder_.move_to_archive(segment, of_disk);
  if (!moved.ok() && of_disk && on_failure_) on_failure_(moved.error());
  if (!moved.ok()) return fail(moved.error());
  asked_ = false;
  ++stats_.sent;
  stats_.sent_bytes += bytes;
  succeed();
}

void Archiver::remove() {
  const auto removed = folder_.remove_doomed();
  if (!removed.ok()) return fail(removed.error());
  ++stats_.removed;
  succeed();
}

void Archiver::settle() {
  const auto settled = folder_.settle_disputed();
  if (!settled.ok()) return fail(settled.error());
  succeed();
}

void Archiver::succeed() {
  if (!stats_.reached && say_) say_("the archive takes segments again");
  stats_.reached = true;
  retry_after_ = Duration{0};
}

void Archiver::fail(const Error& error) {
  ++stats_.failures;
  stats_.last_error = error.message;
  retry_after_ = std::clamp(retry_after_ * 2, kFirstArchiveRetry, kLongestArchiveRetry);
  not_before_ = os_.now() + retry_after_;
  if (stats_.reached && say_)
    say_(fmt::format("the archive takes nothing at present, and segments stay on the disk: {}",
                     error.message));
  stats_.reached = false;
}

}  // namespace powercut::engine
