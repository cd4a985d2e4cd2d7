#include "engine/store/access.h"

#include <algorithm>

namespace powercut::engine {

uint8_t Accesses::frequency(uint32_t access) const {
  const auto count = static_cast<uint8_t>(access & 0xff);
  if (rules_.decay_minutes == 0) return count;
  const int64_t passed = (minutes() - (access >> 8)) & 0xffff;
  return static_cast<uint8_t>(std::max<int64_t>(count - passed / rules_.decay_minutes, 0));
}

// A count more, the less likely the more there are: Morris's counter.
uint32_t Accesses::used_once_more(uint32_t access) const {
  uint8_t count = frequency(access);
  const int64_t above = std::max(count - kFirstCount, 0);
  const auto one_in = static_cast<uint64_t>(above * rules_.log_factor + 1);
  if (count < UINT8_MAX && draw_(one_in) == 0) ++count;
  return counted(count);
}

}  // namespace powercut::engine
