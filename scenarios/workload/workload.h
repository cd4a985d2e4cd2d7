// What the clients say: recorded from real ones, or generated.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace powercut::scenarios {

// What one client sends without a break: one command, or a transaction from MULTI to EXEC.
struct Unit {
  // Left out where the policy has no such thing.
  enum class Needs : uint8_t { kNothing, kLog, kCheckpoint };
  int db = 0;
  std::vector<std::string> requests;  // RESP bytes
  Needs needs = Needs::kNothing;
  // Whoever sent it may stand in another database now.
  bool leaves_database = false;
  bool operator==(const Unit&) const = default;
};

struct Workload {
  std::string name;
  std::string about;  // one line
  std::vector<Unit> units;
  int64_t wall_start_ms =
      1'700'000'000'000;  // Unix time of the recording, so that its expiries make sense
  // The cut comes when every operation is acknowledged, not among them.
  bool cut_at_end = false;
  uint64_t clients_at_least = 1;  // where one alone would find nobody to wait for
  uint64_t operations() const { return units.size(); }
};

// Does it move its connection to another database, if it is answered well, or end it?
bool leaves_database(const std::vector<std::string_view>& words);

// Why a request cannot be part of a workload; empty: it can.
using Objection = std::function<std::string(const std::vector<std::string_view>& words)>;

// An AOF segment, or any file of RESP requests; comments and timestamps of the AOF format are
// understood.
//   Errors: kNotFound, kIo; kCorrupt with the offset of the first byte that is no request, or of the
//   first request that there is an objection to.
Result<Workload> load_workload(const std::string& path, const Objection& objection = {});
// The bytes of such a file.
Result<std::string> read_workload(const std::string& path);
Result<Workload> parse_workload(std::string_view bytes, std::string name,
                                const Objection& objection = {});

// The built-in ones, a line each for `powercut list workloads`.
struct Builtin {
  std::string_view name;
  std::string_view about;
};
const std::vector<Builtin>& builtin_workloads();
// nullptr if there is none of that name. `seed` varies the generated ones.
std::shared_ptr<const Workload> make_builtin(std::string_view name, uint64_t seed);

}  // namespace powercut::scenarios
