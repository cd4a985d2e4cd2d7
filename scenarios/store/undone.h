// What the store should have done by itself once it was left alone, and has not.
#pragma once

#include <string>

#include "engine/engine.h"
#include "sim/sim_object_store.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

// Nothing happened for a while, nothing failed, and no call is under way. One line; empty: all is done.
// `log`: it began with its log, so what an earlier life left there is its to remove.
// `bucket`: where its archive is; null: it has none.
std::string undone_by(engine::Engine& engine, const sim::WorldState& world, bool log,
                      const sim::SimObjectStore* bucket);

}  // namespace powercut::scenarios
