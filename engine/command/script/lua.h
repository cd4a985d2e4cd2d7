// Lua's own headers, and what the files of this room share of them. Lua ends a C function that fails by longjmp: where
// one may fail, nothing on the stack has a destructor that would be missed, so what has one stands in the Box.
#pragma once

extern "C" {
#include <lua5.1/lauxlib.h>
#include <lua5.1/lua.h>
#include <lua5.1/lualib.h>
}

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command/script/interpreter.h"
#include "engine/os/fiber.h"

namespace powercut::engine {

// What a state of Lua belongs to.
struct Interpreter::Box {
  lua_State* lua = nullptr;
  Of what = Of::kScripts;
  size_t used = 0;                   // bytes
  lua_CFunction originals[10] = {};  // of what sandbox.cc replaces

  // --- Of the script that runs ---
  ScriptHost* host = nullptr;  // null: none runs
  const Run* run = nullptr;
  int protocol = 2;
  bool calling = false;   // a command of it runs
  bool reported = false;  // the error that it ends with is one of a command
  bool drew = false;      // it has been given a seed
  uint64_t chance = 0;
  std::vector<std::string_view> words;  // of the command
  std::string numbers;                  // those of them that were numbers
  std::string packed;                   // of cmsgpack
  std::string answer;                   // to the command
  std::string reply;                    // of the script
  std::string message;                  // what is to be compiled, or logged, or answered
  int reference = 0;                    // of what was compiled

  // --- Of the library that is loaded ---
  std::vector<RegisteredFunction>* loading = nullptr;  // null: none is
  RegisteredFunction registering;
  std::function<bool()> overdue;

  // --- The stack ---
  std::unique_ptr<Fiber> fiber;
  std::function<void()> job;
  bool job_done = true;
  void on_own_stack(std::function<void()> what_to_do);

  ~Box();
};

using LuaBox = Interpreter::Box;
}  // namespace powercut::engine
