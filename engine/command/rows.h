// Rows of a database behind the store, which a command may ask for: while it runs, copies of them are in the keyspace
// (engine/sink/copies.h).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/command/effects.h"

namespace powercut::engine {

// A step cannot wait for a row that nobody said it would read.
inline constexpr std::string_view kUnreadRow =
    "ERR the row of a key that was not named may stand in the database behind: name it (KEYS of a "
    "script), or read it before";

class Rows {
 public:
  virtual ~Rows() = default;

  // A command looks for what it needs: what it finds there is kept for it until the next one looks.
  virtual void begin() = 0;
  // Must the row of that key be read before anybody can say what it holds? One that was read at `since` or later is new
  // enough, as is one that is kept for the command.
  virtual bool lacks(int db, std::string_view key, Instant since) = 0;
  // Reads the rows of these keys (database, name). Yields.
  //   Errors: kUnsupported: a row that no key can be made of, by table and key. Others: it was not had by `deadline`.
  virtual Result<void> read(std::span<const std::pair<int, std::string>> keys,
                            Instant deadline) = 0;

  // --- In the step in which the command runs ---
  // The copy of a row comes into the keyspace, if there is a row and nothing newer than it.
  virtual void lend(int db, std::string_view key) = 0;
  // All that were lent leave it, but for those that the command has changed, or, with `wrote`, has named: what is logged of
  // it may read any of them when it is done again. What these were comes into `adopted`.
  virtual void take_back(bool wrote, Effects& adopted) = 0;

  // --- Memory ---
  virtual size_t bytes() const = 0;
  // Gives up the one that was read first; false: none may go.
  virtual bool drop_oldest() = 0;
};

}  // namespace powercut::engine
