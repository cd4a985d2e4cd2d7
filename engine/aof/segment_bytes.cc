#include "engine/aof/segment_bytes.h"

#include <algorithm>

namespace powercut::engine {

Result<bool> SegmentBytes::more() {
  if (ended_) return false;
  const size_t had = bytes_.size();
  bytes_.resize(had + chunk_);
  const auto got = file_->read_at(had, bytes_.data() + had, chunk_);
  bytes_.resize(had + (got.ok() ? *got : 0));
  if (!got.ok()) return got.error();
  if (*got == chunk_) chunk_ = std::min(2 * chunk_, size_t{16} << 20);
  ended_ = *got == 0;
  return !ended_;
}

Result<void> SegmentBytes::rest() {
  for (;;) {
    TRY_ASSIGN(const bool more, this->more());
    if (!more) return {};
  }
}

}  // namespace powercut::engine
