#include "faults/failed_sync_replay.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>

#include "engine/base/check.h"
#include "faults/calibrate.h"

namespace powercut::faults {
namespace {

using sim::Disk;
using sim::InodeId;

constexpr uint64_t kTapesPerCut = 2'000;

// What stood on the disk, and what M is written over, by the shape that the variant names first.
struct FileShape {
  std::string_view name;
  uint64_t old_bytes;      // of f, all `o`
  uint64_t holes_to;       // its size, where more was allocated
  uint64_t nearby;         // where "elsewhere in the block" is
  std::string_view write;  // of P13, which does not say
};
constexpr FileShape kFileShapes[] = {
    {"block", 16384, 0, 7096, "pwrite 4096 N*4096"},
    {"part", 16384, 0, 4196, {}},
    {"tail", 5096, 0, 4196, {}},
    {"small", 1000, 0, 0, {}},
    {"app-block", 4096, 0, 7096, "pwrite 4096 N*4096"},
    {"app-tail", 5096, 0, 4196, {}},
    {"app-cross", 5096, 0, 7096, {}},
    {"app-small", 500, 0, 0, {}},
    {"app-prealloc", 4096, 0, 7096, {}},
    {"prealloc", 4096, 65536, 7096, {}},
    {"two", 65536, 0, 0, {}},
    {"app-two-contig", 4096, 0, 0, {}},
    {"app-two-contig-rev", 4096, 0, 0, {}},
    {"app-two-sparse", 4096, 0, 0, {}},
    {"app-two-sparse-rev", 4096, 0, 0, {}},
    {"over-app", 16384, 0, 0, {}},
    {"over-app-rev", 16384, 0, 0, {}},
    {"create-4096", 0, 0, 0, {}},
    {"file", 0, 0, 0, {}},
    {"nosync", 0, 0, 0, {}},
    {"dir", 0, 0, 0, {}},
};

const FileShape* shape_of(std::string variant) {
  for (const std::string_view way : {"fdatasync/", "device-enospc/"})
    if (variant.starts_with(way)) variant.erase(0, way.size());
  const std::string name = variant.substr(0, variant.find('/'));
  for (const FileShape& shape : kFileShapes)
    if (shape.name == name) return &shape;
  return nullptr;
}

std::vector<std::string> words_in(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

bool mentions(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

// "N*4096", "ZERO*12".
bool is_run(const std::string& word) {
  const size_t star = word.find('*');
  if (star == std::string::npos || star + 1 == word.size() || word.size() > star + 9) return false;
  return (star == 1 || word.starts_with("ZERO*")) &&
         word.find_first_not_of("0123456789", star + 1) == std::string::npos;
}

// "N*4096" in a step.
struct LetterRun {
  char letter;
  uint64_t count;
};
std::optional<LetterRun> bytes_in(const std::string& call) {
  for (const std::string& word : words_in(call)) {
    if (is_run(word) && word[1] == '*') return LetterRun{word[0], std::stoull(word.substr(2))};
  }
  return std::nullopt;
}
std::optional<uint64_t> number_in(const std::string& call) {
  for (const std::string& word : words_in(call))
    if (word.size() < 10 && word.find_first_not_of("0123456789") == std::string::npos)
      return std::stoull(word);
  return std::nullopt;
}

// What a step is. The words before and behind say only by which descriptor.
enum class StepKind : uint8_t {
  kDevice,
  kCut,
  kWrite,
  kTruncate,
  kSync,
  kSyncAll,
  kRead,
  kCreate,
  kRename,
  kNothing,
  kMany,
  kUnknown
};
struct StepWord {
  std::string_view begins;
  StepKind kind;
};
constexpr StepWord kStepWords[] = {
    {"DEVICE", StepKind::kDevice},       {"POWER CUT IMAGE", StepKind::kCut},
    {"pwrite O_", StepKind::kUnknown},   {"pwrite", StepKind::kWrite},
    {"ftruncate", StepKind::kTruncate},  {"fsync another", StepKind::kUnknown},
    {"fsync fill", StepKind::kUnknown},  {"fsync", StepKind::kSync},
    {"fdatasync", StepKind::kSync},      {"syncfs", StepKind::kSyncAll},
    {"read", StepKind::kRead},           {"create new file", StepKind::kCreate},
    {"rename", StepKind::kRename},       {"at once", StepKind::kMany},
    {"evict pages", StepKind::kNothing}, {"drop_caches", StepKind::kNothing},
    {"open", StepKind::kNothing},        {"close", StepKind::kNothing},
    {"mount flags", StepKind::kNothing}, {"names", StepKind::kNothing},
    {"io so far", StepKind::kNothing}};

std::string bare_call(const std::string& call) {
  constexpr std::string_view kHealthy = "healthy: ";
  return call.starts_with(kHealthy) ? call.substr(kHealthy.size()) : call;
}
StepKind step_kind(const std::string& call) {
  const std::string text = bare_call(call);
  for (const StepWord& word : kStepWords)
    if (text.starts_with(word.begins)) return word.kind;
  return StepKind::kUnknown;
}

// By which descriptor a sync is called.
std::string descriptor_of(const std::string& call) {
  std::string name;
  for (std::string word : words_in(call)) {
    std::erase_if(word, [](char c) { return c == '(' || c == ')'; });
    if (word != "again" && word != "healthy") name += word + " ";
  }
  return name;
}

bool is_error(const std::string& result) {
  return !result.empty() && (result[0] == 'E' || result[0] == '[');
}

}  // namespace

std::string not_modelled(const FailedSyncProgram& program) {
  if (program.program.starts_with("P8") || program.variant == "nosync/data")
    return "a failure of write-back in the background";
  if (program.program == "P12") return "an error of metadata written in place";
  if (shape_of(program.variant) == nullptr) return "the variant \"" + program.variant + "\"";
  for (const FailedSyncRun& run : program.runs) {
    for (const FailedSyncStep& step : run.steps)
      if (step_kind(step.call) == StepKind::kUnknown) {
        const auto words = words_in(bare_call(step.call));
        return words.size() > 1 ? words[0] + " " + words[1] : step.call;
      }
    for (const auto& [label, files] : run.after_cut)
      if (!image_of(files)) return "what is found after a cut";
  }
  return "";
}

std::optional<sim::Image> image_of(const FileContents& files) {
  sim::Image image;
  for (const auto& [name, text] : files) {
    const size_t space = text.find(' ');
    if (!text.starts_with("size=") || space == std::string::npos) return std::nullopt;
    for (const std::string& word : words_in(text.substr(space + 1)))
      if (word != "empty" && !is_run(word)) return std::nullopt;
    sim::FoundFile file{name, parse_runs(text.substr(space + 1))};
    if (std::to_string(file.content.size()) != text.substr(5, space - 5)) return std::nullopt;
    image.push_back(std::move(file));
  }
  std::sort(image.begin(), image.end());
  return image;
}

namespace {

// The disk of a run, as one of the ways it may have come mentions it.
struct State {
  Disk disk;
  bool failed = false;              // some sync mentions failed
  std::set<std::string> told = {};  // descriptors that have reported it
};
using States = std::vector<State>;

class Replay {
 public:
  Replay(const FailedSyncProgram& program, const FailedSyncRun& run,
         const sim::PersonaRules& rules);
  ReplayedRun go();

 private:
  void step(const FailedSyncStep& step);
  void write(const std::string& call, const std::string& result);
  void change(const std::string& result, auto effect);
  void sync(const std::string& call, const std::string& result);
  void sync_once(const State& before, const std::string& call, const std::string& result);
  void sync_all(const std::string& result);
  void read(const std::string& call, const std::string& result);
  void many(const std::string& result);
  void cut(const std::string& label);
  void remount();
  std::string file_of(const std::string& call) const;
  // `t` stays open while it is renamed.
  Result<InodeId> find(const Disk& disk, const std::string& name) const {
    return name == "t" ? Result<InodeId>(t_) : disk.lookup(name);
  }
  void keep(State state) { next_.push_back(std::move(state)); }

  const FailedSyncProgram& program_;
  const FailedSyncRun& run_;
  const FileShape& shape_;
  InodeId t_ = sim::kNoInode;
  bool armed_ = false;
  bool was_armed_ = false;
  States states_;
  States next_;
  ReplayedRun result_;
};

void put_file(Disk& disk, const std::string& name, uint64_t bytes) {
  const InodeId file = disk.create(name).value();
  if (bytes > 0) CHECK(disk.write(file, 0, std::string(bytes, 'o')).ok());
}

Replay::Replay(const FailedSyncProgram& program, const FailedSyncRun& run,
               const sim::PersonaRules& rules)
    : program_(program), run_(run), shape_(*shape_of(program.variant)) {
  Disk disk(rules);
  std::set<std::string> found;
  for (const auto& [label, files] : run.after_cut)
    for (const auto& [name, content] : files) found.insert(name);
  if (shape_.old_bytes > 0) put_file(disk, "f", shape_.old_bytes);
  if (shape_.holes_to > 0) disk.truncate(disk.lookup("f").value(), shape_.holes_to);
  if (found.contains("g") || found.contains("h")) put_file(disk, "g", sim::kBlockBytes);
  if (program.program == "P7") put_file(disk, "a", sim::kBlockBytes);
  const sim::Survival all{.rest_kept = true, .slots = {}};
  disk = disk.after_power_cut(all).value();
  if (program.program == "P3") CHECK(disk.create("n").ok());
  if (program.program == "P7") t_ = disk.create("t").value();
  states_.push_back({std::move(disk)});
  if (program.program == "P13") step({std::string(shape_.write), ""});
}

// The file that a call is about, where it does not say so.
std::string Replay::file_of(const std::string& call) const {
  for (const std::string& word : words_in(call))
    for (const char* name : {"f", "g", "t", "a"})
      if (word == name) return name;
  return program_.program == "P3" ? "n" : program_.program == "P7" ? "t" : "f";
}

void Replay::change(const std::string& result, auto effect) {
  for (State& state : states_) {
    if (state.disk.check_change().ok() == is_error(result)) continue;
    if (!is_error(result)) effect(state.disk);
    keep(std::move(state));
  }
}

void Replay::write(const std::string& call, const std::string& result) {
  const LetterRun bytes = bytes_in(call).value_or(LetterRun{'X', 0});
  uint64_t at = number_in(call).value_or(0);
  if (mentions(call, "elsewhere")) at = shape_.nearby;
  change(result, [&](Disk& disk) {
    const auto file = find(disk, file_of(call));
    if (!file.ok() || bytes.count == 0) return;
    (void)disk.write(*file, at, std::string(bytes.count, bytes.letter));
  });
}

// Every way in which this sync may have gone as it did.
void Replay::sync_once(const State& before, const std::string& call, const std::string& result) {
  const bool directory = mentions(call, "dir");
  const auto file = find(before.disk, file_of(call));
  if (!directory && !file.ok()) return;
  const auto begin = [&](Disk& disk) {
    return directory ? disk.begin_sync_directory("").value() : disk.begin_sync(*file);
  };
  const bool forgets = before.disk.rules().sync_failure == sim::SyncFailure::kBtrfs;
  for (const bool noticed : {false, true}) {
    if (noticed && !before.disk.is_shut()) continue;
    State state = before;
    if (noticed || forgets) state.disk.set_noticed(noticed);
    if (state.disk.finish_sync(begin(state.disk)).ok() == is_error(result)) continue;
    keep(std::move(state));
    break;
  }
  if (!is_error(result)) return;
  // A descriptor that was not told yet is told now; others sync.
  if (before.failed && !mentions(call, "after") && !before.told.contains(descriptor_of(call))) {
    State state = before;
    state.told.insert(descriptor_of(call));
    if (state.disk.finish_sync(begin(state.disk)).ok()) keep(std::move(state));
  }
  if (!armed_ || before.disk.is_shut()) return;
  State data = before;
  data.failed = true;
  data.told.insert(descriptor_of(call));
  State journal = data;
  (void)(directory ? data.disk.fail_sync_directory(begin(data.disk))
                   : data.disk.fail_sync(begin(data.disk), data.disk.rules().sync_failure));
  if (result != "EROFS") keep(std::move(data));
  (void)journal.disk.fail_journal(begin(journal.disk));
  keep(std::move(journal));
}

void Replay::sync(const std::string& call, const std::string& result) {
  for (const State& state : states_) sync_once(state, call, result);
}

void Replay::sync_all(const std::string& result) {
  for (State& state : states_) {
    if (is_error(result) && !was_armed_) continue;
    if (!state.disk.is_shut()) {
      const auto names = state.disk.list("");
      for (const std::string& name : *names)
        (void)state.disk.finish_sync(state.disk.begin_sync(state.disk.lookup(name).value()));
      (void)state.disk.finish_sync(state.disk.begin_sync_directory("").value());
    }
    keep(std::move(state));
  }
}

void Replay::read(const std::string& call, const std::string& result) {
  for (State& state : states_) {
    const auto file = find(state.disk, file_of(call));
    if (is_error(result) || mentions(result, " EIO (by page")) {
      if (!state.disk.check_read().ok() || state.disk.may_refuse_pages()) keep(std::move(state));
      continue;
    }
    const auto wanted = image_of(FileContents{{"f", result}});
    if (!file.ok() || !wanted || !state.disk.check_read().ok()) continue;
    if (state.disk.evict_to(*file, (*wanted)[0].content)) keep(std::move(state));
  }
}

// "fsync fd=EIO ; pwrite X=EROFS ; 0.2 s later: fsync dir=ok".
void Replay::many(const std::string& result) {
  std::string rest = result;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(" ; "), rest.size());
    std::string one = rest.substr(0, end);
    rest.erase(0, std::min(end + 3, rest.size()));
    if (const size_t later = one.find("later: "); later != std::string::npos)
      one.erase(0, later + 7);
    const size_t is = one.rfind('=');
    next_.clear();
    if (is == std::string::npos) return states_.clear();
    const std::string call = one.substr(0, is);
    if (call.starts_with("pwrite"))
      write("pwrite 4096 X*4096", one.substr(is + 1));
    else
      sync(call, one.substr(is + 1));
    states_ = next_;
  }
}

void Replay::cut(const std::string& label) {
  const auto found = run_.after_cut.find(label);
  if (found == run_.after_cut.end()) {
    next_ = states_;
    return;
  }
  const sim::Image image = *image_of(found->second);
  std::set<sim::Image> legal;
  bool complete = true;
  for (State& state : states_) {
    complete &=
        sim::for_each_crash_state(state.disk, kTapesPerCut,
                                  [&](const Disk&, const sim::Image& one) { legal.insert(one); })
            .complete;
    if (sim::is_legal_crash_state(state.disk, image)) keep(std::move(state));
  }
  if (complete) result_.legal[label].assign(legal.begin(), legal.end());
}

// Unmounted, which syncs everything, and mounted: no cut mentions anything else to decide.
void Replay::remount() {
  if (!run_.after_remount) return;
  const auto image = image_of(*run_.after_remount);
  if (!image) return;
  next_.clear();
  sync_all("ok");
  const bool contained = std::any_of(next_.begin(), next_.end(), [&](const State& state) {
    return sim::is_legal_crash_state(state.disk, *image);
  });
  if (!contained) result_.departs = "after a clean remount";
}

void Replay::step(const FailedSyncStep& step) {
  next_.clear();
  const std::string call = bare_call(step.call);
  switch (step_kind(step.call)) {
    case StepKind::kDevice:
      armed_ = !call.starts_with("DEVICE off");
      was_armed_ |= armed_;
      return;
    case StepKind::kCut:
      cut(call.substr(call.rfind(' ') + 1));
      break;
    case StepKind::kWrite:
      write(call, step.result);
      break;
    case StepKind::kTruncate:
      change(step.result,
             [&](Disk& disk) { disk.truncate(disk.lookup("f").value(), number_in(call).value()); });
      break;
    case StepKind::kSync:
      sync(call, step.result);
      break;
    case StepKind::kSyncAll:
      sync_all(step.result);
      break;
    case StepKind::kRead:
      read(call, step.result);
      break;
    case StepKind::kCreate:
      change(step.result, [](Disk& disk) { (void)disk.create("n"); });
      break;
    case StepKind::kRename:
      change(step.result, [&](Disk& disk) {
        const auto words = words_in(call);
        if (words.size() == 3) (void)disk.rename(words[1], words[2]);
      });
      break;
    case StepKind::kMany:
      many(step.result);
      return;
    case StepKind::kNothing:
    case StepKind::kUnknown:
      return;
  }
  states_ = std::move(next_);
}

ReplayedRun Replay::go() {
  for (size_t i = 0; i < run_.steps.size(); ++i) {
    step(run_.steps[i]);
    if (!states_.empty()) continue;
    result_.departs =
        "step " + std::to_string(i + 1) + " " + run_.steps[i].call + " " + run_.steps[i].result;
    return std::move(result_);
  }
  remount();
  return std::move(result_);
}

}  // namespace

ReplayedRun replay(const FailedSyncProgram& program, const FailedSyncRun& run,
                   const sim::PersonaRules& rules) {
  sim::PersonaRules whole = rules;
  whole.sector_bytes = sim::kBlockBytes;  // a request fails as a whole
  return Replay(program, run, whole).go();
}

}  // namespace powercut::faults
