#include "engine/command/script/sandbox.h"

#include <algorithm>
#include <cmath>

#include "engine/command/script/lua_modules.h"
#include "engine/command/script/lua_values.h"

extern "C" {
int luaopen_cjson(lua_State* lua);
int luaopen_bit(lua_State* lua);
}

namespace powercut::engine {

namespace {

// Keys of the registry and of metatables, which no script sees. Not addresses: a table that has those as keys grows as they
// happen to lie, and so do the bytes that INFO tells.
constexpr char kReal[] = "real", kGlobals[] = "globals", kShield[] = "shield", kSeen[] = "seen";

// A pattern is matched by recursion, a level a character of it: there is room for so many.
constexpr size_t kLongestPattern = 16 << 10;
// What cjson takes of text: it counts in 32 bits, and six bytes a character.
constexpr size_t kMostEncoded = 64 << 20;
constexpr int kDeepestJson = 1000;
constexpr char kBytecode = LUA_SIGNATURE[0];

void push_at(lua_State* lua, const char* key) {
  lua_pushstring(lua, key);
  lua_rawget(lua, LUA_REGISTRYINDEX);
}

void keep_at(lua_State* lua, const char* key) {
  lua_pushstring(lua, key);
  lua_insert(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);
}

// Pushes the table that a protected one shows; false, and pushes nothing: it is not protected.
bool push_real(lua_State* lua, int index) {
  if (lua_getmetatable(lua, index) == 0) return false;
  lua_pushstring(lua, kReal);
  lua_rawget(lua, -2);
  lua_remove(lua, -2);
  if (!lua_isnil(lua, -1)) return true;
  lua_pop(lua, 1);
  return false;
}

int refuse_change(lua_State* lua) { return luaL_error(lua, "Attempt to modify a readonly table"); }

int refuse_global(lua_State* lua) {
  const char* name = lua_tostring(lua, 2);
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                    name == nullptr ? "?" : name);
}

void set(lua_State* lua, const char* name, lua_CFunction function) {
  lua_pushcfunction(lua, function);
  lua_setfield(lua, -2, name);
}

// --- Instead of what would pass a metatable ---

void refuse_protected(lua_State* lua) {
  if (lua_istable(lua, 1) && push_real(lua, 1)) refuse_change(lua);
}

// Functions of Lua's own libraries that are wrapped: called as they are, so that their errors name the caller's line.
enum Original : int {
  kInsert,
  kRemove,
  kSort,
  kSetn,
  kFind,
  kMatch,
  kGmatch,
  kGsub,
  kTohex,
  kEncode
};

int original(lua_State* lua, Original which) { return box_of(lua).originals[which](lua); }

template <Original kWhich>
int change_table(lua_State* lua) {
  refuse_protected(lua);
  return original(lua, kWhich);
}

int raw_set(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  luaL_checkany(lua, 3);
  lua_settop(lua, 3);
  refuse_protected(lua);
  lua_rawset(lua, 1);
  return 1;
}

int raw_get(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  if (push_real(lua, 1)) lua_replace(lua, 1);
  lua_rawget(lua, 1);
  return 1;
}

int next_entry(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 2);
  if (push_real(lua, 1)) lua_replace(lua, 1);
  if (lua_next(lua, 1) != 0) return 2;
  lua_pushnil(lua);
  return 1;
}

int pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

int set_metatable(lua_State* lua) {
  const int type = lua_type(lua, 2);
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
  refuse_protected(lua);
  if (luaL_getmetafield(lua, 1, "__metatable") != 0)
    return luaL_error(lua, "cannot change a protected metatable");
  lua_settop(lua, 2);
  lua_setmetatable(lua, 1);
  return 1;
}

// Not of a thread: every script after this one would have its globals.
int set_environment(lua_State* lua) {
  luaL_checktype(lua, 2, LUA_TTABLE);
  lua_settop(lua, 2);
  if (lua_isfunction(lua, 1) == 0) {
    const int level = luaL_checkint(lua, 1);
    luaL_argcheck(lua, level >= 1, 1, "level must be positive");
    lua_Debug at;
    if (lua_getstack(lua, level, &at) == 0) return luaL_argerror(lua, 1, "invalid level");
    lua_getinfo(lua, "f", &at);
    if (lua_isnil(lua, -1))
      return luaL_error(lua, "no function environment for tail call at level %d", level);
    lua_replace(lua, 1);
  }
  if (lua_iscfunction(lua, 1) != 0)
    return luaL_error(lua, "'setfenv' cannot change environment of given object");
  lua_setfenv(lua, 1);
  lua_settop(lua, 1);
  return 1;
}

// As scripts know it: of an error that is a table they see its text.
int protected_call(lua_State* lua) {
  luaL_checkany(lua, 1);
  lua_pushboolean(lua, 1);
  lua_insert(lua, 1);
  if (lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0) == 0) return lua_gettop(lua);
  lua_remove(lua, 1);
  if (lua_istable(lua, -1)) {
    lua_getfield(lua, -1, "err");
    if (lua_isstring(lua, -1) != 0)
      lua_replace(lua, -2);
    else
      lua_pop(lua, 1);
  }
  lua_pushboolean(lua, 0);
  lua_insert(lua, -2);
  return 2;
}

// --- Text alone becomes code: bytecode could do anything ---

int load_or_fail(lua_State* lua, int status) {
  if (status == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

int load_string(lua_State* lua) {
  size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  const char* name = luaL_optstring(lua, 2, text);
  if (size > 0 && text[0] == kBytecode) {
    lua_pushnil(lua);
    lua_pushliteral(lua, "bytecode is no script");
    return 2;
  }
  return load_or_fail(lua, luaL_loadbuffer(lua, text, size, name));
}

struct Pieces {
  bool begun = false;
};

// The next piece of what load() is given; kept in the third place of the stack, so that it stays.
const char* next_piece(lua_State* lua, void* data, size_t* size) {
  auto* pieces = static_cast<Pieces*>(data);
  luaL_checkstack(lua, 2, "too many nested functions");
  lua_pushvalue(lua, 1);
  lua_call(lua, 0, 1);
  if (lua_isnil(lua, -1)) {
    *size = 0;
    return nullptr;
  }
  if (lua_isstring(lua, -1) == 0) luaL_error(lua, "reader function must return a string");
  lua_replace(lua, 3);
  const char* text = lua_tolstring(lua, 3, size);
  if (!pieces->begun && *size > 0) {
    pieces->begun = true;
    if (text[0] == kBytecode) luaL_error(lua, "bytecode is no script");
  }
  return text;
}

int load(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  const char* name = luaL_optstring(lua, 2, "=(load)");
  lua_settop(lua, 3);
  Pieces pieces;
  return load_or_fail(lua, lua_load(lua, next_piece, &pieces, name));
}

// --- Limits ---

template <Original kWhich>
int with_pattern(lua_State* lua) {
  size_t size = 0;
  if (lua_isstring(lua, 2) != 0) (void)lua_tolstring(lua, 2, &size);
  if (size > kLongestPattern) return luaL_error(lua, "pattern too long");
  return original(lua, kWhich);
}

// It negates the number of digits, which is no good with the least number there is.
int to_hex(lua_State* lua) {
  if (lua_isnumber(lua, 2) != 0) {
    const lua_Number digits = lua_tonumber(lua, 2);
    if (!(digits >= -8 && digits <= 8)) {
      lua_pushnumber(lua, digits > 0 ? 8 : -8);
      lua_replace(lua, 2);
    }
  }
  return original(lua, kTohex);
}

// Adds what cjson would write of the value on top, at most, in the order in which it does; takes it away.
void measure(lua_State* lua, size_t& bytes, int depth) {
  bytes += 32;
  if (lua_type(lua, -1) == LUA_TSTRING) bytes += lua_objlen(lua, -1);
  if (bytes > kMostEncoded) luaL_error(lua, "Cannot serialise: too much to encode");
  if (lua_type(lua, -1) == LUA_TTABLE && depth <= kDeepestJson && lua_checkstack(lua, 4) != 0) {
    lua_Number most = 0;  // an array has a null for each number below that is not there
    lua_pushnil(lua);
    while (lua_next(lua, -2) != 0) {
      if (lua_type(lua, -2) == LUA_TSTRING) bytes += lua_objlen(lua, -2);
      if (lua_type(lua, -2) == LUA_TNUMBER) most = std::max(most, lua_tonumber(lua, -2));
      measure(lua, bytes, depth + 1);
    }
    bytes += static_cast<size_t>(std::min<lua_Number>(most, kMostEncoded));
    if (bytes > kMostEncoded) luaL_error(lua, "Cannot serialise: too much to encode");
  }
  lua_pop(lua, 1);
}

int encode_json(lua_State* lua) {
  if (lua_gettop(lua) == 1) {
    size_t bytes = 0;
    lua_pushvalue(lua, 1);
    measure(lua, bytes, 1);
  }
  return original(lua, kEncode);
}

// encode_max_depth, decode_max_depth: the stack has room for so many.
int set_json_depth(lua_State* lua) {
  if (lua_isnumber(lua, 1) != 0)
    luaL_argcheck(lua, lua_tonumber(lua, 1) <= kDeepestJson, 1,
                  "expected integer between 1 and 1000");
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
  return lua_gettop(lua);
}

// --- Chance: the numbers of lrand48, from a seed that the world gives ---

uint32_t draw(LuaBox& box) {
  if (!box.drew) {
    box.drew = true;
    box.chance = uint64_t{box.host->seed()} << 16 | 0x330e;
  }
  box.chance = (box.chance * 0x5deece66d + 0xb) & ((uint64_t{1} << 48) - 1);
  return static_cast<uint32_t>(box.chance >> 17);
}

int math_random(lua_State* lua) {
  LuaBox& box = box_of(lua);
  if (box.host == nullptr)
    return luaL_error(lua, "math.random can only be called inside a script invocation");
  const lua_Number part = static_cast<lua_Number>(draw(box) % INT32_MAX) / INT32_MAX;
  const int arguments = lua_gettop(lua);
  if (arguments == 0) {
    lua_pushnumber(lua, part);
    return 1;
  }
  if (arguments > 2) return luaL_error(lua, "wrong number of arguments");
  const lua_Number low = arguments == 1 ? 1 : luaL_checkint(lua, 1);
  const lua_Number high = luaL_checkint(lua, arguments);
  luaL_argcheck(lua, low <= high, arguments, "interval is empty");
  lua_pushnumber(lua, std::floor(part * (high - low + 1)) + low);
  return 1;
}

int math_randomseed(lua_State* lua) {
  LuaBox& box = box_of(lua);
  if (box.host == nullptr)
    return luaL_error(lua, "math.randomseed can only be called inside a script invocation");
  box.drew = true;
  box.chance = uint64_t{static_cast<uint32_t>(luaL_checkint(lua, 1))} << 16 | 0x330e;
  return 0;
}

// --- Putting it together ---

void open(lua_State* lua, const char* name, lua_CFunction opens) {
  lua_pushcfunction(lua, opens);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

// Of the module on top: what stands there goes into the box, and `wrapped` in its place.
void wrap(lua_State* lua, const char* name, Original which, lua_CFunction wrapped) {
  lua_getfield(lua, -1, name);
  box_of(lua).originals[which] = lua_tocfunction(lua, -1);
  // What it keeps, it finds as its own.
  if (lua_getupvalue(lua, -1, 1) != nullptr)
    lua_pushcclosure(lua, wrapped, 1);
  else
    lua_pushcfunction(lua, wrapped);
  lua_setfield(lua, -3, name);
  lua_pop(lua, 1);
}

void change_libraries(lua_State* lua) {
  lua_getglobal(lua, "table");
  wrap(lua, "insert", kInsert, change_table<kInsert>);
  wrap(lua, "remove", kRemove, change_table<kRemove>);
  wrap(lua, "sort", kSort, change_table<kSort>);
  wrap(lua, "setn", kSetn, change_table<kSetn>);
  lua_getglobal(lua, "string");
  wrap(lua, "find", kFind, with_pattern<kFind>);
  wrap(lua, "match", kMatch, with_pattern<kMatch>);
  wrap(lua, "gmatch", kGmatch, with_pattern<kGmatch>);
  lua_getfield(lua, -1, "gmatch");
  lua_setfield(lua, -2, "gfind");
  wrap(lua, "gsub", kGsub, with_pattern<kGsub>);
  lua_getglobal(lua, "math");
  set(lua, "random", math_random);
  set(lua, "randomseed", math_randomseed);
  lua_getglobal(lua, "bit");
  wrap(lua, "tohex", kTohex, to_hex);
  lua_getglobal(lua, "cjson");
  wrap(lua, "encode", kEncode, encode_json);
  for (const char* name : {"encode_max_depth", "decode_max_depth"}) {
    lua_getfield(lua, -1, name);
    lua_pushcclosure(lua, set_json_depth, 1);
    lua_setfield(lua, -2, name);
  }
  lua_pushnil(lua);
  lua_setfield(lua, -2, "new");  // another one would have none of that
  lua_settop(lua, 0);
}

void change_base(lua_State* lua) {
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  for (const char* name : {"dofile", "loadfile", "print", "newproxy"}) {
    lua_pushnil(lua);
    lua_setfield(lua, -2, name);
  }
  set(lua, "pcall", protected_call);
  set(lua, "load", load);
  set(lua, "loadstring", load_string);
  set(lua, "rawset", raw_set);
  set(lua, "rawget", raw_get);
  set(lua, "next", next_entry);
  set(lua, "setmetatable", set_metatable);
  set(lua, "setfenv", set_environment);
  lua_getfield(lua, -1, "next");
  lua_pushcclosure(lua, pairs, 1);
  lua_setfield(lua, -2, "pairs");
  lua_settop(lua, 0);
}

}  // namespace

void open_libraries(lua_State* lua) {
  open(lua, "", luaopen_base);
  open(lua, LUA_TABLIBNAME, luaopen_table);
  open(lua, LUA_STRLIBNAME, luaopen_string);
  open(lua, LUA_MATHLIBNAME, luaopen_math);
  open(lua, "bit", luaopen_bit);
  lua_pushcfunction(lua, luaopen_cjson);
  lua_pushliteral(lua, "cjson");
  lua_call(lua, 1, 1);
  lua_setglobal(lua, "cjson");
  push_struct_module(lua);
  lua_setglobal(lua, "struct");
  push_msgpack_module(lua);
  lua_setglobal(lua, "cmsgpack");
  lua_settop(lua, 0);
  change_base(lua);
  change_libraries(lua);
  // What getmetatable() tells of what nobody may change.
  lua_newtable(lua);
  keep_at(lua, kShield);
  push_at(lua, kShield);
  lua_newtable(lua);
  protect_table(lua);
  lua_getmetatable(lua, -1);
  lua_pushvalue(lua, -2);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);
  keep_at(lua, kShield);
  lua_settop(lua, 0);
}

void protect_table(lua_State* lua) {
  luaL_checkstack(lua, 5, "too many tables");
  lua_newtable(lua);
  lua_newtable(lua);  // its metatable
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  set(lua, "__newindex", refuse_change);
  push_at(lua, kShield);
  lua_setfield(lua, -2, "__metatable");
  lua_pushstring(lua, kReal);
  lua_pushvalue(lua, -4);
  lua_rawset(lua, -3);
  lua_setmetatable(lua, -2);
  lua_remove(lua, -2);
}

void refuse_absent(lua_State* lua) {
  lua_createtable(lua, 0, 1);
  set(lua, "__index", refuse_global);
  lua_setmetatable(lua, -2);
}

void look_in(lua_State* lua) {
  push_at(lua, kSeen);
  lua_getmetatable(lua, -1);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushstring(lua, kReal);
  lua_pushvalue(lua, -4);
  lua_rawset(lua, -3);
  lua_pop(lua, 3);
}

void push_globals(lua_State* lua) { push_at(lua, kGlobals); }

void renew_globals(lua_State* lua) {
  push_at(lua, kSeen);
  lua_setfenv(lua, -2);
}

void close_globals(lua_State* lua) {
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  const int globals = lua_gettop(lua);
  for (const char* name :
       {"table", "string", "math", "bit", "cjson", "struct", "cmsgpack", "coroutine", "redis"}) {
    lua_getfield(lua, globals, name);
    if (lua_istable(lua, -1)) {
      protect_table(lua);
      lua_setfield(lua, globals, name);
    }
    lua_settop(lua, globals);
  }
  // Strings find their methods in the table itself, and tell nobody where.
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  push_at(lua, kShield);
  lua_setfield(lua, -2, "__metatable");
  lua_settop(lua, globals);
  lua_pushvalue(lua, globals);
  keep_at(lua, kGlobals);
  refuse_absent(lua);
  lua_pushvalue(lua, globals);
  protect_table(lua);
  lua_pushvalue(lua, -1);
  keep_at(lua, kSeen);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, globals, "_G");
  lua_replace(lua, LUA_GLOBALSINDEX);
  lua_settop(lua, 0);
}

}  // namespace powercut::engine
