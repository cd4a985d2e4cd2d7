#include "engine/command/script/interpreter.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "engine/command/script/lua.h"
#include "engine/command/script/lua_values.h"
#include "engine/command/script/redis_api.h"
#include "engine/command/script/sandbox.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kKilled = "Script killed by user with SCRIPT KILL...";

// Of the registry: where a library looks for globals while it is loaded.
constexpr char kLibrary[] = "library";

void* allocate(void* data, void* block, size_t old_size, size_t size) {
  auto& box = *static_cast<LuaBox*>(data);
  if (size == 0) {
    box.used -= block == nullptr ? 0 : old_size;
    std::free(block);
    return nullptr;
  }
  const size_t had = block == nullptr ? 0 : old_size;
  // What shrinks never fails: Lua counts on it.
  if (size > had && box.used - had + size > Interpreter::kMostMemory) return nullptr;
  void* moved = std::realloc(block, size);
  if (moved != nullptr) box.used += size - had;
  return moved;
}

// Ends the script now, and again at each line of it that would go on as if nothing had happened.
void end_script(lua_State* lua, std::string_view why, lua_Hook hook) {
  lua_sethook(lua, hook, LUA_MASKLINE, 0);
  lua_sethook(box_of(lua).lua, hook, LUA_MASKLINE, 0);
  raise_error(lua, why);
}

void look(lua_State* lua, lua_Debug*) {
  LuaBox& box = box_of(lua);
  if (box.loading != nullptr) {
    if (box.overdue()) end_script(lua, "FUNCTION LOAD timeout", look);
    return;
  }
  if (box.host->slow() && !box.host->killed()) box.fiber->suspend();
  if (box.host->killed()) end_script(lua, kKilled, look);
}

int prepare(lua_State* lua) {
  const LuaBox& box = box_of(lua);
  open_libraries(lua);
  push_redis_api(lua, box.what);
  lua_setglobal(lua, "redis");
  close_globals(lua);
  if (box.what == Interpreter::Of::kScripts) return 0;
  lua_newtable(lua);
  push_library_api(lua);
  refuse_absent(lua);
  protect_table(lua);
  lua_setfield(lua, -2, "redis");
  refuse_absent(lua);
  lua_pushstring(lua, kLibrary);
  lua_insert(lua, -2);
  lua_rawset(lua, LUA_REGISTRYINDEX);
  return 0;
}

void push_list(lua_State* lua, std::span<const std::string_view> words) {
  lua_createtable(lua, static_cast<int>(words.size()), 0);
  for (size_t i = 0; i < words.size(); ++i) {
    lua_pushlstring(lua, words[i].data(), words[i].size());
    lua_rawseti(lua, -2, static_cast<int>(i + 1));
  }
}

// The error on top as a reply.
void append_failure(lua_State* lua, LuaBox& box) {
  if (!lua_istable(lua, -1)) {
    const std::string_view text =
        lua_isstring(lua, -1) != 0 ? text_at(lua, -1) : "execution failure";
    box.message.assign("ERR Error running script ").append(box.run->name).append(", ");
    return append_error(box.reply, box.message.append(text.substr(0, 100)));
  }
  note_reported(lua);
  lua_getfield(lua, -1, "err");
  lua_getfield(lua, -2, "source");
  lua_getfield(lua, -3, "line");
  box.message.assign(text_at(lua, -3));
  if (lua_isstring(lua, -2) != 0 && lua_isstring(lua, -1) != 0) {
    box.message.append(" script: ").append(box.run->name).append(", on ");
    box.message.append(text_at(lua, -2)).append(":").append(text_at(lua, -1)).append(".");
  }
  append_error(box.reply, box.message);
}

int run_script(lua_State* lua) {
  LuaBox& box = box_of(lua);
  lua_settop(lua, 0);
  lua_pushcfunction(lua, describe_error);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, box.run->reference);
  renew_globals(lua);
  int arguments = 0;
  if (box.what == Interpreter::Of::kScripts) {
    push_globals(lua);
    push_list(lua, box.run->keys);
    lua_setfield(lua, -2, "KEYS");
    push_list(lua, box.run->arguments);
    lua_setfield(lua, -2, "ARGV");
    lua_pop(lua, 1);
  } else {
    push_list(lua, box.run->keys);
    push_list(lua, box.run->arguments);
    arguments = 2;
  }
  lua_sethook(lua, look, LUA_MASKCOUNT, box.host->instructions_between_looks());
  const int status = lua_pcall(lua, arguments, 1, 1);
  lua_sethook(lua, nullptr, 0, 0);
  box.calling = false;
  if (status != 0)
    append_failure(lua, box);
  else
    append_value(lua, box.protocol, box.run->protocol, box.reply);
  return 0;
}

// The code stands in box.message.
int run_library(lua_State* lua) {
  LuaBox& box = box_of(lua);
  lua_settop(lua, 0);
  if (luaL_loadbuffer(lua, box.message.data(), box.message.size(), "@user_function") != 0) {
    lua_pushfstring(lua, "Error compiling function: %s", lua_tostring(lua, -1));
    return lua_error(lua);
  }
  lua_pushstring(lua, kLibrary);
  lua_rawget(lua, LUA_REGISTRYINDEX);
  look_in(lua);
  lua_sethook(lua, look, LUA_MASKCOUNT, kInstructionsBetweenLooks);
  if (lua_pcall(lua, 0, 0, 0) == 0) return 0;
  lua_sethook(lua, nullptr, 0, 0);
  if (lua_istable(lua, -1)) {
    lua_getfield(lua, -1, "err");
    lua_pushfstring(lua, "Error registering functions: %s",
                    lua_isstring(lua, -1) != 0 ? lua_tostring(lua, -1) : "?");
  } else {
    lua_pushfstring(lua, "Error registering functions: ERR %s",
                    lua_isstring(lua, -1) != 0 ? lua_tostring(lua, -1) : "?");
  }
  return lua_error(lua);
}

int end_library(lua_State* lua) {
  push_globals(lua);
  look_in(lua);
  return 0;
}

int compile_script(lua_State* lua) {
  LuaBox& box = box_of(lua);
  lua_settop(lua, 0);
  const int status = luaL_loadbuffer(lua, box.message.data(), box.message.size(), "@user_script");
  if (status != 0) return lua_error(lua);
  box.reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
}

bool is_bytecode(std::string_view text) { return text.starts_with(LUA_SIGNATURE[0]); }

// Scripts may have turned it off.
void collect_garbage(LuaBox& box) {
  constexpr int kUsual = 200;  // percent
  lua_gc(box.lua, LUA_GCRESTART, 0);
  lua_gc(box.lua, LUA_GCSETPAUSE, kUsual);
  lua_gc(box.lua, LUA_GCSETSTEPMUL, kUsual);
  if (box.used > Interpreter::kMostMemory / 2) lua_gc(box.lua, LUA_GCCOLLECT, 0);
}

}  // namespace

// --- The stack ---

void Interpreter::Box::on_own_stack(std::function<void()> what_to_do) {
  CHECK(job_done);
  job = std::move(what_to_do);
  job_done = false;
  if (fiber == nullptr) {
    fiber = std::make_unique<Fiber>(
        [this] {
          for (;;) {
            job();
            job_done = true;
            fiber->suspend();
          }
        },
        Fiber::Size::kLarge);
  }
  for (;;) {
    fiber->resume();
    if (job_done) break;
    host->let_others_run();
  }
  job = nullptr;
}

Interpreter::Box::~Box() {
  // A script that has not ended never will: Lua's own frames have nothing to destroy.
  if (fiber != nullptr) fiber->drop();
  fiber.reset();
  if (lua != nullptr) lua_close(lua);
}

// --- The interpreter ---

Interpreter::Interpreter(Of what) : box_(std::make_unique<Box>()) {
  box_->what = what;
  box_->lua = lua_newstate(allocate, box_.get());
  CHECK(box_->lua != nullptr);
  const int status = lua_cpcall(box_->lua, prepare, nullptr);
  CHECK(status == 0);
}

Interpreter::~Interpreter() = default;

bool Interpreter::error_was_reported() const { return box_->reported; }

size_t Interpreter::memory_bytes() const { return box_->used; }

Result<int> Interpreter::compile(std::string_view source) {
  if (is_bytecode(source)) return Error{Errc::kInvalid, "bytecode is no script"};
  int status = 0;
  box_->message.assign(source);
  box_->on_own_stack([&] { status = lua_cpcall(box_->lua, compile_script, nullptr); });
  if (status == 0) return box_->reference;
  const Error error{Errc::kInvalid, std::string(text_at(box_->lua, -1))};
  lua_settop(box_->lua, 0);
  return error;
}

Result<std::vector<RegisteredFunction>> Interpreter::load(std::string_view code,
                                                          std::function<bool()> overdue) {
  CHECK(box_->what == Of::kFunctions);
  if (is_bytecode(code)) return Error{Errc::kInvalid, "Error compiling function: it is bytecode"};
  std::vector<RegisteredFunction> functions;
  box_->loading = &functions;
  box_->overdue = std::move(overdue);
  box_->message.assign(code);
  int status = 0;
  int ended = 0;
  std::string why;
  box_->on_own_stack([&] {
    status = lua_cpcall(box_->lua, run_library, nullptr);
    lua_sethook(box_->lua, nullptr, 0, 0);
    if (status != 0) why = text_at(box_->lua, -1);
    lua_settop(box_->lua, 0);
    ended = lua_cpcall(box_->lua, end_library, nullptr);
  });
  CHECK(ended == 0);
  box_->loading = nullptr;
  box_->overdue = nullptr;
  if (status == 0) return functions;
  for (const RegisteredFunction& function : functions) forget(function.reference);
  return Error{Errc::kInvalid, why};
}

void Interpreter::forget(int reference) { luaL_unref(box_->lua, LUA_REGISTRYINDEX, reference); }

std::string_view Interpreter::run(const Run& run, ScriptHost& host) {
  Box& box = *box_;
  CHECK(box.host == nullptr);
  box.host = &host;
  box.run = &run;
  box.protocol = 2;
  box.drew = box.calling = box.reported = false;
  box.reply.clear();
  int status = 0;
  box.on_own_stack([&] { status = lua_cpcall(box.lua, run_script, nullptr); });
  if (status != 0) {
    lua_sethook(box.lua, nullptr, 0, 0);
    box.reply.clear();
    append_error(box.reply, fmt::format("ERR Error running script {}, {}", run.name,
                                        text_at(box.lua, -1).substr(0, 100)));
  }
  lua_settop(box.lua, 0);
  box.host = nullptr;
  box.run = nullptr;
  collect_garbage(box);
  return box.reply;
}

}  // namespace powercut::engine
