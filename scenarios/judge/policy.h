// The persistence policies by name, and what each promises.
#pragma once

#include <span>
#include <string_view>

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
  // Of two policies the weaker one promises less of an acknowledgement.
  bool weaker_than(const Policy& other) const { return strength() < other.strength(); }
  bool has_log() const { return kind != PolicyKind::kCheckpoint && kind != PolicyKind::kNone; }
  bool always() const { return kind == PolicyKind::kAlways || kind == PolicyKind::kHybridAlways; }
  // Rewrites its log from snapshots.
  bool hybrid() const {
    return kind == PolicyKind::kHybridAlways || kind == PolicyKind::kHybridEverysec;
  }
  bool everysec() const {
    return kind == PolicyKind::kEverysec || kind == PolicyKind::kHybridEverysec;
  }

 private:
  int strength() const { return always() ? 3 : everysec() ? 2 : kind == PolicyKind::kNo ? 1 : 0; }
};

std::span<const Policy> all_policies();
const Policy* find_policy(std::string_view name);

}  // namespace powercut::scenarios
