// The filesystems and devices that powercut ships, by name. Each is a row of switches
// (sim/persona_rules.h) and one sentence that says what it guarantees.
//
// Four axes: the row orders what survives; the other three may be chosen behind its name, in any
// order:  NAME[/sector=N][/sync=DRIVE][/failed-sync=MODEL]  as in  xfs/sector=4096/sync=990pro.
// In place of a drive stands any latency, or a range: sync=50ms, sync=0.2ms..8ms; 60 s at most.
// What is not chosen is the row's own: 512 bytes, a sync of 0.1 to 1.5 ms, the filesystem's way to
// fail.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/base/time.h"
#include "sim/persona_rules.h"

namespace powercut::faults {

struct Persona {
  std::string_view name;       // with the axes that were chosen, in their order above
  std::string_view guarantee;  // one line, for people
  bool keeps_synced;           // false: the device lies, loss of synced bytes is expected
  sim::PersonaRules rules;
  // How long a sync takes is drawn between these; some complete at once all the same.
  Duration sync_min = microseconds(100);
  Duration sync_max = microseconds(1500);
};

// In the order in which they are best tried: the default first. What `--persona all` means.
std::span<const Persona> all_personas();
// Chosen by name alone: the published tables of 2014 where Linux 6.18 does otherwise, and mount
// options.
std::span<const Persona> further_personas();
// By its name or an alias, with axes behind it. nullptr if there is none of that name. The same
// persona has the same address, and its name is the one without an alias.
const Persona* find_persona(std::string_view name);
// One line for somebody who has asked for it: what was probably meant, and where the names are.
// `says_what`: with the word "persona" in it.
std::string no_such_persona(std::string_view name, bool says_what = false);
const Persona& default_persona();

// What people type, and the row that it is.
struct Alias {
  std::string_view name;
  std::string_view persona;
};
std::span<const Alias> persona_aliases();

// What may stand behind a name: "sector=4096", and what it says.
struct AxisValue {
  std::string_view axis;
  std::string_view value;
  std::string_view about;
  void (*apply)(Persona&);
};
std::span<const AxisValue> axis_values();  // by axis

}  // namespace powercut::faults
