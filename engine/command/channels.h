// SUBSCRIBE, SSUBSCRIBE and PUBLISH: who listens to which channel. Knows clients by their numbers alone. Nothing of it outlives the
// process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace powercut::engine {

class Channels {
 public:
  using Ids = std::set<uint64_t>;
  using Names = std::map<std::string, Ids, std::less<>>;

  // False if it listens already, or did not.
  bool subscribe(Names& names, uint64_t client, std::string_view name) {
    return names[std::string(name)].insert(client).second;
  }
  bool unsubscribe(Names& names, uint64_t client, std::string_view name) {
    const auto found = names.find(name);
    if (found == names.end() || found->second.erase(client) == 0) return false;
    if (found->second.empty()) names.erase(found);
    return true;
  }

  Names channels;
  Names patterns;
  Names
      shards;  // sharded channels: names of their own; all of them are here, as this is the only node
};

}  // namespace powercut::engine
