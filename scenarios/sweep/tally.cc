#include "scenarios/sweep/tally.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "engine/base/hash.h"

namespace powercut::scenarios {

namespace {

uint64_t mix(uint64_t seed, uint64_t hash) {
  const uint64_t both[] = {seed, hash};
  return hash_bytes({reinterpret_cast<const char*>(both), sizeof both});
}

bool older(const Case& a, const Case& b) {
  const auto key = [](const Case& c) {
    return std::tuple(-c.loss.age_ms, c.loss.bound_ms, c.seed);
  };
  return key(a) < key(b);
}

bool more(const Case& a, const Case& b) {
  if (took_more(a.loss, b.loss) || took_more(b.loss, a.loss)) return took_more(a.loss, b.loss);
  return a.seed < b.seed;
}

bool wider(const Case& a, const Case& b) {
  return std::tuple(-a.loss.span_ms, a.seed) < std::tuple(-b.loss.span_ms, b.seed);
}

void keep_most(std::optional<Case>& kept, const Case& other) {
  if (!kept || more(other, *kept)) kept = other;
}

void keep_widest(std::optional<Case>& kept, const Case& other) {
  if (!kept || wider(other, *kept)) kept = other;
}

void keep_oldest(std::optional<Case>& kept, const Case& other) {
  if (!kept || older(other, *kept)) kept = other;
}

void keep_worst(std::optional<Case>& kept, const Case& other) {
  if (!kept || worse(other, *kept)) kept = other;
}

void keep_first(std::optional<FirstFault>& kept, FirstFault other) {
  if (!kept || other.seed < kept->seed) kept = std::move(other);
}

void keep_found(std::map<uint64_t, FoundViolation>& kept, uint64_t seed, FoundViolation found,
                size_t most = kFoundMost) {
  kept.emplace(seed, std::move(found));
  if (kept.size() > most) kept.erase(std::prev(kept.end()));
}

void keep_witness(std::map<size_t, Witness>& kept, size_t cell, const Witness& witness) {
  const auto [at, is_new] = kept.try_emplace(cell, witness);
  if (!is_new && witness.seed < at->second.seed) at->second = witness;
}

void merge_policy(PolicyTally& into, const PolicyTally& other) {
  into.runs += other.runs;
  into.crashes += other.crashes;
  into.recoveries += other.recoveries;
  into.acked += other.acked;
  into.violations += other.violations;
  into.outside_contract += other.outside_contract;
  into.refused += other.refused;
  into.wrong += other.wrong;
  into.lost_operations_max = std::max(into.lost_operations_max, other.lost_operations_max);
  if (other.oldest) keep_oldest(into.oldest, *other.oldest);
  if (other.most) keep_most(into.most, *other.most);
  if (other.widest) keep_widest(into.widest, *other.widest);
  if (other.worst) keep_worst(into.worst, *other.worst);
}

void merge_cell(CellTally& into, const CellTally& other) {
  into.runs += other.runs;
  into.violations += other.violations;
  into.outside_contract += other.outside_contract;
  if (other.worst) keep_worst(into.worst, *other.worst);
}

void merge_kind(KindTally& into, const KindTally& other) {
  into.violations += other.violations;
  for (const auto& [seed, violation] : other.found)
    keep_found(into.found, seed, violation, kFoundOfKind);
}

nlohmann::json found_to_json(const std::map<uint64_t, FoundViolation>& found) {
  nlohmann::json json = nlohmann::json::array();
  for (const auto& [seed, v] : found)
    json.push_back({seed, v.id, code_of(v.breach), v.text, v.policy, v.persona});
  return json;
}

std::map<uint64_t, FoundViolation> found_from_json(const nlohmann::json& json) {
  std::map<uint64_t, FoundViolation> found;
  for (const auto& v : json)
    found.emplace(v.at(0).get<uint64_t>(),
                  FoundViolation{v.at(1), breach_of(v.at(2).get<std::string>()).value(), v.at(3),
                                 v.at(4), v.at(5)});
  return found;
}

nlohmann::json case_to_json(const std::optional<Case>& one) {
  if (!one) return nullptr;
  return {one->seed,        one->id,           one->loss.operations,
          one->loss.age_ms, one->loss.span_ms, one->loss.bound_ms,
          one->loss.lag_ms};
}

std::optional<Case> case_from_json(const nlohmann::json& json) {
  if (json.is_null()) return std::nullopt;
  return Case{json.at(0),
              json.at(1),
              {json.at(2).get<uint64_t>(), json.at(3).get<int64_t>(), json.at(4).get<int64_t>(),
               json.at(5).get<int64_t>(), json.at(6).get<int64_t>()}};
}

}  // namespace

std::string_view persona_class(std::string_view persona) {
  return persona.substr(0, persona.find_first_of("-/"));
}

bool worse(const Case& a, const Case& b) {
  if (worse(a.loss, b.loss) || worse(b.loss, a.loss)) return worse(a.loss, b.loss);
  return a.seed < b.seed;
}

void Tally::add(const RunSpec& spec, const RunResult& result) {
  ++runs;
  crashes += result.crashes;
  recoveries += result.recoveries;
  acked += result.acked;
  events += result.events;
  mutant_fired += result.mutant_fired;
  trace_hash += mix(spec.seed, result.trace_hash);
  for (size_t i = 0; i < branches.size(); ++i) branches[i] += result.branches[i];
  // A run reaches few of them. (The members are libstdc++'s own.)
  for (size_t i = result.cells._Find_first(); i < kCells; i = result.cells._Find_next(i))
    ++coverage[i];
  for (const auto& hit : result.hits) {
    hits[static_cast<size_t>(hit.fault)][static_cast<size_t>(hit.role)] += hit.count;
  }

  PolicyTally& policy = policies[std::string(spec.policy->name)];
  ++policy.runs;
  policy.crashes += result.crashes;
  policy.recoveries += result.recoveries;
  policy.acked += result.acked;
  CellTally& cell = cells[{std::string(spec.policy->name), std::string(spec.persona->name)}];
  ++cell.runs;
  cell.violations += result.violation ? 1 : 0;
  cell.outside_contract += result.contract_broken ? 1 : 0;
  if (result.contract_broken) {
    ++policy.outside_contract;
    policy.refused += result.refused ? 1 : 0;
    policy.wrong += result.violation ? 1 : 0;
  } else if (result.recoveries > 0) {
    policy.lost_operations_max = std::max(policy.lost_operations_max, result.lost_operations_max);
    Case one{spec.seed, {}, result.worst};
    Case oldest{spec.seed, {}, result.oldest};
    Case most{spec.seed, {}, result.most};
    Case widest{spec.seed, {}, result.widest};
    // Few are kept, and an ID is long to print.
    if (!policy.oldest || !policy.worst || !cell.worst || older(oldest, *policy.oldest) ||
        more(most, *policy.most) || wider(widest, *policy.widest) || worse(one, *policy.worst) ||
        worse(one, *cell.worst)) {
      oldest.id = one.id = most.id = widest.id = replay_id(spec, result);
      keep_oldest(policy.oldest, oldest);
      keep_most(policy.most, most);
      keep_widest(policy.widest, widest);
      keep_worst(policy.worst, one);
      keep_worst(cell.worst, one);
    }
  }
  if (const auto& violation = result.violation) {
    ++violations;
    ++policy.violations;
    ++oracles[std::string(code_of(violation->breach))];
    const FoundViolation one{replay_id(spec, result), violation->breach, violation->text,
                             std::string(spec.policy->name), std::string(spec.persona->name)};
    keep_found(found, spec.seed, one);
    KindTally& kind = kinds[{std::string(code_of(violation->breach)),
                             std::string(persona_class(spec.persona->name))}];
    ++kind.violations;
    keep_found(kind.found, spec.seed, one, kFoundOfKind);
  }
  if (!result.harness_fault.empty()) {
    add_harness_fault(spec.seed, run_id(spec),
                      "the simulated disk contradicts itself: " + result.harness_fault);
  }
}

void Tally::add_witness(const RunSpec& spec, const RunResult& result) {
  Witness witness{spec.seed, {}};
  for (size_t i = result.cells._Find_first(); i < kCells; i = result.cells._Find_next(i)) {
    const auto kept = witnesses.find(i);
    if (kept != witnesses.end() && kept->second.seed <= spec.seed) continue;
    if (witness.id.empty()) witness.id = replay_id(spec, result);
    keep_witness(witnesses, i, witness);
  }
}

void Tally::add_harness_fault(uint64_t seed, std::string id, std::string text) {
  keep_first(harness_fault, {seed, std::move(id), std::move(text)});
}

void Tally::merge(const Tally& other) {
  runs += other.runs;
  crashes += other.crashes;
  recoveries += other.recoveries;
  acked += other.acked;
  violations += other.violations;
  events += other.events;
  mutant_fired += other.mutant_fired;
  rechecked += other.rechecked;
  trace_hash += other.trace_hash;
  for (const auto& [name, policy] : other.policies) merge_policy(policies[name], policy);
  for (const auto& [key, cell] : other.cells) merge_cell(cells[key], cell);
  for (const auto& [code, count] : other.oracles) oracles[code] += count;
  for (size_t i = 0; i < hits.size(); ++i) {
    for (size_t j = 0; j < hits[i].size(); ++j) hits[i][j] += other.hits[i][j];
  }
  for (size_t i = 0; i < branches.size(); ++i) branches[i] += other.branches[i];
  for (size_t i = 0; i < kCells; ++i) coverage[i] += other.coverage[i];
  for (const auto& [key, yield] : other.yields) {
    yields[key].runs += yield.runs;
    yields[key].worth += yield.worth;
  }
  for (const auto& [seed, violation] : other.found) keep_found(found, seed, violation);
  for (const auto& [kind, some] : other.kinds) merge_kind(kinds[kind], some);
  for (const auto& [cell, witness] : other.witnesses) keep_witness(witnesses, cell, witness);
  if (other.harness_fault) keep_first(harness_fault, *other.harness_fault);
}

nlohmann::json to_json(const Tally& tally) {
  nlohmann::json policies = nlohmann::json::object();
  for (const auto& [name, p] : tally.policies) {
    policies[name] = {p.runs,
                      p.crashes,
                      p.recoveries,
                      p.acked,
                      p.violations,
                      p.outside_contract,
                      p.refused,
                      p.wrong,
                      p.lost_operations_max,
                      case_to_json(p.oldest),
                      case_to_json(p.worst),
                      case_to_json(p.most),
                      case_to_json(p.widest)};
  }
  nlohmann::json json = {{"runs", tally.runs},
                         {"crashes", tally.crashes},
                         {"recoveries", tally.recoveries},
                         {"acked", tally.acked},
                         {"violations", tally.violations},
                         {"events", tally.events},
                         {"fired", tally.mutant_fired},
                         {"rechecked", tally.rechecked},
                         {"trace_hash", tally.trace_hash},
                         {"policies", policies},
                         {"oracles", tally.oracles},
                         {"hits", tally.hits},
                         {"branches", tally.branches}};
  json["cells"] = nlohmann::json::array();
  for (const auto& [key, c] : tally.cells) {
    json["cells"].push_back(
        {key.first, key.second, c.runs, c.violations, c.outside_contract, case_to_json(c.worst)});
  }
  json["found"] = found_to_json(tally.found);
  json["kinds"] = nlohmann::json::array();
  for (const auto& [kind, some] : tally.kinds)
    json["kinds"].push_back({kind.first, kind.second, some.violations, found_to_json(some.found)});
  json["coverage"] = nlohmann::json::array();  // where not 0
  for (size_t i = 0; i < kCells; ++i)
    if (tally.coverage[i] != 0) json["coverage"].push_back({i, tally.coverage[i]});
  json["yields"] = nlohmann::json::array();
  for (const auto& [key, yield] : tally.yields)
    json["yields"].push_back({key, yield.runs, yield.worth});
  if (const auto& f = tally.harness_fault) json["fault"] = {f->seed, f->id, f->text};
  return json;
}

Tally tally_from_json(const nlohmann::json& json) {
  Tally tally;
  json.at("runs").get_to(tally.runs);
  json.at("crashes").get_to(tally.crashes);
  json.at("recoveries").get_to(tally.recoveries);
  json.at("acked").get_to(tally.acked);
  json.at("violations").get_to(tally.violations);
  json.at("events").get_to(tally.events);
  json.at("fired").get_to(tally.mutant_fired);
  json.at("rechecked").get_to(tally.rechecked);
  json.at("trace_hash").get_to(tally.trace_hash);
  json.at("oracles").get_to(tally.oracles);
  json.at("hits").get_to(tally.hits);
  json.at("branches").get_to(tally.branches);
  for (const auto& [name, p] : json.at("policies").items()) {
    tally.policies[name] = {p.at(0),
                            p.at(1),
                            p.at(2),
                            p.at(3),
                            p.at(4),
                            p.at(5),
                            p.at(6),
                            p.at(7),
                            p.at(8),
                            case_from_json(p.at(9)),
                            case_from_json(p.at(11)),
                            case_from_json(p.at(12)),
                            case_from_json(p.at(10))};
  }
  for (const auto& c : json.at("cells")) {
    tally.cells[{c.at(0), c.at(1)}] = {c.at(2), c.at(3), c.at(4), case_from_json(c.at(5))};
  }
  for (const auto& c : json.at("coverage")) tally.coverage.at(c.at(0)) = c.at(1);
  if (json.contains("yields"))
    for (const auto& y : json.at("yields"))
      tally.yields[y.at(0).get<FaultKey>()] = {y.at(1), y.at(2)};
  tally.found = found_from_json(json.at("found"));
  for (const auto& k : json.at("kinds"))
    tally.kinds[{k.at(0), k.at(1)}] = {k.at(2), found_from_json(k.at(3))};
  if (json.contains("fault")) {
    const auto& f = json["fault"];
    tally.harness_fault = FirstFault{f.at(0), f.at(1), f.at(2)};
  }
  return tally;
}

}  // namespace powercut::scenarios
