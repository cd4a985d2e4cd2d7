// What a recorded program keeps: its trace on the simulated disk, the power cut at every point and
// under every persona, each image that may be left recovered by a real process, and judged.
//
// The oracle needs no checker: at each acknowledgement the image of a mere kill is recovered and
// observed. These are the legal states, in order. What a power cut leaves must recover to one of
// them, not older than the last acknowledgement. A recovery is anything that makes an outcome of an
// image (scenarios/record/recovery.h has the one with processes); it runs once for equal images.
//
// Certificates: `exhaustive` where every image that is legal at every point was recovered, or stands for by a
// class of images that the recovery did not tell apart (sim/look_tree.h); else `sampled`, with the reason; `stopped` where
// the recoveries that were allowed did not suffice.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/personas.h"
#include "scenarios/trace/trace.h"
#include "sim/content_pool.h"
#include "sim/crash_images.h"
#include "sim/look_tree.h"
#include "sim/survival.h"

namespace powercut::scenarios {

// What came of one image.
struct ImageOutcome {
  bool hangs = false;         // it was out of time
  bool unsteady = false;      // run twice, it came to two things
  int status = 0;             // of the first command that failed; beyond 128, a signal
  std::string observed = {};  // what was printed
  std::string said = {};      // on standard error, its first line: for people, and not compared
  bool same_as(const ImageOutcome& other) const {
    return hangs == other.hangs && unsteady == other.unsteady && status == other.status &&
           observed == other.observed;
  }
};
// Of a disk on which nothing is pending.
using RecoverImage = std::function<ImageOutcome(const sim::Disk& disk)>;
// What a recovery does to it. Errors: it cannot be recorded, and why.
using RecordRecovery = std::function<Result<Trace>(const sim::Disk& disk)>;

// A promise: from this event on, what it says is kept.
struct Acknowledgement {
  size_t event;  // in the trace
  uint64_t ms;
  std::string text;
};
// `pattern`: of each line of each stream but standard error; empty: each line of standard output, and
// the end of the command if it ends well.
std::vector<Acknowledgement> acknowledgements(const Trace& trace,
                                              const std::optional<std::regex>& pattern);

enum class TraceBreach : uint8_t { kLost, kNoPrefix, kNoStart, kHangs, kUnsteady, kCheckFails };
inline constexpr int kTraceBreaches = 6;
std::string_view code_of(TraceBreach breach);  // "lost"

struct TraceSpec {
  const Trace* trace = nullptr;
  std::vector<const faults::Persona*> personas;
  std::vector<Acknowledgement> acks;
  bool checked = false;    // the outcome's status alone says whether an image is good
  uint64_t lost_most = 0;  // acknowledgements that may be lost
  uint64_t window_ms = 0;  // those younger than this may be lost
  // Of one disk: with more images, or classes of them, so many are drawn.
  uint64_t images_most = 4096;
  // With more images they go by classes, if there are not too many; else one by one as well.
  uint64_t each_most = 64;
  sim::LookTree* classes = nullptr;   // of images that the recovery cannot tell apart; may be null
  uint64_t recoveries_most = 20'000;  // in all: beyond, it stops
  // 2: the recovery of each image is recorded and cut as well, at every point, and what recovery makes of that is
  // judged as what it made of the image. Images go one by one then.
  unsigned depth = 1;
};

// Recoveries, each run once; shared by explorations of traces that are alike.
class ImageOutcomes {
 public:
  explicit ImageOutcomes(RecoverImage recover, RecordRecovery record = {})
      : recover_(std::move(recover)), record_(std::move(record)) {}
  // The number of what comes of the disk's files; equal for equal outcomes. None: it is not known, and
  // `may_run` says that it is not to be found out.
  std::optional<uint32_t> of(const sim::Disk& disk, bool may_run = true);
  uint32_t number_of(ImageOutcome outcome);
  // The recovery of that disk as a trace, recorded once. REQUIRES: it can be recorded at all.
  const Result<Trace>& recording_of(const sim::Disk& disk);
  // Exact: equal for disks with the same files.
  std::string key_of(const sim::Disk& disk);
  const ImageOutcome& operator[](uint32_t number) const { return outcomes_[number]; }
  uint64_t executed() const { return known_.size() + recorded_.size(); }
  uint64_t recorded() const { return recorded_.size(); }
  sim::ContentPool& pool() { return pool_; }

 private:
  RecoverImage recover_;
  RecordRecovery record_;
  sim::ContentPool pool_;
  std::map<std::string, uint32_t> known_;  // by image
  std::map<std::string, Result<Trace>> recorded_;
  std::vector<ImageOutcome> outcomes_;  // that differ
};

// A cut of the recovery from a cut.
struct SecondCut {
  Trace recovery;
  size_t event = 0;
  size_t within = 0;
  sim::Survival survival;
  sim::Disk image;
};

// One way to break the promise.
struct TraceViolation {
  TraceBreach breach = TraceBreach::kLost;
  const faults::Persona* persona = nullptr;
  size_t event = 0;        // the cut is behind so many
  size_t within = 0;       // not nought: and in the next, behind so many of its pieces
  size_t acked = 0;        // acknowledgements that had to be kept
  size_t reached = 0;      // of kLost: how many are
  uint32_t outcome = 0;    // in ImageOutcomes
  sim::Survival survival;  // one image that leads there
  sim::Disk image;
  sim::Disk live;  // as the program saw it
  std::optional<SecondCut> second;
};

// What one persona comes to.
struct TraceCertificate {
  const faults::Persona* persona = nullptr;
  uint64_t points = 0;
  uint64_t disks = 0;              // that differ
  std::string legal_images = "0";  // over all points; exact
  uint64_t judged = 0;             // images and classes, over all points
  uint64_t deeper_points = 0;      // of depth 2: of the recoveries that were recorded
  uint64_t deeper_judged = 0;      // images there
  uint64_t violations = 0;         // outcomes, each at one point
  std::array<uint64_t, kTraceBreaches> by_breach = {};  // of these
  std::vector<TraceViolation> first;                    // of each breach
  bool complete = true;                                 // else: why
  bool stopped = false;  // it ended early: all recoveries were used up
  std::string because;
  bool held() const { return violations == 0; }
};

struct TraceExploration {
  std::vector<TraceCertificate> by_persona;
  std::vector<uint32_t> states;  // outcomes of kills: at the beginning, and at each acknowledgement
  bool complete() const;
  bool stopped() const;  // anywhere
  uint64_t violations() const;
  uint64_t violations(TraceBreach breach) const;
};

// The legal states: what a kill leaves at the beginning, at each acknowledgement, and at the end.
//   Errors: as the next.
Result<std::vector<uint32_t>> legal_states(const TraceSpec& spec, ImageOutcomes& outcomes);
// Acknowledgements that a cut behind so many events may not take.
size_t floor_at(const TraceSpec& spec, const faults::Persona& persona, size_t events);
// How many acknowledgements are in an outcome that is one of `states`; the last that looks so.
std::optional<size_t> place_of(const std::vector<uint32_t>& states, uint32_t outcome);
// What is wrong with it where so many have to be kept.
std::optional<TraceBreach> breach_of(const TraceSpec& spec, const ImageOutcomes& outcomes,
                                     const std::vector<uint32_t>& states, uint32_t outcome,
                                     size_t floor);

//   Errors: kUnsupported, kCorrupt: the trace cannot be played; kCorrupt: nothing is judged, and why.
Result<TraceExploration> explore_trace(const TraceSpec& spec, ImageOutcomes& outcomes);

}  // namespace powercut::scenarios
