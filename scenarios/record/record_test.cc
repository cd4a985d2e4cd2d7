// Real programs, recorded and cut: what they did is all there, what they promised is judged, and what cannot
// be recorded is said.
#include "scenarios/record/record.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "engine/base/check.h"
#include "scenarios/record/call_faults.h"
#include "scenarios/record/hand_over.h"
#include "scenarios/record/mapped_files.h"
#include "scenarios/record/recovery.h"
#include "scenarios/trace/replay.h"
#include "scenarios/trace/report.h"
#include "scenarios/trace/syncs.h"

namespace powercut::scenarios {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Record : public testing::Test {
 protected:
  Record() {
    std::string name = (fs::temp_directory_path() / "powercut_record_XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    before_ = fs::current_path();
    fs::current_path(folder_);
  }
  ~Record() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  static void write(const std::string& name, const std::string& text) {
    std::ofstream(name, std::ios::binary) << text;
  }
  static std::string read(const std::string& name) {
    std::ifstream in(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static Result<Recording> run(std::vector<std::string> command) {
    return record({.command = std::move(command)});
  }
  static Trace traced(std::vector<std::string> command) {
    auto recording = run(std::move(command));
    EXPECT_TRUE(recording.ok()) << recording.error().message;
    if (!recording.ok()) return {};
    EXPECT_EQ(recording->status, 0);
    return std::move(recording->trace);
  }
  // Where files must be handed over a statically linked one cannot be recorded.
  static std::string program_path() {
    return HandOver::is_needed() ? POWERCUT_LOADING_PROGRAM : POWERCUT_RECORDED_PROGRAM;
  }
  static Trace program(const std::string& what) {
    return traced({"sh", "-c", fmt::format("exec '{}' {}", program_path(), what)});
  }
  static size_t count(const Trace& trace, TraceEvent::Kind kind) {
    return static_cast<size_t>(
        std::count_if(trace.events.begin(), trace.events.end(),
                      [&](const TraceEvent& event) { return event.kind == kind; }));
  }

  fs::path folder_;
  fs::path before_;
};

class Explored {
 public:
  Explored(const Trace& trace, const std::string& observe, const std::string& recover = "")
      : process_(RecoveryProcess::begin({.recover = recover, .observe = observe, .check = ""},
                                        modes_of(trace))
                     .value()),
        symlinks_(symlinks_of(trace)),
        outcomes([this](const sim::Disk& disk) { return process_.run(disk); },
                 [this](const sim::Disk& disk) { return process_.recorded(disk); }) {
    spec.trace = &trace;
    spec.acks = acknowledgements(trace, std::nullopt);
    for (const faults::Persona& persona : faults::all_personas())
      if (persona.keeps_synced) spec.personas.push_back(&persona);
  }
  TraceExploration run() {
    auto explored = explore_trace(spec, outcomes);
    EXPECT_TRUE(explored.ok()) << explored.error().message;
    return explored.ok() ? std::move(explored).value() : TraceExploration{};
  }

 private:
  RecoveryProcess process_;
  std::set<std::string> symlinks_;

 public:
  ImageOutcome recovered(const sim::Disk& disk) const { return process_.run(disk); }
  // So that images go by classes where there are more than so many.
  void go_by_classes(uint64_t images_most) {
    classes.emplace(outcomes.pool(),
                    [this](sim::LazyDisk& lazy, sim::Disk disk) -> std::optional<uint32_t> {
                      auto outcome = process_.run(lazy, std::move(disk), symlinks_);
                      if (!outcome) return std::nullopt;
                      return outcomes.number_of(std::move(*outcome));
                    });
    spec.classes = &*classes;
    spec.images_most = images_most;
    spec.each_most = 1;
  }

  std::optional<sim::LookTree> classes;
  TraceSpec spec;
  ImageOutcomes outcomes;
};

TEST_F(Record, AProgramThatSavesWronglyIsCaughtAndRepaired) {
  write("settings", "colour = red\n");
  const Trace trace = program("save");
  Explored explored(trace, "cat settings");
  const TraceExploration all = explored.run();
  EXPECT_GT(all.violations(), 0u);
  for (const TraceCertificate& one : all.by_persona)  // nowhere else is the new name durable
    EXPECT_EQ(one.held(), one.persona->rules.write_through) << one.persona->name;
  const TraceViolation& first = all.by_persona.front().first.front();
  const std::string story = tell(first, explored.spec, all, explored.outcomes);
  EXPECT_THAT(story, HasSubstr("The power is cut behind event"));
  const auto missing = missing_syncs(explored.spec, explored.outcomes);
  ASSERT_TRUE(missing.ok());
  EXPECT_TRUE(missing->hold);
  EXPECT_TRUE(missing->complete);
  ASSERT_EQ(missing->syncs.size(), 2u);
  EXPECT_EQ(missing->syncs[0].path, "settings.tmp");
  EXPECT_EQ(missing->syncs[1].path, "");  // the directory
}

TEST_F(Record, TheRightRecipeHoldsOnEveryPersona) {
  write("settings", "colour = red\n");
  const Trace trace = program("save sync");
  Explored explored(trace, "cat settings");
  const TraceExploration all = explored.run();
  EXPECT_EQ(all.violations(), 0u);
  EXPECT_TRUE(all.complete());
  EXPECT_EQ(all.by_persona.size(), explored.spec.personas.size());
}

TEST_F(Record, WhatIsSaidComesBehindWhatWasSynced) {
  const Trace trace = program("save sync");
  std::vector<TraceEvent::Kind> kinds;
  for (const TraceEvent& event : trace.events)
    if (event.kind == TraceEvent::kSynced || event.kind == TraceEvent::kOut ||
        event.kind == TraceEvent::kExit)
      kinds.push_back(event.kind);
  EXPECT_EQ(kinds, (std::vector<TraceEvent::Kind>{TraceEvent::kSynced, TraceEvent::kSynced,
                                                  TraceEvent::kOut, TraceEvent::kExit}));
}

TEST_F(Record, SixteenThreadsLoseNoEvent) {
  constexpr size_t kThreads = 16, kLines = 100;
  const Trace trace = program(fmt::format("threads {} {}", kThreads, kLines));
  std::string told;
  std::map<std::string, size_t> next;  // by thread: each one's lines are in order
  for (const TraceEvent& event : trace.events) {
    if (event.kind != TraceEvent::kWrite) continue;
    EXPECT_EQ(event.offset, told.size());
    told += event.bytes;
    EXPECT_EQ(event.bytes.substr(4), fmt::format("{:05}\n", next[event.bytes.substr(0, 3)]++));
  }
  EXPECT_EQ(next.size(), kThreads);
  EXPECT_EQ(count(trace, TraceEvent::kWrite), kThreads * kLines);
  EXPECT_EQ(count(trace, TraceEvent::kSync), kThreads);
  EXPECT_EQ(count(trace, TraceEvent::kSynced), kThreads);
  EXPECT_EQ(told, read("log"));
}

TEST_F(Record, ChildrenAreRecordedAsTheirParents) {
  const Trace trace = program("child");
  EXPECT_EQ(count(trace, TraceEvent::kWrite), 1u);
  EXPECT_EQ(read("log"), "by a child\n");
}

TEST_F(Record, AFileWithoutANameGetsOne) {
  const Trace trace = program("nameless");
  EXPECT_EQ(count(trace, TraceEvent::kNameless), 1u);
  EXPECT_EQ(count(trace, TraceEvent::kLink), 1u);
  EXPECT_EQ(read("log"), "named at last\n");
}

// A call that a signal comes upon is done once.
TEST_F(Record, AStormOfSignalsDoublesNothing) {
  constexpr size_t kLines = 2000;
  const Trace trace = program(fmt::format("signals {}", kLines));
  std::string expected;
  for (size_t line = 0; line < kLines; ++line) expected += fmt::format("000 {:05}\n", line);
  EXPECT_EQ(read("log"), expected);
  EXPECT_EQ(count(trace, TraceEvent::kWrite), kLines);
}

// What goes wrong goes wrong in the same way, and what is left is the same.
TEST_F(Record, EveryResultIsTheKernels) {
  ASSERT_TRUE(fs::create_directory("natively") && fs::create_directory("recorded"));
  const std::string odd = fmt::format("'{}' odd >../", program_path());
  ASSERT_EQ(std::system(("cd natively && " + odd + "native").c_str()), 0);
  const auto recording =
      record({.command = {"sh", "-c", "cd recorded && " + odd + "said"}, .directory = "recorded"});
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  const std::string native = read("native");
  EXPECT_GT(std::count(native.begin(), native.end(), '\n'), 50);
  EXPECT_EQ(read("said"), native);
  EXPECT_EQ(std::system("diff -r --no-dereference natively recorded"), 0);
}

// The recording itself compares what it leads to with what is there.
TEST_F(Record, UsualProgramsDoWhatTheyDoUnrecorded) {
  const std::string script =
      "set -e; mkdir -p d/e; seq 5000 > d/numbers; cp d/numbers copy; cp -r d tree; mv copy moved;"
      "ln moved linked; ln -s d/numbers symbolic; cat symbolic >> linked; truncate -s 7777 moved;"
      "head -c 10 moved > part; mv part moved; dd if=linked of=moved bs=512 count=3 "
      "conv=notrunc,fsync"
      " status=none; echo x > d/e/f; rm -r d/e; sed -i s/1/one/ tree/numbers; rm linked; mkdir "
      "gone;"
      "rmdir gone; : > empty; echo again > empty; tar -cf all.tar tree; sync; (echo sub) > sub;"
      "exec 3<>both; echo first >&3; echo second >&3; cat both >/dev/null; touch tree/t; rm tree/t;"
      "fallocate -l 5000 long; fallocate -p -o 0 -l 4096 long; sort -o sorted d/numbers";
  ASSERT_TRUE(fs::create_directory("natively") && fs::create_directory("recorded"));
  ASSERT_EQ(std::system(fmt::format("cd natively && ({})", script).c_str()), 0);
  const auto recording =
      record({.command = {"sh", "-c", "cd recorded; " + script}, .directory = "recorded"});
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  EXPECT_EQ(recording->status, 0);
  EXPECT_EQ(recording->remarks, std::vector<std::string>{});
  EXPECT_EQ(std::system("diff -r --no-dereference --exclude=all.tar natively recorded"), 0);
}

TEST_F(Record, ModesFollowTheUmaskOfTheProgram) {
  traced({"sh", "-c", "umask 027; mkdir d; echo 1 > d/f"});
  EXPECT_EQ(fs::status("d").permissions(), fs::perms{0750});
  EXPECT_EQ(fs::status("d/f").permissions(), fs::perms{0640});
}

TEST_F(Record, AnImageHasTheModeOfTheDirectory) {
  ASSERT_TRUE(fs::create_directory("in"));
  fs::permissions("in", fs::perms{0750});
  const auto recording =
      record({.command = {"sh", "-c", "echo 1 > in/a; echo kept"}, .directory = "in"});
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  const Trace trace = parse_trace(print_trace(recording->trace), "t").value();
  Explored explored(trace, "stat -c %a .");
  const auto replay = Replay::begin(trace, sim::PersonaRules{});
  ASSERT_TRUE(replay.ok());
  EXPECT_EQ(explored.recovered(replay->disk()).observed, "750\n");
}

TEST_F(Record, OnlyTheDirectoryIsRecorded) {
  ASSERT_TRUE(fs::create_directory("in"));
  write("lock", "");
  const auto recording =
      record({.command = {"sh", "-c", "echo 1 > in/a; echo 2 > out; echo 3 > in/x.lock"},
              .directory = "in",
              .ignore = {"*.lock"}});
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  EXPECT_EQ(count(recording->trace, TraceEvent::kWrite), 1u);
  EXPECT_EQ(read("out"), "2\n");
  EXPECT_EQ(read("in/x.lock"), "3\n");
}

TEST_F(Record, AFileThatWasEmptiedSettlesWithItsLastClose) {
  write("a", "old\n");
  const Trace trace = traced({"sh", "-c", "echo new > a"});
  EXPECT_EQ(count(trace, TraceEvent::kTruncate), 1u);
  EXPECT_EQ(count(trace, TraceEvent::kClose), 1u);
}

// A recovery that looks at little runs a few times for many images, and comes to all that these come to.
TEST_F(Record, ClassesComeToWhatAllTheirImagesComeTo) {
  write("a", "old");
  const Trace trace = traced(
      {"sh", "-c",
       "head -c 4200 /dev/zero | tr '\\0' x >t; ln -s a link; mv t a; echo b >b; echo said"});
  for (const std::string observe :
       {"head -c 9 a", "ls", "echo more >>b; cat b", "cp a c; truncate -s 3 c; cat c link"}) {
    Explored all(trace, observe);
    all.spec.images_most = 100'000;
    all.spec.recoveries_most = 1'000'000;
    all.spec.personas = {faults::find_persona("posix-min/sector=4096")};
    Explored by_class(trace, observe);
    by_class.go_by_classes(60);
    by_class.spec.personas = all.spec.personas;
    const TraceExploration expected = all.run(), found = by_class.run();
    ASSERT_EQ(found.by_persona.size(), 1u) << observe;
    EXPECT_GT(by_class.classes->executed(), 0u) << observe;
    EXPECT_FALSE(by_class.classes->is_unsteady()) << observe;
    const TraceCertificate& a = expected.by_persona[0];
    const TraceCertificate& b = found.by_persona[0];
    EXPECT_TRUE(a.complete && b.complete) << observe << ": " << b.because;
    EXPECT_EQ(a.legal_images, b.legal_images) << observe;
    EXPECT_EQ(a.violations, b.violations) << observe;
    EXPECT_EQ(a.first.size(), b.first.size()) << observe;
    for (const TraceViolation& violation : b.first) {
      const ImageOutcome& outcome = by_class.outcomes[violation.outcome];
      EXPECT_TRUE(outcome.same_as(by_class.recovered(violation.image))) << observe;
    }
  }
}

// --- What goes wrong ---

class Faulty : public Record {
 protected:
  // Its trace, and how it ended.
  static Recording faulty(const std::string& faults, std::vector<std::string> command) {
    RecordOptions options{.command = std::move(command)};
    options.faults = parse_call_faults(faults).value();
    auto recording = record(options);
    EXPECT_TRUE(recording.ok()) << recording.error().message;
    return recording.ok() ? std::move(recording).value() : Recording{};
  }
  static Recording faulty_save(const std::string& faults, const std::string& how) {
    write("settings", "colour = red\n");
    return faulty(faults, {"sh", "-c", fmt::format("exec '{}' save {}", program_path(), how)});
  }
  static std::string notes(const Trace& trace) {
    std::string text;
    for (const TraceEvent& event : trace.events)
      if (event.kind == TraceEvent::kNote) text += event.other + '\n';
    return text;
  }
};

TEST_F(Faulty, AFailedSyncIsSeenByTheProgramAndToldInTheTrace) {
  const Recording recording = faulty_save("eio@fsync:0", "sync");
  EXPECT_EQ(recording.status, 1);
  EXPECT_EQ(count(recording.trace, TraceEvent::kFailed), 1u);
  EXPECT_EQ(count(recording.trace, TraceEvent::kSynced), 0u);
  EXPECT_EQ(notes(recording.trace), "injected: sync of settings.tmp fails with EIO\n");
  EXPECT_EQ(read("settings"), "colour = red\n");
}

// Who syncs again after a failed sync is told that all is well, and it is not: on every persona that keeps the page.
TEST_F(Faulty, ASyncThatIsTriedAgainProvesNothing) {
  const Recording retried = faulty_save("eio@sync:0", "retry");
  EXPECT_EQ(retried.status, 0);
  Explored wrong(retried.trace, "cat settings");
  for (const TraceCertificate& one : wrong.run().by_persona) {
    EXPECT_EQ(one.held(), one.persona->rules.write_through) << one.persona->name;
    EXPECT_TRUE(one.complete) << one.because;
  }
  const Recording rewritten = faulty_save("eio@sync:0", "rewrite");
  EXPECT_EQ(rewritten.status, 0);
  Explored right(rewritten.trace, "cat settings");
  EXPECT_EQ(right.run().violations(), 0u);
}

TEST_F(Faulty, NamesOfAFailedDirectorySyncMayBeGone) {
  const Recording recording = faulty_save("eio@sync_directory:0", "sync");
  EXPECT_EQ(recording.status, 1);
  EXPECT_EQ(read("settings"), "colour = blue\n");  // it is there, and not said
  EXPECT_EQ(count(recording.trace, TraceEvent::kFailed), 1u);
}

TEST_F(Faulty, EveryKindOfCallFails) {
  const auto said = [](const std::string& fault, const std::string& command) {
    const Recording recording = faulty(fault, {"sh", "-c", command + " 2>said; true"});
    EXPECT_EQ(recording.remarks, std::vector<std::string>{}) << fault;
    return notes(recording.trace) + read("said");
  };
  write("a", "text\n");
  const auto is = [](const std::string& note, const std::string& error) {
    return testing::AllOf(HasSubstr(note), HasSubstr(error));
  };
  EXPECT_THAT(said("enospc@open:1", "cp a b"), is("open of b fails with ENOSPC", "No space left"));
  EXPECT_THAT(said("enospc@write:0", "cp a c"), is("write of c fails", "No space left"));
  EXPECT_THAT(said("eio@truncate:0", "truncate -s 1 a"), is("truncate of a", "Input/output"));
  EXPECT_THAT(said("eio@rename:0", "mv a d"), is("rename of a fails with EIO", "Input/output"));
  EXPECT_THAT(said("eio@link:0", "ln a e"), is("link of e", "Input/output"));
  EXPECT_THAT(said("eio@link:0", "ln -s a e"), is("link of e", "Input/output"));
  EXPECT_THAT(said("eio@remove:0", "rm -f a"), is("remove of a", "Input/output"));
  EXPECT_THAT(said("enospc@make_directory:0", "mkdir f"), is("make_directory of f", "No space"));
  EXPECT_EQ(read("a"), "text\n");
  EXPECT_THAT(said("denied@rename:0", "mv a d"), HasSubstr("happens, and fails with EIO"));
  EXPECT_EQ(read("d"), "text\n");
}

TEST_F(Faulty, ShortWritesLoseNothing) {
  const Recording recording =
      faulty("short@write", {"sh", "-c", "seq 1000 > a; seq 2000 > b; cat a b > c"});
  EXPECT_EQ(recording.status, 0);
  EXPECT_THAT(notes(recording.trace), HasSubstr("injected: write of"));
  EXPECT_EQ(read("c"), read("a") + read("b"));
}

TEST_F(Faulty, WhatStruckNothingIsSaid) {
  const Recording recording = faulty("eio@sync:7", {"sh", "-c", "echo 1 > a; sync a"});
  ASSERT_EQ(recording.remarks.size(), 1u);
  EXPECT_THAT(recording.remarks[0], HasSubstr("eio@sync:7 struck nothing"));
}

TEST_F(Faulty, WordsThatMeanNothingHereAreRefused) {
  for (const char* word : {"cut@idle:0ns", "eio@read:0", "hang@sync:0", "bitrot",
                           "life:1/eio@sync:0", "eio@sync/base:0", "enospc@op:1..2", "eio", ""}) {
    const auto parsed = parse_call_faults(word);
    if (*word == '\0')
      EXPECT_TRUE(parsed.ok());
    else
      EXPECT_FALSE(parsed.ok()) << word;
  }
}

// A recovery that takes a new file into the place of the old one may be cut itself.
TEST_F(Record, ARecoveryIsCutAsWell) {
  const auto broken = [](const std::string& recover, unsigned depth, const char* persona) {
    write("a", "old\n");
    fs::remove("b");
    // The new text is durable under another name, before it is said.
    const Trace trace = traced({"sh", "-c", "echo new >b; sync b; sync .; echo said"});
    Explored explored(trace, "cat a", recover);
    explored.spec.depth = depth;
    explored.spec.personas = {faults::find_persona(persona)};
    const TraceExploration all = explored.run();
    EXPECT_TRUE(all.complete()) << all.by_persona.front().because;
    EXPECT_EQ(explored.outcomes.recorded() > 0, depth > 1);
    for (const TraceViolation& one : all.by_persona.front().first) EXPECT_TRUE(one.second);
    return all.violations() > 0;
  };
  const std::string in_place = "if grep -qsx new b; then cat b >a; rm b; fi";
  const std::string replaced = "if grep -qsx new b; then mv b a; fi";
  EXPECT_FALSE(broken(in_place, 1, "posix-min"));
  EXPECT_TRUE(broken(in_place, 2, "posix-min"));
  EXPECT_TRUE(broken(replaced, 2, "posix-min"));  // a rename is not atomic there
  EXPECT_FALSE(broken(replaced, 2, "xfs"));
}

// --- What cannot be ---

TEST_F(Record, AWritableMappingIsRefusedAndSaid) {
  const auto recording = run({"sh", "-c", fmt::format("'{}' mapped >said", program_path())});
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  ASSERT_EQ(recording->remarks.size(), 1u);
  EXPECT_THAT(recording->remarks[0], HasSubstr("log was to be mapped shared and writable"));
  EXPECT_EQ(read("said"), "refused\n");
}

TEST_F(Record, AWritableMappingIsSampledWhereThatIsWanted) {
  const auto recording =
      record({.command = {"sh", "-c", fmt::format("exec '{}' maps", program_path())},
              .sample_mappings = true});
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  ASSERT_EQ(recording->status, 0);
  ASSERT_EQ(recording->remarks.size(), 1u);
  EXPECT_THAT(recording->remarks[0], HasSubstr("log is mapped shared and writable"));
  const Trace& trace = recording->trace;
  EXPECT_TRUE(is_sampled(trace));
  std::string order;
  for (const TraceEvent& event : trace.events) {
    if (event.kind == TraceEvent::kWrite)
      order += fmt::format("{}@{} ", event.bytes.substr(0, event.bytes.find('\0')), event.offset);
    if (event.kind == TraceEvent::kSync) order += "sync ";
    if (event.kind == TraceEvent::kOut) order += "said ";
  }
  EXPECT_EQ(order, "one@0 sync said two@4096 three@8192 said endee@8192 ");
  // It breaks, and what is left of it that holds is not said to be all.
  Explored explored(trace, "cat log");
  const TraceExploration all = explored.run();
  EXPECT_GT(all.violations(), 0u);
  EXPECT_FALSE(all.complete());
}

TEST_F(Record, AMappedFileIsComparedWhileItHasAName) {
  write("a", std::string(5000, 'o'));
  MappedFiles mapped;
  mapped.add(Fd(::open("a", O_RDONLY | O_CLOEXEC)), 7);
  std::vector<TraceEvent> seen;
  const auto look = [&] {
    seen.clear();
    mapped.look([&](TraceEvent event) { seen.push_back(std::move(event)); });
  };
  look();
  EXPECT_TRUE(seen.empty());
  const Fd file(::open("a", O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::pwrite(file.get(), "n", 1, 4500), 1);
  look();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].file, 7u);
  EXPECT_EQ(seen[0].offset, 4096u);
  EXPECT_EQ(seen[0].bytes, std::string(404, 'o') + "n" + std::string(499, 'o'));
  // What a call did is known.
  ASSERT_EQ(::ftruncate(file.get(), 10), 0);
  mapped.changed({.kind = TraceEvent::kTruncate, .file = 7, .length = 10});
  look();
  EXPECT_TRUE(seen.empty());
  ASSERT_EQ(::unlink("a"), 0);
  ASSERT_EQ(::pwrite(file.get(), "x", 1, 0), 1);
  look();
  EXPECT_TRUE(seen.empty());
}

TEST_F(Record, WhatIsNotModelledIsNamed) {
  ASSERT_TRUE(fs::create_directory("d"));
  const auto recording = run({"mv", "d", "e"});
  ASSERT_TRUE(recording.ok()) << recording.error().message;
  EXPECT_TRUE(recording->unmodelled);
  const auto why = check_modelled(recording->trace, "T");
  ASSERT_FALSE(why.ok());
  EXPECT_EQ(why.error().message, "T: event 1: rename of a directory on d to e is not modelled");
}

// As root it is seen all the same; otherwise it is said. Never is it recorded in part.
TEST_F(Record, AProgramThatHidesIsRecordedOrNamed) {
  const auto recording = run({"sh", "-c", fmt::format("'{}' hide", program_path())});
  if (recording.ok())
    EXPECT_EQ(count(recording->trace, TraceEvent::kWrite), 1u);
  else
    EXPECT_THAT(recording.error().message, HasSubstr("hides its memory"));
}

// Of one that can hand over nothing.
TEST_F(Record, AStaticProgramIsRecordedOrNamed) {
  const auto recording =
      run({"sh", "-c", fmt::format("exec '{}' save sync", POWERCUT_RECORDED_PROGRAM)});
  if (!HandOver::is_needed()) {
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    return;
  }
  ASSERT_FALSE(recording.ok());
  EXPECT_EQ(recording.error().code, Errc::kUnsupported);
  EXPECT_THAT(recording.error().message, HasSubstr("(recorded_progra) is statically linked"));
}

// Also what may be the recorder's is closed, or becomes another file.
TEST_F(Record, AProgramThatClosesEverythingIsRecordedOn) {
  const Trace trace = program("closes");
  EXPECT_EQ(count(trace, TraceEvent::kWrite), 21u);
  EXPECT_EQ(count(trace, TraceEvent::kSynced), 1u);
}

TEST_F(Record, AProgramThatIsNotThereIsNamed) {
  const auto recording = run({"./no-such-program"});
  ASSERT_FALSE(recording.ok());
  EXPECT_EQ(recording.error().code, Errc::kInvalid);
  EXPECT_THAT(recording.error().message, HasSubstr("./no-such-program cannot be run"));
  EXPECT_FALSE(record({.command = {"true"}, .directory = "nowhere"}).ok());
}

TEST_F(Record, WhatWasChangedUnseenIsNoticed) {
  write("a", "old\n");
  fs::create_hard_link("a", folder_.string() + ".link");
  const auto recording =
      run({"sh", "-c", fmt::format("mkdir d; exec echo >'{}.link'", folder_.string())});
  fs::remove(folder_.string() + ".link");
  ASSERT_FALSE(recording.ok());
  EXPECT_THAT(recording.error().message, HasSubstr("a is another"));
}

// --- Recoveries ---

TEST_F(Record, RecoveriesAreJudgedByWhatTheyPrintAndHowTheyEnd) {
  const auto outcome = [](RecoveryCommands commands) {
    const RecoveryProcess process = RecoveryProcess::begin(std::move(commands), {}).value();
    sim::Disk disk;
    CHECK(disk.make_directory("d").ok());
    CHECK(disk.write(disk.create("d/f").value(), 0, "content").ok());
    return process.run(disk);
  };
  EXPECT_EQ(outcome({.recover = "cat d/f"}).observed, "content");
  EXPECT_EQ(outcome({.recover = "echo more >> d/f", .observe = "cat d/f"}).observed,
            "contentmore\n");
  const ImageOutcome failed = outcome({.recover = "cat gone", .observe = "echo never"});
  EXPECT_NE(failed.status, 0);
  EXPECT_EQ(failed.observed, "");
  EXPECT_THAT(failed.said, HasSubstr("gone"));
  EXPECT_EQ(outcome({.recover = "kill -9 $$"}).status, 128 + 9);
  EXPECT_EQ(outcome({.recover = "no-such-program"}).status, 127);
  EXPECT_TRUE(outcome({.recover = "sleep 1000", .limit_ms = 50}).hangs);
  EXPECT_TRUE(outcome({.recover = "cat /proc/sys/kernel/random/uuid"}).unsteady);
}

}  // namespace
}  // namespace powercut::scenarios
