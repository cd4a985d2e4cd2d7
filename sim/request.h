// A request: words, as the bytes that a client sends. The bytes are those of RESP 2, an array of bulk
// strings, so that what real clients sent can be sent again as it is; an engine that speaks something
// else takes the words.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::sim {

std::string encode_request(const std::vector<std::string>& words);

enum class RequestParse : unsigned char { kWhole, kCut, kBad };
// The request at bytes[at]: its words, appended, which point into `bytes`; `at` is moved behind it. If it
// is cut short or none, neither changes.
RequestParse parse_request(std::string_view bytes, size_t& at,
                           std::vector<std::string_view>& words);

// The words of one whole request; none if it is not one.
std::vector<std::string_view> words_of(std::string_view request);

// Compares with a word in capitals.
bool same_word(std::string_view text, std::string_view capitals);

}  // namespace powercut::sim
