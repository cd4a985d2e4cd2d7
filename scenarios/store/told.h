// What the store's clients may take its answers for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

// As TargetType's: SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, INFO, BACKUP SEAL.
bool tells_of_store(std::string_view request);
TargetType::Told told_by_store(std::string_view reply, uint64_t last);
// As TargetType's: BACKUP START, SEAL and REMOVE, CONFIG SET of backup-retain-count and backup-retain-seconds.
std::optional<BackupRequest> backup_request_of_store(std::string_view request);

}  // namespace powercut::scenarios
