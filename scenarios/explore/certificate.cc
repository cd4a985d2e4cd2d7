#include "scenarios/explore/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/hash.h"
#include "scenarios/base/table.h"
#include "scenarios/run/targets.h"
#include "scenarios/sweep/campaign.h"
#include "scenarios/sweep/report.h"
#include "scenarios/workload/workload.h"
#include "sim/image_count.h"

namespace powercut::scenarios {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

template <class Figure>
uint64_t sum(const std::vector<Certificate>& certificates, Figure figure) {
  uint64_t sum = 0;
  for (const Certificate& one : certificates) sum += figure(one);
  return sum;
}

FoundHere found_here(const Violation& violation, uint64_t order) {
  return {std::string(code_of(violation.breach)), violation.text, order};
}

Certificate certificate_of(const ExploreSpec& spec, const Explored& found) {
  Certificate one;
  one.workload = spec.workload->name;
  one.policy = spec.policy->name;
  one.persona = found.persona->name;
  one.depth = spec.depth;
  one.crash_points = found.crash_points;
  one.points_of_run = found.points_of_run;
  one.disk_states = found.disk_states;
  one.legal_images = found.legal_images;
  one.classes = found.classes;
  one.deeper_points = found.deeper_points;
  one.deeper_classes = found.deeper_classes;
  one.violations = found.violations;
  one.lost_operations_max = found.lost_operations_max;
  one.lost_ms_max = found.lost_ms_max;
  one.lost_span_ms_max = found.lost_span_ms_max;
  for (const ExploredViolation& first : found.first)
    one.found.push_back(found_here(first.violation, first.order));
  if (found.run_broken) one.run_broken = found_here(*found.run_broken, 0);
  one.outside_contract = !found.persona->keeps_synced;
  one.complete = found.complete;
  one.because = found.incomplete_because;
  return one;
}

json to_json(const FoundHere& found) { return {found.oracle, found.text, found.order}; }
FoundHere found_from_json(const json& j) { return {j.at(0), j.at(1), j.at(2)}; }

json to_json(const Certificate& one) {
  json j = {{"workload", one.workload},
            {"policy", one.policy},
            {"persona", one.persona},
            {"depth", one.depth},
            {"crash_points", one.crash_points},
            {"points_of_run", one.points_of_run},
            {"disk_states", one.disk_states},
            {"legal_images", one.legal_images},
            {"classes", one.classes},
            {"deeper_points", one.deeper_points},
            {"deeper_classes", one.deeper_classes},
            {"violations", one.violations},
            {"lost_ops_max", one.lost_operations_max},
            {"lost_ms_max", one.lost_ms_max},
            {"lost_span_ms_max", one.lost_span_ms_max},
            {"found", json::array()},
            {"outside_contract", one.outside_contract},
            {"complete", one.complete},
            {"because", one.because}};
  for (const FoundHere& found : one.found) j["found"].push_back(to_json(found));
  if (one.run_broken) j["run_broken"] = to_json(*one.run_broken);
  return j;
}

Certificate certificate_from_json(const json& j) {
  Certificate one;
  j.at("workload").get_to(one.workload);
  j.at("policy").get_to(one.policy);
  j.at("persona").get_to(one.persona);
  j.at("depth").get_to(one.depth);
  j.at("crash_points").get_to(one.crash_points);
  j.at("points_of_run").get_to(one.points_of_run);
  j.at("disk_states").get_to(one.disk_states);
  j.at("legal_images").get_to(one.legal_images);
  j.at("classes").get_to(one.classes);
  j.at("deeper_points").get_to(one.deeper_points);
  j.at("deeper_classes").get_to(one.deeper_classes);
  j.at("violations").get_to(one.violations);
  j.at("lost_ops_max").get_to(one.lost_operations_max);
  j.at("lost_ms_max").get_to(one.lost_ms_max);
  j.at("lost_span_ms_max").get_to(one.lost_span_ms_max);
  for (const json& found : j.at("found")) one.found.push_back(found_from_json(found));
  if (j.contains("run_broken")) one.run_broken = found_from_json(j.at("run_broken"));
  j.at("outside_contract").get_to(one.outside_contract);
  j.at("complete").get_to(one.complete);
  j.at("because").get_to(one.because);
  return one;
}

// --- Of shards ---

void add(Certificate& into, const Certificate& other) {
  into.crash_points += other.crash_points;
  into.disk_states += other.disk_states;
  into.legal_images = sim::add_decimal(into.legal_images, other.legal_images);
  into.classes += other.classes;
  into.deeper_points += other.deeper_points;
  into.deeper_classes += other.deeper_classes;
  into.violations += other.violations;
  into.lost_operations_max = std::max(into.lost_operations_max, other.lost_operations_max);
  into.lost_ms_max = std::max(into.lost_ms_max, other.lost_ms_max);
  into.lost_span_ms_max = std::max(into.lost_span_ms_max, other.lost_span_ms_max);
  into.found.insert(into.found.end(), other.found.begin(), other.found.end());
  if (into.complete && !other.complete) into.because = other.because;
  into.complete = into.complete && other.complete;
}

// One of each oracle, in the order in which they come in the whole.
void settle(Certificate& one) {
  if (one.run_broken && one.violations == 0) {
    one.violations = 1;
    one.found.push_back(*one.run_broken);
  }
  one.run_broken.reset();
  std::stable_sort(one.found.begin(), one.found.end(),
                   [](const auto& a, const auto& b) { return a.order < b.order; });
  std::vector<FoundHere> first;
  for (FoundHere& found : one.found)
    if (std::none_of(first.begin(), first.end(),
                     [&](const FoundHere& known) { return known.oracle == found.oracle; }))
      first.push_back(std::move(found));
  one.found = std::move(first);
}

bool smaller(const SmallCase& a, const SmallCase& b) {
  return a.operations != b.operations ? a.operations < b.operations : a.scenario < b.scenario;
}

std::string missing_text(const std::map<uint64_t, ExploreOutcome>& shards, uint64_t count) {
  if (shards.size() == count) return "";
  return fmt::format("{} of {} shards", shards.size(), count);
}

}  // namespace

uint64_t ExploreOutcome::points() const {
  return sum(certificates, [](const auto& one) { return one.crash_points + one.deeper_points; });
}
uint64_t ExploreOutcome::deeper_points() const {
  return sum(certificates, [](const auto& one) { return one.deeper_points; });
}
uint64_t ExploreOutcome::classes() const {
  return sum(certificates, [](const auto& one) { return one.classes + one.deeper_classes; });
}
uint64_t ExploreOutcome::violations() const {
  return sum(certificates, [](const auto& one) { return one.violations; });
}
std::string ExploreOutcome::images() const {
  std::string images = "0";
  for (const Certificate& one : certificates) images = sim::add_decimal(images, one.legal_images);
  return images;
}
bool ExploreOutcome::complete() const {
  return std::all_of(certificates.begin(), certificates.end(),
                     [](const Certificate& one) { return one.complete; });
}

ExploreOutcome outcome_of(const std::vector<ExploreSpec>& specs,
                          const std::vector<Exploration>& all, std::optional<SmallCase> smallest) {
  ExploreOutcome outcome;
  outcome.smallest = std::move(smallest);
  for (size_t n = 0; n < specs.size(); ++n) {
    outcome.recoveries_run += all[n].recoveries_run;
    if (outcome.harness_fault.empty()) outcome.harness_fault = all[n].harness_fault;
    for (const Explored& found : all[n].by_persona) {
      outcome.operations += found.operations;
      outcome.sent += found.sent;
      outcome.certificates.push_back(certificate_of(specs[n], found));
    }
  }
  return outcome;
}

json to_json(const ExploreOutcome& outcome) {
  json j = {{"recoveries_run", outcome.recoveries_run},
            {"operations", outcome.operations},
            {"sent", outcome.sent},
            {"harness_fault", outcome.harness_fault},
            {"certificates", json::array()}};
  for (const Certificate& one : outcome.certificates) j["certificates"].push_back(to_json(one));
  if (const auto& small = outcome.smallest)
    j["smallest"] = {small->oracle, small->operations, small->minimal, small->scenario,
                     small->story};
  return j;
}

ExploreOutcome explore_outcome_from_json(const json& j) {
  ExploreOutcome outcome;
  j.at("recoveries_run").get_to(outcome.recoveries_run);
  j.at("operations").get_to(outcome.operations);
  j.at("sent").get_to(outcome.sent);
  j.at("harness_fault").get_to(outcome.harness_fault);
  for (const json& one : j.at("certificates"))
    outcome.certificates.push_back(certificate_from_json(one));
  if (j.contains("smallest")) {
    const json& small = j.at("smallest");
    outcome.smallest = SmallCase{small.at(0).get<std::string>(), small.at(1).get<uint64_t>(),
                                 small.at(2).get<bool>(), small.at(3).get<std::string>(),
                                 small.at(4).get<std::string>()};
  }
  return outcome;
}

ExploreOutcome together(const std::map<uint64_t, ExploreOutcome>& shards, uint64_t count) {
  ExploreOutcome all;
  for (const auto& [number, shard] : shards) {
    all.recoveries_run += shard.recoveries_run;
    if (all.harness_fault.empty()) all.harness_fault = shard.harness_fault;
    if (shard.smallest && (!all.smallest || smaller(*shard.smallest, *all.smallest)))
      all.smallest = shard.smallest;
    if (all.certificates.empty()) {
      all.certificates = shard.certificates;
      all.operations = shard.operations;
      all.sent = shard.sent;
      continue;
    }
    for (size_t n = 0; n < std::min(all.certificates.size(), shard.certificates.size()); ++n)
      add(all.certificates[n], shard.certificates[n]);
  }
  const std::string missing = missing_text(shards, count);
  for (Certificate& one : all.certificates) {
    settle(one);
    const bool partition = one.crash_points == one.points_of_run;
    if (one.complete && (!missing.empty() || !partition)) {
      one.complete = false;
      one.because = !missing.empty()
                        ? missing
                        : fmt::format("{} of {} crash points", one.crash_points, one.points_of_run);
    }
  }
  return all;
}

ExploreOutcome alone(ExploreOutcome shard) {
  for (Certificate& one : shard.certificates) settle(one);
  return shard;
}

NamedValues named_options(const std::vector<ExploreSpec>& specs, const std::string& added_fence) {
  NamedValues stated = {{"add-fence", added_fence}};
  for (size_t n = 0; n < specs.size(); ++n) {
    const ExploreSpec& spec = specs[n];
    std::string personas;
    for (const auto* persona : spec.personas) personas += fmt::format(" {}", persona->name);
    stated[fmt::format("exploration {:03}", n + 1)] =
        fmt::format("{}#{} under {} on{}", spec.workload->name, hash_text(hash_of(*spec.workload)),
                    spec.policy->name, personas);
    stated["target"] = target_or_store(spec.target).name();
    stated["mutant"] = spec.mutant == nullptr ? "" : spec.mutant->name;
    stated["seed"] = std::to_string(spec.seed);
    stated["depth"] = std::to_string(spec.depth);
    stated["most"] = std::to_string(spec.classes_most);
  }
  return stated;
}

NamedValues named_build(const std::vector<ExploreSpec>& specs) {
  uint64_t hash = 0;
  for (const ExploreSpec& spec : specs) {
    const faults::Persona persona = explored_persona(*spec.personas.front());
    const auto [run, stated] = explored_run(spec, persona);
    const uint64_t trace = run_once(run, stated).trace_hash;
    hash = hash_bytes({reinterpret_cast<const char*>(&trace), sizeof trace}, hash);
  }
  return {{"version", POWERCUT_VERSION}, {"behaviour", hash_text(hash)}};
}

// --- Printed ---

namespace {

ordered_json row_of(const Certificate& one) {
  ordered_json row = {{"workload", one.workload},
                      {"policy", one.policy},
                      {"persona", one.persona},
                      {"depth", one.depth},
                      {"crash_points", one.crash_points},
                      {"disk_states", one.disk_states},
                      {"legal_images", one.legal_images},
                      {"classes", one.classes},
                      {"complete", one.complete},
                      {"violations", one.violations},
                      {"outside_contract", one.outside_contract},
                      {"lost_ops_max", one.lost_operations_max},
                      {"lost_ms_max", one.lost_ms_max},
                      {"lost_span_ms_max", one.lost_span_ms_max}};
  if (one.depth > 1) {
    row["deeper_points"] = one.deeper_points;
    row["deeper_classes"] = one.deeper_classes;
  }
  if (!one.complete) row["because"] = one.because;
  for (const FoundHere& found : one.found)
    row["found"].push_back({{"oracle", found.oracle}, {"text", found.text}});
  return row;
}

}  // namespace

ordered_json outcome_json(const ExploreOutcome& outcome, const std::string& verb,
                          std::optional<double> elapsed_s) {
  ordered_json rows = ordered_json::array();
  for (const Certificate& one : outcome.certificates) rows.push_back(row_of(one));
  ordered_json result = {{"version", POWERCUT_VERSION},
                         {"verb", verb},
                         {"crash_points", outcome.points()},
                         {"legal_images", outcome.images()},
                         {"classes", outcome.classes()},
                         {"recoveries", outcome.classes()},
                         {"recoveries_run", outcome.recoveries_run},
                         {"complete", outcome.complete()},
                         {"violations", outcome.violations()},
                         {"elapsed_s", nullptr},
                         {"certificates", rows}};
  if (elapsed_s) result["elapsed_s"] = *elapsed_s;
  if (const auto& small = outcome.smallest) {
    result["smallest"] = {{"oracle", small->oracle},
                          {"operations", small->operations},
                          {"minimal", small->minimal},
                          {"scenario", small->scenario},
                          {"story", small->story}};
  }
  return result;
}

void print_table(std::FILE* out, const ExploreOutcome& outcome) {
  std::vector<Row> rows = {{"policy", "persona", "points", "images", "classes", "verdict"}};
  std::string below;
  bool outside = false;
  for (const Certificate& one : outcome.certificates) {
    outside |= one.outside_contract;
    rows.push_back({one.policy, one.persona, std::to_string(one.crash_points + one.deeper_points),
                    one.legal_images, std::to_string(one.classes + one.deeper_classes),
                    one.violations > 0      ? fmt::format("BROKEN ({})", one.violations)
                    : !one.complete         ? "not all"
                    : !one.outside_contract ? "held"
                                            : "outside"});
    const std::string where = fmt::format("{}, {}: ", one.policy, one.persona);
    if (!one.complete) below += folded(where + "not all: " + one.because);
    for (const FoundHere& found : one.found)
      below +=
          folded(fmt::format("{}{} ({}): {}", where, sentence_of(breach_of(found.oracle).value()),
                             found.oracle, found.text));
  }
  print_columns(out, rows, false, 2);
  if (outside)
    fmt::print(out, "outside the contract: every image comes to a prefix, or is refused\n");
  fmt::print(out, "{}", below);
  const uint64_t deeper = outcome.deeper_points();
  const std::string behind =
      deeper == 0 ? "" : fmt::format(", and {} crash points behind a first crash", deeper);
  fmt::print(
      out, "\n{}",
      folded(fmt::format("{} legal images at {} crash points{}, covered by {} classes: {}",
                         outcome.images(), outcome.points() - deeper, behind, outcome.classes(),
                         outcome.violations() > 0 ? "a promise is broken"
                         : outcome.complete()     ? "every one was judged, and all pass"
                                                  : "not all were judged")));
  if (outcome.smallest) fmt::print(out, "\n{}", outcome.smallest->story);
}

}  // namespace powercut::scenarios
