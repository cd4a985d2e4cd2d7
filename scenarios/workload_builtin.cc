// The built-in workloads.
#include <fmt/format.h>

#include "scenarios/workload.h"
#include "scenarios/workload_generated.h"

namespace powercut::scenarios {

namespace {

Workload set100() {
  Workload workload;
  workload.name = "set100";
  workload.cut_at_end = true;
  for (int i = 0; i < 100; ++i) {
    workload.units.push_back({0,
                              {encode_request({"SET", fmt::format("key:{:03}", i),
                                               fmt::format("value:{:06}", i * 7919)})}});
  }
  return workload;
}

}  // namespace

const std::vector<Builtin>& builtin_workloads() {
  static const std::vector<Builtin> list = [] {
    std::vector<Builtin> all = generated_workloads();
    all.push_back({"set100", "one client, 100 SETs, all acknowledged, then one power cut"});
    return all;
  }();
  return list;
}

std::shared_ptr<const Workload> make_builtin(std::string_view name, uint64_t seed) {
  if (name == "set100") return std::make_shared<Workload>(set100());
  for (const Builtin& builtin : generated_workloads()) {
    if (builtin.name == name) return std::make_shared<Workload>(generate_workload(name, seed));
  }
  return nullptr;
}

}  // namespace powercut::scenarios
