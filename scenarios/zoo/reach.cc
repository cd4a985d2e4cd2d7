#include "scenarios/zoo/reach.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/base/check.h"
#include "faults/splice/planted.h"

namespace powercut::scenarios {

namespace {

// What one variable of an environment may hold, with room to spare.
constexpr size_t kLongestFilter = 100'000;

size_t row_bytes(size_t drawn) { return (drawn + 7) / 8; }

size_t place_of(const faults::AutomaticMutant& mutant) {
  return mutant.info.planted.number() % kAskedBytes;
}

}  // namespace

// --- Runs ---

Reach::Reach(size_t drawn, std::string rows) : drawn_(drawn), rows_(std::move(rows)) {
  CHECK(drawn_ > 0 && rows_.size() % row_bytes(drawn_) == 0);
}

bool Reach::comes(size_t run, size_t mutant) const {
  if (!known()) return true;
  const size_t at = run * row_bytes(drawn_) + mutant / 8;
  CHECK(mutant < drawn_ && at < rows_.size());
  return (static_cast<uint8_t>(rows_[at]) >> (mutant % 8) & 1) != 0;
}

bool Reach::ever(size_t mutant) const {
  if (!known()) return true;
  const size_t runs = rows_.size() / row_bytes(drawn_);
  for (size_t run = 0; run < runs; ++run)
    if (comes(run, mutant)) return true;
  return false;
}

ReachNotes::ReachNotes(Drawn drawn) : asked_(kAskedBytes) {
  for (const auto* mutant : drawn) places_.push_back(place_of(*mutant));
  asked_mutants = asked_.data();
}

ReachNotes::~ReachNotes() { asked_mutants = nullptr; }

std::string ReachNotes::row() {
  std::string bits(row_bytes(places_.size()), '\0');
  for (size_t i = 0; i < places_.size(); ++i)
    if (std::exchange(asked_[places_[i]], 0) != 0)
      bits[i / 8] = static_cast<char>(static_cast<uint8_t>(bits[i / 8]) | 1U << (i % 8));
  return bits;
}

// --- Tests ---

TestReach TestReach::parse(std::string_view notes) {
  TestReach reach;
  while (!notes.empty()) {
    const std::string_view line = notes.substr(0, notes.find('\n'));
    notes.remove_prefix(std::min(line.size() + 1, notes.size()));
    size_t at = std::min(line.find(' '), line.size());
    const std::string_view test = line.substr(0, at);
    while (at < line.size()) {
      uint32_t place = 0;
      const auto read = std::from_chars(line.data() + at + 1, line.data() + line.size(), place);
      CHECK(read.ec == std::errc());
      reach.tests_[place].emplace_back(test);
      at = static_cast<size_t>(read.ptr - line.data());
    }
    reach.known_ = true;
  }
  return reach;
}

std::string TestReach::filter(const faults::AutomaticMutant& mutant) const {
  if (!known_) return "*";
  const auto entry = tests_.find(static_cast<uint32_t>(place_of(mutant)));
  if (entry == tests_.end()) return "";
  std::string filter;
  for (const std::string& test : entry->second) filter += (filter.empty() ? "" : ":") + test;
  return filter.size() > kLongestFilter ? "*" : filter;
}

}  // namespace powercut::scenarios
