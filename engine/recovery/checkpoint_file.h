// The published checkpoint: dump.rdb in the root, its temporary, and the mark that its name may not
// be durable.
#pragma once

#include <string_view>

#include "engine/aof/manifest.h"
#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

inline constexpr std::string_view kCheckpointName = "dump.rdb";
inline constexpr std::string_view kCheckpointTemporary = "temp-dump.rdb";
// An empty file that stands beside a checkpoint from before its rename until the directory sync
// behind that has succeeded. After a failed sync and a kill the page cache holds the new name as
// clean, and a sync that succeeds then proves nothing; without the mark recovery could not know,
// and would have to write the whole file again at each start. The mark itself needs no sync: a kill
// leaves it, and what a power cut leaves is durable anyway.
inline constexpr std::string_view kCheckpointUnsettled = "dump.rdb.unsettled";

// Syncs the temporary, which the caller has written through `file`, and makes it the checkpoint
// that recovery will find: mark, rename, directory sync. `replaced` is as of publish_manifest.
Result<void> publish_checkpoint(Os& os, File& file, Replaced& replaced);

// Makes the name of the checkpoint that recovery has loaded from `published` durable: copies and
// publishes it again where the mark stands. Where the disk is full the mark stays, for the next
// start: a full disk must not keep the store from starting.
Result<void> settle_checkpoint(Os& os, File& published);

}  // namespace powercut::engine
