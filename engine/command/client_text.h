// A client in words: its line of CLIENT LIST, and of ACL LOG.
#pragma once

#include <string>
#include <string_view>

#include "engine/command/client.h"

namespace powercut::engine {

// As CLIENT LIST shows it.
std::string describe_client(const Client& client);

// For ACL LOG; `user`: whose rules denied it, or as whom it wanted to log in; `context`: where, unless it was at the top
// or in a transaction.
void note_denial(const Client& client, std::string_view reason, std::string_view object,
                 std::string_view user, std::string_view context = {});

}  // namespace powercut::engine
