#include "scenarios/store/database/remote_database.h"

#include <fmt/format.h>

#include "scenarios/store/database/behind_rows.h"

namespace powercut::scenarios {

namespace {

constexpr uint64_t kLagsMs = 40;
constexpr uint64_t kAwayMs = 1500;

}  // namespace

RemoteDatabase::RemoteDatabase(engine::Os& os, std::vector<engine::SinkTable> tables, bool restores)
    : os_(os), file_(os, kBehindFile, std::move(tables)), restores_(restores) {}

Error RemoteDatabase::broken() {
  file_.close();
  return {Errc::kIo, name_ + ": the connection broke"};
}

void RemoteDatabase::lag(Site site) {
  const uint64_t ms = os_.choose(site, kLagsMs);
  if (ms != 0) os_.park(os_.now() + milliseconds(static_cast<int64_t>(ms)));
}

void RemoteDatabase::be_away() {
  const uint64_t ms = os_.choose("remote.away", kAwayMs);
  back_at_ = os_.now() + milliseconds(static_cast<int64_t>(ms));
}

// --- Opening ---

Result<engine::SinkDatabase::Found> RemoteDatabase::open() {
  lag("remote.lag");
  if (happens("remote.down", 8)) be_away();
  if (os_.now() < back_at_) return Error{Errc::kIo, name_ + ": nobody answers"};
  decide();
  if (restores_ && happens("remote.restore", 12))
    if (const auto restored = restore(); !restored.ok()) return broken();
  return file_.open();
}

// What came of a batch is settled before another session has the lock.
void RemoteDatabase::decide() {
  const auto batch = std::exchange(undecided_, std::nullopt);
  if (!batch || !happens("remote.done-late", 2)) return;
  if (file_.open().ok()) (void)commit(*batch);
  file_.close();
}

Result<void> RemoteDatabase::restore() {
  if (!backup_) return {};
  TRY(file_.open());
  engine::SinkBatch older{backup_->lsn, true, {}};
  for (const auto& [key, rows] : backup_->keys) older.keys.push_back(rows);
  restored_ = was_restored_ = true;
  const auto written = commit(older);
  file_.close();
  return written;
}

// --- A batch ---

Result<void> RemoteDatabase::write(const engine::SinkBatch& batch) {
  lag("remote.lag");
  switch (os_.choose("remote.write", 12)) {
    case 1:  // broken before the commit: it rolls back
      return broken();
    case 2:  // it starts again in the middle
      be_away();
      return broken();
    case 3:  // done, and the answer is lost
      TRY(commit(batch));
      return broken();
    case 4:  // decided later
      undecided_ = batch;
      return broken();
    default:
      TRY(commit(batch));
      restored_ = false;
      if (now_ && happens("remote.back-up", 4)) backup_ = now_;
      lag("remote.lag");
      return {};
  }
}

Result<void> RemoteDatabase::commit(const engine::SinkBatch& batch) {
  std::optional<State> state = std::exchange(now_, std::nullopt);
  TRY(file_.write(batch));
  if (batch.everything) state.emplace();
  if (!state) return {};
  state->lsn = batch.lsn;
  for (const engine::SinkRows& rows : batch.keys)
    if (rows.kind == engine::SinkRows::Kind::kAbsent)
      state->keys.erase({rows.db, rows.key});
    else
      state->keys[{rows.db, rows.key}] = rows;
  now_ = std::move(state);
  return {};
}

Result<void> RemoteDatabase::read(const TakeRows& take) {
  if (happens("remote.down", 8)) return broken();
  return file_.read(take);
}

Result<std::vector<std::pair<int, std::string>>> RemoteDatabase::expired_keys(int64_t unix_ms) {
  if (happens("remote.down", 8)) return broken();
  return file_.expired_keys(unix_ms);
}

}  // namespace powercut::scenarios
