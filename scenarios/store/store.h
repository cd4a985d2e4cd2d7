// powercut's own store as a target of the judge.
#pragma once

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

const TargetType& store_type();

}  // namespace powercut::scenarios
