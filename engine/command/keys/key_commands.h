// The key family's handlers, which stand in several files; keys.cc has the table.
#pragma once

#include "engine/command/call.h"

namespace powercut::engine::keys {

// expiry.cc
void expire(Call& call);
void pexpire(Call& call);
void expireat(Call& call);
void pexpireat(Call& call);
void ttl(Call& call);
void pttl(Call& call);
void expiretime(Call& call);
void pexpiretime(Call& call);
void persist(Call& call);
// move.cc: between keys and between databases
void rename(Call& call);
void renamenx(Call& call);
void copy(Call& call);
void move(Call& call);
void select(Call& call);
void swapdb(Call& call);
void flushdb(Call& call);
void flushall(Call& call);

}  // namespace powercut::engine::keys
