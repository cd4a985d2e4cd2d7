// redis.conf: words that were quoted come back as they were.
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/fuzz/target.h"
#include "engine/server/directives.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace powercut;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> arguments;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    std::vector<std::string> words;
    if (!split_words(line, words)) continue;
    std::string quoted;
    for (const std::string& word : words) quoted += (quoted.empty() ? "" : " ") + quoted_word(word);
    std::vector<std::string> again;
    CHECK(split_words(quoted, again) && again == words);
    if (line.find("include") != line.npos) continue;  // of a file that the input names
    for (size_t i = 0; i < words.size(); ++i) arguments.push_back((i == 0 ? "--" : "") + words[i]);
  }
  (void)engine::directives_of(arguments);
  return 0;
}
