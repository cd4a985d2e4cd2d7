// Which single sync would have kept the promise: tried, not guessed.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "scenarios/story/story.h"
#include "sim/crash_images.h"

namespace powercut::scenarios {

namespace {

struct Call {
  uint64_t event;
  Instant at;
  std::string what;
  std::string path;
  bool ok;
};

class Calls final : public sim::TraceListener {
 public:
  void on_event(const sim::Event& event) override {
    calls.push_back(
        {event.number, event.at, std::string(event.what), std::string(event.path), event.ok});
  }
  std::vector<Call> calls;
};

bool is_crash(const Call& call) { return call.what == "crash" || call.what == "moment"; }

std::string call_text(const std::vector<Call>& calls, size_t at) {
  const Call& call = calls[at];
  if (is_crash(call)) return "the crash";
  if (call.what == "make_directory") return "the making of " + call.path;
  const bool directory = call.what == "sync_directory";
  const bool first = std::none_of(calls.begin(), calls.begin() + static_cast<ptrdiff_t>(at),
                                  [&](const Call& other) { return other.path == call.path; });
  const std::string what = directory                      ? "sync of the directory"
                           : call.what == "open" && first ? "creation of"
                           : call.what == "rename"        ? "rename to"
                                                          : call.what + " of";
  return fmt::format("the {} {}", what, call.path.empty() ? "that all is in" : call.path);
}

// What was not synced and survived all the same, in the last power cut.
std::vector<std::string> survivors(const Account& account) {
  std::vector<std::string> found;
  for (auto life = account.lives.rbegin(); life != account.lives.rend() && found.empty(); ++life) {
    if (!life->after) continue;
    const sim::Image durable = image_of(life->before->after_power_cut(sim::Survival{}).value());
    for (const auto& file : image_of(*life->after))
      if (std::find(durable.begin(), durable.end(), file) == durable.end())
        found.push_back(file.path);
    break;
  }
  return found;
}

// A sync helps until `last`, in this run. It must come sooner: before what rested on it.
std::string deadline(const Account& account, const std::vector<Call>& calls, size_t first,
                     size_t last) {
  const auto kept = survivors(account);
  for (size_t at = first + 1; at <= last; ++at) {
    const bool survived = std::find(kept.begin(), kept.end(), calls[at].path) != kept.end();
    if (survived && (calls[at].what == "rename" || calls[at].what == "write"))
      return call_text(calls, at);
  }
  const Breach breach = account.result.violation->breach;
  if (breach == Breach::kServedIsGone) return "the store serves clients from it";
  if (breach == Breach::kLost) return "the client is told";
  return call_text(calls, last + 1);
}

bool renamed(const std::vector<Call>& calls, const std::string& path) {
  return std::any_of(calls.begin(), calls.end(),
                     [&](const Call& call) { return call.what == "rename" && call.path == path; });
}

// Everything there is on the disks that were cut; a directory's ends in '/'. What was lost first,
// or what it stood in.
std::vector<std::string> places(const Account& account, const std::vector<Call>& calls) {
  std::vector<std::string> places;
  const auto add = [&](const std::string& path) {
    if (std::find(places.begin(), places.end(), path) == places.end()) places.push_back(path);
  };
  for (auto life = account.lives.rbegin(); life != account.lives.rend(); ++life) {
    if (!life->after) continue;
    std::map<std::string, std::string> after;
    for (auto& file : image_of(*life->after)) after[file.path] = std::move(file.content);
    const sim::Image before = image_of(*life->before);
    for (const auto& file : before) {
      const auto found = after.find(file.path);
      const std::string name = file.path.substr(0, file.path.size() - 1);
      const size_t slash = name.rfind('/');
      if (found == after.end()) add(slash == std::string::npos ? "./" : name.substr(0, slash + 1));
    }
    for (const auto& file : before) {
      const auto found = after.find(file.path);
      if (found == after.end() || found->second == file.content) continue;
      // The bytes were lost, or the name that leads to them.
      const size_t slash = file.path.rfind('/');
      if (renamed(calls, file.path))
        add(slash == std::string::npos ? "./" : file.path.substr(0, slash + 1));
      add(file.path);
    }
  }
  for (auto life = account.lives.rbegin(); life != account.lives.rend(); ++life)
    if (life->before)
      for (const auto& file : image_of(*life->before)) add(file.path);
  add("./");
  return places;
}

// Only what came before the last power cut matters.
void end_with_the_cut(const Account& account, std::vector<Call>& calls) {
  const auto cut = std::find_if(account.lives.rbegin(), account.lives.rend(),
                                [](const LifeAccount& life) { return life.before.has_value(); });
  if (cut != account.lives.rend() && cut->crash == sim::CrashKind::kNone) {
    while (!calls.empty() && calls.back().at > cut->ended) calls.pop_back();
    calls.push_back({UINT64_MAX, cut->ended, "crash", "", true});
  } else {
    while (!calls.empty() && !is_crash(calls.back())) calls.pop_back();
  }
}

bool holds(const Scenario& scenario, const Fence& fence) {
  CutManner manner;
  manner.illegal = sim::Illegal::kBent;
  manner.fence = &fence;
  const auto account = run_scenario(scenario, manner);
  return account.ok() && !account->result.violation && account->result.harness_fault.empty();
}

}  // namespace

std::vector<MissingFence> missing_fences(const Scenario& scenario) {
  constexpr size_t kCallsMost = 200;
  Calls trace;
  const auto account = run_scenario(scenario, {}, &trace);
  if (!account.ok() || !account->result.violation) return {};
  std::vector<Call>& calls = trace.calls;
  end_with_the_cut(*account, calls);
  // Of many, the last.
  const size_t begin = calls.size() > kCallsMost ? calls.size() - kCallsMost : 0;
  std::vector<MissingFence> found;
  for (const std::string& place : places(*account, calls)) {
    // The last window: from the first call after which the sync helps to the last one.
    std::optional<size_t> first;
    std::optional<size_t> last;
    const std::string path = place == "./"          ? ""
                             : place.ends_with('/') ? place.substr(0, place.size() - 1)
                                                    : place;
    for (size_t i = calls.size(); i-- > begin;) {
      if (is_crash(calls[i])) continue;
      if (holds(scenario, {calls[i].event, path})) {
        first = i;
        if (!last) last = i;
      } else if (last) {
        break;
      }
    }
    if (last)
      found.push_back({place, call_text(calls, *first), deadline(*account, calls, *first, *last)});
  }
  return found;
}

}  // namespace powercut::scenarios
