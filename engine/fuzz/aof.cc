// A segment: what counts as whole is whole when it stands alone, and has the same entries.
#include <string>

#include "engine/aof/segment_reader.h"
#include "engine/base/check.h"
#include "engine/fuzz/target.h"

namespace {

using namespace powercut;
using namespace powercut::engine;

Result<SegmentScan> scan(std::string_view bytes, bool gives_up, uint64_t& handed) {
  SegmentBytes segment(bytes);
  SegmentExpectation expected;
  expected.name = "segment";
  expected.truncate_corruption = gives_up;
  handed = 0;
  return scan_segment(segment, expected, [&](uint64_t, const EntryView& entry) {
    CHECK(entry.size() > 0);
    ++handed;
    return Result<void>();
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  uint64_t handed = 0;
  uint64_t again = 0;
  for (const bool gives_up : {false, true}) {
    const auto scanned = scan(bytes, gives_up, handed);
    if (!scanned.ok()) continue;
    CHECK(scanned->good_end <= size && scanned->entries == handed);
    const auto prefix = scan(bytes.substr(0, scanned->good_end), false, again);
    CHECK(prefix.ok() && prefix->good_end == scanned->good_end && again == handed);
    CHECK(prefix->dropped_reason.empty());
  }
  return 0;
}
