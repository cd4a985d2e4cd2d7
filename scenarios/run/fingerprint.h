// What a run was, in a few digits behind its ID: how many events it had, and the running hash of its
// trace after 1, 2, 4, 8... of them. A build whose run is another one can so say where they part,
// instead of a verdict on something else.
//   ID@EVENTS.DIGITS: 4 hex digits for each power of two up to EVENTS, then 8 for the whole run
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::sim {
class Trace;
}

namespace powercut::scenarios {

struct RunSpec;
struct RunResult;

struct Fingerprint {
  uint64_t events = 0;
  std::vector<uint16_t> checkpoints;
  uint32_t whole = 0;
  bool operator==(const Fingerprint&) const = default;
};
Fingerprint fingerprint_of(const sim::Trace& trace);

std::string print(const Fingerprint& fingerprint);
std::optional<Fingerprint> parse_fingerprint(std::string_view text);

// The first event that differs is one of these (counted from 0; `last` may lie behind the end).
struct Departure {
  uint64_t first;
  uint64_t last;
};
// Nothing if both are the same run. Two runs that differ are taken for the same with a probability
// of 2^-32, and a departure for a later one with 2^-16 a checkpoint.
std::optional<Departure> departure(const Fingerprint& recorded, const Fingerprint& seen);
std::string departure_text(const Departure& departure);

// run_id() with the fingerprint: what a report prints.
std::string replay_id(const RunSpec& spec, const RunResult& result);

}  // namespace powercut::scenarios
