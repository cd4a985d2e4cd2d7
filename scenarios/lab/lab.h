// Six exercises, each graded by running what was answered: never by comparing words.
//
// An answer is a file of lines `key: value`, or a scenario. What is asked differs a little from student to
// student: by a number of theirs.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace powercut::scenarios {

using Answers = std::map<std::string, std::string>;

struct Grade {
  bool right = false;
  std::vector<std::string> lines;  // what was run, and what came of it
};

struct Lab {
  int number;
  std::string_view title;
  std::string_view minutes;
  // The story, and the file to fill in. `student`: any number.
  std::string (*question)(uint64_t student);
  std::string_view hint;
  // A file that is graded as right.
  std::string (*answer)(uint64_t student);
  // Errors: kCorrupt: the file is no answer to this; one line.
  Result<Grade> (*check)(const std::string& text, uint64_t student);
};
const std::vector<Lab>& all_labs();

// "key: value", a line each; what begins with # is left out.
//   Errors: kCorrupt: a line is neither, or a key of `keys` is missing, empty, or there is another.
Result<Answers> parse_answers(const std::string& text, const std::vector<std::string>& keys);

}  // namespace powercut::scenarios
