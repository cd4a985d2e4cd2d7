#include "engine/engine.h"

namespace powercut::engine {

Result<void> Engine::save() { return persistence_.save_now(); }

Result<std::string> Engine::background_save() {
  if (!persistence_.request(Persistence::Job::kSave)) {
    return Error{Errc::kInvalid, "Background save already in progress"};
  }
  return std::string("Background saving started");
}

Result<std::string> Engine::rewrite_aof() {
  if (!persistence_.request(Persistence::Job::kRewrite)) {
    return Error{Errc::kInvalid, "Background append only file rewriting already in progress"};
  }
  return std::string("Background append only file rewriting started");
}

int64_t Engine::last_save_unix_s() { return persistence_.stats().last_save_unix_s; }

std::vector<std::pair<std::string, std::string>> Engine::config_get(std::string_view) { return {}; }

Result<void> Engine::config_set(std::string_view name, std::string_view) {
  return Error{Errc::kInvalid, "Unknown option or number of arguments for CONFIG SET - '" + std::string(name) + "'"};
}

void Engine::reset_stats() { executor_.reset_stats(); }

std::string Engine::info_section(std::string_view) { return {}; }

}  // namespace powercut::engine
