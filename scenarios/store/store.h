// powercut's own store as a target of the judge, alone, with a database behind it, and with a replica.
#pragma once

#include <span>

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

const TargetType& store_type();
// write-behind and write-through: SQLite on the same disk (engine/sink/sink.h). Each start is let catch up before it
// serves; then the database is read by another connection and held against the keyspace. remote-behind and remote-through: the
// same with one on another machine, whose link breaks (scenarios/store/database/remote_database.h). NAME-unlogged: the same without a
// log, so that a start has nothing but the database.
std::span<const TargetType* const> store_types_with_sink();
// replicated-2 and replicated-3: a master and its replicas, each with its own disk (scenarios/store/replicas/replicated_target.h).
std::span<const TargetType* const> replicated_types();
// tiered: with a cold tier (engine/tier/tier.h), policies that have a log.
const TargetType& tiered_type();
// tiered-archive: and with an archive behind that (engine/tier/archive.h), in a simulated object store
// (sim/sim_object_store.h).
const TargetType& tiered_archive_type();
// tiered-warm: with a warm tier before the cold one (engine/tier/warm_file.h), in memory of the run.
const TargetType& tiered_warm_type();

}  // namespace powercut::scenarios
