#include "scenarios/store/starts/found_backups.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "engine/backup/backups.h"
#include "engine/backup/restore.h"
#include "engine/os/forwarding_os.h"
#include "engine/os/read_only_os.h"
#include "engine/recovery/recovery.h"
#include "scenarios/store/keyspace/digest.h"

namespace powercut::scenarios {

namespace {

// A backup's folder in the place of a log's directory.
class FolderOs final : public engine::ForwardingOs {
 public:
  FolderOs(engine::Os& os, std::string folder) : ForwardingOs(os), folder_(std::move(folder)) {}
  Result<std::unique_ptr<engine::File>> open(std::string_view path, engine::Open mode) override {
    return inner_.open(there(path), mode);
  }
  Result<std::vector<std::string>> list(std::string_view path) override {
    return inner_.list(there(path));
  }

 private:
  std::string there(std::string_view path) const {
    if (!path.starts_with(engine::kAofDirectory)) return std::string(path);
    return folder_ + std::string(path.substr(engine::kAofDirectory.size()));
  }

  std::string folder_;
};

// Up to that operation, or to the end.
Result<uint64_t> restored_digest(engine::Os& os, std::optional<uint64_t> lsn, int64_t wall_ms,
                                 uint64_t& reached) {
  engine::ReadOnlyOs read_only(os);
  engine::Keyspace keyspace;
  TRY_ASSIGN(const engine::Restored restored, engine::load_state(read_only, keyspace, {lsn, {}}));
  reached = restored.lsn;
  return keyspace_digest(keyspace, wall_ms);
}

FoundBackup found_in(engine::Os& os, const std::string& name, int64_t wall_ms) {
  FoundBackup found;
  found.name = name;
  const std::string folder = std::string(engine::kBackupsDirectory) + '/' + name;
  const auto text = engine::read_whole(os, folder + '/' + std::string(engine::kManifestName));
  if (!text.ok()) return found;
  found.sealed = true;
  const auto facts = engine::parse_backup(*text, name);
  if (!facts.ok()) {
    found.trouble = facts.error().message;
    return found;
  }
  found.says = {name, facts->first_lsn, facts->last_lsn, facts->sealed_unix_s};
  FolderOs in_folder(os, folder);
  const uint64_t middle = facts->first_lsn + (facts->last_lsn - facts->first_lsn) / 2;
  for (const std::optional<uint64_t> lsn : {std::optional<uint64_t>(), std::optional(middle)}) {
    uint64_t reached = 0;
    const auto digest = restored_digest(in_folder, lsn, wall_ms, reached);
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

std::vector<FoundBackup> found_backups(engine::Os& os, int64_t wall_ms) {
  std::vector<FoundBackup> all;
  const auto names = os.list(engine::kBackupsDirectory);
  if (!names.ok()) return all;
  for (const std::string& name : *names) all.push_back(found_in(os, name, wall_ms));
  return all;
}

const FoundBackup* backup_of(const std::vector<FoundBackup>& found, std::string_view name) {
  const auto there = std::find_if(found.begin(), found.end(),
                                  [&](const FoundBackup& one) { return one.name == name; });
  return there == found.end() ? nullptr : &*there;
}

}  // namespace powercut::scenarios
