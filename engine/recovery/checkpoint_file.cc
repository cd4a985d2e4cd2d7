#include "engine/recovery/checkpoint_file.h"

#include <memory>
#include <string>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"

namespace powercut::engine {

namespace {

constexpr size_t kCopyBytes = 64 << 10;

Result<void> copy(File& from, File& to) {
  const auto bytes = std::make_unique_for_overwrite<char[]>(kCopyBytes);
  for (uint64_t offset = 0;;) {
    TRY_ASSIGN(const size_t count, from.read_at(offset, bytes.get(), kCopyBytes));
    if (count == 0) return {};
    CHECK(count <= kCopyBytes);
    TRY(write_whole(to, offset, {bytes.get(), count}));
    offset += count;
  }
}

Result<void> publish_again(Os& os, File& published) {
  TRY_ASSIGN(const auto file, create_fresh(os, std::string(kCheckpointTemporary)));
  TRY(copy(published, *file));
  return publish_checkpoint(os, *file);
}

}  // namespace

Result<void> publish_checkpoint(Os& os, File& file) {
  TRY(file.sync("checkpoint.sync"));
  Replaced left;
  return replace_durably(os, std::string(kCheckpointTemporary), std::string(kCheckpointName), "",
                         "checkpoint.rename", left);
}

Result<void> settle_checkpoint(Os& os, File& published) {
  TRY(os.sync_directory("", "recovery.root"));
  const auto marked = os.open(replaced_name(std::string(kCheckpointName)), Open::kRead);
  if (!marked.ok() && marked.error().code == Errc::kNotFound) return {};
  if (!marked.ok()) return marked.error();
  const auto settled = publish_again(os, published);
  if (!settled.ok()) (void)os.remove(kCheckpointTemporary);
  return settled_or_refused(settled, kCheckpointName);
}

}  // namespace powercut::engine
