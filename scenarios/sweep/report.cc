#include "scenarios/sweep/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"

namespace powercut::scenarios {

namespace {

std::string ms_text(int64_t ms) { return grouped(static_cast<uint64_t>(ms)) + " ms"; }

std::string ratio_text(const Loss& loss) {
  if (loss.bound_ms <= 0 || loss.operations == 0) return "-";
  const int64_t per_mille = loss.age_ms * 1'000 / loss.bound_ms;
  return fmt::format("{}.{}%", per_mille / 10, per_mille % 10);
}

// The names, if they are few.
template <class List, class Name>
std::string some_of(const List& list, std::string_view noun, Name name) {
  if (list.size() > 3) return fmt::format("{} {}", list.size(), noun);
  std::string text;
  for (const auto& one : list) text += fmt::format("{}{}", text.empty() ? "" : ",", name(one));
  return text;
}

std::string heading(const Outcome& outcome) {
  const SweepOptions& o = outcome.options;
  const std::string part =
      o.shard.count == 1 ? "" : fmt::format(", shard {}", scenarios::print(o.shard));
  std::string text =
      fmt::format("{} runs from seed {} on{}{}: {}; {}; {}; faults {}; {} operations a life",
                  outcome.tally.runs, o.first_seed, steers(o) ? ", steered" : "", part,
                  some_of(o.workloads, "workloads", [](const auto& w) { return w->name; }),
                  some_of(o.policies, "policies", [](const auto* p) { return p->name; }),
                  some_of(o.personas, "personas", [](const auto* p) { return p->name; }),
                  faults::print(o.faults), o.operations);
  if (o.mutant != nullptr) text += fmt::format("; planted bug {}", o.mutant->name);
  return text;
}

// The policies of the sweep, in the order of the table of policies.
std::vector<std::pair<const Policy*, PolicyTally>> rows_of(const Outcome& outcome) {
  std::vector<std::pair<const Policy*, PolicyTally>> rows;
  for (const Policy* policy : outcome.options.policies) {
    const auto found = outcome.tally.policies.find(std::string(policy->name));
    rows.emplace_back(policy,
                      found == outcome.tally.policies.end() ? PolicyTally{} : found->second);
  }
  return rows;
}

std::string cell_text(const CellTally& cell) {
  if (cell.violations != 0) return fmt::format("BROKEN ({})", cell.violations);
  if (cell.runs == 0) return "no runs";
  if (cell.runs == cell.outside_contract) return "outside";
  if (!cell.worst) return "-";
  const Loss& loss = cell.worst->loss;
  if (loss.operations == 0) return "0";
  return loss.bound_ms > 0 ? fmt::format("{} {}", ms_text(loss.age_ms), ratio_text(loss))
                           : fmt::format("{} ops", loss.operations);
}

void print_coverage(std::FILE* out, const Outcome& outcome) {
  const CoverageReport report = coverage_of(outcome.tally.coverage);
  fmt::print(out, "coverage: {} of {} cells reachable (state x fault x branch of recovery)\n",
             report.reached, report.reachable);
  if (!outcome.lists_coverage) return;
  for (const std::string& cell : report.never) fmt::print(out, "  never reached: {}\n", cell);
  for (const std::string& rule : report.impossible) fmt::print(out, "  impossible: {}\n", rule);
  for (const std::string& cell : report.mistaken)
    fmt::print(out, "  reached, though held impossible: {}\n", cell);
}

// Which promise holds where: a line for each persona, a column for each policy.
void print_cells(std::FILE* out, const Outcome& outcome) {
  if (outcome.options.personas.size() < 2) return;
  std::vector<Row> rows = {{"nearest on"}};
  for (const Policy* policy : outcome.options.policies) rows[0].emplace_back(policy->name);
  for (const auto* persona : outcome.options.personas) {
    Row row = {std::string(persona->name)};
    for (const Policy* policy : outcome.options.policies) {
      const auto cell =
          outcome.tally.cells.find({std::string(policy->name), std::string(persona->name)});
      row.push_back(cell_text(cell == outcome.tally.cells.end() ? CellTally{} : cell->second));
    }
    rows.push_back(std::move(row));
  }
  fmt::print(out,
             "nearest to its bound, by persona: age, and how much of the bound that is\n"
             "(without a bound: lost ops)\n");
  print_columns(out, rows, true);
  fmt::print(out, "\n");
}

// The most that was lost, each figure for itself, and what came nearest to a bound.
void print_losses(std::FILE* out, const Outcome& outcome) {
  std::vector<Row> rows = {{"policy", "lost ops", "span", "age", "nearest", "bound", "of bound"}};
  bool followed = false;
  for (const auto& [policy, p] : rows_of(outcome))
    followed |= p.oldest && p.oldest->loss.lag_ms >= 0;
  if (followed) rows[0].emplace_back("lag then");
  for (const auto& [policy, p] : rows_of(outcome)) {
    Row row = {std::string(policy->name)};
    if (!p.worst || !p.most || !p.widest || !p.oldest) {
      row.resize(rows[0].size(), "-");
    } else {
      const Loss& near = p.worst->loss;
      const bool lost = p.most->loss.operations != 0;
      row.push_back(std::to_string(p.most->loss.operations));
      row.push_back(lost ? ms_text(p.widest->loss.span_ms) : "-");
      row.push_back(lost ? ms_text(p.oldest->loss.age_ms) : "-");
      const bool nearest = near.operations != 0 && near.bound_ms >= 0;
      row.push_back(nearest ? ms_text(near.age_ms) : "-");
      row.push_back(near.bound_ms < 0 ? "none" : bound_text(near));
      row.push_back(ratio_text(near));
      if (followed) row.push_back(lost ? ms_text(p.oldest->loss.lag_ms) : "-");
    }
    rows.push_back(std::move(row));
  }
  if (followed)
    fmt::print(out,
               "lag then: how long before the crash of that age the replica last confirmed "
               "anything, as INFO says\n");
  fmt::print(out,
             "at most in one crash: lost ops; span from the first lost acknowledgement to the\n"
             "last; age of the oldest at the crash. Then the age nearest to its bound\n");
  print_columns(out, rows, true);
  fmt::print(out, "\n");
}

void print_outside(std::FILE* out, const Tally& tally) {
  uint64_t runs = 0;
  uint64_t refused = 0;
  uint64_t wrong = 0;
  for (const auto& [name, policy] : tally.policies) {
    runs += policy.outside_contract;
    refused += policy.refused;
    wrong += policy.wrong;
  }
  if (runs == 0) return;
  fmt::print(out, "{}",
             folded(fmt::format("outside the contract (a lying device, or one of {}): {} runs; "
                                "refused {}, a prefix {}, wrong {}",
                                faults::print(faults::FaultSet::violations()), runs, refused,
                                runs - refused - wrong, wrong)));
}

}  // namespace

bool judges_nothing(const Tally& tally) {
  return tally.runs != 0 && tally.acked == 0 && tally.violations == 0;
}

Status status_of(const Outcome& outcome) {
  if (!outcome.canary || outcome.tally.harness_fault) return kHarness;
  if (outcome.interrupted) return kInterrupted;
  if (outcome.tally.violations > outcome.known) return kBroken;
  return judges_nothing(outcome.tally) ? kInput : kHeld;
}

const Case* worst_case(const Tally& tally) {
  const Case* kept = nullptr;
  for (const auto& [name, policy] : tally.policies) {
    if (!policy.worst || policy.worst->loss.operations == 0) continue;
    if (kept == nullptr || worse(*policy.worst, *kept)) kept = &*policy.worst;
  }
  return kept;
}

const Case* most_lost(const Tally& tally) {
  const Case* kept = nullptr;
  for (const auto& [name, policy] : tally.policies) {
    if (!policy.most || policy.most->loss.operations == 0) continue;
    if (kept == nullptr || took_more(policy.most->loss, kept->loss)) kept = &*policy.most;
  }
  return kept;
}

std::string loss_text(const Loss& loss) {
  if (loss.operations == 0) return "0 ops";
  const std::string lag = loss.lag_ms < 0 ? "" : fmt::format(" (lag {})", ms_text(loss.lag_ms));
  return fmt::format("{} op{}, span {}, age {}{}", loss.operations, loss.operations == 1 ? "" : "s",
                     ms_text(loss.span_ms), ms_text(loss.age_ms), lag);
}

std::string bound_text(const Loss& loss) {
  return loss.bound_ms < 0 ? "-" : loss.bound_ms == 0 ? "0 ops" : ms_text(loss.bound_ms);
}

std::string hash_text(uint64_t hash) { return fmt::format("{:016x}", hash); }

namespace {

void print_policies(std::FILE* out, const Outcome& outcome) {
  std::vector<Row> rows = {{"policy", "runs", "crashes", "recoveries", "acked ops", "verdict"}};
  for (const auto& [policy, p] : rows_of(outcome))
    rows.push_back({std::string(policy->name), std::to_string(p.runs), std::to_string(p.crashes),
                    std::to_string(p.recoveries), std::to_string(p.acked),
                    p.violations != 0 ? fmt::format("BROKEN ({} runs)", p.violations)
                    : p.runs == 0     ? "no runs"
                                      : "held"});
  print_columns(out, rows);
  fmt::print(out, "\n");
}

void print_cases(std::FILE* out, const Tally& tally, const std::string& program) {
  const Case* worst = worst_case(tally);
  const Case* most = most_lost(tally);
  if (worst != nullptr)
    fmt::print(out, "\n{}: {} lost, {}\n  {}\n",
               worst->loss.bound_ms < 0 ? "most lost" : "nearest to its bound",
               loss_text(worst->loss),
               worst->loss.bound_ms < 0    ? "no bound"
               : worst->loss.bound_ms == 0 ? "none allowed"
                                           : "of an age of " + bound_text(worst->loss),
               replay_command(program, worst->id));
  if (most != nullptr && most->id != worst->id)
    fmt::print(out, "most lost: {} lost, {}\n  {}\n", loss_text(most->loss),
               most->loss.bound_ms < 0 ? "no bound" : "bound " + bound_text(most->loss),
               replay_command(program, most->id));
}

}  // namespace

void print_table(std::FILE* out, const Outcome& outcome, const std::string& program) {
  const Tally& tally = outcome.tally;
  fmt::print(out, "{}\n", folded(heading(outcome)));
  print_policies(out, outcome);
  print_losses(out, outcome);
  print_cells(out, outcome);
  print_outside(out, tally);
  if (outcome.canary) fmt::print(out, "planted canary found: {}\n", *outcome.canary);
  fmt::print(out, "{} runs repeated, all equal\n", tally.rechecked);
  print_coverage(out, outcome);
  fmt::print(out, "trace hash {}\n", hash_text(tally.trace_hash));
  if (const double seconds = outcome.elapsed_s.value_or(0); seconds > 0)
    fmt::print(out, "{:.1f} s, {:.0f} runs/s\n", seconds,
               static_cast<double>(tally.runs) / seconds);
  if (outcome.interrupted) fmt::print(out, "interrupted: this covers the runs made until then\n");
  print_cases(out, tally, program);
  if (!tally.found.empty()) {
    const FoundViolation& first = tally.found.begin()->second;
    fmt::print(out, "\n{}: {}: {}\n  {}\n", coloured(out, Colour::kBad, "broken"),
               sentence_of(first.breach), first.text, replay_command(program, first.id));
  } else if (tally.runs != 0 && !judges_nothing(tally)) {
    fmt::print(out, "\n{}\n", coloured(out, Colour::kGood, "all promises held"));
  }
}

namespace {

nlohmann::ordered_json case_json(const Case& one) {
  return {{"id", one.id},
          {"lost_ops", one.loss.operations},
          {"lost_ms", one.loss.age_ms},
          {"lost_span_ms", one.loss.span_ms},
          {"lag_ms", one.loss.lag_ms},
          {"bound_ms", one.loss.bound_ms}};
}

nlohmann::ordered_json policies_json(const Outcome& outcome) {
  nlohmann::ordered_json policies = nlohmann::ordered_json::array();
  for (const auto& [policy, p] : rows_of(outcome)) {
    nlohmann::ordered_json row = {{"policy", policy->name},
                                  {"runs", p.runs},
                                  {"crashes", p.crashes},
                                  {"recoveries", p.recoveries},
                                  {"acked_ops", p.acked},
                                  {"lost_ops_max", p.lost_operations_max},
                                  {"lost_ms_max", p.oldest ? p.oldest->loss.age_ms : 0},
                                  {"lost_span_ms_max", p.widest ? p.widest->loss.span_ms : 0},
                                  {"bound_ms", nullptr},
                                  {"violations", p.violations},
                                  {"outside_contract", p.outside_contract},
                                  {"refused", p.refused},
                                  {"worst", nullptr},
                                  {"most", nullptr}};
    // The bound of the loss that lost_ms_max reports; null where the policy gives none.
    if (p.oldest && p.oldest->loss.bound_ms >= 0) row["bound_ms"] = p.oldest->loss.bound_ms;
    if (p.worst && p.worst->loss.operations != 0) row["worst"] = case_json(*p.worst);
    if (p.most && p.most->loss.operations != 0) row["most"] = case_json(*p.most);
    policies.push_back(std::move(row));
  }
  return policies;
}

nlohmann::ordered_json cells_json(const Tally& tally) {
  nlohmann::ordered_json cells = nlohmann::ordered_json::array();
  for (const auto& [key, cell] : tally.cells) {
    const Loss loss = cell.worst ? cell.worst->loss : Loss{};
    cells.push_back({{"policy", key.first},
                     {"persona", key.second},
                     {"runs", cell.runs},
                     {"violations", cell.violations},
                     {"outside_contract", cell.outside_contract},
                     {"lost_ops", loss.operations},
                     {"lost_ms", loss.age_ms},
                     {"lost_span_ms", loss.span_ms},
                     {"bound_ms", nullptr}});
    if (cell.worst && loss.bound_ms >= 0) cells.back()["bound_ms"] = loss.bound_ms;
  }
  return cells;
}

nlohmann::ordered_json hits_json(const Tally& tally) {
  nlohmann::ordered_json hits = nlohmann::ordered_json::object();
  for (int i = 0; i < faults::kFaultClasses; ++i) {
    for (int j = 0; j < faults::kFileRoles; ++j) {
      const uint64_t count = tally.hits[static_cast<size_t>(i)][static_cast<size_t>(j)];
      if (count == 0) continue;
      hits[std::string(name(static_cast<faults::FaultClass>(i)))]
          [std::string(name(static_cast<faults::FileRole>(j)))] = count;
    }
  }
  return hits;
}

nlohmann::ordered_json branches_json(const Tally& tally) {
  nlohmann::ordered_json branches = nlohmann::ordered_json::object();
  for (int i = 0; i < kBranches; ++i) {
    branches[std::string(branch_name(static_cast<Branch>(i)))] =
        tally.branches[static_cast<size_t>(i)];
  }
  return branches;
}

}  // namespace

nlohmann::ordered_json outcome_json(const Outcome& outcome, const std::string& verb) {
  const Tally& tally = outcome.tally;
  const CoverageReport coverage = coverage_of(tally.coverage);
  const Case* worst = worst_case(tally);
  nlohmann::ordered_json json = {
      {"version", POWERCUT_VERSION},
      {"verb", verb},
      {"seeds", outcome.options.seconds != 0 ? tally.runs : outcome.options.seeds},
      {"first_seed", outcome.options.first_seed},
      {"steered", steers(outcome.options)},
      {"runs", tally.runs},
      {"crashes", tally.crashes},
      {"recoveries", tally.recoveries},
      {"acked_ops", tally.acked},
      {"violations", tally.violations},
      {"first_violation", nullptr},
      {"violations_by_oracle", tally.oracles},
      {"found", nlohmann::ordered_json::array()},
      {"worst_case", nullptr},
      {"most_lost", nullptr},
      {"elapsed_s", nullptr},
      {"trace_hash", hash_text(tally.trace_hash)},
      {"events", tally.events},
      {"mutant_fired", tally.mutant_fired},
      {"rechecked", tally.rechecked},
      {"interrupted", outcome.interrupted},
      {"canary", nullptr},
      {"harness_fault", nullptr},
      {"policies", policies_json(outcome)},
      {"policy_by_persona", cells_json(tally)},
      {"fault_hits", hits_json(tally)},
      {"branches", branches_json(tally)},
      {"coverage",
       {{"reached", coverage.reached},
        {"reachable", coverage.reachable},
        {"never", coverage.never},
        {"impossible", coverage.impossible},
        {"mistaken", coverage.mistaken}}},
      {"vacuity_zeros", nullptr}};
  if (outcome.elapsed_s) json["elapsed_s"] = *outcome.elapsed_s;
  if (outcome.departs) json["departs"] = {outcome.departs->first, outcome.departs->last};
  if (!tally.found.empty()) json["first_violation"] = tally.found.begin()->second.id;
  for (const auto& [seed, v] : tally.found) {
    json["found"].push_back({{"id", v.id}, {"oracle", code_of(v.breach)}, {"text", v.text}});
  }
  if (worst != nullptr) json["worst_case"] = worst->id;
  if (const Case* most = most_lost(tally)) json["most_lost"] = most->id;
  if (outcome.canary) json["canary"] = *outcome.canary;
  if (tally.harness_fault) json["harness_fault"] = tally.harness_fault->text;
  // Null: the sweep was too small or too narrow for a zero to mean anything.
  if (outcome.vacuity_checked) json["vacuity_zeros"] = outcome.vacuity_zeros;
  return json;
}

void print_json(std::FILE* out, const Outcome& outcome, const std::string& verb) {
  fmt::print(out, "{}\n", json_text(outcome_json(outcome, verb)));
}

void print_doubts(std::FILE* err, const Outcome& outcome, const std::string& program) {
  if (!outcome.canary) {
    fmt::print(err,
               "powercut: canary not found: a planted bug stayed hidden, so this sweep proves "
               "nothing\n");
  }
  if (const auto& fault = outcome.tally.harness_fault) {
    fmt::print(err, "powercut: the harness is at fault: {}; {}\n", fault->text,
               replay_command(program, fault->id));
  }
  if (judges_nothing(outcome.tally))
    fmt::print(err,
               "powercut: nothing is judged: no write was acknowledged in {} runs; more --seeds or "
               "--ops may reach one\n",
               outcome.tally.runs);
  if (!outcome.vacuity_zeros.empty()) {
    std::string zeros;
    for (const std::string& zero : outcome.vacuity_zeros) {
      zeros += fmt::format("{}{}", zeros.empty() ? "" : ", ", zero);
    }
    fmt::print(err, "powercut: never reached: {}\n", zeros);
  }
}

}  // namespace powercut::scenarios
