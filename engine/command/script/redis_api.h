// The table `redis` of scripts: call, pcall, log and the rest.
#pragma once

#include "engine/command/script/lua.h"

namespace powercut::engine {

// Pushes the table that scripts have, or functions while they run.
void push_redis_api(lua_State* lua, Interpreter::Of what);
// Pushes the one that a library has while it is loaded.
void push_library_api(lua_State* lua);
// A handler for lua_pcall: makes {err, source, line} of an error.
int describe_error(lua_State* lua);

}  // namespace powercut::engine
