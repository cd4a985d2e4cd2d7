// The SQLite file behind the store with another program that writes rows of its own in the same tables. What it has written
// stands in a table of its own as well (other_rows), in one transaction with the row: so every crash of a run finds what the
// rows are to be, but for those of keys that the store has changed since.
//
// It writes where the store's task has nothing under way: two connections, one after the other.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/os.h"
#include "engine/sink/sqlite_database.h"
#include "scenarios/store/database/row_state.h"

namespace powercut::scenarios {

// Keys of these databases are its own now and then: of kGivenUp those that clients delete, of kKept those that they only read
// and add to, so that their rows are never gone.
inline constexpr int kGivenUpDatabase = 0;
inline constexpr int kKeptDatabase = 9;

struct OtherRow {
  RowState state;
  uint64_t behind = 0;  // the operation that the database was at
};
struct SharedRows {
  uint64_t lsn = 0;
  std::map<RowName, RowState> rows;
  std::map<RowName, OtherRow> others;  // other_rows
};

class SharedDatabase final : public engine::SinkDatabase {
 public:
  // `os` outlives it.
  SharedDatabase(engine::Os& os, std::vector<engine::SinkTable> tables);

  // Its first rows, where there are none yet, before the store comes. Yields.
  Result<void> prepare();
  // All rows, by a connection of its own. Yields.
  Result<SharedRows> look();
  // From now on it writes, to keys that `may` says the store has nothing to do with; `seen` is told what a row is from
  // then on, by whoever wrote it; nothing: it is not known.
  using May = std::function<bool(const RowName&)>;
  using Seen = std::function<void(const RowName&, const std::optional<RowState>&, bool by_store)>;
  // `deleted`: an operation of the store's has deleted that key.
  void begin(May may, Seen seen, May deleted);
  // Now and then it does.
  void meddle(Site site, uint64_t one_in);

  const std::string& name() const override { return file_.name(); }
  Result<Found> open() override { return file_.open(); }
  bool is_open() const override { return file_.is_open(); }
  void close() override { file_.close(); }
  Result<std::string> put_away() override { return file_.put_away(); }
  Result<void> write(const engine::SinkBatch& batch) override;
  Result<std::vector<engine::SinkRows>> read_keys(const std::vector<KeyAt>& keys) override;
  uint64_t set_aside() const override { return file_.set_aside(); }
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) override {
    return file_.expired_keys(unix_ms);
  }

 private:
  Result<void> make_first();
  void give_up(const RowName& name);
  RowState draw(const RowName& name);
  std::string put(const RowName& name, const RowState& state) const;

  engine::Os& os_;
  engine::SqliteDatabase file_;
  May may_;
  Seen seen_;
  May deleted_;
  uint64_t written_ = 0;
};

}  // namespace powercut::scenarios
