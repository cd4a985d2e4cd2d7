// Libraries of Lua that scripts of Redis have and no package brings. Each pushes its table.
#pragma once

#include "engine/command/script/lua.h"

namespace powercut::engine {

// struct.pack, unpack, size (http://www.inf.puc-rio.br/~roberto/struct/).
void push_struct_module(lua_State* lua);
// cmsgpack.pack, unpack, unpack_one, unpack_limit (https://github.com/msgpack/msgpack/blob/master/spec.md).
void push_msgpack_module(lua_State* lua);

}  // namespace powercut::engine
