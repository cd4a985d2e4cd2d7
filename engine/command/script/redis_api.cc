#include "engine/command/script/redis_api.h"

#include <algorithm>
#include <cstdio>

#include "engine/base/sha1.h"
#include "engine/command/script/lua_values.h"
#include "engine/store/library.h"

namespace powercut::engine {

namespace {

constexpr int kWarning = 3;
constexpr int kVersion = 0x0007000f;  // of Redis: 7.0.15
constexpr int kReplicateLog = 1;
constexpr int kReplicateReplica = 2;

// The arguments as the words of a command, which stay where they are; or pushes an error.
bool take_words(lua_State* lua, LuaBox& box) {
  constexpr size_t kNumberBytes = 32;
  const int count = lua_gettop(lua);
  if (count == 0) {
    push_error(lua, "Please specify at least one argument for this redis lib call");
    return false;
  }
  box.words.clear();
  box.numbers.clear();
  box.numbers.reserve(static_cast<size_t>(count) * kNumberBytes);  // so that views into it stay
  for (int i = 1; i <= count; ++i) {
    if (lua_type(lua, i) == LUA_TNUMBER) {
      char digits[kNumberBytes];
      const int size = std::snprintf(digits, sizeof digits, "%.17g", lua_tonumber(lua, i));
      const size_t at = box.numbers.size();
      box.numbers.append(digits, static_cast<size_t>(size));
      box.words.push_back(std::string_view(box.numbers).substr(at));
    } else if (lua_type(lua, i) == LUA_TSTRING) {
      box.words.push_back(text_at(lua, i));
    } else {
      lua_settop(lua, 0);  // there may be room for no more
      push_error(lua, "Lua redis lib command arguments must be strings or integers");
      return false;
    }
  }
  return true;
}

int call_command(lua_State* lua, bool raises) {
  LuaBox& box = box_of(lua);
  if (box.host == nullptr)
    return raise_error(lua, "redis.call/pcall can only be called inside a script invocation");
  if (!take_words(lua, box)) return raises ? lua_error(lua) : 1;
  if (box.calling) {
    push_error(lua, "a command cannot be called while another one runs");
    return 1;
  }
  box.calling = true;
  box.answer.clear();
  box.host->call(box.words, box.protocol, box.answer);
  box.calling = false;
  lua_settop(lua, 0);
  push_reply(lua, box.answer);
  return raises && box.answer.front() == '-' ? lua_error(lua) : 1;
}

int call(lua_State* lua) { return call_command(lua, true); }
int pcall(lua_State* lua) { return call_command(lua, false); }

int acl_check_cmd(lua_State* lua) {
  LuaBox& box = box_of(lua);
  if (box.host == nullptr)
    return raise_error(lua, "redis.acl_check_cmd can only be called inside a script invocation");
  if (!take_words(lua, box)) return lua_error(lua);
  const std::optional<bool> allowed = box.host->allows(box.words);
  lua_settop(lua, 0);
  if (!allowed) return raise_error(lua, "Invalid command passed to redis.acl_check_cmd()");
  lua_pushboolean(lua, *allowed);
  return 1;
}

int sha1hex(lua_State* lua) {
  if (lua_gettop(lua) != 1) return raise_error(lua, "wrong number of arguments");
  char digits[40];
  char* at = digits;
  for (const uint8_t byte : sha1(text_at(lua, 1)))
    for (const int nibble : {byte >> 4, byte & 15}) *at++ = "0123456789abcdef"[nibble];
  lua_pushlstring(lua, digits, sizeof digits);
  return 1;
}

int error_reply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    push_error(lua, "wrong number or type of arguments");
    return 1;
  }
  if (!text_at(lua, 1).starts_with('-')) {
    lua_pushliteral(lua, "-");
    lua_insert(lua, 1);
    lua_concat(lua, 2);
  }
  push_error(lua, text_at(lua, 1));
  return 1;
}

int status_reply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    push_error(lua, "wrong number or type of arguments");
    return 1;
  }
  lua_createtable(lua, 0, 1);
  lua_insert(lua, 1);
  lua_setfield(lua, 1, "ok");
  return 1;
}

int log(lua_State* lua) {
  LuaBox& box = box_of(lua);
  const int count = lua_gettop(lua);
  if (count < 2) return raise_error(lua, "redis.log() requires two arguments or more.");
  if (lua_isnumber(lua, 1) == 0)
    return raise_error(lua, "First argument must be a number (log level).");
  const int level = static_cast<int>(lua_tonumber(lua, 1));
  if (level < 0 || level > kWarning) return raise_error(lua, "Invalid debug level.");
  box.message.clear();
  for (int i = 2; i <= count; ++i) {
    if (i > 2) box.message += ' ';
    box.message += text_at(lua, i);
  }
  if (box.host != nullptr) box.host->log(level, box.message);
  return 0;
}

int setresp(lua_State* lua) {
  LuaBox& box = box_of(lua);
  if (box.host == nullptr)
    return raise_error(lua, "redis.setresp can only be called inside a script invocation");
  if (lua_gettop(lua) != 1) return raise_error(lua, "redis.setresp() requires one argument.");
  const lua_Number protocol = lua_tonumber(lua, 1);
  if (protocol != 2 && protocol != 3) return raise_error(lua, "RESP version must be 2 or 3.");
  box.protocol = static_cast<int>(protocol);
  return 0;
}

// Effects are logged in any case: a change that no log knows would be gone after the next start.
int set_repl(lua_State* lua) {
  if (box_of(lua).host == nullptr)
    return raise_error(lua, "redis.set_repl can only be called inside a script invocation");
  if (lua_gettop(lua) != 1) return raise_error(lua, "redis.set_repl() requires two arguments.");
  const int flags = static_cast<int>(lua_tonumber(lua, 1));
  if ((flags & ~(kReplicateLog | kReplicateReplica)) != 0)
    return raise_error(
        lua, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  if ((flags & kReplicateLog) == 0)
    return raise_error(lua, "what a script changes is always logged: use REPL_AOF or REPL_ALL");
  return 0;
}

// There is no debugger to stop in.
int breakpoint(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}
int debug(lua_State*) { return 0; }

int replicate_commands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

// --- register_function ---

// The flags in the table on top; false: one is none.
bool take_flags(lua_State* lua, uint32_t* flags) {
  for (int i = 1;; ++i) {
    lua_rawgeti(lua, -1, i);
    if (lua_isnil(lua, -1)) break;
    const char* name = lua_tostring(lua, -1);
    const auto* found =
        std::find_if(std::begin(kScriptFlags), std::end(kScriptFlags),
                     [&](const auto& one) { return name != nullptr && one.name == name; });
    lua_pop(lua, 1);
    if (found == std::end(kScriptFlags)) return false;
    *flags |= found->flag;
  }
  lua_pop(lua, 1);
  return true;
}

bool is_named(const char* name, const char* wanted) {
  for (; *name != '\0' && *wanted != '\0'; ++name, ++wanted)
    if ((*name | 0x20) != *wanted && *name != *wanted) return false;
  return *name == *wanted;
}

// One of the named arguments: its value is on top. An error, or null.
const char* take_named(lua_State* lua, RegisteredFunction& function, const char* name) {
  if (is_named(name, "function_name")) {
    if (lua_isstring(lua, -1) == 0)
      return "function_name argument given to redis.register_function must be a string";
    function.name = text_at(lua, -1);
  } else if (is_named(name, "description")) {
    if (lua_isstring(lua, -1) == 0)
      return "description argument given to redis.register_function must be a string";
    function.description = text_at(lua, -1);
  } else if (is_named(name, "callback")) {
    if (lua_isfunction(lua, -1) == 0)
      return "callback argument given to redis.register_function must be a function";
    lua_pushvalue(lua, -1);
    lua_replace(lua, 2);
  } else if (is_named(name, "flags")) {
    if (lua_istable(lua, -1) == 0)
      return "flags argument to redis.register_function must be a table representing function "
             "flags";
    if (!take_flags(lua, &function.flags)) return "unknown flag given";
  } else {
    return "unknown argument given to redis.register_function";
  }
  return nullptr;
}

// Leaves the callback in the second place of the stack. An error, or null.
const char* take_table(lua_State* lua, RegisteredFunction& function) {
  if (lua_istable(lua, 1) == 0)
    return "calling redis.register_function with a single argument is only applicable to Lua table "
           "(representing named arguments).";
  lua_settop(lua, 1);
  lua_pushnil(lua);  // the callback's place
  bool named = false;
  lua_pushnil(lua);
  while (lua_next(lua, 1) != 0) {
    if (lua_type(lua, -2) != LUA_TSTRING)
      return "named argument key given to redis.register_function is not a string";
    const char* name = lua_tostring(lua, -2);
    if (const char* error = take_named(lua, function, name)) return error;
    named |= is_named(name, "function_name");
    lua_pop(lua, 1);
  }
  if (!named) return "redis.register_function must get a function name argument";
  if (lua_isnil(lua, 2)) return "redis.register_function must get a callback argument";
  return nullptr;
}

const char* take_function(lua_State* lua, RegisteredFunction& function) {
  const int count = lua_gettop(lua);
  if (count < 1 || count > 2) return "wrong number of arguments to redis.register_function";
  if (count == 1) return take_table(lua, function);
  if (lua_isstring(lua, 1) == 0)
    return "first argument to redis.register_function must be a string";
  if (lua_isfunction(lua, 2) == 0)
    return "second argument to redis.register_function must be a function";
  function.name = text_at(lua, 1);
  return nullptr;
}

int register_function(lua_State* lua) {
  LuaBox& box = box_of(lua);
  if (box.loading == nullptr)
    return raise_error(lua, "redis.register_function can only be called on FUNCTION LOAD command");
  luaL_checkstack(lua, 8, "too many arguments");
  box.registering = {};
  if (const char* error = take_function(lua, box.registering)) return raise_error(lua, error);
  if (!is_function_name(box.registering.name)) return raise_error(lua, kBadFunctionName);
  for (const RegisteredFunction& one : *box.loading)
    if (one.name == box.registering.name)
      return raise_error(lua, "Function already exists in the library");
  lua_pushvalue(lua, 2);
  box.registering.reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  box.loading->push_back(std::move(box.registering));
  return 0;
}

// --- The tables ---

struct Number {
  const char* name;
  int value;
};

void set_all(lua_State* lua, std::initializer_list<luaL_Reg> functions,
             std::initializer_list<Number> numbers) {
  for (const luaL_Reg& one : functions) {
    lua_pushcfunction(lua, one.func);
    lua_setfield(lua, -2, one.name);
  }
  for (const Number& one : numbers) {
    lua_pushnumber(lua, one.value);
    lua_setfield(lua, -2, one.name);
  }
}

void set_common(lua_State* lua) {
  set_all(lua, {{"log", log}},
          {{"LOG_DEBUG", 0},
           {"LOG_VERBOSE", 1},
           {"LOG_NOTICE", 2},
           {"LOG_WARNING", kWarning},
           {"REDIS_VERSION_NUM", kVersion}});
  lua_pushliteral(lua, "7.0.15");
  lua_setfield(lua, -2, "REDIS_VERSION");
}

}  // namespace

void push_redis_api(lua_State* lua, Interpreter::Of what) {
  lua_newtable(lua);
  set_common(lua);
  set_all(lua,
          {{"call", call},
           {"pcall", pcall},
           {"setresp", setresp},
           {"sha1hex", sha1hex},
           {"error_reply", error_reply},
           {"status_reply", status_reply},
           {"set_repl", set_repl},
           {"acl_check_cmd", acl_check_cmd}},
          {{"REPL_NONE", 0},
           {"REPL_AOF", kReplicateLog},
           {"REPL_SLAVE", kReplicateReplica},
           {"REPL_REPLICA", kReplicateReplica},
           {"REPL_ALL", kReplicateLog | kReplicateReplica}});
  if (what != Interpreter::Of::kScripts) return;
  set_all(
      lua,
      {{"breakpoint", breakpoint}, {"debug", debug}, {"replicate_commands", replicate_commands}},
      {});
}

void push_library_api(lua_State* lua) {
  lua_newtable(lua);
  set_common(lua);
  set_all(lua, {{"register_function", register_function}}, {});
}

int describe_error(lua_State* lua) {
  if (!lua_istable(lua, 1)) {
    // As tostring() would have it, of what it may be asked: the script may have made it.
    const char* text = lua_tostring(lua, 1);
    if (lua_isnil(lua, 1))
      text = "nil";
    else if (lua_isboolean(lua, 1))
      text = lua_toboolean(lua, 1) != 0 ? "true" : "false";
    else if (text == nullptr)
      text = lua_pushfstring(lua, "%s: %p", luaL_typename(lua, 1), lua_topointer(lua, 1));
    lua_createtable(lua, 0, 3);
    lua_pushfstring(lua, "ERR %s", text);
    lua_setfield(lua, -2, "err");
    lua_replace(lua, 1);
  }
  lua_settop(lua, 1);
  lua_Debug at;
  int level = 1;
  if (lua_getstack(lua, level, &at) == 0) return 1;
  lua_getinfo(lua, "S", &at);
  if (*at.what == 'C') ++level;
  if (lua_getstack(lua, level, &at) == 0) return 1;
  lua_getinfo(lua, "Sl", &at);
  lua_pushstring(lua, at.source);
  lua_setfield(lua, 1, "source");
  lua_pushinteger(lua, at.currentline);
  lua_setfield(lua, 1, "line");
  return 1;
}

}  // namespace powercut::engine
