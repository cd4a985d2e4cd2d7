// Replies as Lua knows them, and what scripts return as replies (https://redis.io/docs/interact/programmability/lua-api/).
#pragma once

#include <string>
#include <string_view>

#include "engine/command/script/lua.h"

namespace powercut::engine {

LuaBox& box_of(lua_State* lua);
// A string, or a number made one; else nothing.
std::string_view text_at(lua_State* lua, int index);

// Pushes {err = "CODE text"}; the error begins with "-CODE", or is text alone, whose code is ERR.
void push_error(lua_State* lua, std::string_view error);
// Pushes that, and raises it.
int raise_error(lua_State* lua, std::string_view error);
// Pushes a reply, in RESP2 or RESP3, as one value.
void push_reply(lua_State* lua, std::string_view reply);
// Appends the value on top as a reply, and takes it away. `script`: the protocol that the script chose; `client`: the
// one that the reply is written in.
void append_value(lua_State* lua, int script, int client, std::string& out);
// Notes whether the error on top is one that a command answered.
void note_reported(lua_State* lua);
// "-" and the error, on one line.
void append_error(std::string& out, std::string_view error);

}  // namespace powercut::engine
