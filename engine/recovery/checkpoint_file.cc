#include "engine/recovery/checkpoint_file.h"

#include <string>

#include "engine/base/mutant.h"

namespace powercut::engine {

namespace {

constexpr size_t kCopyBytes = 64 << 10;

Result<void> copy(File& from, File& to) {
  std::string bytes(kCopyBytes, '\0');
  for (uint64_t offset = 0;;) {
    TRY_ASSIGN(const size_t count, from.read_at(offset, bytes.data(), bytes.size()));
    if (count == 0) return {};
    TRY(write_whole(to, offset, std::string_view(bytes).substr(0, count)));
    offset += count;
  }
}

Result<void> publish_again(Os& os, File& published) {
  TRY_ASSIGN(const auto file, create_fresh(os, std::string(kCheckpointTemporary)));
  TRY(copy(published, *file));
  Replaced replaced;
  return publish_checkpoint(os, *file, replaced);
}

}  // namespace

Result<void> publish_checkpoint(Os& os, File& file, Replaced& replaced) {
  TRY(file.sync("checkpoint.sync"));
  const auto marked = os.open(kCheckpointUnsettled, Open::kCreateNew);
  if (!marked.ok() && marked.error().code != Errc::kExists) return marked.error();
  TRY(replace_durably(os, std::string(kCheckpointTemporary), std::string(kCheckpointName), "",
                      "checkpoint.rename", replaced));
  (void)os.remove(kCheckpointUnsettled);  // one that stays costs the next start a copy
  return {};
}

Result<void> settle_checkpoint(Os& os, File& published) {
  // First what is there: a process that died held the replaced file's blocks no longer, and a new
  // file could take them before the rename is committed.
  TRY(os.sync_directory("", "recovery.root"));
  const auto marked = os.open(kCheckpointUnsettled, Open::kRead);
  if (!marked.ok() && marked.error().code == Errc::kNotFound) return {};
  if (!marked.ok()) return marked.error();
  if (mutant(Mutant::kUnsettledTrusted)) return {};
  const auto settled = publish_again(os, published);
  if (settled.ok() || settled.error().code != Errc::kNoSpace) return settled;
  (void)os.remove(kCheckpointTemporary);
  return {};
}

}  // namespace powercut::engine
