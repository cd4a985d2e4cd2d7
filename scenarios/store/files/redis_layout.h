// The store's files as redis-server leaves them: it reads ours, and what it writes has no checksums, no numbers and no
// marks. Redis 7 keeps a directory with a manifest, Redis 6 and older a single file; a base is as any server from 2.4 to
// 7.4 would have written it (older_checkpoint.h).
#pragma once

#include "sim/choices.h"
#include "sim/disk.h"

namespace powercut::scenarios {

// Puts one of them in the place of the log that a crash has left: entry for entry the same, durable, and perhaps with a
// last command that is cut short; or a checkpoint alone, where that holds all; or, behind a clean end, our own files, to
// the last of which it began to append. False: it cannot be said so, and the disk is as it was.
bool rewrite_as_redis(sim::Disk& disk, sim::Choices& choices);

}  // namespace powercut::scenarios
