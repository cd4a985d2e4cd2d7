// The kinds of things that go wrong, by name: what `--faults` takes and `powercut list faults`
// prints.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace powercut::faults {

enum class FaultClass : uint8_t {
  kKill,
  kPowerCut,
  kTorn,  // cuts inside a call; which sectors then survive is the persona's say
  kEio,
  kEnospc,
  kShortIo,
  kSlowSync,
  kHangingSync,
  kClockJump,
  kRecoveryCut,
  kBitRot,
  kUnreadable,
  kMisdirect,
};
inline constexpr int kFaultClasses = 13;

std::string_view name(FaultClass fault);
// One line, for people.
std::string_view describe(FaultClass fault);
// Outside what the engine promises to survive: it may refuse to start, but not serve wrong data.
constexpr bool is_contract_violation(FaultClass fault) { return fault >= FaultClass::kBitRot; }

class FaultSet {
 public:
  constexpr FaultSet() = default;
  constexpr FaultSet(std::initializer_list<FaultClass> faults) {
    for (const FaultClass fault : faults) add(fault);
  }
  static constexpr FaultSet all() { return FaultSet((1u << kFaultClasses) - 1); }
  // All but the contract violations.
  static constexpr FaultSet legal() {
    return FaultSet((1u << static_cast<int>(FaultClass::kBitRot)) - 1);
  }

  constexpr void add(FaultClass fault) { bits_ |= bit(fault); }
  constexpr void remove(FaultClass fault) { bits_ &= ~bit(fault); }
  constexpr bool has(FaultClass fault) const { return (bits_ & bit(fault)) != 0; }
  constexpr bool has_any(FaultSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr FaultSet operator|(FaultSet other) const { return FaultSet(bits_ | other.bits_); }
  constexpr bool operator==(const FaultSet&) const = default;

 private:
  constexpr explicit FaultSet(uint32_t bits) : bits_(bits) {}
  static constexpr uint32_t bit(FaultClass fault) { return 1u << static_cast<int>(fault); }
  uint32_t bits_ = 0;
};

// "power-cut,eio", "all", "legal" or "none".
Result<FaultSet> parse_fault_set(std::string_view text);
std::string print(FaultSet set);

}  // namespace powercut::faults
