#include "scenarios/store/files/log_manifest.h"

#include <utility>

#include "engine/aof/replace.h"
#include "engine/recovery/recovery.h"
#include "scenarios/judge/file_content.h"

namespace powercut::scenarios {

std::optional<engine::Manifest> log_manifest(const sim::Disk& disk) {
  const auto text = file_content(disk, engine::in_aof_directory(engine::kManifestName));
  if (!text) return std::nullopt;
  auto manifest = engine::parse_manifest(*text);
  return manifest.ok() ? std::optional(std::move(manifest).value()) : std::nullopt;
}

}  // namespace powercut::scenarios
