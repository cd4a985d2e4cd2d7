// The filesystems and devices that powercut ships, by name. Each is a row of switches
// (sim/persona_rules.h) and one sentence that says what it guarantees.
#pragma once

#include <span>
#include <string_view>

#include "sim/persona_rules.h"

namespace powercut::faults {

struct Persona {
  std::string_view name;
  std::string_view guarantee;  // one line, for people
  bool keeps_synced;           // false: the device lies, loss of synced bytes is expected
  sim::PersonaRules rules;
};

// In the order in which they are best tried: the default first.
std::span<const Persona> all_personas();
// nullptr if there is none of that name.
const Persona* find_persona(std::string_view name);
const Persona& default_persona();

}  // namespace powercut::faults
