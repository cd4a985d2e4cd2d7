#include "engine/command/confirmation.h"

#include "engine/command/client.h"
#include "engine/command/control.h"
#include "engine/command/number.h"
#include "engine/command/reply.h"

namespace powercut::engine {

namespace {

int64_t synced_here(const Client& client, const Control& control) {
  const auto synced = control.synced_lsn();
  return synced && *synced >= client.written_lsn ? 1 : 0;
}

int64_t by_replicas(const Client& client, Control& control, bool synced) {
  const uint64_t offset = client.written_offset;
  return static_cast<int64_t>(synced ? control.synced_replicas(offset)
                                     : control.confirmed_replicas(offset));
}

}  // namespace

Wanted wanted_by(std::span<const std::string> words) {
  const auto number = [&](size_t i) { return parse_integer(words[i]).value_or(0); };
  constexpr size_t kWordsOfWait = 3;
  if (words.size() == kWordsOfWait) return {.replicas = number(1)};
  return {.synced = true, .here = number(1), .replicas = number(2)};
}

bool is_confirmed(const Client& client, Control& control, const Wanted& wanted) {
  return by_replicas(client, control, wanted.synced) >= wanted.replicas &&
         (wanted.here == 0 || synced_here(client, control) == 1);
}

bool cannot_confirm(Control& control, const Wanted& wanted) {
  return wanted.here != 0 && !control.synced_lsn();
}

void tell_confirmed(Reply& reply, const Client& client, Control& control, const Wanted& wanted) {
  const int64_t replicas = by_replicas(client, control, wanted.synced);
  if (!wanted.synced) return reply.integer(replicas);
  if (cannot_confirm(control, wanted)) return reply.error(kNoLogToConfirm);
  reply.array(2);
  reply.integer(synced_here(client, control));
  reply.integer(replicas);
}

}  // namespace powercut::engine
