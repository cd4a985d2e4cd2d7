// What server and persistence commands ask of the engine; INFO stands in info.cc.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/words.h"
#include "engine/command/number.h"
#include "engine/engine.h"
#include "engine/parameters.h"
#include "engine/redis_parameters.h"

namespace powercut::engine {

Result<void> Engine::save() {
  if (keeper_.busy(Keeper::Job::kSave)) {
    return Error{Errc::kInvalid, "Background save already in progress"};
  }
  while (shutting_down_) shutdown_over_.wait();
  return keeper_.save_now();
}

Result<std::string> Engine::background_save() {
  const bool idle = keeper_.busy(Keeper::Job::kNone);
  if (!keeper_.request(Keeper::Job::kSave)) {
    return Error{Errc::kInvalid, "Background save already in progress"};
  }
  return std::string(idle ? "Background saving started" : "Background saving scheduled");
}

Result<std::string> Engine::rewrite_aof() {
  if (!config_.recovery.append_only) {
    return Error{Errc::kInvalid,
                 "There is no append only file to rewrite: CONFIG SET appendonly yes starts one"};
  }
  const bool idle = keeper_.busy(Keeper::Job::kNone);
  if (!keeper_.request(Keeper::Job::kRewrite)) {
    return Error{Errc::kInvalid, "Background append only file rewriting already in progress"};
  }
  return std::string(idle ? "Background append only file rewriting started"
                          : "Background append only file rewriting scheduled");
}

Result<std::string> Engine::start_backup(std::string_view asked) {
  std::string id(asked);
  if (id.empty()) id = fmt::format("{}-{}", os_.wall_now().unix_ms / 1000, aof_.applied_lsn());
  while (shutting_down_) shutdown_over_.wait();
  TRY(keeper_.run_backup([&] { return generations_.start_backup(id); }));
  return id;
}

Result<BackupFacts> Engine::seal_backup() {
  while (shutting_down_) shutdown_over_.wait();
  BackupFacts facts;
  TRY(keeper_.run_backup([&]() -> Result<void> {
    TRY_ASSIGN(facts, generations_.seal_backup());
    if (const auto kept = generations_.retain_backups(config_.retention, facts.id); !kept.ok())
      log_line("older backups: " + kept.error().message);
    return {};
  }));
  return facts;
}

Result<void> Engine::abort_backup() {
  while (shutting_down_) shutdown_over_.wait();
  return keeper_.run_backup([&] { return generations_.abort_backup(); });
}

Result<void> Engine::remove_backup(std::string_view id) {
  while (shutting_down_) shutdown_over_.wait();
  return keeper_.run_backup([&] { return generations_.remove_backup(std::string(id)); });
}

Result<std::vector<BackupFacts>> Engine::sealed_backups() { return generations_.backups().list(); }

std::optional<BackupFacts> Engine::backup_under_way() {
  if (!generations_.backups().open()) return std::nullopt;
  return generations_.backups().facts();
}

int64_t Engine::last_save_unix_s() { return generations_.saved_unix_s(); }

std::vector<std::pair<std::string, std::string>> Engine::config_get(std::string_view pattern) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const Parameter& parameter : parameters()) {
    if (glob_match(pattern, parameter.name))
      found.emplace_back(parameter.name, parameter.get(config_));
  }
  for (const RedisParameter& parameter : redis_parameters()) {
    for (const std::string_view name : {parameter.name, older_name(parameter.name)})
      if (!name.empty() && glob_match(pattern, name))
        found.emplace_back(name, redis_parameter_value(config_, parameter));
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<void> Engine::config_set(std::string_view asked, std::string_view value) {
  const std::string name = lower_case(asked);
  const Parameter* parameter = find_parameter(name);
  const RedisParameter* redis = find_redis_parameter(newer_name(name));
  if (parameter == nullptr && redis == nullptr) {
    return Error{Errc::kInvalid,
                 fmt::format("Unknown option or number of arguments for CONFIG SET - '{}'", asked)};
  }
  const auto failed = [&](std::string_view text) {
    return Error{
        Errc::kInvalid,
        fmt::format("CONFIG SET failed (possibly related to argument '{}') - {}", name, text)};
  };
  if (redis != nullptr) {
    if (!redis->at_run_time) return failed("can't set immutable config");
    const auto set = set_redis_parameter(config_, *redis, value);
    if (!set.ok()) return failed(set.error().message);
    apply_config();
    return {};
  }
  if (parameter->settable == Settable::kProtected) return failed("can't set protected config");
  if (parameter->settable == Settable::kSame) {
    if (parameter->get(config_) == value) return {};
    return failed("it is changed by starting the server anew");
  }
  if (parameter->settable != Settable::kRunTime) return failed("can't set immutable config");
  EngineConfig next = config_;
  if (loading_ && name == "appendonly") return failed("the store is loading");
  if (const auto set = parameter->set(next, value); !set.ok()) return failed(set.error().message);
  if (const auto fits = check_tier(next); !fits.ok()) return failed(fits.error().message);
  if (const auto fits = check_sink(next); !fits.ok()) return failed(fits.error().message);
  if (next.recovery.append_only != config_.recovery.append_only) {
    while (shutting_down_) shutdown_over_.wait();
    const auto turned = keeper_.set_append_only(next.recovery.append_only);
    return turned.ok() ? turned : failed(turned.error().message);
  }
  if (next.service.port != config_.service.port || next.service.bind != config_.service.bind) {
    if (!listen_) return failed("it is changed by starting the server anew");
    const auto listening = listen_(next.service);
    if (!listening.ok())
      return failed(fmt::format("{} ({})",
                                name == "port" ? "Unable to listen on this port"
                                               : "Failed to bind to specified addresses",
                                listening.error().message));
  }
  if (tier_ != nullptr)
    if (const auto set = tier_->set_warm_bytes(next.tier.warm_bytes); !set.ok())
      return failed(set.error().message);
  if (next.service.password != config_.service.password)
    executor_.clients().users.set_default_password(next.service.password);
  if (sink_ != nullptr) sink_->set_resync(next.sink.resync);
  config_ = std::move(next);
  aof_.set_options(config_.aof);
  if (tier_ != nullptr) tier_->set_options(config_.tier);
  if (archiver_ != nullptr) archiver_->set_options(config_.tier);
  apply_config();
  keeper_.config_changed();
  if (on_config_) on_config_();
  return {};
}

uint64_t Engine::sparse_sketch_most() {
  return static_cast<uint64_t>(redis_number(config_, "hll-sparse-max-bytes"));
}

Result<void> Engine::config_rewrite() {
  if (rewrite_config_) return rewrite_config_();
  return Control::config_rewrite();
}

void Engine::reset_stats() {
  executor_.reset_stats();
  aof_.reset_stats();
}

}  // namespace powercut::engine
