// The store's users: where they come from, and where they are kept. They are no part of the data, and not logged.
#include <fmt/format.h>

#include "engine/engine.h"

namespace powercut::engine {

Result<void> Engine::begin_users() {
  const ServiceConfig& service = config_.service;
  if (!service.acl_file.empty() && !service.users.empty())
    return Error{Errc::kInvalid,
                 "users stand in the configuration and in an aclfile: only one of them may have "
                 "any, or nobody could tell who is meant"};
  Users& users = executor_.clients().users;
  for (const auto& words : service.users) {
    const std::vector<std::string_view> rules(words.begin() + 1, words.end());
    const auto defined = users.define(words[0], rules);
    if (!defined.ok())
      return Error{defined.error().code,
                   fmt::format("user {}: {}", words[0], defined.error().message)};
  }
  if (!service.acl_file.empty()) TRY(load_users(nullptr));
  for (const auto& [name, user] : users.all())
    if (!user->on) log_line(fmt::format("The user '{}' is disabled: its rules have no 'on'", name));
  return {};
}

Result<void> Engine::load_users(Client* asking) {
  const std::string& file = config_.service.acl_file;
  if (file.empty() || !process_.read_users) return no_users_file();
  TRY_ASSIGN(const std::string text, process_.read_users());
  TRY_ASSIGN(const Users::ByName gone, executor_.clients().users.replace(text, file));
  for (const auto& [name, user] : gone) executor_.clients().log_out(*user, asking);
  return {};
}

Result<void> Engine::save_users() {
  if (config_.service.acl_file.empty() || !process_.write_users) return no_users_file();
  std::string text;
  for (const auto& [name, user] : executor_.clients().users.all()) text += describe(*user) + "\n";
  return process_.write_users(text);
}

std::vector<std::string> Engine::user_lines() {
  std::vector<std::string> lines;
  if (!config_.service.acl_file.empty()) return lines;
  Users plain;
  plain.set_default_password(config_.service.password);
  for (const auto& [name, user] : executor_.clients().users.all())
    if (user->name != "default" || describe(*user) != describe(plain.default_user()))
      lines.push_back(describe(*user));
  return lines;
}

}  // namespace powercut::engine
