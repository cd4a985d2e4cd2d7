// The directives of a configuration file and of a command line, as words with where they stand.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"

namespace powercut::engine {

struct Directive {
  std::vector<std::string> words;  // the first is the name, in lower case
  std::string where;               // "redis.conf line 12", "--save"
};

// Those of a file, and of the files that it includes (names may be patterns). "-" is standard input.
//   Errors: kInvalid, with file and line: quotes that are not closed, a file that cannot be read, one that includes itself.
Result<std::vector<Directive>> read_directives(const std::string& path);

// Those of a command line behind its file: "--name value ...", each up to the next word that begins with "--".
//   Errors: kInvalid, with the word that is none.
Result<std::vector<Directive>> directives_of(const std::vector<std::string>& arguments);

}  // namespace powercut::engine
