// What a judgement can be: which promise is broken, and how much is lost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace powercut::scenarios {

enum class Breach : uint8_t {
  kLost,
  kBound,
  kNoPrefix,
  kNoStart,
  kFailedIsThere,
  kServedIsGone,
  kUnlogged,
  kHangs,
  kDies,
  kUnavailable,
  kDamageTaken,
  kUntrue,
  kBackup,
  kBehind,
  kReplica,
  kAnswer,
};
inline constexpr size_t kBreaches = 16;

struct BreachRow {
  Breach breach;
  std::string_view code;      // in IDs of findings, tables and JSON
  std::string_view sentence;  // what is wrong, for people
  std::string_view story;     // the same for somebody who does not know the store
};
inline constexpr std::array<BreachRow, kBreaches> kBreachRows = {{
    {Breach::kLost, "LAW", "an acknowledged write is lost",
     "A client was told that its write is done, and the write is gone."},
    {Breach::kBound, "BND", "more is lost than the bound allows",
     "More is gone than this policy allows to be lost."},
    {Breach::kNoPrefix, "NPX", "the recovered state is no prefix of the history",
     "After a crash the store must hold what it held at one moment before it. What it holds now it "
     "never held."},
    {Breach::kNoStart, "NOS", "the store does not start",
     "The store must start by itself after any power cut. It does not: somebody has to repair its "
     "files by hand."},
    {Breach::kFailedIsThere, "FF", "an operation that failed is there",
     "An operation was answered with an error, and was done all the same."},
    {Breach::kServedIsGone, "MON", "what a recovered store has served is gone",
     "The store had recovered these operations once and served clients from them. Now they are "
     "gone."},
    {Breach::kUnlogged, "UNL", "a change was made and not logged",
     "The store changed its data and did not log the change."},
    {Breach::kHangs, "HNG", "the store hangs", "The store neither goes on nor ends."},
    {Breach::kDies, "DIE", "the store ends itself",
     "The store came upon something that it takes for impossible, and ended itself."},
    {Breach::kUnavailable, "AVL", "the store does not do what nothing prevents",
     "Nothing is in the way of the store any more, and it refuses, or fails at, what it is for."},
    {Breach::kDamageTaken, "DMG", "damage is taken for something else",
     "Bytes that had been safely on the disk were damaged, and the files show it. The store must "
     "say so "
     "and leave them alone. It went on with less, as if nothing had been there."},
    {Breach::kUntrue, "LIE", "what the store says of itself, or does for nobody, is not so",
     "What the store says of itself, or does for no client, is not what the rest of it says."},
    {Breach::kBackup, "BAK", "a backup is not what was said of it",
     "A client was told that its backup is whole. It is gone, or damaged, or holds something "
     "else."},
    {Breach::kBehind, "DBB", "the database behind the store is not what it was to be",
     "The store hands on what it holds to a database. After a crash, and once the database had "
     "caught "
     "up, "
     "the two did not hold the same; or the database was ahead of the store, or had less than was "
     "promised of it."},
    {Breach::kReplica, "RPL", "a replica is not what its master was",
     "Another machine follows the store, to take its place when it is lost. It held what the store "
     "never held, or had less than the store had been told it has."},
    {Breach::kAnswer, "ANS", "an answer, or what is kept, depends on the way it was come by",
     "The same was come by in two ways: with every collection packed and with none, copied, "
     "written and read, edited beside a row of words, or asked for late. It was not the same."},
}};
constexpr const BreachRow& row_of(Breach breach) {
  return kBreachRows[static_cast<size_t>(breach)];
}
constexpr std::string_view code_of(Breach breach) { return row_of(breach).code; }
constexpr std::string_view sentence_of(Breach breach) { return row_of(breach).sentence; }
// Nothing if there is none of that code.
constexpr std::optional<Breach> breach_of(std::string_view code) {
  for (const BreachRow& row : kBreachRows)
    if (row.code == code) return row.breach;
  return std::nullopt;
}
static_assert([] {
  for (size_t i = 0; i < kBreaches; ++i)
    if (static_cast<size_t>(kBreachRows[i].breach) != i || kBreachRows[i].code.empty() ||
        kBreachRows[i].story.empty())
      return false;
  return true;
}());

struct Violation {
  Breach breach;
  std::string text;  // one line
};

// Three figures that are not one another: how many operations, over which span, how old. Age is no
// loss: one operation may be lost that was acknowledged forty seconds before, if nothing was
// acknowledged since.
struct Loss {
  uint64_t operations = 0;  // acknowledged and gone
  int64_t age_ms = 0;       // from the oldest lost acknowledgement to the crash
  int64_t span_ms = 0;      // between the oldest and the newest lost acknowledgement
  int64_t bound_ms = 0;     // on age_ms; -1: the policy gives none
  int64_t lag_ms = -1;      // at the crash, as sim::Promise has it
};

// The more operations; of equals, the wider span.
constexpr bool took_more(const Loss& a, const Loss& b) {
  if (a.operations != b.operations) return a.operations > b.operations;
  return a.span_ms > b.span_ms;
}

// How near it came to its bound, in millionths; where it reached it, more than all that did not. Below
// nought: what has no bound, and below that what lost nothing.
constexpr int64_t nearness(const Loss& loss) {
  if (loss.operations == 0) return loss.bound_ms < 0 ? -3 : -2;
  if (loss.bound_ms < 0) return -1;
  if (loss.age_ms >= loss.bound_ms) return INT64_MAX;
  return loss.age_ms * 1'000'000 / loss.bound_ms;
}
// The nearer to its bound; where that does not tell them apart, the greater, then the older.
constexpr bool worse(const Loss& a, const Loss& b) {
  if (nearness(a) != nearness(b)) return nearness(a) > nearness(b);
  if (a.operations != b.operations) return a.operations > b.operations;
  return a.age_ms > b.age_ms;
}

struct Verdict {
  bool started = true;  // if not, there is no state to speak of
  uint64_t k = 0;       // R = S(k)
  // Recovery has no numbers, and R is S(k - 1) too: what expired between the two is there again if the clock is set back.
  bool ambiguous = false;
  bool numbered = false;  // R is S(n) for the n that recovery says: a history can go on from there
  Loss loss;
  std::optional<Violation> violation;
};

}  // namespace powercut::scenarios
