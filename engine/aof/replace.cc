#include "engine/aof/replace.h"

namespace powercut::engine {

namespace {

// Gives what `name` leads to a second name, or an empty file in its place; its number.
Result<int> keep_replaced(Os& os, const std::string& name) {
  for (int number = 1;; ++number) {
    const std::string second = replaced_name(name, number);
    const auto kept = os.link(name, second);
    if (kept.ok()) return number;
    switch (kept.error().code) {
      case Errc::kExists:
        continue;
      case Errc::kNotFound:  // nothing is replaced
      case Errc::kRefused:   // no hard links here: EPERM, as of FAT
      case Errc::kUnsupported: {
        const auto mark = os.open(second, Open::kCreateNew);
        if (!mark.ok() && mark.error().code != Errc::kExists) return mark.error();
        return number;
      }
      default:
        return kept.error();
    }
  }
}

}  // namespace

Result<std::unique_ptr<File>> create_fresh(Os& os, const std::string& path) {
  auto created = os.open(path, Open::kCreateNew);
  if (created.ok() || created.error().code != Errc::kExists) return created;
  TRY(os.remove(path));
  return os.open(path, Open::kCreateNew);
}

std::string replaced_name(const std::string& name, int number) {
  return name + ".replaced." + std::to_string(number);
}

Result<void> settled_or_refused(const Result<void>& published, std::string_view name) {
  if (published.ok() || published.error().code != Errc::kNoSpace) return published;
  return Error{Errc::kNoSpace,
               std::string(name) +
                   ": a power cut may bring its predecessor back, for its replacement was not "
                   "finished before the restart, and the disk is too full to finish it; free some "
                   "space and start again"};
}

Result<void> replace_durably(Os& os, const std::string& from, const std::string& to,
                             const std::string& directory, Site fence, Replaced& left) {
  CHECK(from != to);
  left = Replaced::kNo;
  TRY_ASSIGN(int kept, keep_replaced(os, to));
  CHECK(kept > 0);  // the mark stands from before the rename
  if (const auto renamed = os.rename(from, to); !renamed.ok()) {
    if (!os.open(from, Open::kRead).ok()) left = Replaced::kMayStand;
    return renamed;
  }
  left = Replaced::kMayStand;
  TRY(os.sync_directory(directory, fence));
  // Those above are left by a power cut that took what stood below them. The mark goes last: one
  // that stays costs the next start a publication.
  for (int above = kept + 1; os.remove(replaced_name(to, above)).ok();) ++above;
  while (kept > 0 && os.remove(replaced_name(to, kept)).ok()) --kept;
  return {};
}

}  // namespace powercut::engine
