#include "engine/aof/evidence.h"

#include <algorithm>

#include "engine/aof/format.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kLinePrefix = "#pc ";

// A line of another segment has, by its CRC, a place that is as good as drawn from 4 GiB: one in two thousand passes.
// Such a line may lie in a block that was used before; it has lower numbers, unless it tells of a future that a crash
// took back.
constexpr uint64_t kFurthest = uint64_t{1} << 20;

bool near(uint64_t a, uint64_t b) { return std::max(a, b) - std::min(a, b) <= kFurthest; }

// `line` stands at `p` of `text`, which stands at `at`.
bool vouches(const Search& search, uint64_t at, std::string_view text, size_t p,
             const Annotation& note, std::string_view line) {
  if (note.synced_offset <= search.offset || note.first_lsn < search.number || note.length > p)
    return false;
  const uint64_t begin = at + p - note.length;
  if (begin < search.offset) return false;
  const uint64_t origin = batch_origin(text.substr(p - note.length, note.length), line,
                                       search.context, note.crc, begin);
  // However much is missing, it was written soon after what it says was synced; under `always` right behind it.
  return origin >= note.synced_offset && (near(origin, note.synced_offset) || near(origin, begin));
}

// A closed mark is written when all before it is synced; an opened one stands behind a closed one, of its length.
bool vouches(const Search& search, uint64_t at, const Mark& mark, std::string_view line) {
  if (at < search.offset || mark.next_lsn < search.number) return false;
  const uint64_t origin = batch_origin({}, line, search.context, mark.crc, at);
  const uint64_t behind = mark.kind == MarkKind::kOpened ? line.size() : 0;
  return near(origin, at) && origin > search.offset + behind;
}

bool in_text(const Search& search, uint64_t at, std::string_view text) {
  return vouches(search, at, text, 0);
}

// The highest of what `of_note` and `of_mark` say of the lines in `text`.
template <class OfNote, class OfMark>
uint64_t highest(std::string_view text, OfNote of_note, OfMark of_mark) {
  uint64_t found = 0;
  for (size_t p = text.find(kLinePrefix); p != std::string_view::npos;
       p = text.find(kLinePrefix, p + 1)) {
    size_t length = 0;
    if (const auto note = parse_annotation(text.substr(p), length))
      found = std::max<uint64_t>(found, of_note(*note, length));
    else if (parse_mark(text.substr(p), length))
      found = std::max<uint64_t>(found, of_mark(length));
  }
  return found;
}
uint64_t highest_synced(std::string_view text) {
  return highest(
      text, [](const Annotation& note, size_t) { return note.synced_offset; },
      [](size_t) { return UINT64_MAX; });
}
size_t longest_batch(std::string_view text) {
  return highest(
      text, [](const Annotation& note, size_t length) { return note.length + length; },
      [](size_t length) { return length; });
}

}  // namespace

bool vouches(const Search& search, uint64_t at, std::string_view text, size_t from) {
  for (size_t p = text.find(kLinePrefix, from); p != std::string_view::npos;
       p = text.find(kLinePrefix, p + 1)) {
    size_t length = 0;
    if (const auto note = parse_annotation(text.substr(p), length)) {
      if (vouches(search, at, text, p, *note, text.substr(p, length))) return true;
    } else if (const auto mark = parse_mark(text.substr(p), length)) {
      if (vouches(search, at + p, *mark, text.substr(p, length))) return true;
    }
  }
  return false;
}

Search search_evidence(uint64_t offset, uint64_t nonce, uint64_t next_lsn) {
  return {offset, nonce, next_lsn, in_text, highest_synced, longest_batch, kLongestLine};
}

}  // namespace powercut::engine
