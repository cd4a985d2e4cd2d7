// The loop of delta debugging (Zeller, Hildebrandt, TSE'02): taking parts away, many at once first.
#pragma once

#include <algorithm>
#include <cstddef>

namespace powercut::scenarios {

// Calls without(at, count) for runs of parts, from the last to the first: `chunk` of them, then
// half as many, at last one by one until none can go. It says whether they could be left out.
// `size`: how many parts there are now. `spent`: stop. True if anything was left out.
template <class Size, class Without, class Spent>
bool leave_out_in_chunks(size_t chunk, Size size, Without without, Spent spent) {
  bool any = false;
  for (chunk = std::max<size_t>(1, chunk); chunk > 0 && !spent();) {
    bool removed = false;
    for (size_t at = size(); at > 0 && !spent();) {
      at -= std::min(at, chunk);
      removed |= without(at, chunk);
    }
    any |= removed;
    if (!removed || chunk > 1) chunk /= 2;
  }
  return any;
}

}  // namespace powercut::scenarios
