// What the files of this family share.
#pragma once

#include "engine/command/call.h"
#include "engine/command/container.h"

namespace powercut::engine {

namespace server {

// client.cc: names the client, or answers why not and returns false
bool set_client_name(Call& call, std::string_view name);

// replication.cc
void failover(Call& call);
void psync(Call& call);
void replconf(Call& call);
void replicaof(Call& call);
void role(Call& call);
void sync(Call& call);
void wait(Call& call);
void waitaof(Call& call);

// tracking.cc
void client_caching(Call& call);
void client_getredir(Call& call);
void client_tracking(Call& call);
void client_trackinginfo(Call& call);

}  // namespace server

}  // namespace powercut::engine
