#include "engine/command/collection.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <set>

#include "engine/command/number.h"

namespace powercut::engine {

bool bounded_arg(Call& call, size_t i, int64_t min, int64_t max, int64_t& out,
                 std::string_view message) {
  if (!call.integer_arg(i, out, message.empty() ? kNotInteger : message)) return false;
  if (out >= min && out <= max) return true;
  if (message.empty()) {
    call.fail(fmt::format("ERR value is out of range, value must between {} and {}", min, max));
  } else {
    call.fail(message);
  }
  return false;
}

bool count_arg(Call& call, size_t i, int64_t& out) {
  return bounded_arg(call, i, 0, INT64_MAX, out, "ERR value is out of range, must be positive");
}

bool timeout_arg(Call& call, size_t i, int64_t& out_ms) {
  const auto seconds = parse_long_double(call.arg(i));
  if (!seconds) {
    call.fail("ERR timeout is not a float or out of range");
    return false;
  }
  const long double ms = std::ceil(*seconds * 1000);
  if (ms < 0 || ms >= 0x1p63L) {  // Redis overflows to a negative number, and says so
    call.fail("ERR timeout is negative");
    return false;
  }
  out_ms = static_cast<int64_t>(ms);
  return true;
}

void wait_or_null_array(Call& call, const Call::Wait& wait) {
  call.may_wait() ? call.wait(wait) : call.reply.null_array();
}

bool random_count_arg(Call& call, size_t i, int64_t& out) {
  return bounded_arg(call, i, -INT64_MAX, INT64_MAX, out);
}

// Floyd's algorithm: `count` draws, whatever the size.
std::vector<size_t> sample(Call& call, Site site, size_t size, size_t count) {
  CHECK(count <= size);
  std::vector<size_t> positions;
  positions.reserve(count);
  std::set<size_t> taken;
  for (size_t top = size - count; top < size; ++top) {
    const auto drawn = static_cast<size_t>(call.choose(site, top + 1));
    positions.push_back(taken.insert(drawn).second ? drawn : top);
    if (positions.back() == top) taken.insert(top);
  }
  CHECK(positions.size() == count && taken.size() == count);
  return positions;
}

template <size_t kNumkeys, bool kStores>
void counted_keys(std::span<const std::string_view> args, std::vector<size_t>& positions) {
  if constexpr (kStores) positions.push_back(1);
  if (args.size() <= kNumkeys) return;
  // As Redis's atoi: a count that the command will refuse still has its leading digits.
  int64_t count = 0;
  std::from_chars(args[kNumkeys].data(), args[kNumkeys].data() + args[kNumkeys].size(), count);
  for (size_t i = kNumkeys + 1; i < args.size(); ++i) {
    if (static_cast<int64_t>(i - kNumkeys) > count) break;
    positions.push_back(i);
  }
}

template void counted_keys<1, false>(std::span<const std::string_view>, std::vector<size_t>&);
template void counted_keys<2, false>(std::span<const std::string_view>, std::vector<size_t>&);
template void counted_keys<2, true>(std::span<const std::string_view>, std::vector<size_t>&);

}  // namespace powercut::engine
