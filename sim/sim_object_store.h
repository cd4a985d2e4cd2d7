// An object store on simulated machines of its own: what it holds survives every crash of the store under test, since it
// is elsewhere (Disk::make_elsewhere), and travels with each copy of the world.
//
// Models: latency; intervals in which nobody is reached; requests that are lost, and answers, so that nobody knows
// whether a call was done; a put that is acknowledged and readable only later, or never; objects that are whole or not
// there. Each call of the seam that an object takes is a point at which the store under test may die, and may fail or
// hang as any other by the plan of faults. The same choices give the same weather.
// Does not model: rights, versions, multipart uploads, objects that rot, anybody else who uses the bucket.
// Source: S3 API reference, errors 500, 503 SlowDown and RequestTimeout; e.g. Ceph RGW multisite and MinIO site
// replication, where a put is answered before other sites have the object.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/object_store.h"
#include "engine/os/os.h"

namespace powercut::sim {

struct Weather {
  Duration latency_min{1'000'000};
  Duration latency_max{20'000'000};
  Duration out_of_reach_most{3'000'000'000};  // at a time
  Duration late_most{2'000'000'000};          // until what was put can be read
  uint64_t bad_one_in = 6;                    // calls; 0: it is always fine
};

class SimObjectStore final : public engine::ObjectStore {
 public:
  // `os` gives time, chance and tasks, and keeps the objects; it outlives this.
  explicit SimObjectStore(engine::Os& os, const Weather& weather = {})
      : os_(os), weather_(weather) {}

  // From now on, or no longer, nobody is reached; for tests.
  void set_out_of_reach(bool is) { out_of_reach_ = is; }
  void lose_next_answer() { lose_answer_ = true; }
  // While it is fine nothing is drawn and nothing fails, but by the plan.
  void set_fine(bool is) { fine_ = is; }

  Result<void> put(std::string_view name, std::string_view bytes) override;
  Result<std::string> get(std::string_view name, uint64_t offset, uint64_t length) override;
  Result<uint64_t> head(std::string_view name) override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<std::string>> list(std::string_view prefix, size_t most) override;

  // Was one of this name put since this was made?
  bool has_put(const std::string& path) const { return put_.count(path) != 0; }
  // Does this line tell of a call that the weather has failed?
  static bool is_weather(std::string_view error);
  // Where an object lies in the world.
  static std::string path_of(std::string_view name);

 private:
  enum class Fate { kFine, kRequestLost, kAnswerLost, kLate, kNever };
  Result<Fate> fate(std::string_view what, std::string_view name);
  Result<void> reach(std::string_view what, std::string_view name);
  Result<void> make_bucket();
  Result<std::string> write_aside(std::string_view bytes);
  void forget_late(std::string_view name);

  engine::Os& os_;
  const Weather weather_;
  bool out_of_reach_ = false;
  bool fine_ = false;
  bool lose_answer_ = false;
  Instant back_at_{0};
  uint64_t aside_ = 0;
  std::set<std::string> put_;                // where they lie
  std::map<std::string, std::string> late_;  // acknowledged, and not there yet: where it lies aside
};

}  // namespace powercut::sim
