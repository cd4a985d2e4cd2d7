// Which runs and tests come to the place of which automatic mutant. One that does not come there goes as it
// goes without the mutant, so nobody has to make it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "faults/automatic.h"

namespace powercut::scenarios {

using Drawn = std::span<const faults::AutomaticMutant* const>;

// --- Runs ---

// Rows of bits: a row a run, a bit for each of the drawn.
class Reach {
 public:
  Reach() = default;  // nothing is known: every run comes everywhere
  Reach(size_t drawn, std::string rows);

  bool known() const { return drawn_ != 0; }
  bool comes(size_t run, size_t mutant) const;
  bool ever(size_t mutant) const;

 private:
  size_t drawn_ = 0;
  std::string rows_;
};

// Notes where this process comes to, between two calls of row(): of the automatic build only.
class ReachNotes {
 public:
  explicit ReachNotes(Drawn drawn);
  ~ReachNotes();
  ReachNotes(const ReachNotes&) = delete;
  ReachNotes& operator=(const ReachNotes&) = delete;

  std::string row();  // and begins the next

 private:
  std::vector<size_t> places_;
  std::vector<uint8_t> asked_;
};

// --- Tests ---

// What a test program came to, as faults/splice/planted_by_environment.cc notes it: a line a test, "SUITE.NAME" and the
// numbers of the mutants' places behind it.
class TestReach {
 public:
  TestReach() = default;  // nothing is known: every test comes everywhere
  static TestReach parse(std::string_view notes);

  // The tests that come to it, as GTEST_FILTER takes them: "" if none does, "*" if that is not known or too long to say.
  std::string filter(const faults::AutomaticMutant& mutant) const;

 private:
  bool known_ = false;
  std::map<uint32_t, std::vector<std::string>> tests_;  // by place
};

}  // namespace powercut::scenarios
