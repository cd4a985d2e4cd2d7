// Sets of fault classes, as `--faults` takes them. The classes: faults/fault_kinds.h.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "faults/fault_kinds.h"

namespace powercut::faults {

class FaultSet {
 public:
  constexpr FaultSet() = default;
  constexpr FaultSet(std::initializer_list<FaultClass> faults) {
    for (const FaultClass fault : faults) add(fault);
  }
  // Those whose row fits.
  template <class Fits>
  static constexpr FaultSet where(Fits fits) {
    FaultSet set;
    for (const ClassRow& row : kClassRows)
      if (fits(row)) set.add(row.fault);
    return set;
  }
  static constexpr FaultSet of(Target target) {
    return where([target](const ClassRow& row) { return row.target == target; });
  }
  static constexpr FaultSet all() {
    return where([](const ClassRow&) { return true; });
  }
  // Those outside what the engine promises to survive; all but them.
  static constexpr FaultSet violations() {
    return where([](const ClassRow& row) { return is_contract_violation(row.fault); });
  }
  static constexpr FaultSet legal() {
    return where([](const ClassRow& row) { return !is_contract_violation(row.fault); });
  }

  constexpr void add(FaultClass fault) { bits_ |= bit(fault); }
  constexpr void remove(FaultClass fault) { bits_ &= ~bit(fault); }
  constexpr bool has(FaultClass fault) const { return (bits_ & bit(fault)) != 0; }
  constexpr bool has_any(FaultSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr FaultSet operator|(FaultSet other) const { return FaultSet(bits_ | other.bits_); }
  constexpr bool operator==(const FaultSet&) const = default;

 private:
  static_assert(kFaultClasses <= 32, "one bit a class");
  constexpr explicit FaultSet(uint32_t bits) : bits_(bits) {}
  static constexpr uint32_t bit(FaultClass fault) { return 1u << static_cast<int>(fault); }
  uint32_t bits_ = 0;
};

// "power-cut,eio", "all", "legal" or "none".
Result<FaultSet> parse_fault_set(std::string_view text);
std::string print(FaultSet set);

}  // namespace powercut::faults
