#include "scenarios/store/found_backups.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "engine/backup/backups.h"
#include "engine/backup/restore.h"
#include "engine/os/read_only_os.h"
#include "engine/recovery/recovery.h"
#include "scenarios/store/digest.h"
#include "scenarios/store/file_content.h"

namespace powercut::scenarios {

namespace {

using engine::File;
using engine::Open;

Error not_done() { return {Errc::kRefused, "a disk that is only looked at"}; }

class LookedAtFile final : public File {
 public:
  explicit LookedAtFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    const size_t from = std::min<size_t>(offset, bytes_.size());
    const size_t count = std::min(size, bytes_.size() - from);
    std::memcpy(out, bytes_.data() + from, count);
    return count;
  }
  Result<size_t> write_at(uint64_t, std::string_view) override { return not_done(); }
  Result<void> truncate(uint64_t) override { return not_done(); }
  Result<void> sync(Site) override { return not_done(); }
  Result<uint64_t> size() override { return bytes_.size(); }

 private:
  std::string bytes_;
};

// A backup's folder in the place of a log's directory; no task ever waits in it.
class LookedAtOs final : public engine::Os {
 public:
  LookedAtOs(const sim::Disk& disk, std::string folder, int64_t wall_ms)
      : disk_(disk), folder_(std::move(folder)), wall_ms_(wall_ms) {}

  Result<std::unique_ptr<File>> open(std::string_view path, Open) override {
    auto content = file_content(disk_, there(path));
    if (!content) return Error{Errc::kNotFound, "it is not there: " + std::string(path)};
    return std::unique_ptr<File>(std::make_unique<LookedAtFile>(std::move(*content)));
  }
  Result<std::vector<std::string>> list(std::string_view path) override {
    return disk_.list(there(path));
  }
  Result<void> rename(std::string_view, std::string_view) override { return not_done(); }
  Result<void> link(std::string_view, std::string_view) override { return not_done(); }
  Result<void> remove(std::string_view) override { return not_done(); }
  Result<void> make_directory(std::string_view) override { return not_done(); }
  Result<void> sync_directory(std::string_view, Site) override { return not_done(); }
  Instant now() override { return {}; }
  WallTime wall_now() override { return {wall_ms_}; }
  uint64_t choose(Site, uint64_t) override { return 0; }
  void spawn(std::string_view, std::function<void()>) override { CHECK(false); }
  engine::Task* current() override { return nullptr; }
  bool park(Instant) override { return false; }
  void unpark(engine::Task*) override {}

 private:
  std::string there(std::string_view path) const {
    if (!path.starts_with(engine::kAofDirectory)) return std::string(path);
    return folder_ + std::string(path.substr(engine::kAofDirectory.size()));
  }

  const sim::Disk& disk_;
  std::string folder_;
  int64_t wall_ms_;
};

// Up to that operation, or to the end.
Result<uint64_t> restored_digest(LookedAtOs& os, std::optional<uint64_t> lsn, int64_t wall_ms,
                                 uint64_t& reached) {
  engine::ReadOnlyOs read_only(os);
  engine::Keyspace keyspace;
  TRY_ASSIGN(const engine::Restored restored, engine::load_state(read_only, keyspace, {lsn, {}}));
  reached = restored.lsn;
  return keyspace_digest(keyspace, wall_ms);
}

FoundBackup found_in(const sim::Disk& disk, const std::string& name, int64_t wall_ms) {
  FoundBackup found;
  found.name = name;
  const std::string folder = std::string(engine::kBackupsDirectory) + '/' + name;
  const auto text = file_content(disk, folder + '/' + std::string(engine::kManifestName));
  if (!text) return found;
  found.sealed = true;
  const auto facts = engine::parse_backup(*text, name);
  if (!facts.ok()) {
    found.trouble = facts.error().message;
    return found;
  }
  found.says = {name, facts->first_lsn, facts->last_lsn, facts->sealed_unix_s};
  LookedAtOs os(disk, folder, wall_ms);
  const uint64_t middle = facts->first_lsn + (facts->last_lsn - facts->first_lsn) / 2;
  for (const std::optional<uint64_t> lsn : {std::optional<uint64_t>(), std::optional(middle)}) {
    uint64_t reached = 0;
    const auto digest = restored_digest(os, lsn, wall_ms, reached);
    if (!digest.ok()) {
      found.trouble = digest.error().message;
      return found;
    }
    found.says.last = lsn ? found.says.last : reached;
    found.states.push_back({reached, *digest});
  }
  return found;
}

}  // namespace

std::vector<FoundBackup> found_backups(const sim::Disk& disk, int64_t wall_ms) {
  std::vector<FoundBackup> all;
  const auto names = disk.list(engine::kBackupsDirectory);
  if (!names.ok()) return all;
  for (const std::string& name : *names) all.push_back(found_in(disk, name, wall_ms));
  return all;
}

}  // namespace powercut::scenarios
