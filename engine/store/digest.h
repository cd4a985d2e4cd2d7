// What DEBUG DIGEST tells of a keyspace and of a value: the same number as Redis's for the same contents, so that two
// servers can be compared. Order and representation do not matter. Of a stream it tells the entries alone, as Redis does.
#pragma once

#include "engine/base/sha1.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

// What has expired counts as absent. All zero: nothing is there.
Sha1 digest_of(const Keyspace& keyspace);
Sha1 digest_of(const Object& object);

}  // namespace powercut::engine
