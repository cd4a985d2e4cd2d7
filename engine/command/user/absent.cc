#include "engine/command/user/absent.h"

namespace powercut::engine {

namespace {

// Sorted by name.
constexpr CommandName kAbsent[] = {
    {"asking", "fast connection"},
    {"cluster", "slow"},
    {"cluster|addslots", "admin slow dangerous"},
    {"cluster|addslotsrange", "admin slow dangerous"},
    {"cluster|bumpepoch", "admin slow dangerous"},
    {"cluster|count-failure-reports", "admin slow dangerous"},
    {"cluster|countkeysinslot", "slow"},
    {"cluster|delslots", "admin slow dangerous"},
    {"cluster|delslotsrange", "admin slow dangerous"},
    {"cluster|failover", "admin slow dangerous"},
    {"cluster|flushslots", "admin slow dangerous"},
    {"cluster|forget", "admin slow dangerous"},
    {"cluster|getkeysinslot", "slow"},
    {"cluster|help", "slow"},
    {"cluster|info", "slow"},
    {"cluster|keyslot", "slow"},
    {"cluster|links", "slow"},
    {"cluster|meet", "admin slow dangerous"},
    {"cluster|myid", "slow"},
    {"cluster|nodes", "slow"},
    {"cluster|replicas", "admin slow dangerous"},
    {"cluster|replicate", "admin slow dangerous"},
    {"cluster|reset", "admin slow dangerous"},
    {"cluster|saveconfig", "admin slow dangerous"},
    {"cluster|set-config-epoch", "admin slow dangerous"},
    {"cluster|setslot", "admin slow dangerous"},
    {"cluster|shards", "slow"},
    {"cluster|slaves", "admin slow dangerous"},
    {"cluster|slots", "slow"},
    {"eval", "slow scripting"},
    {"eval_ro", "slow scripting"},
    {"evalsha", "slow scripting"},
    {"evalsha_ro", "slow scripting"},
    {"fcall", "slow scripting"},
    {"fcall_ro", "slow scripting"},
    {"function|delete", "write slow scripting"},
    {"function|dump", "slow scripting"},
    {"function|kill", "slow scripting"},
    {"function|load", "write slow scripting"},
    {"function|restore", "write slow scripting"},
    {"function|stats", "slow scripting"},
    {"memory|malloc-stats", "slow"},
    {"migrate", "keyspace write slow dangerous"},
    {"module", "slow"},
    {"module|help", "slow"},
    {"module|list", "admin slow dangerous"},
    {"module|load", "admin slow dangerous"},
    {"module|loadex", "admin slow dangerous"},
    {"module|unload", "admin slow dangerous"},
    {"readonly", "fast connection"},
    {"readwrite", "fast connection"},
    {"restore-asking", "keyspace write slow dangerous"},
    {"script", "slow"},
    {"script|debug", "slow scripting"},
    {"script|exists", "slow scripting"},
    {"script|flush", "slow scripting"},
    {"script|help", "slow scripting"},
    {"script|kill", "slow scripting"},
    {"script|load", "slow scripting"},
};

}  // namespace

std::span<const CommandName> absent_commands() { return kAbsent; }

}  // namespace powercut::engine
