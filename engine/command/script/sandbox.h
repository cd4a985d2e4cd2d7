// What scripts find in Lua: its own libraries, without what reaches out of the box or past a limit, and tables that nobody
// may change.
//
// Lua 5.1 knows no such table. Each is an empty one, in whose metatable stands where to look; what would write past a
// metatable, or tell of one, is replaced.
#pragma once

#include "engine/command/script/lua.h"

namespace powercut::engine {

// Opens the libraries, and replaces in them. The globals are still open: those of redis.* are put in now.
void open_libraries(lua_State* lua);
// Closes them: the table of globals, and each that it names, can be read alone.
void close_globals(lua_State* lua);
// Replaces the table on top by one that shows it, and cannot be changed.
void protect_table(lua_State* lua);
// What is not in the table on top is an error that says so.
void refuse_absent(lua_State* lua);
// Where scripts look for globals: the table on top, which it takes away.
void look_in(lua_State* lua);
// Pushes the table of globals that is behind the one that scripts see.
void push_globals(lua_State* lua);
// Gives a function the globals that scripts see, whatever it had: the function is on top, and stays.
void renew_globals(lua_State* lua);

}  // namespace powercut::engine
