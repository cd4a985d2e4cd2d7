// The command lines of powercut-server and of the tools that look at its files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/config.h"

namespace powercut::engine {

enum ExitStatus : int {
  kExitOk = 0,
  kExitFailed = 1,  // the check tools: there is something to repair
  kExitUsage = 2,
  kExitUnreadable = 3,  // data that cannot be read
};

struct RestoreOptions {
  std::string from;
  std::string to;
  int databases = 16;
  std::optional<uint64_t> lsn;
  std::optional<int64_t> unix_s;
};

// What a server starts with by default: Redis's defaults, but with a log.
EngineConfig server_defaults();

struct CheckAofOptions {
  std::string path;
  bool fix = false;
  std::optional<int64_t> until_unix_s;
};

struct CheckRdbOptions {
  std::string path;
};

// `powercut-server [FILE] [--DIRECTIVE VALUE ...]`: Redis's own, and ours. Each directive of Redis is honoured, accepted
// where it cannot matter, or refused, with where it stands and why.
bool parse_server_options(int argc, char** argv, EngineConfig& config, int& exit_status);

// Each fills `options`; or says, in one line, what is wrong, or prints --help: then `exit_status` is what to
// return.
bool parse_check_aof_options(int argc, char** argv, CheckAofOptions& options, int& exit_status);
bool parse_check_rdb_options(int argc, char** argv, CheckRdbOptions& options, int& exit_status);
bool parse_restore_options(int argc, char** argv, RestoreOptions& options, int& exit_status);

// The status for an error on opening the store.
int exit_status_of(const Error& error);

}  // namespace powercut::engine
