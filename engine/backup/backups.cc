#include "engine/backup/backups.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/aof/replace.h"
#include "engine/base/take_number.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

namespace {

constexpr size_t kLongestId = 64;
constexpr std::string_view kNote = "# backup from ";

std::string folder_of(std::string_view id) { return fmt::format("{}/{}", kBackupsDirectory, id); }

std::string in_folder(std::string_view id, std::string_view name) {
  return fmt::format("{}/{}/{}", kBackupsDirectory, id, name);
}

bool is_cold(std::string_view name) { return name.ends_with(".cold"); }

std::string unsealed_mark(std::string_view id) { return in_aof_directory(unsealed_name(id)); }
std::string removed_mark(std::string_view id) { return in_aof_directory(removed_name(id)); }

uint64_t first_lsn(const Manifest& manifest) {
  if (manifest.base) return manifest.base->lsn.value_or(0);
  return manifest.segments.empty() ? 0 : manifest.segments.front().lsn.value_or(1) - 1;
}

uint64_t bytes_of(const Manifest& manifest) {
  uint64_t bytes = manifest.base ? manifest.base->length.value_or(0) : 0;
  for (const ManifestFile& file : manifest.segments) bytes += file.length.value_or(0);
  return bytes;
}

struct Sealed {
  Manifest manifest;
  BackupFacts facts;
};

Result<Sealed> parse_sealed(std::string_view text, std::string id) {
  TRY_ASSIGN(Manifest manifest, parse_manifest(text));
  const size_t at = text.find(kNote);
  BackupFacts facts;
  facts.id = std::move(id);
  facts.sealed = true;
  facts.bytes = bytes_of(manifest);
  std::string_view note = at == text.npos ? "" : text.substr(at + kNote.size());
  if (!take_number(note, facts.first_lsn, " to ") || !take_number(note, facts.last_lsn, " at ") ||
      !take_number(note, facts.sealed_unix_s, "\n")) {
    return Error{Errc::kInvalid, "the manifest of a log, not of a backup"};
  }
  return Sealed{std::move(manifest), std::move(facts)};
}

}  // namespace

bool is_backup_id(std::string_view id) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !id.empty() && id.size() <= kLongestId && id.front() != '.' &&
         std::all_of(id.begin(), id.end(), fits);
}

Result<BackupFacts> parse_backup(std::string_view manifest, std::string id) {
  TRY_ASSIGN(Sealed sealed, parse_sealed(manifest, std::move(id)));
  return std::move(sealed.facts);
}

// --- Making one ---

Result<void> Backups::check_start(const std::string& id) {
  if (!is_backup_id(id))
    return Error{Errc::kInvalid,
                 "a backup's name has letters, digits, '-', '_' and '.', at most 64 of them"};
  if (open()) return Error{Errc::kInvalid, fmt::format("backup {} is under way", id_)};
  const auto there = os_.list(folder_of(id));
  if (!there.ok() && there.error().code != Errc::kNotFound)
    return there.error();  // no mark for that
  if (there.ok() && !there->empty())
    return Error{Errc::kInvalid, fmt::format("{}: there is one of that name", folder_of(id))};
  return {};
}

Result<void> Backups::start(const std::string& id, const Manifest& log) {
  CHECK(!open() && is_backup_id(id));
  id_ = id;
  kept_ = {};
  cold_.clear();
  next_.clear();
  may_stand_ = false;
  given_up_.clear();
  TRY(make_folder(id));
  return follow(log);
}

// One that stood empty is made anew: the sync of its name may have failed then, and one that succeeds now would prove
// nothing.
Result<void> Backups::make_directory(const std::string& path) {
  const auto made = os_.make_directory(path);
  if (made.ok() || made.error().code != Errc::kExists) return made;
  TRY_ASSIGN(const auto names, os_.list(path));  // nobody's file of that name is removed
  if (!names.empty()) return {};
  TRY(os_.remove(path));
  return os_.make_directory(path);
}

// The mark is durable before anything stands in the folder: a start that finds half a backup knows whose it is. And the
// name of each directory before anything is made in it.
Result<void> Backups::make_folder(const std::string& id) {
  TRY_ASSIGN(const auto mark, create_fresh(os_, unsealed_mark(id)));
  TRY(os_.sync_directory(kAofDirectory, "backup.mark"));
  TRY(make_directory(std::string(kBackupsDirectory)));
  TRY(os_.sync_directory("", "backup.root"));
  TRY(make_directory(folder_of(id)));
  return os_.sync_directory(kBackupsDirectory, "backup.parent");
}

Result<void> Backups::keep(const ManifestFile& file) {
  CHECK(file.length);  // nothing is appended to it any more
  return link_in(in_aof_directory(file.name), file.name);
}

Result<void> Backups::link_in(const std::string& path, const std::string& name) {
  const auto linked = os_.link(path, in_folder(id_, name));
  if (linked.ok() || linked.error().code != Errc::kRefused) return linked;
  return Error{Errc::kUnsupported, linked.error().message + "; a backup is made of hard links"};
}

Result<void> Backups::keep_cold(const std::string& base) {
  if (rests_on_ == nullptr) return {};
  TRY_ASSIGN(const auto paths, rests_on_(base));
  for (const std::string& path : paths) {
    const std::string name = path.substr(path.rfind('/') + 1);
    TRY(link_in(path, name));
    cold_.push_back(name);
  }
  return {};
}

// What it had of a log that was begun anew.
void Backups::drop(const Manifest& before) {
  for (const ManifestFile& old : before.segments) (void)os_.remove(in_folder(id_, old.name));
  if (before.base) (void)os_.remove(in_folder(id_, before.base->name));
  for (const std::string& name : std::exchange(cold_, {})) (void)os_.remove(in_folder(id_, name));
}

Result<void> Backups::follow(const Manifest& log) {
  CHECK(open());
  auto file = std::find_if(log.segments.begin(), log.segments.end(),
                           [&](const ManifestFile& segment) { return segment.name == next_; });
  if (file == log.segments.end()) {
    drop(std::exchange(kept_, {}));
    if (log.base) TRY(keep(*log.base));
    if (log.base) TRY(keep_cold(log.base->name));
    kept_.base = log.base;
    file = log.segments.begin();
  }
  for (; file != log.segments.end() && file->length; ++file) {
    TRY(keep(*file));
    kept_.segments.push_back(*file);
  }
  CHECK(file != log.segments.end());  // the one in use has no length
  next_ = file->name;
  return {};
}

Result<BackupFacts> Backups::seal(const Manifest& log, uint64_t lsn, int64_t unix_s) {
  TRY(follow(log));
  CHECK(log.segments.back().lsn == lsn + 1 && next_ == log.segments.back().name);
  TRY(os_.sync_directory(folder_of(id_), "backup.directory"));
  const std::string text = encode_manifest(
      kept_, fmt::format("{}{} to {} at {}\n", kNote, first_lsn(kept_), lsn, unix_s));
  TRY_ASSIGN(const BackupFacts facts, parse_backup(text, id_));
  TRY(write_manifest(text));
  // A power cut may bring it back: a start that finds the manifest as well removes the mark alone.
  (void)os_.remove(unsealed_mark(id_));
  id_.clear();
  return facts;
}

Result<void> Backups::write_manifest(const std::string& text) {
  const std::string temporary = in_folder(id_, kManifestTemporary);
  {
    TRY_ASSIGN(const auto file, create_fresh(os_, temporary));
    TRY(write_whole(*file, 0, text));
    TRY(file->sync("backup.manifest"));
  }
  may_stand_ = true;
  TRY(os_.rename(temporary, in_folder(id_, kManifestName)));
  return os_.sync_directory(folder_of(id_), "backup.rename");
}

BackupFacts Backups::facts() const {
  BackupFacts facts;
  facts.id = id_;
  facts.first_lsn = first_lsn(kept_);
  facts.bytes = bytes_of(kept_);
  return facts;
}

// --- Giving one up ---

// Once its manifest may stand it is left alone: a part of it would come back as a whole with it.
void Backups::discard() {
  if (!open()) return;
  if (!may_stand_ && remove_folder(id_).ok()) (void)os_.remove(unsealed_mark(id_));
  id_.clear();
}

void Backups::give_up(const Error& error) {
  given_up_ = fmt::format("backup {} was given up: {}", id_, error.message);
  discard();
}

// Gone for good when this returns: then its mark may go.
Result<void> Backups::remove_folder(const std::string& id) {
  const auto names = os_.list(folder_of(id));
  if (!names.ok() && names.error().code != Errc::kNotFound) return names.error();
  if (names.ok()) {
    for (const std::string& name : *names) TRY(os_.remove(in_folder(id, name)));
    TRY(os_.remove(folder_of(id)));
  }
  const auto others = os_.list(kBackupsDirectory);
  if (others.ok()) return os_.sync_directory(kBackupsDirectory, "backup.parent");
  return others.error().code == Errc::kNotFound ? Result<void>() : others.error();
}

// Does a backup's manifest stand there, and all that it names?
Result<bool> Backups::is_whole(const std::string& id) {
  const auto text = read_whole(os_, in_folder(id, kManifestName));
  if (!text.ok() && text.error().code != Errc::kNotFound) return text.error();
  if (!text.ok()) return false;
  const auto sealed = parse_sealed(*text, id);
  if (!sealed.ok()) return false;
  const Manifest& manifest = sealed->manifest;
  TRY_ASSIGN(const auto names, os_.list(folder_of(id)));
  const auto there = [&](const ManifestFile& file) {
    return std::find(names.begin(), names.end(), file.name) != names.end();
  };
  return (!manifest.base || there(*manifest.base)) &&
         std::all_of(manifest.segments.begin(), manifest.segments.end(), there);
}

void Backups::remove_leftovers(const std::vector<std::string>& unsealed,
                               const std::vector<std::string>& removed) {
  for (const std::string& id : removed) {
    const auto whole = is_whole(id);
    if (whole.ok() && (*whole || remove_folder(id).ok())) (void)os_.remove(removed_mark(id));
  }
  for (const std::string& id : unsealed) {
    const auto manifest = os_.open(in_folder(id, kManifestName), Open::kRead);
    if (manifest.ok()) {
      // A kill may have come between the rename and its sync.
      const auto synced = os_.sync_directory(folder_of(id), "backup.rename");
      if (synced.ok()) (void)os_.remove(unsealed_mark(id));
    } else if (manifest.error().code == Errc::kNotFound && remove_folder(id).ok()) {
      (void)os_.remove(unsealed_mark(id));
    }
  }
}

// --- Removing one that is whole ---

// Whoever has put something of his own into the folder has it back.
Result<std::vector<std::string>> Backups::files_of_ours(const std::string& id) {
  const auto none = [&](std::string_view why) {
    return Error{Errc::kInvalid, fmt::format("{}: {}", folder_of(id), why)};
  };
  if (!is_backup_id(id)) return none("there is no sealed backup there");
  const auto text = read_whole(os_, in_folder(id, kManifestName));
  if (!text.ok()) return none("there is no sealed backup there");
  const auto sealed = parse_sealed(*text, id);
  if (!sealed.ok()) return none("there is no sealed backup there");
  TRY_ASSIGN(auto names, os_.list(folder_of(id)));
  for (const std::string& name : names)
    if (!sealed->manifest.names(name) && name != kManifestName && name != kManifestTemporary &&
        !is_cold(name))
      return none(fmt::format("'{}' in it is not the store's; remove the folder by hand", name));
  return names;
}

Result<void> Backups::remove(const std::string& id) {
  TRY_ASSIGN(const auto names, files_of_ours(id));
  TRY_ASSIGN(const auto mark, create_fresh(os_, removed_mark(id)));
  TRY(os_.sync_directory(kAofDirectory, "backup.mark"));
  // What a crash leaves of it a start removes, by the mark: unless all of it is there.
  TRY(os_.remove(in_folder(id, kManifestName)));
  // Which segments of the cold tier it needs a manifest does not say: it must not come back without them.
  const bool rests_on_cold = std::any_of(names.begin(), names.end(), is_cold);
  if (rests_on_cold) TRY(os_.sync_directory(folder_of(id), "backup.rename"));
  TRY(remove_folder(id));
  (void)os_.remove(removed_mark(id));
  return {};
}

Result<void> Backups::retain(const Retention& retention, const std::string& newest,
                             int64_t now_unix_s) {
  if (retention.count == 0 && retention.age_s == 0) return {};
  TRY_ASSIGN(auto others, list());
  std::erase_if(others, [&](const BackupFacts& facts) { return facts.id == newest; });
  std::stable_sort(others.begin(), others.end(), [](const BackupFacts& a, const BackupFacts& b) {
    return std::pair(a.sealed_unix_s, a.last_lsn) < std::pair(b.sealed_unix_s, b.last_lsn);
  });
  Result<void> outcome;
  for (size_t i = 0; i < others.size(); ++i) {
    const uint64_t kept = others.size() - i + 1;  // with the newest, if this one stays
    const bool many = retention.count != 0 && kept > retention.count;
    const bool old = retention.age_s != 0 && now_unix_s - others[i].sealed_unix_s > retention.age_s;
    if (!many && !old) continue;
    const auto removed = remove(others[i].id);
    if (!removed.ok() && removed.error().code != Errc::kInvalid) return removed;
    if (!removed.ok()) outcome = removed;  // that one alone stays
  }
  return outcome;
}

// --- Those that stand ---

Result<std::vector<BackupFacts>> Backups::list() {
  std::vector<BackupFacts> all;
  const auto ids = os_.list(kBackupsDirectory);
  if (!ids.ok() && ids.error().code == Errc::kNotFound) return all;
  if (!ids.ok()) return ids.error();
  for (const std::string& id : *ids) {
    const auto text = read_whole(os_, in_folder(id, kManifestName));
    if (!text.ok() && text.error().code == Errc::kIo) return text.error();
    if (!text.ok()) continue;  // under way, or not ours
    if (auto facts = parse_backup(*text, id); facts.ok()) all.push_back(std::move(*facts));
  }
  return all;
}

}  // namespace powercut::engine
