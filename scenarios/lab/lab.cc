#include "scenarios/lab/lab.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "scenarios/base/table.h"
#include "scenarios/explore/fences.h"
#include "scenarios/run/catalog.h"
#include "scenarios/story/scenario.h"
#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {

namespace {

// What differs between students.
uint64_t pick(uint64_t student, uint64_t salt, uint64_t n) {
  uint64_t x = (student + 1) * 0x9e3779b97f4a7c15u ^ (salt * 0xbf58476d1ce4e5b9u);
  x ^= x >> 31;
  return (x * 0x94d049bb133111ebu >> 33) % n;
}

Error no_answer(std::string text) { return {Errc::kCorrupt, std::move(text)}; }

Result<uint64_t> number_of(const std::string& key, const std::string& text) {
  uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc() || end != text.data() + text.size())
    return no_answer(fmt::format("{}: \"{}\" is no number of ms: digits alone", key, text));
  return number;
}

// One of two words: is it the first?
Result<bool> either(const std::string& key, const std::string& text, std::string_view first,
                    std::string_view second) {
  if (text != first && text != second)
    return no_answer(fmt::format("{}: \"{}\" is neither {} nor {}", key, text, first, second));
  return text == first;
}

std::string filled(const Answers& answers) {
  std::string text;
  for (const auto& [key, value] : answers) text += fmt::format("{}: {}\n", key, value);
  return text;
}

// Compares one answer with what the runs say.
void compare(Grade& grade, const std::string& key, bool said, bool seen, std::string_view yes,
             std::string_view no, const std::string& evidence) {
  const bool right = said == seen;
  grade.right = grade.right && right;
  grade.lines.push_back(
      fmt::format("{} {}: {}; {}", right ? "right" : "WRONG", key, said ? yes : no, evidence));
}

struct Sweeping {
  std::string workload = "mixed";
  std::vector<std::string> policies;
  std::vector<std::string> personas;
  faults::FaultSet faults;
  std::string mutant;
};

SweepOptions options_of(const Sweeping& what) {
  SweepOptions options;
  options.target = &store();
  options.workloads = {find_workload(what.workload).value()};
  for (const auto& name : what.policies) options.policies.push_back(find_policy(name));
  for (const auto& name : what.personas) options.personas.push_back(faults::find_persona(name));
  options.faults = what.faults;
  if (!what.mutant.empty()) options.mutant = faults::find_mutant(what.mutant);
  return options;
}

// --- 1. One second ---

constexpr int64_t kLatencies[] = {5, 20, 50, 100, 200};
int64_t latency_of(uint64_t student) { return kLatencies[pick(student, 1, std::size(kLatencies))]; }

const std::vector<std::string> kOneSecond = {"age_ms", "span_ms", "hung_age_over_2000",
                                             "hung_span_over_2000"};

std::string ask_one_second(uint64_t student) {
  return fmt::format(
      "appendfsync everysec is said to lose one second. The disk here takes {0} ms for a sync.\n"
      "Two figures: *age*, how long before the power cut the oldest lost write was\n"
      "acknowledged; *span*, from the first lost acknowledgement to the last.\n\n"
      "Look at it:\n"
      "    powercut sweep --policy everysec --persona ext4/sync={0}ms --faults power-cut "
      "--seeds 500\n"
      "    powercut sweep --policy everysec --persona ext4 --faults power-cut,hanging-sync "
      "--seeds 500\n"
      "    powercut explain age\n\n"
      "Predict, and put it into a file:\n\n"
      "# In any run with syncs of {0} ms, at most: what no cut exceeds, also at the worst moment\n"
      "# of a stream that never rests; and not more than the promise allows.\n"
      "age_ms:\nspan_ms:\n"
      "# A sync hangs for many seconds. Can a write that is older than 2,000 ms be lost? Can more\n"
      "# than 2,000 ms of acknowledged work? yes or no\n"
      "hung_age_over_2000:\nhung_span_over_2000:\n",
      latency_of(student));
}

struct Extremes {
  Loss oldest;
  Loss widest;
  int64_t bound_ms = 0;
  uint64_t runs = 0;

  void take(const RunResult& result) {
    if (result.oldest.age_ms > oldest.age_ms) oldest = result.oldest;
    if (result.widest.span_ms > widest.span_ms) widest = result.widest;
    bound_ms = std::max({bound_ms, result.oldest.bound_ms, result.worst.bound_ms});
  }
};
Extremes extremes_of(const Sweeping& what, uint64_t first_seed, uint64_t runs) {
  const SweepOptions options = options_of(what);
  Extremes found;
  for (uint64_t seed = first_seed; seed < first_seed + runs; ++seed) {
    ++found.runs;
    found.take(run_once(spec_of(options, seed)));
  }
  return found;
}

// What a sweep seldom meets: a client that never rests, and the cut just before a sync returns.
void cut_a_stream(std::string_view persona, int64_t latency, Extremes& found) {
  constexpr int kWrites = 1'500;
  std::string stream;
  for (int i = 0; i < kWrites; ++i) stream += fmt::format("+2ms SET a {}\n", i);
  for (int sync = 2; sync < 7; ++sync) {
    const auto scenario = parse_scenario(
        fmt::format("store policy=everysec persona={}\n\nstart cut@sync:{}~{}us\n{}\ncut\nrest "
                    "lost\n\nrecover\n",
                    persona, sync, latency * 1'000 - 1, stream),
        "lab");
    const auto account = run_scenario(*scenario);
    if (!account.ok()) continue;  // there were not so many syncs
    ++found.runs;
    found.take(account->result);
  }
}

Result<Grade> check_one_second(const std::string& text, uint64_t student) {
  TRY_ASSIGN(const Answers answers, parse_answers(text, kOneSecond));
  TRY_ASSIGN(const uint64_t age, number_of("age_ms", answers.at("age_ms")));
  TRY_ASSIGN(const uint64_t span, number_of("span_ms", answers.at("span_ms")));
  TRY_ASSIGN(const bool old,
             either("hung_age_over_2000", answers.at("hung_age_over_2000"), "yes", "no"));
  TRY_ASSIGN(const bool wide,
             either("hung_span_over_2000", answers.at("hung_span_over_2000"), "yes", "no"));
  const int64_t latency = latency_of(student);
  Sweeping steady{"mixed", {"everysec"}, {}, {faults::FaultClass::kPowerCut}, ""};
  for (const char* persona : {"ext4-ordered", "xfs", "posix-min"})
    steady.personas.push_back(fmt::format("{}/sync={}ms", persona, latency));
  Extremes seen = extremes_of(steady, 1'000 + pick(student, 2, 1'000), 120);
  for (const auto& persona : steady.personas) cut_a_stream(persona, latency, seen);
  Grade grade{true, {}};
  const auto within = [&](const char* key, uint64_t said, int64_t most, int64_t promised) {
    const bool sound = said >= static_cast<uint64_t>(most);
    const bool tight = said <= static_cast<uint64_t>(promised);
    grade.right = grade.right && sound && tight;
    grade.lines.push_back(fmt::format(
        "{} {}: {}; in {} runs with syncs of {} ms at most {} ms, and the promise allows {} ms",
        sound && tight ? "right" : (sound ? "TOO MUCH" : "WRONG"), key, said, seen.runs, latency,
        most, promised));
  };
  // A second, a sync that was under way, the sync itself; and what stands between two.
  within("age_ms", age, seen.oldest.age_ms, std::max(seen.bound_ms, 1'000 + 2 * latency + 50));
  within("span_ms", span, seen.widest.span_ms, 2'000);
  // The same for every student.
  static const Extremes hung =
      extremes_of({"mixed",
                   {"everysec"},
                   {"ext4-ordered", "posix-min", "ext2"},
                   {faults::FaultClass::kPowerCut, faults::FaultClass::kHangingSync},
                   ""},
                  1, 240);
  compare(grade, "hung_age_over_2000", old, hung.oldest.age_ms > 2'000, "yes", "no",
          fmt::format("the oldest in {} runs with syncs that hang: {} ms", hung.runs,
                      hung.oldest.age_ms));
  compare(grade, "hung_span_over_2000", wide, hung.widest.span_ms > 2'000, "yes", "no",
          fmt::format("the widest span there: {} ms, since replies wait", hung.widest.span_ms));
  return grade;
}

std::string answer_one_second(uint64_t student) {
  return filled({{"age_ms", std::to_string(1'000 + 2 * latency_of(student))},
                 {"span_ms", "2000"},
                 {"hung_age_over_2000", "yes"},
                 {"hung_span_over_2000", "no"}});
}

// --- 2. Be the disk ---

std::string disk_scenario(uint64_t student, std::string_view cut) {
  std::string text =
      "store policy=always persona=posix-min mutant=no-sync:segment.commit\n\nstart cut@idle:0ns\n";
  const uint64_t writes = 2 + pick(student, 3, 3);
  for (uint64_t i = 0; i < writes; ++i)
    text += fmt::format("SET {} {}\n", static_cast<char>('a' + i), 10 + pick(student, 4 + i, 90));
  return text + fmt::format("\ncut\n{}\nrecover\n", cut);
}

std::string ask_the_disk(uint64_t student) {
  return fmt::format(
      "The store promises `always`, and a sync is missing in it. You are the disk: at the power\n"
      "cut you decide what of the pending is there. Write the `cut` block so that the promise\n"
      "breaks, legally. scenarios/SCENARIOS.md has the words; `powercut replay FILE.scn` shows\n"
      "what came of it; where a slot does not exist it names some that do.\n\n"
      "Save this as a file, and fill in what stands under `cut`:\n\n{}",
      disk_scenario(student, ""));
}

Result<Grade> check_the_disk(const std::string& text, uint64_t student) {
  auto parsed = parse_scenario(text, "answer");
  if (!parsed.ok()) return no_answer(parsed.error().message);
  const Scenario given = parse_scenario(disk_scenario(student, "rest lost\n"), "given").value();
  Scenario answer = std::move(parsed).value();
  if (answer.policy != given.policy || answer.persona != given.persona ||
      answer.mutant != given.mutant || !(answer.script == given.script) ||
      print(answer.plan) != print(given.plan) ||
      answer.cuts_nearest)  // it would bend what is not legal
    return no_answer("the answer changes more than the `cut` block");
  Grade grade{true, {}};
  if (answer.cuts.empty() || !answer.cuts[0]) {
    grade.right = false;
    grade.lines.push_back("WRONG: nothing is stated under `cut`, so the seed draws it");
    return grade;
  }
  // Whatever else is drawn, it has to break; and to hold where no sync is missing.
  for (const uint64_t seed :
       {uint64_t{1}, 2 + pick(student, 9, 90), 100 + pick(student, 10, 900)}) {
    answer.seed = seed;
    const auto account = run_scenario(answer);
    if (!account.ok()) return no_answer(account.error().message);
    const bool lost =
        account->result.violation && account->result.violation->breach == Breach::kLost;
    grade.right = grade.right && lost;
    grade.lines.push_back(fmt::format("{}: with seed {}: {}", lost ? "right" : "WRONG", seed,
                                      verdict_line(account->result)));
  }
  answer.mutant = nullptr;
  answer.cuts_nearest = true;
  const auto whole = run_scenario(answer);
  const bool held = whole.ok() && !whole->result.violation;
  grade.right = grade.right && held;
  grade.lines.push_back(fmt::format("{}: the store with its sync {}", held ? "right" : "WRONG",
                                    held ? "holds under the same cut" : "breaks as well"));
  return grade;
}

std::string answer_the_disk(uint64_t student) { return disk_scenario(student, "rest lost\n"); }

// --- 3. A kill is no power cut ---

constexpr std::string_view kKilled[] = {"acked-in-buffer", "base-captured-late",
                                        "emptying-pop-not-logged", "buffer-dropped-at-cut"};
constexpr std::string_view kNotKilled[] = {"ack-before-sync", "no-sync:segment.commit",
                                           "no-sync:manifest.rename", "cover-read-late",
                                           "base-synced-early"};

std::vector<std::string> five_bugs(uint64_t student) {
  std::vector<std::string> five;
  const uint64_t killed = 1 + pick(student, 20, 2);  // one or two of them
  const uint64_t from = pick(student, 21, 4);
  for (uint64_t i = 0; i < killed; ++i) five.emplace_back(kKilled[(from + i) % std::size(kKilled)]);
  const uint64_t other = pick(student, 22, 5);
  for (uint64_t i = 0; five.size() < 5; ++i)
    five.emplace_back(kNotKilled[(other + i) % std::size(kNotKilled)]);
  std::sort(five.begin(), five.end());
  return five;
}

std::string ask_kill(uint64_t student) {
  std::string text =
      "Many stores are tested with kill -9. Five bugs, each planted in the store: which of them\n"
      "can a kill find, and which only a power cut?\n\n";
  for (const auto& bug : five_bugs(student))
    text += folded(fmt::format("{}: {}", bug, faults::find_mutant(bug)->story));
  text += "\nPredict, in a file: yes, a kill finds it, or no\n\n";
  for (const auto& bug : five_bugs(student)) text += fmt::format("{}:\n", bug);
  return text + fmt::format(
                    "\nThen look at it; the page of a bug has the lines that it changes:\n"
                    "    powercut sweep --faults kill --mutant {0} --seeds 500\n"
                    "    powercut list mutants {0}\n",
                    five_bugs(student).front());
}

// The first run of so many that breaks a promise.
std::optional<uint64_t> first_broken(const Sweeping& what, uint64_t first_seed, uint64_t runs) {
  const SweepOptions options = options_of(what);
  for (uint64_t seed = first_seed; seed < first_seed + runs; ++seed)
    if (run_once(spec_of(options, seed)).violation) return seed;
  return std::nullopt;
}

std::vector<std::string> every_policy() {
  std::vector<std::string> names;
  for (const Policy& policy : all_policies()) names.emplace_back(policy.name);
  return names;
}
std::vector<std::string> every_persona_name() {
  std::vector<std::string> names;
  for (const auto& persona : faults::all_personas()) names.emplace_back(persona.name);
  return names;
}

Result<Grade> check_kill(const std::string& text, uint64_t student) {
  const auto bugs = five_bugs(student);
  TRY_ASSIGN(const Answers answers, parse_answers(text, bugs));
  Grade grade{true, {}};
  constexpr uint64_t kRuns = 600;
  for (const auto& bug : bugs) {
    TRY_ASSIGN(const bool said, either(bug, answers.at(bug), "yes", "no"));
    // What was seen of it for another student is seen again.
    static std::map<std::string, std::optional<uint64_t>> seen;
    if (!seen.contains(bug))
      seen[bug] = first_broken(
          {"mixed", every_policy(), every_persona_name(), {faults::FaultClass::kKill}, bug}, 1,
          kRuns);
    const auto found = seen.at(bug);
    compare(grade, bug, said, found.has_value(), "a kill finds it", "a kill does not",
            found ? fmt::format("seed {} with kills alone breaks a promise", *found)
                  : fmt::format("{} runs with kills alone break nothing", kRuns));
  }
  return grade;
}

std::string answer_kill(uint64_t student) {
  Answers answers;
  for (const auto& bug : five_bugs(student))
    answers[bug] =
        std::find(std::begin(kKilled), std::end(kKilled), bug) != std::end(kKilled) ? "yes" : "no";
  return filled(answers);
}

// --- 4. The name is data, too ---

constexpr std::string_view kNameFences[] = {"no-sync:manifest.rename", "no-sync:segment.directory"};
const std::vector<std::string> kNamePersonas = {
    "btrfs", "ext2", "ext3-ordered", "ext4-journal", "ext4-ordered", "posix-min", "xfs"};
std::string_view name_fence(uint64_t student) { return kNameFences[pick(student, 30, 2)]; }

std::string ask_name(uint64_t student) {
  const std::string_view bug = name_fence(student);
  std::string text = fmt::format(
      "A file that was synced is of no use if its name is lost. This store leaves out one sync\n"
      "of a directory, {0}: on which filesystems does that break a promise?\n\n"
      "    powercut list mutants {0}\n"
      "    powercut explore --workload demo8 --policy always --persona posix --mutant {0} \\\n"
      "        -o found.scn\n"
      "    powercut view found.scn -o found.html    # to step through, in a browser\n\n"
      "Predict, in a file: needed or not\n\n",
      bug);
  for (const auto& persona : kNamePersonas) text += persona + ":\n";
  return text;
}

bool is_needed(std::string_view bug, const std::string& persona) {
  const auto workload = find_workload("demo8").value();
  for (const char* policy : {"always", "hybrid-always"}) {
    ExploreSpec spec;
    spec.workload = workload.get();
    spec.policy = find_policy(policy);
    spec.personas = {faults::find_persona(persona)};
    spec.mutant = faults::find_mutant(bug);
    spec.stop_at_violation = true;
    if (explore(spec).by_persona[0].violations > 0) return true;
  }
  return false;
}

Result<Grade> check_name(const std::string& text, uint64_t student) {
  TRY_ASSIGN(const Answers answers, parse_answers(text, kNamePersonas));
  Grade grade{true, {}};
  for (const auto& persona : kNamePersonas) {
    TRY_ASSIGN(const bool said, either(persona, answers.at(persona), "needed", "not"));
    const bool seen = is_needed(name_fence(student), persona);
    compare(grade, persona, said, seen, "needed", "not",
            seen ? "some crash of demo8 breaks a promise without it"
                 : "no crash of demo8 does, and that is all of them");
  }
  return grade;
}

std::string answer_name(uint64_t student) {
  Answers answers;
  for (const auto& persona : kNamePersonas)
    answers[persona] = is_needed(name_fence(student), persona) ? "needed" : "not";
  return filled(answers);
}

// --- 5. Retry the fsync? ---

constexpr std::string_view kModels[] = {"btrfs-2020", "ext4-data", "ext4-ordered", "xfs"};
const std::vector<std::string> kRetry = {"heal", "retry_btrfs-2020", "retry_ext4-data",
                                         "retry_ext4-ordered", "retry_xfs"};

std::string_view retry_policy(uint64_t student) {
  return pick(student, 50, 2) == 0 ? "always" : "everysec";
}

// The sync of that number fails; then the least survives a power cut.
std::string retry_scenario(uint64_t student, std::string_view model, std::string_view mutant,
                           uint64_t sync) {
  std::string text = fmt::format(
      "store policy={} persona=ext4-ordered/failed-sync={}{}{}\n\nstart eio@sync:{} "
      "cut@idle:1900ms\n",
      retry_policy(student), model, mutant.empty() ? "" : " mutant=", mutant, sync);
  const uint64_t writes = 2 + pick(student, 51, 3);
  for (uint64_t i = 0; i < writes; ++i)
    text += fmt::format("{}SET {} {}\n", i + 1 == writes ? "+1200ms " : "",
                        static_cast<char>('a' + i), 10 + pick(student, 52 + i, 90));
  return text + "GET a\n\ncut\nrest lost\n\nrecover\n";
}

std::string ask_retry(uint64_t student) {
  return fmt::format(
      "A sync failed with EIO. A store may try again, and if that succeeds go on. What a failed\n"
      "sync leaves behind differs: Linux 6.18 on ext4 (data=ordered, and ext4-data: data=journal)\n"
      "and XFS, and btrfs as of 2020, whose pages go back to their old bytes. Each sync of a run\n"
      "under `{0}` fails in turn, and then the power: where is something lost that was\n"
      "acknowledged? And if the store instead rewrites what it cannot be sure of (heal: this\n"
      "store as it is)?\n\n"
      "Predict, in a file: lost or kept\n\n"
      "retry_ext4-ordered:\nretry_ext4-data:\nretry_xfs:\nretry_btrfs-2020:\nheal:\n\n"
      "Then look at it. Save the run as run.scn; put in other models, and other syncs than the\n"
      "first one, which is number 0:\n\n{1}\n"
      "    powercut replay run.scn --story\n"
      "    powercut list mutants failed-sync-retried\n"
      "    powercut explain ext4/failed-sync=btrfs-2020\n",
      retry_policy(student), retry_scenario(student, "xfs", "failed-sync-retried", 0));
}

// Each sync of a short run fails in turn: is something lost that was acknowledged? Where nothing is, and the
// store does not start, that.
std::optional<std::string> loses(uint64_t student, std::string_view model,
                                 std::string_view mutant) {
  std::optional<std::string> seen;
  for (uint64_t sync = 0; sync < 12; ++sync) {
    const auto scenario = parse_scenario(retry_scenario(student, model, mutant, sync), "lab");
    const auto account = run_scenario(*scenario);
    if (!account.ok() || !account->result.violation) continue;
    const Breach breach = account->result.violation->breach;
    const bool lost = breach == Breach::kLost || breach == Breach::kBound;
    if (!seen || lost) seen = fmt::format("sync {} fails: {}", sync, verdict_line(account->result));
    if (lost) break;
  }
  return seen;
}

Result<Grade> check_retry(const std::string& text, uint64_t student) {
  TRY_ASSIGN(const Answers answers, parse_answers(text, kRetry));
  Grade grade{true, {}};
  const auto one = [&](const std::string& key, std::optional<std::string> lost) -> Result<void> {
    TRY_ASSIGN(const bool said, either(key, answers.at(key), "lost", "kept"));
    compare(grade, key, said, lost.has_value(), "lost", "kept",
            lost ? *lost : "each sync of these runs failed in turn, and all was kept");
    return {};
  };
  for (const std::string_view model : kModels)
    TRY(one(fmt::format("retry_{}", model), loses(student, model, "failed-sync-retried")));
  std::optional<std::string> healed;
  for (const std::string_view model : kModels)
    if (!healed) healed = loses(student, model, "");
  TRY(one("heal", healed));
  return grade;
}

std::string answer_retry(uint64_t) {
  return filled({{"heal", "kept"},
                 {"retry_btrfs-2020", "lost"},
                 {"retry_ext4-data", "lost"},
                 {"retry_ext4-ordered", "lost"},
                 {"retry_xfs", "lost"}});
}

// --- 6. Place the fence ---

constexpr std::string_view kRepairs[] = {"no-sync:segment.commit", "no-sync:manifest.temporary"};
std::string_view repair_of(uint64_t student) { return kRepairs[pick(student, 40, 2)]; }
const std::vector<std::string> kPlace = {"after", "sync"};

std::string ask_fence(uint64_t student) {
  return fmt::format(
      "A sync is missing, {0}. Put one back: after which call, and of\n"
      "what? One that makes every crash of demo8 hold under `always` on ext4-ordered,\n"
      "posix-min and xfs, and that costs no more than the cheapest one that does.\n\n"
      "    powercut list mutants {0}\n"
      "    powercut explore --workload demo8 --policy always --persona posix --mutant {0} \\\n"
      "        -o found.scn\n"
      "    powercut run --workload demo8 --policy always --persona posix --faults none --trace\n"
      "    powercut explore --workload demo8 --policy always --persona posix --mutant {0} \\\n"
      "        --add-fence rename:appendonly.aof.manifest:directory\n\n"
      "Say it in a file; a number in a name is written #:\n\n"
      "# create, write, rename, remove, truncate, link or sync, and the file's name\n"
      "after: rename of appendonly.aof.manifest\n"
      "# file or directory\nsync: directory\n",
      repair_of(student));
}

FenceOptions fence_options(const Workload& workload) {
  FenceOptions options;
  options.workload = options.drawn = &workload;
  options.policies = {find_policy("always")};
  for (const char* persona : {"ext4-ordered", "posix-min", "xfs"})
    options.personas.push_back(faults::find_persona(persona));
  return options;
}

Proposals repairs(uint64_t student) {
  static std::map<std::string_view, Proposals> known;
  const std::string_view bug = repair_of(student);
  if (const auto at = known.find(bug); at != known.end()) return at->second;
  const auto workload = find_workload("demo8").value();
  return known[bug] = propose_fences(fence_options(*workload), *faults::find_mutant(bug));
}

std::string place_text(const faults::SyncPlace& place) {
  return fmt::format("{} of {}", place.op, place.file);
}

bool is_a_call(const std::string& after, uint64_t student) {
  const auto workload = find_workload("demo8").value();
  const auto places =
      places_for_a_sync(fence_options(*workload), *faults::find_mutant(repair_of(student)));
  return std::any_of(places.begin(), places.end(),
                     [&](const auto& place) { return place_text(place) == after; });
}

Result<Grade> check_fence(const std::string& text, uint64_t student) {
  TRY_ASSIGN(const Answers answers, parse_answers(text, kPlace));
  TRY_ASSIGN(const bool directory, either("sync", answers.at("sync"), "directory", "file"));
  if (answers.at("after").find(" of ") == std::string::npos)
    return no_answer("after: \"" + answers.at("after") + "\" is not CALL of FILE");
  const Proposals all = repairs(student);
  Grade grade{false, {}};
  grade.lines.push_back(
      fmt::format("{} kinds of places were tried, each by exploring demo8: {} help", all.tried,
                  all.that_help.size()));
  if (all.that_help.empty()) return grade;
  const Proposal& cheapest = all.that_help.front();
  for (const Proposal& one : all.that_help) {
    if (place_text(one.place) != answers.at("after") || one.place.directory != directory) continue;
    grade.right = one.bytes <= cheapest.bytes && one.syncs <= cheapest.syncs;
    grade.lines.push_back(fmt::format(
        "{}: with it every crash holds; {} syncs and {} bytes in a run, the cheapest {} and {}",
        grade.right ? "right" : "TOO DEAR", one.syncs, one.bytes, cheapest.syncs, cheapest.bytes));
    return grade;
  }
  grade.lines.push_back(
      is_a_call(answers.at("after"), student)
          ? "WRONG: with a sync there, some crash still breaks the promise"
          : fmt::format("WRONG: demo8 makes no \"{}\"; a number in a name is written #",
                        answers.at("after")));
  return grade;
}

std::string answer_fence(uint64_t student) {
  const Proposals all = repairs(student);
  if (all.that_help.empty()) return "";
  const faults::SyncPlace& place = all.that_help.front().place;
  return filled({{"after", place_text(place)}, {"sync", place.directory ? "directory" : "file"}});
}

}  // namespace

const std::vector<Lab>& all_labs() {
  static const std::vector<Lab> kLabs = {
      {1, "One second: what does everysec keep?", "20 min", ask_one_second,
       "A sync that begins just after a write must end before the next one can begin, which covers "
       "it. And: what does a store do whose disk hangs, if it has promised a window?",
       answer_one_second, check_one_second},
      {2, "Be the disk: break `always` where a sync is missing", "20 min", ask_the_disk,
       "What was never synced need not be there at all. Slots that you do not name take their "
       "oldest legal version after `rest lost`.",
       answer_the_disk, check_the_disk},
      {3, "A kill is no power cut: what does kill -9 find?", "20 min", ask_kill,
       "A kill leaves the page cache. So a missing sync makes no difference to it; a missing write "
       "does.",
       answer_kill, check_kill},
      {4, "The name is data, too: who needs the directory's sync?", "25 min", ask_name,
       "Where names go through one journal, the sync of a file takes along every name made before.",
       answer_name, check_name},
      {5, "Retry the fsync?", "25 min", ask_retry,
       "The page is clean after the failure, whatever became of its bytes: the next sync has "
       "nothing to do.",
       answer_retry, check_retry},
      {6, "Place the fence: the cheapest repair", "30 min", ask_fence,
       "Where the store knows that it is about to tell somebody, or to build on what it wrote.",
       answer_fence, check_fence},
  };
  return kLabs;
}

Result<Answers> parse_answers(const std::string& text, const std::vector<std::string>& keys) {
  Answers answers;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty() || line[0] == '#') continue;
    // A key may have a colon in it.
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const std::string& name) {
      return line.starts_with(name + ":");
    });
    if (key == keys.end())
      return no_answer(fmt::format("line {}: \"{}\" is no key of this lab; these are: {}", number,
                                   line.substr(0, line.find(": ")), fmt::join(keys, ", ")));
    const size_t value = line.find_first_not_of(" \t", key->size() + 1);
    if (value == std::string::npos)
      return no_answer(fmt::format("line {}: {} has no value", number, *key));
    if (!answers.emplace(*key, line.substr(value)).second)
      return no_answer(fmt::format("line {}: {} stands twice", number, *key));
  }
  for (const std::string& key : keys)
    if (!answers.contains(key)) return no_answer(fmt::format("there is no line for {}", key));
  return answers;
}

}  // namespace powercut::scenarios
