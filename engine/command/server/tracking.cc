// CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO: a client that caches what it reads is told what changes.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "engine/command/client.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine::server {

namespace {

constexpr std::string_view kOtherMode =
    "ERR You can't switch {} before disabling tracking for this client, and then re-enabling it "
    "with a different mode.";

std::optional<std::string> overlap(const std::vector<std::string>& before,
                                   const std::vector<std::string>& added) {
  const auto overlaps = [](const std::string& a, const std::string& b) {
    return a.starts_with(b) || b.starts_with(a);
  };
  constexpr std::string_view kText =
      "ERR Prefix '{}' overlaps with {} prefix '{}'. Prefixes for a single client must not "
      "overlap.";
  for (size_t i = 0; i < added.size(); ++i) {
    for (const std::string& old : before)
      if (overlaps(old, added[i])) return fmt::format(kText, added[i], "an existing", old);
    for (size_t j = i + 1; j < added.size(); ++j)
      if (overlaps(added[i], added[j]))
        return fmt::format(kText, added[i], "another provided", added[j]);
  }
  return std::nullopt;
}

// False where it was answered why not.
bool parse(Call& call, TrackingState& state) {
  for (size_t i = 3; i < call.argc(); ++i) {
    const bool has_value = i + 1 < call.argc();
    if (call.is(i, "REDIRECT") && has_value) {
      int64_t id = 0;
      if (state.redirect != 0) {
        call.fail("ERR A client can only redirect to a single other client");
        return false;
      }
      if (!call.integer_arg(++i, id, "ERR Invalid client ID")) return false;
      if (id <= 0 || call.client->peers().find(static_cast<uint64_t>(id)) == nullptr) {
        call.fail("ERR The client ID you want redirect to does not exist");
        return false;
      }
      state.redirect = static_cast<uint64_t>(id);
    } else if (call.is(i, "BCAST")) {
      state.broadcast = true;
    } else if (call.is(i, "OPTIN")) {
      state.opt_in = true;
    } else if (call.is(i, "OPTOUT")) {
      state.opt_out = true;
    } else if (call.is(i, "NOLOOP")) {
      state.no_loop = true;
    } else if (call.is(i, "PREFIX") && has_value) {
      state.prefixes.emplace_back(call.arg(++i));
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

std::optional<std::string> why_not(const Client& client, const TrackingState& wanted) {
  if (!wanted.broadcast && !wanted.prefixes.empty())
    return "ERR PREFIX option requires BCAST mode to be enabled";
  const TrackingState* now = client.tracking.get();
  if (now != nullptr && now->broadcast != wanted.broadcast)
    return fmt::format(kOtherMode, "BCAST mode on/off");
  if (wanted.broadcast && (wanted.opt_in || wanted.opt_out))
    return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  if (wanted.opt_in && wanted.opt_out)
    return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (now != nullptr && ((wanted.opt_in && now->opt_out) || (wanted.opt_out && now->opt_in)))
    return fmt::format(kOtherMode, "OPTIN/OPTOUT mode");
  return wanted.broadcast
             ? overlap(now == nullptr ? std::vector<std::string>() : now->prefixes, wanted.prefixes)
             : std::nullopt;
}

}  // namespace

void client_tracking(Call& call) {
  Client& client = *call.client;
  const bool on = call.is(2, "ON");
  if (!on && !call.is(2, "OFF")) return call.fail(kSyntaxError);
  TrackingState wanted;
  if (!parse(call, wanted)) return;
  if (!on) {
    client.stop_tracking();
    return call.reply.ok();
  }
  if (const auto why = why_not(client, wanted)) return call.fail(*why);
  Tracking& tracking = client.peers().tracking;
  std::vector<std::string> prefixes;
  if (client.tracking == nullptr) {
    ++tracking.clients;
  } else {
    prefixes = client.tracking->prefixes;
  }
  if (wanted.broadcast && wanted.prefixes.empty()) wanted.prefixes.emplace_back();  // of all keys
  for (const std::string& prefix : wanted.prefixes) {
    tracking.add_prefix(client.id(), prefix);
    if (std::find(prefixes.begin(), prefixes.end(), prefix) == prefixes.end())
      prefixes.push_back(prefix);
  }
  wanted.prefixes = std::move(prefixes);
  client.tracking = std::make_unique<TrackingState>(std::move(wanted));
  call.reply.ok();
}

void client_caching(Call& call) {
  using Caching = TrackingState::Caching;
  TrackingState* state = call.client->tracking.get();
  if (state == nullptr) {
    return call.fail(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
        "OPTOUT mode enabled");
  }
  const bool yes = call.is(2, "YES");
  if (!yes && !call.is(2, "NO")) return call.fail(kSyntaxError);
  if (yes && !state->opt_in)
    return call.fail(
        "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  if (!yes && !state->opt_out)
    return call.fail(
        "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  state->caching = yes ? Caching::kYes : Caching::kNo;
  call.reply.ok();
}

void client_getredir(Call& call) {
  const TrackingState* state = call.client->tracking.get();
  call.reply.integer(state == nullptr ? -1 : static_cast<int64_t>(state->redirect));
}

void client_trackinginfo(Call& call) {
  using Caching = TrackingState::Caching;
  const TrackingState* state = call.client->tracking.get();
  std::vector<std::string_view> flags = {state == nullptr ? "off" : "on"};
  const auto flag = [&](bool is, std::string_view name) {
    if (is) flags.push_back(name);
  };
  if (state != nullptr) {
    flag(state->broadcast, "bcast");
    flag(state->opt_in, "optin");
    flag(state->opt_in && state->caching == Caching::kYes, "caching-yes");
    flag(state->opt_out, "optout");
    flag(state->opt_out && state->caching == Caching::kNo, "caching-no");
    flag(state->no_loop, "noloop");
    flag(state->broken, "broken_redirect");
  }
  call.reply.map(3);
  call.reply.bulk("flags");
  call.reply.set(flags.size());
  for (const std::string_view name : flags) call.reply.bulk(name);
  call.reply.bulk("redirect");
  client_getredir(call);
  call.reply.bulk("prefixes");
  call.reply.array(state == nullptr ? 0 : state->prefixes.size());
  if (state == nullptr) return;
  for (const std::string& prefix : state->prefixes) call.reply.bulk(prefix);
}

}  // namespace powercut::engine::server
