// What replicas say (REPLCONF, PSYNC, SYNC), and what is asked about them (WAIT, WAITAOF, ROLE). What they are sent is decided in
// engine/replication/master.h.
#include <fmt/format.h>

#include "engine/base/words.h"
#include "engine/command/client.h"
#include "engine/command/confirmation.h"
#include "engine/command/control.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

// --- A replica, before it is one ---

bool set_flag(Call& call, size_t i, bool& flag) {
  int64_t value = 0;
  if (!call.integer_arg(i, value)) return false;
  flag = value != 0;
  return true;
}

bool replconf_option(Call& call, size_t i, ReplicaState& replica) {
  if (call.is(i, "LISTENING-PORT")) {
    int64_t port = 0;
    if (!call.integer_arg(i + 1, port)) return false;
    replica.port = static_cast<int>(port);
  } else if (call.is(i, "IP-ADDRESS")) {
    replica.host = call.arg(i + 1);
  } else if (call.is(i, "CAPA")) {
    replica.takes_stream |= call.is(i + 1, "EOF");
    replica.takes_identity |= call.is(i + 1, "PSYNC2");
  } else if (call.is(i, "RDB-ONLY")) {
    return set_flag(call, i + 1, replica.checkpoint_alone);
  } else if (call.is(i, "RDB-FILTER-ONLY")) {
    if (call.arg(i + 1).empty()) return true;
    call.fail("ERR a checkpoint is sent whole: there is no rdb-filter-only");
    return false;
  } else {
    call.fail(fmt::format("ERR Unrecognized REPLCONF option: {}", call.arg(i)));
    return false;
  }
  return true;
}

}  // namespace

void replconf(Call& call) {
  if (call.client == nullptr) return;
  if (call.argc() % 2 == 0) return call.fail(kSyntaxError);
  // Of who is no replica, and of a master that we have not, nothing is to be known.
  if (call.argc() == 3 && (call.is(1, "ACK") || call.is(1, "GETACK"))) {
    call.client->skip_now = true;
    return call.reply.ok();
  }
  call.client->become_replica();
  for (size_t i = 1; i < call.argc(); i += 2)
    if (!replconf_option(call, i, *call.client->replica)) return;
  call.reply.ok();
}

namespace {

void begin(Call& call, std::string_view id, int64_t offset) {
  Client* client = call.client;
  if (client == nullptr || call.control == nullptr) return;
  if (client->subscriptions != nullptr || client->monitors || client->tracking != nullptr)
    return call.fail("ERR a client that is told of other things cannot be a replica");
  const auto begun = call.control->begin_replica(*client, id, offset);
  if (!begun.ok()) {
    const bool not_yet = begun.error().code == Errc::kRefused;
    return call.fail((not_yet ? "" : "ERR ") + begun.error().message);
  }
  client->skip_now = true;  // what it is told is no reply
  call.reply.ok();
}

}  // namespace

void psync(Call& call) {
  int64_t offset = 0;
  if (call.argc() > 4 || (call.argc() == 4 && !call.is(3, "FAILOVER")))
    return call.fail(kSyntaxError);
  if (!call.integer_arg(2, offset)) return;
  if (call.argc() == 4 && call.control != nullptr)
    if (const auto taken = call.control->take_over_from(call.arg(1)); !taken.ok())
      return call.fail("ERR " + taken.error().message);
  begin(call, call.arg(1), offset);
}

void sync(Call& call) { begin(call, "", -1); }

void replicaof(Call& call) {
  if (call.control == nullptr) return call.reply.ok();
  if (call.is(1, "NO") && call.is(2, "ONE")) {
    call.control->follow_nobody();
    return call.reply.ok();
  }
  const auto port = parse_integer(call.arg(2));
  if (!port || *port <= 0 || *port > 65535) return call.fail("ERR Invalid master port");
  const MasterLink* link = call.control->master_link();
  if (link != nullptr && link->host == call.arg(1) && link->port == *port)
    return call.reply.simple("OK Already connected to specified master");
  const auto followed = call.control->follow_master(call.arg(1), static_cast<int>(*port));
  if (!followed.ok()) return call.fail("ERR " + followed.error().message);
  call.reply.ok();
}

namespace {

bool failover_words(Call& call, FailoverWish& wish) {
  for (size_t i = 1; i < call.argc(); ++i) {
    const bool one_more = i + 1 < call.argc();
    if (call.is(i, "TIMEOUT") && one_more && wish.timeout_ms == 0) {
      if (!call.integer_arg(++i, wish.timeout_ms)) return false;
      if (wish.timeout_ms <= 0) {
        call.fail("ERR FAILOVER timeout must be greater than 0");
        return false;
      }
    } else if (call.is(i, "TO") && i + 2 < call.argc() && wish.host.empty()) {
      int64_t port = 0;
      wish.host = call.arg(i + 1);
      if (!call.integer_arg(i + 2, port)) return false;
      wish.port = static_cast<int>(port);
      i += 2;
    } else if (call.is(i, "FORCE") && !wish.force) {
      wish.force = true;
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

}  // namespace

void failover(Call& call) {
  if (call.control == nullptr) return call.reply.ok();
  FailoverWish wish;
  const bool aborts = call.argc() == 2 && call.is(1, "ABORT");
  if (!aborts && !failover_words(call, wish)) return;
  const auto outcome =
      aborts ? call.control->abort_failover() : call.control->fail_over(std::move(wish));
  if (!outcome.ok()) return call.fail("ERR " + outcome.error().message);
  call.reply.ok();
}

// --- Who asks about them ---

namespace {

void wait_confirmed(Call& call, const Wanted& wanted, int64_t timeout_ms) {
  if (is_confirmed(*call.client, *call.control, wanted) || !call.may_wait())
    return tell_confirmed(call.reply, *call.client, *call.control, wanted);
  call.control->ask_replicas();
  call.wait({Type::kString, 1, 0, timeout_ms});  // for no key
}

}  // namespace

void wait(Call& call) {
  int64_t replicas = 0;
  int64_t timeout_ms = 0;
  if (!call.integer_arg(1, replicas)) return;
  if (!call.integer_arg(2, timeout_ms, "ERR timeout is not an integer or out of range")) return;
  if (timeout_ms < 0) return call.fail("ERR timeout is negative");
  if (call.client == nullptr || call.control == nullptr) return call.reply.integer(0);
  if (call.control->master_link() != nullptr) {
    return call.fail(
        "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if "
        "a replica is configured to be writable (which is not the default) writes to replicas are "
        "just local and are not propagated.");
  }
  wait_confirmed(call, {.replicas = replicas}, timeout_ms);
}

void waitaof(Call& call) {
  int64_t here = 0;
  int64_t replicas = 0;
  int64_t timeout_ms = 0;
  if (!call.integer_arg(1, here, "ERR value is out of range, must be between 0 and 1")) return;
  if (here < 0 || here > 1) return call.fail("ERR value is out of range, must be between 0 and 1");
  if (!call.integer_arg(2, replicas, "ERR value is out of range, must be positive")) return;
  if (replicas < 0) return call.fail("ERR value is out of range, must be positive");
  if (!call.integer_arg(3, timeout_ms, "ERR timeout is not an integer or out of range")) return;
  if (timeout_ms < 0) return call.fail("ERR timeout is negative");
  if (call.client == nullptr || call.control == nullptr) {
    call.reply.array(2);
    call.reply.integer(0);
    return call.reply.integer(0);
  }
  if (call.control->master_link() != nullptr) {
    return call.fail(
        "ERR WAITAOF cannot be used with replica instances. Please also note that writes to "
        "replicas are just local and are not propagated.");
  }
  const Wanted wanted{.synced = true, .here = here, .replicas = replicas};
  if (cannot_confirm(*call.control, wanted)) return call.fail(kNoLogToConfirm);
  wait_confirmed(call, wanted, timeout_ms);
}

namespace {

void role_of_replica(Call& call, const MasterLink& link) {
  call.reply.array(5);
  call.reply.bulk("slave");
  call.reply.bulk(link.host);
  call.reply.integer(link.port);
  call.reply.bulk(link.state);
  call.reply.integer(link.offset);
}

}  // namespace

void role(Call& call) {
  if (const MasterLink* link = call.control == nullptr ? nullptr : call.control->master_link())
    return role_of_replica(call, *link);
  call.reply.array(3);
  call.reply.bulk("master");
  call.reply.integer(
      call.control == nullptr ? 0 : static_cast<int64_t>(call.control->replication_offset()));
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  if (call.client != nullptr) {
    for (const Client* client : call.client->peers().replicas) {
      if (!client->replicates()) continue;
      ++count;
      call.reply.array(3);
      call.reply.bulk(client->replica_host());
      call.reply.bulk(std::to_string(client->replica->port));
      call.reply.bulk(std::to_string(client->replica->confirmed));
    }
  }
  call.reply.end_deferred(mark, count);
}

}  // namespace server

}  // namespace powercut::engine
