#include "engine/aof/evidence.h"

#include <algorithm>

#include "engine/aof/format.h"

namespace powercut::engine {

namespace {

// A whole batch, wherever it stands, that vouches for more than search.offset to be synced.
bool vouches(const Search& search, uint64_t at, std::string_view text) {
  for (size_t p = text.find(kAnnotationPrefix); p != std::string_view::npos;
       p = text.find(kAnnotationPrefix, p + 1)) {
    size_t length = 0;
    const auto note = parse_annotation(text.substr(p), length);
    if (!note || note->synced_offset <= search.offset || note->length > p) continue;
    const size_t begin = p - note->length;
    if (at + begin >= search.offset &&
        note->crc == batch_crc(text.substr(begin, note->length), text.substr(p, length),
                               search.context, at + begin))
      return true;
  }
  return false;
}

template <class Of>
uint64_t highest(std::string_view text, Of of) {
  uint64_t found = 0;
  for (size_t p = text.find(kAnnotationPrefix); p != std::string_view::npos;
       p = text.find(kAnnotationPrefix, p + 1)) {
    size_t length = 0;
    if (const auto note = parse_annotation(text.substr(p), length))
      found = std::max<uint64_t>(found, of(*note, length));
  }
  return found;
}
uint64_t highest_synced(std::string_view text) {
  return highest(text, [](const Annotation& note, size_t) { return note.synced_offset; });
}
size_t longest_batch(std::string_view text) {
  return highest(text, [](const Annotation& note, size_t length) { return note.length + length; });
}

}  // namespace

Search search_evidence(uint64_t offset, uint64_t nonce) {
  return {offset, nonce, vouches, highest_synced, longest_batch, kLongestLine};
}

}  // namespace powercut::engine
