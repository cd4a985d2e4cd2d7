// The persistence policies by name, and how each configures the store.
#pragma once

#include <span>
#include <string_view>

#include "engine/config.h"

namespace powercut::scenarios {

enum class PolicyKind : unsigned char {
  kAlways,
  kEverysec,
  kNo,
  kCheckpoint,
  kHybridAlways,
  kHybridEverysec,
  kNone
};

struct Policy {
  PolicyKind kind;
  std::string_view name;
  std::string_view promise;  // one line, for people
  bool has_log() const { return kind != PolicyKind::kCheckpoint && kind != PolicyKind::kNone; }
  bool always() const { return kind == PolicyKind::kAlways || kind == PolicyKind::kHybridAlways; }
  bool everysec() const {
    return kind == PolicyKind::kEverysec || kind == PolicyKind::kHybridEverysec;
  }
};

std::span<const Policy> all_policies();
const Policy* find_policy(std::string_view name);
// `rewrite_bytes`: hybrids rewrite their log when it has grown this much.
engine::EngineConfig engine_config(const Policy& policy, uint64_t rewrite_bytes);

}  // namespace powercut::scenarios
