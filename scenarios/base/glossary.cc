#include "scenarios/base/glossary.h"

#include <fmt/format.h>

#include <algorithm>

namespace powercut::scenarios {

namespace {

constexpr std::string_view kWay = "How far a write has come";
constexpr std::string_view kCrash = "What happens to it";
constexpr std::string_view kLoss = "What is lost: three figures, and none is another";
constexpr std::string_view kSweep = "In the tables of run and sweep";
constexpr std::string_view kExplore = "In the tables of explore and fences";
constexpr std::string_view kCalibrate = "In the tables of calibrate";
constexpr std::string_view kZoo = "In the tables of zoo";
constexpr std::string_view kTrace = "In a trace";

constexpr Term kTerms[] = {
    {"applied", kWay, "In memory: the next reader sees it."},
    {"buffered", kWay, "In the log's buffer, inside the process. A kill takes it."},
    {"written", kWay,
     "Handed to the operating system, so it stands in the page cache. A kill leaves it, a power "
     "cut "
     "may take it."},
    {"synced", kWay,
     "A sync that covers it has returned: on the disk, so it survives a power cut, unless the "
     "device "
     "lies."},
    {"acked", kWay,
     "The client was told that it is done. That is orthogonal to the other four: a policy says how "
     "far a write must have come before."},
    {"kill", kCrash,
     "The process ends, the machine does not: the page cache stays, and reaches the disk later."},
    {"power cut", kCrash,
     "The machine ends. Of all that was not synced, each sector, size and name may be on the disk "
     "or "
     "not, as the persona allows."},
    {"image", kCrash,
     "One content that a disk may have after a power cut. It is legal if the persona allows it."},
    {"slot", kCrash,
     "What a power cut decides one by one: a sector, the size of a file, a name in a directory, "
     "how "
     "far the journal came."},
    {"fence", kCrash, "A sync by what it is for: what comes behind it relies on what came before."},
    {"promise", kCrash, "What a policy says of acknowledged writes after a crash."},
    {"recovery", kCrash, "The store starts on what the crash left."},
    {"lost ops", kLoss,
     "Lost operations: acknowledged before the crash, and gone after it. The loss itself."},
    {"span", kLoss,
     "From the first acknowledgement that is lost to the last: how long a stretch of work is gone. "
     "everysec keeps it within a window of 2 s, however slow the disk is."},
    {"age", kLoss,
     "How long before the crash the oldest lost acknowledgement was given. Age is no loss: where "
     "one write was made 40 s ago and none since, its age is 40 s and its span is 0."},
    {"bound", kLoss,
     "What the policy allows here, of the age: 1 s for everysec and the time its covering syncs "
     "took. It is worked out anew for each crash."},
    {"nearest", kLoss,
     "The age of the loss that came nearest to its bound. That need not be the crash that lost "
     "most."},
    {"of bound", kLoss, "How much of its bound that age is. 100% would be a broken promise."},
    {"most lost", kLoss, "The crash that took most operations, whatever its bound."},
    {"policy", kSweep, "When the store makes its log durable, and so what it may promise."},
    {"persona", kSweep,
     "A filesystem, and the disk under it, as a store meets them: what a power cut may leave "
     "there."},
    {"runs", kSweep,
     "Workloads played on a store, with faults and crashes, each from one seed; a run is the same "
     "whenever it is made."},
    {"seeds", kSweep,
     "A seed is a number from which all that is drawn in a run follows. Of the zoo: how many runs "
     "it "
     "took until the bug was found, in the middle search and in the longest."},
    {"crashes", kSweep, "Crashes that were struck in these runs, and on copies beside them."},
    {"recoveries", kSweep, "Recoveries that were judged against the promise."},
    {"acked ops", kSweep, "Operations of which a client was told that they are done."},
    {"verdict", kSweep,
     "held: no promise was broken; BROKEN, and how often; outside: the device broke its own "
     "contract, "
     "so only a prefix or a refusal is asked for; of explore, not all: no promise was broken, and "
     "not every image was judged; of calibrate, sound: every state that was seen is legal."},
    {"nearest on", kSweep,
     "The column of personas; beside each, what came nearest to a bound there."},
    {"points", kExplore,
     "Crash points: moments of the run at which a crash can make a difference."},
    {"images", kExplore, "Legal images, over all crash points: exact."},
    {"judged", kExplore,
     "Of a recorded program: images that were recovered and judged, or classes of them, over all "
     "crash points."},
    {"exhaustive", kExplore,
     "Every image that is legal at every crash point was judged, itself or with its class."},
    {"sampled", kExplore,
     "There were more images than could be judged: of these some were drawn. That nothing was "
     "found proves nothing."},
    {"classes", kExplore,
     "Images that recovery cannot tell apart make one class; each class is recovered and judged "
     "once "
     "at each crash point."},
    {"filesystem", kCalibrate, "What was observed on a real kernel, by its configuration."},
    {"programs", kCalibrate, "Short programs whose crash states were collected."},
    {"not run", kCalibrate, "Programs with a step that is not modelled."},
    {"observed", kCalibrate, "Different crash states that were seen."},
    {"contained", kCalibrate, "How many of these the persona allows."},
    {"truncated", kCalibrate, "States that the data gives only the beginning of: not checked."},
    {"unreadable", kCalibrate, "States in which the kernel refused to read a file."},
    {"counted", kCalibrate, "Programs whose legal states were counted."},
    {"legal", kCalibrate, "Different states that the persona allows of these programs."},
    {"seen", kCalibrate, "How many of the legal ones were observed."},
    {"tight", kCalibrate, "Seen of legal: the rest is what the persona allows and nobody saw."},
    {"mutant", kZoo, "A planted bug, by its name: `powercut list mutants NAME` shows its page."},
    {"found", kZoo, "From how many starting seeds it was found, of how many."},
    {"oracle", kZoo, "The code of the judgement that most often spoke: `powercut explain LAW`."},
    {"crash states", kZoo,
     "Recoveries judged until it was found: by the middle search, and by the longest."},
    {"seconds", kZoo, "Of one core, until it was found: of the middle search, and of the longest."},
    {"kills alone", kZoo, "Whether kills without power cuts find it."},
    {"explored", kZoo, "Whether the explorer finds it, at which depth, and how fast."},
    {"event", kTrace, "The number of a call, from 0: `replay ID --until N` stops there."},
    {"time ms", kTrace, "Virtual time since the run began. The processor takes none."},
    {"call", kTrace,
     "What happened: a call of the store to the operating system, what a client sent (request) and "
     "was told (reply), a power cut."},
    {"file", kTrace, "What the call is of. A directory's ends in '/'."},
    {"offset", kTrace, "The first byte that is read or written."},
    {"bytes", kTrace, "How many were read or written."},
    {"result", kTrace, "ok, or the errno that the call returned."},
    {"request", kTrace,
     "A client asks. What it changes is applied, and buffered, in the same step."},
};

std::string in_small(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return small;
}

}  // namespace

std::span<const Term> all_terms() { return kTerms; }

const Term* find_term(std::string_view name) {
  const std::string small = in_small(name);
  for (const Term& term : kTerms)
    if (in_small(term.name) == small) return &term;
  return nullptr;
}

std::string glossary_page() {
  std::string page =
      "# Glossary\n\nThe words of tables, stories and pages. `powercut explain TERM` says one of "
      "them.\n";
  std::string_view where;
  for (const Term& term : kTerms) {
    if (term.where != where)
      page += fmt::format("\n## {}\n\n| term | what it is |\n|---|---|\n", term.where);
    where = term.where;
    page += fmt::format("| {} | {} |\n", term.name, term.text);
  }
  return page;
}

}  // namespace powercut::scenarios
