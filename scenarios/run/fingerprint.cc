#include "scenarios/run/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "scenarios/run/run.h"

namespace powercut::scenarios {

Fingerprint fingerprint_of(const sim::Trace& trace) {
  Fingerprint fingerprint;
  fingerprint.events = trace.count();
  const auto powers = static_cast<size_t>(std::bit_width(trace.count()));
  for (size_t i = 0; i < powers; ++i)
    fingerprint.checkpoints.push_back(static_cast<uint16_t>(trace.checkpoint(i) >> 48));
  fingerprint.whole = static_cast<uint32_t>(trace.hash() >> 32);
  return fingerprint;
}

std::string print(const Fingerprint& fingerprint) {
  std::string text = fmt::format("{}.", fingerprint.events);
  for (const uint16_t checkpoint : fingerprint.checkpoints)
    text += fmt::format("{:04x}", checkpoint);
  return text + fmt::format("{:08x}", fingerprint.whole);
}

std::optional<Fingerprint> parse_fingerprint(std::string_view text) {
  const auto take = [&](size_t digits, int base, auto& number) {
    const std::string_view word = text.substr(0, digits);
    const auto [end, wrong] = std::from_chars(word.data(), word.data() + word.size(), number, base);
    text.remove_prefix(word.size());
    return wrong == std::errc() && end == word.data() + word.size();
  };
  Fingerprint fingerprint;
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos || !take(dot, 10, fingerprint.events)) return std::nullopt;
  text.remove_prefix(1);
  fingerprint.checkpoints.resize(static_cast<size_t>(std::bit_width(fingerprint.events)));
  if (text.size() != 4 * fingerprint.checkpoints.size() + 8) return std::nullopt;
  for (uint16_t& checkpoint : fingerprint.checkpoints)
    if (!take(4, 16, checkpoint)) return std::nullopt;
  if (!take(8, 16, fingerprint.whole)) return std::nullopt;
  return fingerprint;
}

std::optional<Departure> departure(const Fingerprint& recorded, const Fingerprint& seen) {
  if (recorded == seen) return std::nullopt;
  const size_t common = std::min(recorded.checkpoints.size(), seen.checkpoints.size());
  size_t same = 0;
  while (same < common && recorded.checkpoints[same] == seen.checkpoints[same]) ++same;
  const uint64_t first = same == 0 ? 0 : uint64_t{1} << (same - 1);
  const uint64_t end = std::max(recorded.events, seen.events);
  return Departure{first, same < common ? (uint64_t{1} << same) - 1 : end};
}

std::string departure_text(const Departure& departure) {
  return departure.first == departure.last
             ? fmt::format("at event {}", departure.first)
             : fmt::format("between events {} and {}", departure.first, departure.last);
}

std::string replay_id(const RunSpec& spec, const RunResult& result) {
  return run_id(spec) + "@" + print(result.fingerprint);
}

}  // namespace powercut::scenarios
