// The published checkpoint: dump.rdb in the root, and its temporary.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

inline constexpr std::string_view kCheckpointName = "dump.rdb";
inline constexpr std::string_view kCheckpointTemporary = "temp-dump.rdb";

// Syncs the temporary, which the caller has written through `file`, and makes it the checkpoint
// that recovery will find.
Result<void> publish_checkpoint(Os& os, File& file);

// Makes the name of the checkpoint that recovery has loaded from `published` durable: syncs it, and
// where it is marked as not settled (engine/aof/replace.h), copies and publishes it again. To do
// that at each start would be absurd for a large store.
Result<void> settle_checkpoint(Os& os, File& published);

}  // namespace powercut::engine
