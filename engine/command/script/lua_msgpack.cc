// cmsgpack: values of Lua as MessagePack, and back.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "engine/command/script/lua_modules.h"
#include "engine/command/script/lua_values.h"

namespace powercut::engine {

namespace {

constexpr int kDeepest = 16;  // tables within tables: those below are nil

// --- To bytes ---

void put_big(std::string& out, uint8_t marker, uint64_t bits, size_t bytes) {
  out += static_cast<char>(marker);
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(bits >> (8 * i) & 0xff);
}

struct Markers {
  uint8_t few;  // with the count in it
  uint64_t most_few;
  uint8_t in8;  // 0: there is none
  uint8_t in16;
  uint8_t in32;
};
constexpr Markers kText = {0xa0, 31, 0xd9, 0xda, 0xdb};
constexpr Markers kArray = {0x90, 15, 0, 0xdc, 0xdd};
constexpr Markers kMap = {0x80, 15, 0, 0xde, 0xdf};

void put_count(std::string& out, const Markers& markers, uint64_t count) {
  if (count <= markers.most_few)
    out += static_cast<char>(markers.few | count);
  else if (count <= 0xff && markers.in8 != 0)
    put_big(out, markers.in8, count, 1);
  else if (count <= 0xffff)
    put_big(out, markers.in16, count, 2);
  else
    put_big(out, markers.in32, count, 4);
}

void put_integer(std::string& out, int64_t n) {
  const auto bits = static_cast<uint64_t>(n);
  if (n >= -32 && n <= 127)
    out += static_cast<char>(bits & 0xff);
  else if (n >= 0)
    n <= 0xff         ? put_big(out, 0xcc, bits, 1)
    : n <= 0xffff     ? put_big(out, 0xcd, bits, 2)
    : n <= 0xffffffff ? put_big(out, 0xce, bits, 4)
                      : put_big(out, 0xcf, bits, 8);
  else
    n >= INT8_MIN    ? put_big(out, 0xd0, bits, 1)
    : n >= INT16_MIN ? put_big(out, 0xd1, bits, 2)
    : n >= INT32_MIN ? put_big(out, 0xd2, bits, 4)
                     : put_big(out, 0xd3, bits, 8);
}

void put_number(std::string& out, lua_Number number) {
  if (number >= -0x1p63 && number < 0x1p63 && number == std::trunc(number))
    return put_integer(out, static_cast<int64_t>(number));
  const auto narrow = static_cast<float>(number);
  if (static_cast<lua_Number>(narrow) == number)
    put_big(out, 0xca, std::bit_cast<uint32_t>(narrow), 4);
  else
    put_big(out, 0xcb, std::bit_cast<uint64_t>(number), 8);
}

// Are the keys of the table on top 1 to a number, and all of them? Then that number, else -1.
int64_t length_of_array(lua_State* lua) {
  int64_t count = 0;
  int64_t most = 0;
  for (lua_pushnil(lua); lua_next(lua, -2) != 0; lua_pop(lua, 1)) {
    const lua_Number key = lua_type(lua, -2) == LUA_TNUMBER ? lua_tonumber(lua, -2) : 0;
    if (!(key > 0 && key <= INT32_MAX && key == std::trunc(key))) {
      lua_pop(lua, 2);
      return -1;
    }
    most = std::max(most, static_cast<int64_t>(key));
    ++count;
  }
  return most == count ? count : -1;
}

void put_value(lua_State* lua, std::string& out, int level);

void put_table(lua_State* lua, std::string& out, int level) {
  if (const int64_t length = length_of_array(lua); length >= 0) {
    put_count(out, kArray, static_cast<uint64_t>(length));
    for (int i = 1; i <= length; ++i) {
      lua_rawgeti(lua, -1, i);
      put_value(lua, out, level + 1);
    }
    return;
  }
  uint64_t count = 0;
  for (lua_pushnil(lua); lua_next(lua, -2) != 0; lua_pop(lua, 1)) ++count;
  put_count(out, kMap, count);
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pushvalue(lua, -2);
    put_value(lua, out, level + 1);
    put_value(lua, out, level + 1);
  }
}

// The value on top, which it takes away.
void put_value(lua_State* lua, std::string& out, int level) {
  luaL_checkstack(lua, 4, "in cmsgpack.pack");
  if (out.size() > Interpreter::kMostMemory) luaL_error(lua, "not enough memory");
  const int type = lua_type(lua, -1);
  if (type == LUA_TSTRING) {
    size_t size = 0;
    const char* text = lua_tolstring(lua, -1, &size);
    put_count(out, kText, size);
    out.append(text, size);
  } else if (type == LUA_TBOOLEAN) {
    out += lua_toboolean(lua, -1) != 0 ? '\xc3' : '\xc2';
  } else if (type == LUA_TNUMBER) {
    put_number(out, lua_tonumber(lua, -1));
  } else if (type == LUA_TTABLE && level < kDeepest) {
    put_table(lua, out, level);
  } else {
    out += '\xc0';
  }
  lua_pop(lua, 1);
}

int pack(lua_State* lua) {
  const int arguments = lua_gettop(lua);
  if (arguments == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  std::string& out = box_of(lua).packed;
  out.clear();
  for (int i = 1; i <= arguments; ++i) {
    luaL_checkstack(lua, 1, "in cmsgpack.pack");
    lua_pushvalue(lua, i);
    put_value(lua, out, 0);
  }
  lua_pushlstring(lua, out.data(), out.size());
  return 1;
}

// --- From bytes ---

struct Input {
  const char* at;
  size_t left;
};

[[noreturn]] void fail(lua_State* lua, const char* why) {
  luaL_error(lua, "%s", why);
  std::abort();  // luaL_error does not return
}

uint64_t take_big(lua_State* lua, Input& in, size_t bytes) {
  if (in.left < bytes) fail(lua, "Missing bytes in input.");
  uint64_t bits = 0;
  for (size_t i = 0; i < bytes; ++i) bits = bits << 8 | static_cast<uint8_t>(in.at[i]);
  in.at += bytes;
  in.left -= bytes;
  return bits;
}

void push_value(lua_State* lua, Input& in);

void push_text(lua_State* lua, Input& in, uint64_t size) {
  if (in.left < size) fail(lua, "Missing bytes in input.");
  lua_pushlstring(lua, in.at, size);
  in.at += size;
  in.left -= size;
}

void push_array(lua_State* lua, Input& in, uint64_t count) {
  lua_newtable(lua);
  for (uint64_t i = 1; i <= count; ++i) {
    push_value(lua, in);
    lua_rawseti(lua, -2, static_cast<int>(i));
  }
}

void push_map(lua_State* lua, Input& in, uint64_t count) {
  lua_newtable(lua);
  for (; count > 0; --count) {
    push_value(lua, in);
    push_value(lua, in);
    lua_settable(lua, -3);  // refuses nil and what is no number as a key
  }
}

void push_unsigned(lua_State* lua, Input& in, size_t bytes) {
  lua_pushnumber(lua, static_cast<lua_Number>(take_big(lua, in, bytes)));
}
template <class Integer>
void push_signed(lua_State* lua, Input& in) {
  lua_pushnumber(lua,
                 static_cast<lua_Number>(static_cast<Integer>(take_big(lua, in, sizeof(Integer)))));
}

void push_marked(lua_State* lua, Input& in, uint8_t marker) {
  switch (marker) {
    case 0xc0:
      return lua_pushnil(lua);
    case 0xc2:
    case 0xc3:
      return lua_pushboolean(lua, marker == 0xc3);
    case 0xca:
      return lua_pushnumber(
          lua, std::bit_cast<float>(static_cast<uint32_t>(take_big(lua, in, sizeof(float)))));
    case 0xcb:
      return lua_pushnumber(lua, std::bit_cast<double>(take_big(lua, in, sizeof(double))));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return push_unsigned(lua, in, size_t{1} << (marker - 0xcc));
    case 0xd0:
      return push_signed<int8_t>(lua, in);
    case 0xd1:
      return push_signed<int16_t>(lua, in);
    case 0xd2:
      return push_signed<int32_t>(lua, in);
    case 0xd3:
      return push_signed<int64_t>(lua, in);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return push_text(lua, in, take_big(lua, in, size_t{1} << (marker - 0xd9)));
    case 0xdc:
    case 0xdd:
      return push_array(lua, in, take_big(lua, in, marker == 0xdc ? 2 : 4));
    case 0xde:
    case 0xdf:
      return push_map(lua, in, take_big(lua, in, marker == 0xde ? 2 : 4));
    default:
      fail(lua, "Bad data format in input.");
  }
}

void push_value(lua_State* lua, Input& in) {
  luaL_checkstack(lua, 4,
                  "too many return values at once; use unpack_one or unpack_limit instead.");
  const auto marker = static_cast<uint8_t>(take_big(lua, in, 1));
  if (marker <= 0x7f) return lua_pushnumber(lua, marker);
  if (marker >= 0xe0) return lua_pushnumber(lua, static_cast<int8_t>(marker));
  if (marker >= 0xa0 && marker <= 0xbf) return push_text(lua, in, marker & 0x1fu);
  if (marker >= 0x90 && marker <= 0x9f) return push_array(lua, in, marker & 0xfu);
  if (marker <= 0x8f) return push_map(lua, in, marker & 0xfu);
  push_marked(lua, in, marker);
}

// `all`: what is read is all there is, and nobody wants to know where it ended.
int unpack_from(lua_State* lua, bool all, lua_Number limit, lua_Number offset) {
  lua_settop(lua, 1);
  size_t size = 0;
  const char* text = luaL_checklstring(lua, 1, &size);
  if (!(offset >= 0) || !(limit >= 0))
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.",
                      static_cast<int>(offset), static_cast<int>(size));
  if (offset > static_cast<lua_Number>(size))
    return luaL_error(lua, "Start offset %d greater than input length %d.",
                      static_cast<int>(offset), static_cast<int>(size));
  const auto skipped = static_cast<size_t>(offset);
  Input in{text + skipped, size - skipped};
  int count = 0;
  for (; in.left > 0 && (all || count < limit); ++count) push_value(lua, in);
  if (all) return count;
  luaL_checkstack(lua, 1, "in cmsgpack.unpack");
  lua_pushnumber(lua, in.left == 0 ? -1 : static_cast<lua_Number>(size - in.left));
  lua_insert(lua, 2);
  return count + 1;
}

int unpack(lua_State* lua) { return unpack_from(lua, true, 0, 0); }

int unpack_one(lua_State* lua) { return unpack_from(lua, false, 1, luaL_optnumber(lua, 2, 0)); }

int unpack_limit(lua_State* lua) {
  const lua_Number limit = luaL_checknumber(lua, 2);
  const lua_Number offset = luaL_optnumber(lua, 3, 0);
  return unpack_from(lua, limit == 0 && offset == 0, limit, offset);
}

}  // namespace

void push_msgpack_module(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {{"pack", pack},
                                            {"unpack", unpack},
                                            {"unpack_one", unpack_one},
                                            {"unpack_limit", unpack_limit}};
  lua_createtable(lua, 0, 6);
  for (const luaL_Reg& one : kFunctions) {
    lua_pushcfunction(lua, one.func);
    lua_setfield(lua, -2, one.name);
  }
  lua_pushliteral(lua, "cmsgpack");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
  lua_setfield(lua, -2, "_VERSION");
}

}  // namespace powercut::engine
