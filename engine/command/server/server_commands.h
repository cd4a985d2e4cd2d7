// What the files of this family share.
#pragma once

#include "engine/command/call.h"
#include "engine/command/container.h"

namespace powercut::engine {

namespace server {

// client.cc: as CLIENT LIST shows it; names the client, or answers why not and returns false
std::string describe_client(const Client& client);
bool set_client_name(Call& call, std::string_view name);

// tracking.cc
void client_caching(Call& call);
void client_getredir(Call& call);
void client_tracking(Call& call);
void client_trackinginfo(Call& call);

}  // namespace server

}  // namespace powercut::engine
