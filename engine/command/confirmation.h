// On how many machines the last operation of a client is, for who waits for that: WAIT, which goes by what replicas have
// applied, and WAITAOF, which goes by what this store and they have synced.
//
// Source: Redis 7.2, WAIT and WAITAOF, as its documentation says.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace powercut::engine {

class Client;
class Control;
class Reply;

inline constexpr std::string_view kNoLogToConfirm =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

struct Wanted {
  bool synced = false;  // WAITAOF
  int64_t here = 0;     // 1: in the log of this store
  int64_t replicas = 0;
};
// As a request says that has been looked at before.
Wanted wanted_by(std::span<const std::string> words);

bool is_confirmed(const Client& client, Control& control, const Wanted& wanted);
// Nor will it ever be: there is no log that could have it.
bool cannot_confirm(Control& control, const Wanted& wanted);
// The reply: what there is now.
void tell_confirmed(Reply& reply, const Client& client, Control& control, const Wanted& wanted);

}  // namespace powercut::engine
