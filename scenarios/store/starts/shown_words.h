// Lines of words that judges say of keys of their own, and ways to say them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::engine {
class Session;
}

namespace powercut::scenarios {

// A key of each type, and what SORT may look up: %s %t %l %h %z %e %x %g %p, %w1 to %w3.
extern const std::string_view kOneOfEach;

// "SET %s 1; DEL %s": two.
std::vector<std::string_view> lines_in(std::string_view text);
// Each % is `prefix`, and each ~ a blank.
std::vector<std::string> words_in(std::string_view line, std::string_view prefix);
// They are said in a transaction (1), by a script (2), or as they are. `replies`: how many come then.
std::string wrapped(const std::vector<std::string>& words, uint64_t way, size_t& replies);
// What the keys of these names (as lines) hold, in the database that is selected, and whether they expire. Yields.
std::string held_under(engine::Session& session, std::string_view names, std::string_view prefix);
// The next so many replies. Yields.
std::string take(engine::Session& session, size_t count);

}  // namespace powercut::scenarios
