#include "engine/command/string/sketch.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/base/check.h"

namespace powercut::engine::sketch {

namespace {

constexpr int kIndexBits = 14;
constexpr int kRankBits = 64 - kIndexBits;
constexpr size_t kRankMost = kRankBits + 1;
constexpr int kRegisterBits = 6;
constexpr unsigned kRegisterMost = (1u << kRegisterBits) - 1;

constexpr std::string_view kMagic = "HYLL";
constexpr size_t kFormAt = 4;
constexpr size_t kCountAt = 8;
constexpr size_t kHeader = 16;
constexpr size_t kDenseBytes = kHeader + kRegisters * kRegisterBits / 8;
constexpr char kDense = 0;
constexpr char kSparse = 1;
constexpr unsigned char kOutdated = 0x80;  // of the last byte of the count

unsigned byte_at(std::string_view text, size_t at) {
  CHECK(at < text.size());
  return static_cast<unsigned char>(text[at]);
}

// MurmurHash64A (Austin Appleby).
uint64_t hash_of(std::string_view text) {
  constexpr uint64_t kFactor = 0xc6a4a7935bd1e995u;
  constexpr int kShift = 47;
  uint64_t hash = 0xadc83b19u ^ text.size() * kFactor;
  static_assert(std::endian::native == std::endian::little);
  for (; text.size() >= 8; text.remove_prefix(8)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    word *= kFactor;
    word ^= word >> kShift;
    hash = (hash ^ word * kFactor) * kFactor;
  }
  if (!text.empty()) {
    uint64_t rest = 0;
    std::memcpy(&rest, text.data(), text.size());
    hash = (hash ^ rest) * kFactor;
  }
  hash = (hash ^ hash >> kShift) * kFactor;
  return hash ^ hash >> kShift;
}

// --- Dense: a register lies in one byte or two ---

unsigned dense_register(std::string_view sketch, size_t index) {
  CHECK(index < kRegisters && sketch.size() == kDenseBytes);
  const size_t bit = index * kRegisterBits;
  const size_t at = kHeader + bit / 8;
  const unsigned both =
      byte_at(sketch, at) | (at + 1 < kDenseBytes ? byte_at(sketch, at + 1) << 8 : 0);
  return both >> bit % 8 & kRegisterMost;
}

void set_dense_register(String& sketch, size_t index, unsigned rank) {
  CHECK(index < kRegisters && sketch.size() == kDenseBytes && rank <= kRegisterMost);
  const size_t bit = index * kRegisterBits;
  const size_t at = kHeader + bit / 8;
  const auto put = [&](size_t where, unsigned mask, unsigned bits) {
    sketch[where] = static_cast<char>((byte_at(sketch, where) & ~mask) | bits);
  };
  put(at, kRegisterMost << bit % 8 & 0xff, rank << bit % 8 & 0xff);
  if (bit % 8 > 8 - kRegisterBits)
    put(at + 1, kRegisterMost >> (8 - bit % 8), rank >> (8 - bit % 8));
}

// Hands each rank and its index to `take`. Four registers fill three bytes.
template <class Take>
void each_dense(std::string_view sketch, Take take) {
  CHECK(sketch.size() == kDenseBytes);
  const auto* at = reinterpret_cast<const unsigned char*>(sketch.data()) + kHeader;
  for (size_t index = 0; index < kRegisters; index += 4, at += 3) {
    const unsigned four = at[0] | at[1] << 8 | at[2] << 16;
    for (size_t i = 0; i < 4; ++i) take(index + i, four >> i * kRegisterBits & kRegisterMost);
  }
}

void set_dense(String& sketch, const Registers& ranks) {
  CHECK(sketch.size() == kDenseBytes);
  char* at = sketch.data() + kHeader;
  for (size_t index = 0; index < kRegisters; index += 4) {
    unsigned four = 0;
    for (size_t i = 0; i < 4; ++i) four |= unsigned{ranks[index + i]} << i * kRegisterBits;
    for (int shift = 0; shift < 24; shift += 8) *at++ = static_cast<char>(four >> shift & 0xff);
  }
}

// --- Sparse ---

constexpr unsigned kSparseRankMost = 32;
constexpr size_t kShortRunMost = 64;  // of zeros that one byte says
constexpr size_t kRankRunMost = 4;

struct Run {
  unsigned rank;  // 0: zeros
  size_t length;
  size_t bytes;
};

// What lies behind the end counts as NUL.
Run run_at(std::string_view sketch, size_t at) {
  const unsigned first = byte_at(sketch, at);
  if ((first & 0x80) != 0) return {(first >> 2 & 0x1f) + 1, (first & 3) + 1, 1};
  if ((first & 0x40) == 0) return {0, first + 1, 1};
  const unsigned second = at + 1 < sketch.size() ? byte_at(sketch, at + 1) : 0;
  return {0, ((first & 0x3f) << 8 | second) + 1, 2};
}

void put_run(String& out, unsigned rank, size_t length) {
  CHECK(rank <= kSparseRankMost && length <= (rank == 0 ? kRegisters : kRankRunMost));
  if (length == 0) return;
  const auto less_one = static_cast<unsigned>(length - 1);
  if (rank != 0) {
    out += static_cast<char>(0x80 | (rank - 1) << 2 | less_one);
  } else if (length <= kShortRunMost) {
    out += static_cast<char>(less_one);
  } else {
    out += static_cast<char>(0x40 | less_one >> 8);
    out += static_cast<char>(less_one & 0xff);
  }
}

// Hands each run to `take`, with the index of its first register. False: they are not of as many registers.
template <class Take>
bool each_run(std::string_view sketch, Take take) {
  size_t index = 0;
  for (size_t at = kHeader; at < sketch.size();) {
    const Run run = run_at(sketch, at);
    if (index + run.length > kRegisters) return false;
    take(index, run);
    index += run.length;
    at += run.bytes;
  }
  return index == kRegisters;
}

// Joins neighbours that hold the same rank, among the five runs from `at` on. Redis looks so far and no further, and
// the bytes are to be the same.
void join_ranks(String& sketch, size_t at) {
  for (int looked = 0; looked < 5 && at < sketch.size(); ++looked) {
    const Run run = run_at(sketch, at);
    if (run.rank != 0 && at + 1 < sketch.size()) {
      const Run next = run_at(sketch, at + 1);
      if (next.rank == run.rank && run.length + next.length <= kRankRunMost) {
        String joined;
        put_run(joined, run.rank, run.length + next.length);
        sketch.replace(at, 2, joined);
        continue;
      }
    }
    at += run.bytes;
  }
}

Outcome raise_densely(String& sketch, Place place) {
  if (!make_dense(sketch)) return Outcome::kCorrupt;
  if (!is_below(sketch, place)) return Outcome::kSame;
  set_dense_register(sketch, place.index, place.rank);
  outdate_count(sketch);
  return Outcome::kRaised;
}

// Where a run begins, and which register is its first.
struct Position {
  size_t at = kHeader;
  size_t first = 0;
};

// Looks from `from` on, which is the beginning or at least two runs before the one that holds the register; afterwards
// it is so for every register behind this one.
Outcome raise_sparsely(String& sketch, Place place, uint64_t sparse_most, Position& from) {
  if (place.rank > kSparseRankMost) return raise_densely(sketch, place);
  Position here = from;
  Position previous = from;
  Position before = from;
  Run run{};
  const std::string_view bytes = sketch;  // asked once where it stands: hundreds of runs are passed
  for (;;) {
    if (here.at >= bytes.size()) return Outcome::kCorrupt;
    run = run_at(bytes, here.at);
    if (here.at + run.bytes > bytes.size()) return Outcome::kCorrupt;
    if (place.index < here.first + run.length) break;
    before = previous;
    previous = here;
    here = {here.at + run.bytes, here.first + run.length};
  }
  from = before;
  if (run.rank >= place.rank) return Outcome::kSame;

  String parts;
  put_run(parts, run.rank, place.index - here.first);
  put_run(parts, place.rank, 1);
  put_run(parts, run.rank, here.first + run.length - 1 - place.index);
  if (parts.size() > run.bytes && sketch.size() + parts.size() - run.bytes > sparse_most)
    return raise_densely(sketch, place);
  sketch.replace(here.at, run.bytes, parts);
  join_ranks(sketch, previous.at);
  outdate_count(sketch);
  return Outcome::kRaised;
}

// --- The estimate ---

using Histogram = std::array<uint32_t, kRegisterMost + 1>;  // how many registers hold each rank

// The two series of Ertl's estimator, summed until nothing is added any more.
double sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double sum = x;
  for (double weight = 1.0, before = -1.0; before != sum; weight += weight) {
    before = sum;
    x *= x;
    sum += x * weight;
  }
  return sum;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double sum = 1.0 - x;
  for (double weight = 0.5, before = -1.0; before != sum; weight *= 0.5) {
    before = sum;
    x = std::sqrt(x);
    sum -= (1.0 - x) * (1.0 - x) * weight;
  }
  return sum / 3.0;
}

uint64_t estimate(const Histogram& of_rank) {
  constexpr double kHalfByLn2 = 0.721347520444481703680;
  constexpr auto kAll = static_cast<double>(kRegisters);
  double sum = kAll * tau((kAll - of_rank[kRankMost]) / kAll);
  for (size_t rank = kRankMost - 1; rank >= 1; --rank) sum = (sum + of_rank[rank]) * 0.5;
  sum += kAll * sigma(of_rank[0] / kAll);
  const double elements = kHalfByLn2 * kAll * kAll / sum;
  // Where every register holds more than a hash can give.
  if (!(elements < 0x1p63)) return uint64_t{1} << 63;
  return static_cast<uint64_t>(std::llround(elements));
}

}  // namespace

Place place_of(std::string_view element) {
  const uint64_t hash = hash_of(element);
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << kRankBits;
  return {hash % kRegisters, static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

String empty() {
  String sketch(kMagic);
  sketch.resize(kHeader);
  sketch[kFormAt] = kSparse;
  put_run(sketch, 0, kRegisters);
  return sketch;
}

bool is_sketch(std::string_view text) {
  if (text.size() < kHeader || !text.starts_with(kMagic)) return false;
  return text[kFormAt] == kDense ? text.size() == kDenseBytes : text[kFormAt] == kSparse;
}

bool is_sparse(std::string_view sketch) {
  CHECK(is_sketch(sketch));
  return sketch[kFormAt] == kSparse;
}

Outcome raise(String& sketch, Place place, uint64_t sparse_most) {
  CHECK(place.index < kRegisters && place.rank >= 1);
  Position from;
  return is_sparse(sketch) ? raise_sparsely(sketch, place, sparse_most, from)
                           : raise_densely(sketch, place);
}

bool raise_all(String& sketch, const Registers& ranks, uint64_t sparse_most) {
  const auto next = [&](const uint8_t* from) {
    return std::find_if(from, ranks.end(), [](uint8_t rank) { return rank != 0; });
  };
  Position from;
  for (const uint8_t* rank = next(ranks.begin()); rank != ranks.end() && is_sparse(sketch);
       rank = next(rank + 1)) {
    const Place place{static_cast<size_t>(rank - ranks.begin()), *rank};
    if (raise_sparsely(sketch, place, sparse_most, from) == Outcome::kCorrupt) return false;
  }
  if (!is_sparse(sketch)) set_dense(sketch, ranks);
  return true;
}

bool is_below(std::string_view sketch, Place place) {
  return dense_register(sketch, place.index) < place.rank;
}

bool make_dense(String& sketch) {
  if (!is_sparse(sketch)) return true;
  String dense = sketch.substr(0, kHeader);
  dense.resize(kDenseBytes);
  dense[kFormAt] = kDense;
  const bool whole = each_run(sketch, [&](size_t index, const Run& run) {
    for (size_t i = 0; run.rank != 0 && i < run.length; ++i)
      set_dense_register(dense, index + i, run.rank);
  });
  if (whole) sketch = std::move(dense);
  return whole;
}

bool merge(Registers& most, std::string_view sketch) {
  if (is_sparse(sketch)) {
    return each_run(sketch, [&](size_t index, const Run& run) {
      for (size_t i = 0; i < run.length; ++i)
        most[index + i] = std::max(most[index + i], static_cast<uint8_t>(run.rank));
    });
  }
  each_dense(sketch, [&](size_t index, unsigned rank) {
    most[index] = std::max(most[index], static_cast<uint8_t>(rank));
  });
  return true;
}

std::optional<uint64_t> count(std::string_view sketch) {
  Histogram of_rank{};
  if (is_sparse(sketch)) {
    const auto add = [&](size_t, const Run& run) {
      of_rank[run.rank] += static_cast<uint32_t>(run.length);
    };
    if (!each_run(sketch, add)) return std::nullopt;
  } else {
    each_dense(sketch, [&](size_t, unsigned rank) { ++of_rank[rank]; });
  }
  return estimate(of_rank);
}

uint64_t count(const Registers& registers) {
  Histogram of_rank{};
  for (const uint8_t rank : registers) ++of_rank[rank];
  return estimate(of_rank);
}

std::optional<uint64_t> kept_count(std::string_view sketch) {
  CHECK(is_sketch(sketch));
  if ((byte_at(sketch, kHeader - 1) & kOutdated) != 0) return std::nullopt;
  uint64_t count = 0;
  std::memcpy(&count, sketch.data() + kCountAt, sizeof count);
  return count;
}

void keep_count(String& sketch, uint64_t count) {
  CHECK(is_sketch(sketch));
  std::memcpy(sketch.data() + kCountAt, &count, sizeof count);
}

void outdate_count(String& sketch) {
  CHECK(is_sketch(sketch));
  char& last = sketch[kHeader - 1];
  last = static_cast<char>(static_cast<unsigned char>(last) | kOutdated);
}

std::string shown(std::string_view sketch) {
  CHECK(is_sparse(sketch));
  std::string text;
  for (size_t at = kHeader; at < sketch.size();) {
    const Run run = run_at(sketch, at);
    if (!text.empty()) text += ' ';
    if (run.rank != 0) {
      text += fmt::format("v:{},{}", run.rank, run.length);
    } else {
      text += fmt::format("{}:{}", run.bytes == 1 ? 'z' : 'Z', run.length);
    }
    at += run.bytes;
  }
  return text;
}

}  // namespace powercut::engine::sketch
