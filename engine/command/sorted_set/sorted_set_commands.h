// The sorted set family's handlers that others call than the table of sorted_set.cc.
#pragma once

#include "engine/command/call.h"

namespace powercut::engine {

// sorted_set.cc
void zadd_command(Call& call);

// range.cc
void zcount_command(Call& call);
void zlexcount_command(Call& call);
void zrange_command(Call& call);
void zrevrange_command(Call& call);
void zrangebyscore_command(Call& call);
void zrevrangebyscore_command(Call& call);
void zrangebylex_command(Call& call);
void zrevrangebylex_command(Call& call);
void zrangestore_command(Call& call);
void zremrangebyrank_command(Call& call);
void zremrangebyscore_command(Call& call);
void zremrangebylex_command(Call& call);

// pop.cc
void zpopmin_command(Call& call);
void zpopmax_command(Call& call);
void zmpop_command(Call& call);
void bzpopmin_command(Call& call);
void bzpopmax_command(Call& call);
void bzmpop_command(Call& call);

// algebra.cc
void zunion_command(Call& call);
void zinter_command(Call& call);
void zdiff_command(Call& call);
void zintercard_command(Call& call);
void zunionstore_command(Call& call);
void zinterstore_command(Call& call);
void zdiffstore_command(Call& call);

}  // namespace powercut::engine
