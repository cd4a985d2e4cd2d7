#include "scenarios/run/rehearsal.h"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "sim/sim_os.h"

namespace powercut::scenarios {

namespace {

class Heard final : public sim::OperationObserver {
 public:
  void on_operation(uint64_t) override { any = true; }
  bool any = false;
};

// One life of the engine at a time, until a client ends it or all is said.
class Rehearsing {
 public:
  Rehearsing(const Workload& workload, const TargetType& type)
      : workload_(workload), type_(type), world_{sim::Disk(), Instant{0}, workload.wall_start_ms} {}

  Rehearsal run() {
    for (size_t before = 0; next_ < workload_.units.size() && !heard_.any; before = next_) {
      live();
      if (next_ == before) heard_.any = true;  // it hangs, or does not start: the run will tell
    }
    rehearsal_.writes = heard_.any;
    return rehearsal_;
  }

 private:
  void live() {
    sim::SeededChoices choices(1);
    sim::Trace trace;
    const sim::LatencyProfile latency;
    sim::SimOs os(world_, choices, trace, nullptr, latency);
    os.set_time_limit(world_.now + kLifeLimit);
    std::unique_ptr<sim::Target> target;
    os.spawn("main", [&] {
      auto opened = type_.open(os, {"none"});
      if (opened.ok()) {
        target = std::move(opened).value();
        target->begin(target->recovery.last);
        target->observe(&heard_);
        converse(*target);
      }
      os.stop();
    });
    os.run();
    os.destroy_tasks();
  }

  void converse(sim::Target& target) {
    while (next_ < workload_.units.size()) {
      const Unit& unit = workload_.units[next_++];
      if (const std::string select = type_.select(unit.db); !select.empty()) {
        target.apply(0, select);
        (void)target.acknowledged(0, kForever);
      }
      for (const std::string& request : unit.requests)
        if (!say(target, request)) return;
    }
  }

  // False: there is nobody left to say more to, or no need.
  bool say(sim::Target& target, std::string_view request) {
    target.apply(0, request);
    ++rehearsal_.requests;
    if (target.ended() || heard_.any) return false;
    const auto reply = target.acknowledged(0, kForever);
    if (reply && reply->error) ++(reply->unknown ? rehearsal_.unknown : rehearsal_.errors);
    return true;
  }

  const Workload& workload_;
  const TargetType& type_;
  sim::WorldState world_;
  Rehearsal rehearsal_;
  Heard heard_;
  size_t next_ = 0;  // unit
};

std::string counted(uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

}  // namespace

Rehearsal rehearse(const Workload& workload, const TargetType& target) {
  return Rehearsing(workload, target).run();
}

std::string nothing_to_judge(const Rehearsal& r) {
  std::string text = fmt::format("nothing is judged, since nothing is written: {}",
                                 counted(r.requests, "request", "requests"));
  const uint64_t others = r.requests - r.unknown - r.errors;
  std::string_view separator = ": ";
  const auto add = [&](uint64_t n, std::string_view one, std::string_view many) {
    if (n == 0) return;
    text += std::string(separator) + counted(n, one, many);
    separator = ", ";
  };
  add(r.unknown, "unknown command", "unknown commands");
  add(r.errors, "answered with an error", "answered with an error");
  add(others, "that changes nothing", "that change nothing");
  return text;
}

}  // namespace powercut::scenarios
