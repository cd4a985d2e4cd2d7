#include "scenarios/store/files/roles.h"

namespace powercut::scenarios {

using faults::FileRole;

faults::FileRole role_of_store_file(std::string_view path) {
  if (path.ends_with(".incr.aof")) return FileRole::kSegment;
  if (path.ends_with(".base.rdb") || path.ends_with(".base.aof")) return FileRole::kBase;
  if (path.ends_with("manifest")) return FileRole::kManifest;
  if (path.ends_with("dump.rdb")) return FileRole::kCheckpoint;
  return FileRole::kOther;
}

}  // namespace powercut::scenarios
