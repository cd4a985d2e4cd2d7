#include "scenarios/run/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "scenarios/run/names.h"
#include "scenarios/run/rehearsal.h"
#include "scenarios/run/targets.h"

namespace powercut::scenarios {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".aof";

// Where the shipped recordings are: under the tree that was built, else under the current directory, else
// where an installed program has its data.
std::vector<fs::path> shelves() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  return {fs::path(POWERCUT_SOURCE_DIR) / "scenarios/workloads", "scenarios/workloads",
          program.parent_path().parent_path() / "share/powercut/workloads"};
}

bool looks_like_a_path(std::string_view name) {
  return name.find('/') != std::string_view::npos || name.ends_with(kSuffix);
}

// The shipped recording of that name; empty if there is none.
fs::path shipped(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return {};
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  std::error_code ignored;
  for (const fs::path& shelf : shelves()) {
    const fs::path path = shelf / (std::string(name) + std::string(kSuffix));
    if (fs::is_regular_file(path, ignored)) return path;
  }
  return {};
}

Result<WorkloadPtr> load(const fs::path& path, std::string name, const TargetType& target) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    return Error{Errc::kIo, fmt::format("{}: a directory; a workload is a file of RESP commands",
                                        path.string())};
  }
  TRY_ASSIGN(const std::string bytes, read_workload(path.string()));
  std::optional<Result<Workload>> own = target.parse_workload(bytes, path.string());
  TRY_ASSIGN(
      Workload workload,
      own ? std::move(*own)
          : parse_workload(bytes, path.string(), [&](const std::vector<std::string_view>& words) {
              return target.not_modelled(words);
            }));
  if (const Rehearsal rehearsal = rehearse(workload, target); !rehearsal.writes)
    return Error{Errc::kCorrupt, fmt::format("{}: {}", path.string(), nothing_to_judge(rehearsal))};
  workload.name = std::move(name);
  return std::make_shared<const Workload>(std::move(workload));
}

Result<uint64_t> parse_number(std::string_view text, std::string_view what) {
  uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || wrong != std::errc() || end != text.data() + text.size()) {
    return Error{Errc::kInvalid, fmt::format("run ID: \"{}\" is no {}", text, what)};
  }
  return number;
}

// Takes the next field off `rest`.
std::string_view take_field(std::string_view& rest) {
  const size_t colon = rest.find(':');
  const std::string_view field = rest.substr(0, colon);
  rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
  return field;
}

// "FAULTS" or "FAULTS/beside=BESIDE".
Result<void> take_faults(std::string_view field, RunSpec& spec) {
  constexpr std::string_view kBeside = "beside=";
  const size_t slash = field.find('/');
  TRY_ASSIGN(spec.faults, faults::parse_fault_set(field.substr(0, slash)));
  if (slash == std::string_view::npos) return {};
  const std::string_view text = field.substr(slash + 1);
  if (text.starts_with(kBeside)) spec.beside = parse_beside(text.substr(kBeside.size()));
  if (!spec.beside)
    return Error{Errc::kInvalid,
                 fmt::format("run ID: \"{}\" is not beside=none, some or all", text)};
  return check_beside(spec.beside, spec.faults);
}

// "TARGET+WORKLOAD": takes the target off. Null: the store.
Result<const TargetType*> take_target(std::string_view& workload) {
  const size_t plus = workload.find('+');
  if (plus == workload.npos) return nullptr;
  const TargetType* target = find_target(workload.substr(0, plus));
  if (target == nullptr && !looks_like_a_path(workload)) {
    return Error{Errc::kInvalid, fmt::format("run ID: there is no target \"{}\" in this program; "
                                             "`powercut list targets` names them all",
                                             workload.substr(0, plus))};
  }
  if (target != nullptr) workload.remove_prefix(plus + 1);
  return target;
}

}  // namespace

Result<WorkloadPtr> find_workload(const std::string& name, const TargetType& target) {
  for (const WorkloadPtr& own : target.workloads())
    if (own->name == name) return own;
  if (WorkloadPtr built_in = make_builtin(name, 1)) return built_in;
  if (const fs::path path = shipped(name); !path.empty()) {
    // The short name is the same on every machine.
    return load(path, path.stem().string(), target);
  }
  std::error_code wrong;
  if (!looks_like_a_path(name) && !fs::exists(name, wrong)) {
    return Error{Errc::kInvalid, fmt::format("workload: {}, and a path works too",
                                             no_such(Named::kWorkload, name))};
  }
  const fs::path absolute = fs::absolute(name, wrong).lexically_normal();
  // A shipped one by its path is the shipped one.
  for (const fs::path& shelf : shelves()) {
    if (fs::equivalent(absolute.parent_path(), shelf, wrong) && absolute.extension() == kSuffix) {
      return load(absolute, absolute.stem().string(), target);
    }
  }
  return load(absolute, absolute.string(), target);
}

std::vector<WorkloadEntry> list_workloads() {
  std::vector<WorkloadEntry> entries;
  for (const Builtin& builtin : builtin_workloads()) {
    entries.push_back({std::string(builtin.name), std::string(builtin.about)});
  }
  const size_t built_in = entries.size();
  std::error_code wrong;
  for (const fs::path& shelf : shelves()) {
    for (const fs::directory_entry& file : fs::directory_iterator(shelf, wrong)) {
      if (file.path().extension() != kSuffix) continue;
      entries.push_back(
          {file.path().stem().string(), fmt::format("recorded, {} bytes", file.file_size(wrong))});
    }
    if (entries.size() > built_in) break;
  }
  std::sort(entries.begin() + static_cast<ptrdiff_t>(built_in), entries.end(),
            [](const WorkloadEntry& a, const WorkloadEntry& b) { return a.name < b.name; });
  return entries;
}

Result<Recipe> parse_run_id(std::string_view id) {
  // A path may have colons in it: the workload ends where a policy's name follows.
  size_t colon = id.find(':');
  const Policy* policy = nullptr;
  for (; colon != std::string_view::npos; colon = id.find(':', colon + 1)) {
    std::string_view rest = id.substr(colon + 1);
    policy = find_policy(take_field(rest));
    if (policy != nullptr) break;
  }
  const size_t fields =
      policy == nullptr ? 0 : static_cast<size_t>(std::count(id.begin() + colon, id.end(), ':'));
  if (fields < 5) {
    return Error{Errc::kInvalid,
                 fmt::format("run ID: \"{}\" is none: WORKLOAD:POLICY:PERSONA:FAULTS:OPERATIONS:"
                             "SEED[/SCHEDULE][:MUTANT][@FINGERPRINT], as a sweep prints it",
                             id)};
  }
  Recipe recipe;
  RunSpec& spec = recipe.spec;
  spec.policy = policy;
  std::string_view rest = id.substr(colon + 1);
  take_field(rest);
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view text = rest.substr(at + 1);
    recipe.fingerprint = parse_fingerprint(text);
    if (!recipe.fingerprint)
      return Error{Errc::kInvalid, fmt::format("run ID: \"{}\" is no fingerprint", text)};
    rest = rest.substr(0, at);
  }
  const std::string_view persona = take_field(rest);
  spec.persona = faults::find_persona(persona);
  if (spec.persona == nullptr) {
    return Error{Errc::kInvalid, "run ID: " + no_such(Named::kPersona, persona, true)};
  }
  TRY(take_faults(take_field(rest), spec));
  TRY_ASSIGN(spec.operations, parse_number(take_field(rest), "number of operations"));
  if (spec.operations == 0) return Error{Errc::kInvalid, "run ID: 0 is no number of operations"};
  std::string_view seed = take_field(rest);
  if (const size_t slash = seed.find('/'); slash != std::string_view::npos) {
    const std::string_view text = seed.substr(slash + 1);
    const auto schedule = parse_schedule(text);
    if (!schedule)
      return Error{Errc::kInvalid, fmt::format("run ID: \"{}\" is no schedule; `powercut "
                                               "list schedules` tells them all",
                                               text)};
    spec.schedule = *schedule;
    seed = seed.substr(0, slash);
  }
  TRY_ASSIGN(spec.seed, parse_number(seed, "seed"));
  if (!rest.empty()) {  // a mutant's name may have a colon in it
    spec.mutant = faults::find_mutant(rest);
    if (spec.mutant == nullptr) {
      return Error{Errc::kInvalid, "run ID: " + no_such(Named::kMutant, rest, true)};
    }
  }
  std::string_view workload = id.substr(0, colon);
  TRY_ASSIGN(spec.target, take_target(workload));
  TRY_ASSIGN(recipe.workload, find_workload(std::string(workload), target_or_store(spec.target)));
  spec.workload = recipe.workload.get();
  if (spec.mutant != nullptr && !may_be_planted(*spec.mutant, spec.target))
    return Error{Errc::kInvalid, "run ID: " + not_planted(*spec.mutant, spec.target)};
  return recipe;
}

Result<void> check_beside(std::optional<Beside> beside, const faults::FaultSet& faults) {
  if (!beside || *beside == Beside::kNothing || faults.has(faults::FaultClass::kPowerCut))
    return {};
  return Error{Errc::kInvalid,
               fmt::format("beside: \"{}\" cuts the power, and power-cut is not among the faults",
                           name(*beside))};
}

std::string replay_command(std::string_view program, std::string_view id) {
  const auto quoted = [](std::string_view word) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/+@%=";
    if (word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
  };
  return fmt::format("{} replay {}", quoted(program), quoted(id));
}

}  // namespace powercut::scenarios
