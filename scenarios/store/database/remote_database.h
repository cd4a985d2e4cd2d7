// A model of the database behind the store as one on another machine: what its link and its operator do to it. It commits a
// batch whole or not at all; it may be out of reach, slow, or start again in the middle of a batch; the answer to a commit may
// be lost, of one that was done, of one that was not, and of one that is decided later, but before the next session has
// its lock; and it may be restored from an older backup under the running store.
//
// What it holds is the SQLite file that kBehindFile names, so that every crash of a run finds it, and read_behind() reads it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/os.h"
#include "engine/sink/sqlite_database.h"

namespace powercut::scenarios {

class RemoteDatabase final : public engine::SinkDatabase {
 public:
  // `os` outlives it.
  RemoteDatabase(engine::Os& os, std::vector<engine::SinkTable> tables, bool restores = true);

  const std::string& name() const override { return name_; }
  Result<Found> open() override;
  bool is_open() const override { return file_.is_open(); }
  void close() override { file_.close(); }
  Result<std::string> put_away() override { return file_.put_away(); }
  Result<void> write(const engine::SinkBatch& batch) override;
  Result<void> read(const TakeRows& take) override;
  void keep_as_found(bool keep) override { file_.keep_as_found(keep); }
  uint64_t set_aside() const override { return file_.set_aside(); }
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) override;

  // An older state was restored, and no batch was acknowledged since: it need not have what was committed before.
  bool restored() const { return restored_; }
  bool was_restored() const { return was_restored_; }  // in this life

 private:
  struct State {
    uint64_t lsn = 0;
    std::map<std::pair<int, std::string>, engine::SinkRows> keys = {};
  };
  Error broken();
  bool happens(Site site, uint64_t one_in) { return os_.choose(site, one_in) == 1; }
  void lag(Site site);
  void be_away();
  void decide();
  Result<void> restore();
  Result<void> commit(const engine::SinkBatch& batch);

  engine::Os& os_;
  engine::SqliteDatabase file_;
  const std::string name_ = "remote";
  Instant back_at_{0};  // until then nobody answers
  std::optional<engine::SinkBatch>
      undecided_;  // handed to a session that nobody listens to any more
  std::optional<State>
      now_;  // nothing: nobody has written all of it yet, or it is not known what came of a batch
  std::optional<State> backup_;  // an older one
  const bool restores_;
  bool restored_ = false;
  bool was_restored_ = false;
};

}  // namespace powercut::scenarios
