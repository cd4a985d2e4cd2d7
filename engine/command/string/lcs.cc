// LCS: the longest common subsequence of two strings.
#include <algorithm>
#include <vector>

#include "engine/command/number.h"
#include "engine/command/string/string_commands.h"

namespace powercut::engine::strings {

namespace {

struct Options {
  bool length_only = false;
  bool ranges = false;
  bool with_match_length = false;
  int64_t min_match_length = 0;
};

bool parse_options(Call& call, Options& options) {
  for (size_t i = 3; i < call.argc(); ++i) {
    if (call.is(i, "IDX")) {
      options.ranges = true;
    } else if (call.is(i, "LEN")) {
      options.length_only = true;
    } else if (call.is(i, "WITHMATCHLEN")) {
      options.with_match_length = true;
    } else if (call.is(i, "MINMATCHLEN") && i + 1 < call.argc()) {
      if (!call.integer_arg(++i, options.min_match_length)) return false;
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  if (!options.ranges || !options.length_only) return true;
  call.fail("ERR If you want both the length and indexes, please just use IDX.");
  return false;
}

// lengths(i, j): of the longest common subsequence of the first i bytes of a and the first j of b.
class Lengths {
 public:
  Lengths(std::string_view a, std::string_view b)
      : row_(b.size() + 1), cells_((a.size() + 1) * row_) {
    for (size_t i = 1; i <= a.size(); ++i) {
      for (size_t j = 1; j <= b.size(); ++j) {
        cells_[i * row_ + j] = a[i - 1] == b[j - 1]
                                   ? (*this)(i - 1, j - 1) + 1
                                   : std::max((*this)(i - 1, j), (*this)(i, j - 1));
      }
    }
  }
  uint32_t operator()(size_t i, size_t j) const { return cells_[i * row_ + j]; }

 private:
  size_t row_;
  std::vector<uint32_t> cells_;
};

struct Match {
  size_t a;  // where it begins
  size_t b;
  size_t length;
};

// The runs that make up the subsequence, last first.
std::vector<Match> matches(const Lengths& lengths, std::string_view a, std::string_view b) {
  std::vector<Match> runs;
  bool contiguous = false;
  for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      if (contiguous) {
        runs.back() = {i, j, runs.back().length + 1};
      } else {
        runs.push_back({i, j, 1});
      }
      contiguous = true;
    } else {
      contiguous = false;
      lengths(i - 1, j) > lengths(i, j - 1) ? --i : --j;
    }
  }
  size_t total = 0;
  for (const Match& run : runs) total += run.length;
  CHECK(total == lengths(a.size(), b.size()));
  return runs;
}

void reply_range(Call& call, size_t begin, size_t length) {
  CHECK(length > 0);
  call.reply.array(2);
  call.reply.integer(static_cast<int64_t>(begin));
  call.reply.integer(static_cast<int64_t>(begin + length - 1));
}

void reply_ranges(Call& call, const std::vector<Match>& runs, const Options& options,
                  uint32_t total) {
  call.reply.map(2);
  call.reply.bulk("matches");
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const Match& run : runs) {
    if (static_cast<int64_t>(run.length) < options.min_match_length) continue;
    ++count;
    call.reply.array(options.with_match_length ? 3 : 2);
    reply_range(call, run.a, run.length);
    reply_range(call, run.b, run.length);
    if (options.with_match_length) call.reply.integer(static_cast<int64_t>(run.length));
  }
  call.reply.end_deferred(mark, count);
  call.reply.bulk("len");
  call.reply.integer(total);
}

}  // namespace

void lcs(Call& call) {
  std::string_view texts[2];
  for (size_t i = 0; i < 2; ++i) {
    const Object* object = call.find(call.arg(i + 1));
    if (object == nullptr) continue;
    const String* text = object->value.string();
    if (text == nullptr) return call.fail("ERR The specified keys must contain string values");
    texts[i] = *text;
  }
  const auto [a, b] = texts;
  Options options;
  if (!parse_options(call, options)) return;
  // Lengths of at most 512 MB: the product cannot overflow.
  if ((a.size() + 1) * (b.size() + 1) > kLongestString / sizeof(uint32_t)) {
    return call.fail(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  const Lengths lengths(a, b);
  const uint32_t total = lengths(a.size(), b.size());
  if (options.length_only) return call.reply.integer(total);
  const std::vector<Match> runs = matches(lengths, a, b);
  if (options.ranges) return reply_ranges(call, runs, options, total);
  std::string common;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) common += a.substr(run->a, run->length);
  call.reply.bulk(common);
}

}  // namespace powercut::engine::strings
