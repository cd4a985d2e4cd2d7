// What a search through a file may find whose sectors are undecided: a match in every mixture of
// what they may show, in some, or in none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/os/os.h"
#include "sim/content_pool.h"
#include "sim/lazy_file.h"

namespace powercut::sim {

// Where no match can be, most often at once: by sector, of every mixture from there on.
struct Peaks {
  uint64_t (*of)(std::string_view) = nullptr;  // engine::Search::peak; null: not worked out
  std::vector<uint64_t> highest;
  std::vector<size_t> longest;
};
Peaks peaks_of(const LazyFile& file, const engine::Search& what, ContentPool& pool);

// What each sector may show, from the one at byte `from` on, as far as the file goes.
using Alternatives = std::vector<std::vector<ContentId>>;

// Is there a mixture with a match, and one without? REQUIRES: a match lies within three sectors in
// a row.
struct Feasible {
  bool yes = false;
  bool no = false;
};
Feasible feasible(const engine::Search& what, uint64_t from, uint32_t unit, const Alternatives& all,
                  ContentPool& pool);

}  // namespace powercut::sim
