#include "engine/command/script/lua_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "engine/base/check.h"
#include "engine/command/number.h"

namespace powercut::engine {

LuaBox& box_of(lua_State* lua) {
  void* box = nullptr;
  lua_getallocf(lua, &box);
  return *static_cast<LuaBox*>(box);
}

std::string_view text_at(lua_State* lua, int index) {
  size_t size = 0;
  const char* text = lua_tolstring(lua, index, &size);
  return text == nullptr ? std::string_view() : std::string_view(text, size);
}

// --- Errors ---

namespace {
constexpr const char* kReported = "ignore_error_stats_update";  // as Redis calls it
}  // namespace

void note_reported(lua_State* lua) {
  lua_pushstring(lua, kReported);
  lua_rawget(lua, -2);
  if (lua_toboolean(lua, -1) != 0) box_of(lua).reported = true;
  lua_pop(lua, 1);
}

void push_error(lua_State* lua, std::string_view error) {
  while (!error.empty() && (error.back() == '\r' || error.back() == '\n')) error.remove_suffix(1);
  luaL_checkstack(lua, 4, "too many results");
  lua_createtable(lua, 0, 3);
  const size_t space = error.find(' ');
  if (error.starts_with('-') && space != error.npos) {
    lua_pushlstring(lua, error.data() + 1, error.size() - 1);
  } else {
    if (error.starts_with('-')) error.remove_prefix(1);
    lua_pushliteral(lua, "ERR ");
    lua_pushlstring(lua, error.data(), error.size());
    lua_concat(lua, 2);
  }
  lua_setfield(lua, -2, "err");
}

int raise_error(lua_State* lua, std::string_view error) {
  push_error(lua, error);
  return lua_error(lua);
}

void append_error(std::string& out, std::string_view error) {
  out += '-';
  for (const char c : error) out += c == '\r' || c == '\n' ? ' ' : c;
  out += "\r\n";
}

// --- From a reply ---

namespace {

// Of a reply that the store wrote: it is whole.
std::string_view take_line(std::string_view& left) {
  const size_t end = left.find("\r\n");
  CHECK(end != left.npos);
  const std::string_view line = left.substr(0, end);
  left.remove_prefix(end + 2);
  return line;
}

int64_t number_in(std::string_view text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string_view take_bytes(std::string_view& left, int64_t count) {
  CHECK(count >= 0 && left.size() >= static_cast<size_t>(count) + 2);
  const std::string_view bytes = left.substr(0, static_cast<size_t>(count));
  left.remove_prefix(static_cast<size_t>(count) + 2);
  return bytes;
}

void push_text(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

void push_field(lua_State* lua, const char* name, std::string_view text) {
  lua_createtable(lua, 0, 1);
  push_text(lua, text);
  lua_setfield(lua, -2, name);
}

void push_one(lua_State* lua, std::string_view& left);

void push_array(lua_State* lua, std::string_view& left, int64_t count) {
  if (count < 0) return lua_pushboolean(lua, 0);
  lua_createtable(lua, static_cast<int>(std::min<int64_t>(count, 1 << 20)), 0);
  for (int64_t i = 1; i <= count; ++i) {
    push_one(lua, left);
    lua_rawseti(lua, -2, static_cast<int>(i));
  }
}

// A map of keys and values, or a set, whose values are true.
void push_keyed(lua_State* lua, std::string_view& left, int64_t count, bool is_map) {
  lua_createtable(lua, 0, 1);
  lua_newtable(lua);
  for (int64_t i = 0; i < count; ++i) {
    push_one(lua, left);
    if (is_map)
      push_one(lua, left);
    else
      lua_pushboolean(lua, 1);
    lua_rawset(lua, -3);
  }
  lua_setfield(lua, -2, is_map ? "map" : "set");
}

void push_verbatim(lua_State* lua, std::string_view text) {
  lua_createtable(lua, 0, 1);
  lua_createtable(lua, 0, 2);
  push_text(lua, text.substr(0, 3));
  lua_setfield(lua, -2, "format");
  push_text(lua, text.substr(std::min<size_t>(4, text.size())));
  lua_setfield(lua, -2, "string");
  lua_setfield(lua, -2, "verbatim_string");
}

void push_double(lua_State* lua, std::string_view text) {
  char digits[64] = {};
  text.copy(digits, sizeof digits - 1);
  lua_createtable(lua, 0, 1);
  lua_pushnumber(lua, std::strtod(digits, nullptr));
  lua_setfield(lua, -2, "double");
}

void push_reported_error(lua_State* lua, std::string_view& left) {
  const std::string_view whole = left;
  const size_t length = take_line(left).size();
  push_error(lua, whole.substr(0, length));
  lua_pushboolean(lua, 1);
  lua_setfield(lua, -2, kReported);
}

void push_one(lua_State* lua, std::string_view& left) {
  luaL_checkstack(lua, 5, "a reply nests too deep");
  if (left.starts_with('-')) return push_reported_error(lua, left);
  const char kind = left.front();
  const std::string_view line = take_line(left).substr(1);
  switch (kind) {
    case ':':
      return lua_pushnumber(lua, static_cast<lua_Number>(number_in(line)));
    case '+':
      return push_field(lua, "ok", line);
    case '$':
      if (number_in(line) < 0) return lua_pushboolean(lua, 0);
      return push_text(lua, take_bytes(left, number_in(line)));
    case '*':
    case '>':
      return push_array(lua, left, number_in(line));
    case '%':
      return push_keyed(lua, left, number_in(line), true);
    case '~':
      return push_keyed(lua, left, number_in(line), false);
    case '_':
      return lua_pushnil(lua);
    case '#':
      return lua_pushboolean(lua, line == "t");
    case ',':
      return push_double(lua, line);
    case '(':
      return push_field(lua, "big_number", line);
    case '=':
      return push_verbatim(lua, take_bytes(left, number_in(line)));
    case '|':  // said of what follows, and not shown
      push_keyed(lua, left, number_in(line), true);
      lua_pop(lua, 1);
      return push_one(lua, left);
  }
  CHECK(false);
}

}  // namespace

void push_reply(lua_State* lua, std::string_view reply) {
  push_one(lua, reply);
  CHECK(reply.empty());
}

// --- To a reply ---

namespace {

void append_header(std::string& out, char marker, int64_t number) {
  char buffer[32];
  buffer[0] = marker;
  char* end = std::to_chars(buffer + 1, buffer + 24, number).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append(buffer, end);
}

void append_bulk(std::string& out, std::string_view text) {
  append_header(out, '$', static_cast<int64_t>(text.size()));
  out += text;
  out += "\r\n";
}

void append_line(std::string& out, char marker, std::string_view text) {
  out += marker;
  for (const char c : text) out += c == '\r' || c == '\n' ? ' ' : c;
  out += "\r\n";
}

// What is no such integer becomes the lowest, as a Redis on x86-64 casts it.
int64_t whole(lua_Number number) {
  const bool is_one = number >= -0x1p63 && number < 0x1p63;
  return is_one ? static_cast<int64_t>(number) : std::numeric_limits<int64_t>::min();
}

// Pushes the field of the table on top if it is of that type.
bool has_field(lua_State* lua, const char* name, int type) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  if (lua_type(lua, -1) == type) return true;
  lua_pop(lua, 1);
  return false;
}

struct Protocols {
  int script;
  int client;
};
void append_one(lua_State* lua, Protocols protocols, std::string& out);

// Of the table on top: its keys, with their values where it is a map.
void append_keyed(lua_State* lua, Protocols protocols, std::string& out, bool is_map) {
  int64_t count = 0;
  for (lua_pushnil(lua); lua_next(lua, -2) != 0; lua_pop(lua, 1)) ++count;
  const bool resp3 = protocols.client == 3;
  append_header(out, resp3 ? (is_map ? '%' : '~') : '*', is_map && !resp3 ? 2 * count : count);
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    if (!is_map) lua_pop(lua, 1);
    lua_pushvalue(lua, is_map ? -2 : -1);
    append_one(lua, protocols, out);
    if (is_map) append_one(lua, protocols, out);
  }
}

void append_array(lua_State* lua, Protocols protocols, std::string& out) {
  int count = 0;
  for (;; ++count) {
    lua_rawgeti(lua, -1, count + 1);
    const bool end = lua_isnil(lua, -1);
    lua_pop(lua, 1);
    if (end) break;
  }
  append_header(out, '*', count);
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(lua, -1, i);
    append_one(lua, protocols, out);
  }
}

// {verbatim_string = {format = "txt", string = ...}}: the inner table is on top.
bool append_verbatim(lua_State* lua, Protocols protocols, std::string& out) {
  if (!has_field(lua, "format", LUA_TSTRING)) return false;
  lua_insert(lua, -2);
  if (!has_field(lua, "string", LUA_TSTRING)) {
    lua_insert(lua, -2);
    lua_pop(lua, 1);
    return false;
  }
  const std::string_view text = text_at(lua, -1);
  if (protocols.client == 3) {
    std::string format(text_at(lua, -3).substr(0, 3));
    format.resize(3, ' ');
    append_header(out, '=', static_cast<int64_t>(text.size() + 4));
    (out += format += ':') += text;
    out += "\r\n";
  } else {
    append_bulk(out, text);
  }
  lua_pop(lua, 2);
  return true;
}

// Line breaks become blanks, also where no line ends with it.
void append_big_number(lua_State* lua, bool resp3, std::string& out) {
  std::string digits(text_at(lua, -1));
  for (char& c : digits)
    if (c == '\r' || c == '\n') c = ' ';
  resp3 ? append_line(out, '(', digits) : append_bulk(out, digits);
}

// Each leaves the table, and what it pushed of it, to append_one().
void append_table(lua_State* lua, Protocols protocols, std::string& out) {
  const bool resp3 = protocols.client == 3;
  if (has_field(lua, "err", LUA_TSTRING)) {
    lua_insert(lua, -2);
    note_reported(lua);
    return append_error(out, text_at(lua, -2));
  }
  if (has_field(lua, "ok", LUA_TSTRING)) return append_line(out, '+', text_at(lua, -1));
  if (has_field(lua, "double", LUA_TNUMBER)) {
    const std::string digits = format_double(lua_tonumber(lua, -1));
    return resp3 ? append_line(out, ',', digits) : append_bulk(out, digits);
  }
  if (has_field(lua, "big_number", LUA_TSTRING)) return append_big_number(lua, resp3, out);
  if (has_field(lua, "verbatim_string", LUA_TTABLE)) {
    if (append_verbatim(lua, protocols, out)) return;
    lua_pop(lua, 1);
  }
  if (has_field(lua, "map", LUA_TTABLE)) return append_keyed(lua, protocols, out, true);
  if (has_field(lua, "set", LUA_TTABLE)) return append_keyed(lua, protocols, out, false);
  append_array(lua, protocols, out);
}

void append_null(std::string& out, Protocols protocols) {
  out += protocols.client == 3 ? "_\r\n" : "$-1\r\n";
}

void append_boolean(std::string& out, Protocols protocols, bool value) {
  if (protocols.script == 3 && protocols.client == 3)
    out += value ? "#t\r\n" : "#f\r\n";
  else if (protocols.script == 3 || value)
    append_header(out, ':', value ? 1 : 0);
  else
    append_null(out, protocols);
}

void append_one(lua_State* lua, Protocols protocols, std::string& out) {
  const int below = lua_gettop(lua) - 1;
  if (lua_checkstack(lua, 4) == 0) {
    append_error(out, "ERR reached lua stack limit");
    lua_settop(lua, below);
    return;
  }
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING:
      append_bulk(out, text_at(lua, -1));
      break;
    case LUA_TBOOLEAN:
      append_boolean(out, protocols, lua_toboolean(lua, -1) != 0);
      break;
    case LUA_TNUMBER:
      append_header(out, ':', whole(lua_tonumber(lua, -1)));
      break;
    case LUA_TTABLE:
      append_table(lua, protocols, out);
      break;
    default:
      append_null(out, protocols);
  }
  lua_settop(lua, below);
}

}  // namespace

void append_value(lua_State* lua, int script, int client, std::string& out) {
  append_one(lua, {script, client}, out);
}

}  // namespace powercut::engine
