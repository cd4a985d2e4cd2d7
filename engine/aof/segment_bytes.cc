#include "engine/aof/segment_bytes.h"

#include <algorithm>
#include <cstdlib>

#include "engine/base/check.h"

namespace powercut::engine {

Result<bool> SegmentBytes::more() {
  if (ended_) return false;
  const size_t had = view_.size();
  if (had + chunk_ > capacity_) {
    // With room to ask behind the end, so that a short log never moves.
    capacity_ = std::max(had + 2 * chunk_, 2 * capacity_);
    auto* const larger = static_cast<char*>(std::realloc(bytes_.get(), capacity_));
    CHECK(larger != nullptr);
    (void)bytes_.release();
    bytes_.reset(larger);
    view_ = {bytes_.get(), had};
  }
  TRY_ASSIGN(const size_t got, file_->read_at(had, bytes_.get() + had, chunk_));
  CHECK(got <= chunk_ && had + got <= capacity_);
  view_ = {bytes_.get(), had + got};
  if (got == chunk_) chunk_ = std::min(2 * chunk_, size_t{16} << 20);
  ended_ = got == 0;
  return !ended_;
}

Result<void> SegmentBytes::rest() {
  for (;;) {
    TRY_ASSIGN(const bool more, this->more());
    if (!more) return {};
  }
}

}  // namespace powercut::engine
