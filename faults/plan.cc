#include "faults/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace powercut::faults {

using sim::CrashKind;
using sim::CrashPoint;
using sim::Op;

namespace {

// No number of a plan is larger, so sums of them do not overflow.
constexpr uint64_t kNumberMax = 100'000'000'000'000'000;

constexpr std::array<std::string_view, 4> kPoints = {"before", "inside", "after", "returning"};

struct Unit {
  std::string_view name;
  int64_t ns;
};
constexpr std::array<Unit, 4> kUnits = {
    {{"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}}};

std::string print(Duration duration) {
  for (const Unit& unit : kUnits) {
    // "1500ms" and "2500ms" rather than "2500000us"; "0ns".
    if (duration.ns != 0 && duration.ns % unit.ns == 0) {
      return fmt::format("{}{}", duration.ns / unit.ns, unit.name);
    }
  }
  return "0ns";
}

std::string_view point_name(CrashPoint point) { return kPoints[static_cast<size_t>(point)]; }
std::string_view op_name(Op op) { return sim::op_site(op).name; }

constexpr std::array<std::string_view, kFileRoles> kRoles = {
    "none", "segment", "base", "manifest", "checkpoint", "directory", "other"};

constexpr std::array<std::string_view, kSinces> kSinceNames = {"", "served", "error", "idle"};

// "sync:2", "sync/base:0", "idle/sync:0".
std::string print_call(const Fault& fault) {
  const bool any = fault.role == FileRole::kNone;
  const bool always = fault.since == Since::kBegin;
  return fmt::format("{}{}{}{}{}:{}", name(fault.since), always ? "" : "/", op_name(fault.op),
                     any ? "" : "/", any ? "" : name(fault.role), fault.at);
}

std::string print_crash(const Fault& fault) {
  const std::string_view kind = fault.crash == CrashKind::kKill ? "kill" : "cut";
  switch (fault.trigger) {
    case Trigger::kOperationCall:
      return fmt::format("{}@op:{}+{}:{}", kind, fault.at, fault.extra, point_name(fault.point));
    case Trigger::kOperationMoment:
      return fmt::format("{}@op:{}~{}", kind, fault.at, print(fault.delay));
    case Trigger::kCall:
      return fmt::format("{}@call:{}:{}", kind, fault.at, point_name(fault.point));
    case Trigger::kIdle:
      return fmt::format("{}@idle:{}", kind, print(fault.delay));
    case Trigger::kKindCall:
      return fmt::format("{}@{}:{}", kind, print_call(fault), point_name(fault.point));
    case Trigger::kKindMoment:
      return fmt::format("{}@{}~{}", kind, print_call(fault), print(fault.delay));
  }
  return "";
}

std::string print_argument(const Fault& fault) {
  switch (row(fault.kind).argument) {
    case Argument::kNone:
      return "";
    case Argument::kDelay:
      return "=" + print(fault.delay);
    case Argument::kJump:
      return fmt::format("={}ms", fault.jump_ms);
  }
  return "";
}

std::string print(const Fault& fault) {
  const std::string word(row(fault.kind).word);
  switch (row(fault.kind).counts) {
    case Counts::kCrash:
      return print_crash(fault);
    case Counts::kCall:
      return fmt::format("{}@{}{}", word, print_call(fault), print_argument(fault));
    case Counts::kEveryCall:
      return fmt::format("{}@{}", word, op_name(fault.op));
    case Counts::kOperation:
      return fmt::format("{}@op:{}{}", word, fault.at, print_argument(fault));
    case Counts::kOperations:
      return fmt::format("{}@op:{}..{}", word, fault.at, fault.extra);
    case Counts::kDraw:
      return fault.at == 0 ? word : fmt::format("{}:{}", word, fault.at);
  }
  return word;
}

// What a word of this kind begins with.
std::string beginning(const KindRow& kind) {
  switch (kind.counts) {
    case Counts::kOperation:
    case Counts::kOperations:
      return fmt::format("{}@op:", kind.word);
    case Counts::kCrash:
    case Counts::kCall:
    case Counts::kEveryCall:
      return fmt::format("{}@", kind.word);
    case Counts::kDraw:
      break;
  }
  return std::string(kind.word);
}

// Takes one word apart from the left; the first thing that does not fit is remembered.
class Word {
 public:
  explicit Word(std::string_view text) : word_(text), rest_(text) {}

  Result<Fault> parse() {
    Fault fault;
    if (accept("life:")) {
      fault.life = static_cast<uint32_t>(number(1'000'000));
      expect("/");
    }
    if (accept("kill@")) {
      fault.crash = CrashKind::kKill;
      crash(fault);
    } else if (const KindRow* kind = this->kind()) {
      fault.kind = kind->kind;
      numbers(fault, *kind);
    } else {
      fail("no such fault");
    }
    if (!rest_.empty()) fail("something is left over");
    if (problem_.empty()) return fault;
    return Error{Errc::kInvalid,
                 fmt::format("fault plan: {}: {}, at \"{}\"", word_, problem_, at_)};
  }

 private:
  // By the longest beginning that fits: "enospc@op:" is not "enospc@".
  const KindRow* kind() {
    const KindRow* found = nullptr;
    size_t length = 0;
    for (const KindRow& kind : kind_rows()) {
      const std::string begins = beginning(kind);
      if (begins.size() <= length || !rest_.starts_with(begins)) continue;
      found = &kind;
      length = begins.size();
    }
    rest_.remove_prefix(length);
    return found;
  }

  void numbers(Fault& fault, const KindRow& kind) {
    switch (kind.counts) {
      case Counts::kCrash:
        fault.crash = CrashKind::kPowerCut;
        return crash(fault);
      case Counts::kCall:
        call_of(fault, kind.ops);
        return argument(fault, kind.argument);
      case Counts::kEveryCall:
        fault.op = operation(kind.ops);
        return;
      case Counts::kOperation:
        fault.at = number();
        return argument(fault, kind.argument);
      case Counts::kOperations:
        fault.at = number();
        expect("..");
        fault.extra = number();
        if (fault.extra <= fault.at) fail("the range ends before it begins");
        return;
      case Counts::kDraw:
        if (accept(":")) fault.at = number(1'000'000);
        return;
    }
  }

  void argument(Fault& fault, Argument argument) {
    if (argument == Argument::kNone) return;
    expect("=");
    if (argument == Argument::kDelay) {
      fault.delay = duration();
      return;
    }
    const bool back = accept("-");
    fault.jump_ms = static_cast<int64_t>(number()) * (back ? -1 : 1);
    expect("ms");
  }

  void crash(Fault& fault) {
    if (accept("op:")) {
      fault.at = number();
      if (accept("~")) {
        fault.trigger = Trigger::kOperationMoment;
        fault.delay = duration();
        return;
      }
      expect("+");
      fault.extra = number();
      fault.point = point();
    } else if (accept("call:")) {
      fault.trigger = Trigger::kCall;
      fault.at = number();
      fault.point = point();
    } else if (accept("idle:")) {
      fault.trigger = Trigger::kIdle;
      fault.delay = duration();
    } else {
      call_of(fault, kEveryOp);
      fault.trigger = accept("~") ? Trigger::kKindMoment : Trigger::kKindCall;
      if (fault.trigger == Trigger::kKindMoment) {
        fault.delay = duration();
      } else {
        fault.point = point();
      }
    }
  }

  CrashPoint point() {
    expect(":");
    for (const CrashPoint point :
         {CrashPoint::kBefore, CrashPoint::kInside, CrashPoint::kAfter, CrashPoint::kReturning}) {
      if (accept(point_name(point))) return point;
    }
    fail("before, inside or after a call, or a sync returning");
    return CrashPoint::kBefore;
  }

  Op operation(OpSet allowed) {
    const std::string_view name =
        rest_.substr(0, rest_.find_first_not_of("_abcdefghijklmnopqrstuvwxyz"));
    for (int i = 0; i < sim::kOps; ++i) {
      const Op op = static_cast<Op>(i);
      if (op_name(op) != name) continue;
      if (!has(allowed, op)) fail("not a fault of this kind of call");
      rest_.remove_prefix(name.size());
      return op;
    }
    fail("no such kind of call");
    return Op::kOpen;
  }

  void call_of(Fault& fault, OpSet allowed) {
    for (size_t i = 1; i < kSinceNames.size(); ++i)
      if (accept(fmt::format("{}/", kSinceNames[i]))) fault.since = static_cast<Since>(i);
    fault.op = operation(allowed);
    if (accept("/")) fault.role = role();
    expect(":");
    fault.at = number();
  }

  FileRole role() {
    for (size_t i = 1; i < kRoles.size(); ++i) {
      if (accept(kRoles[i])) return static_cast<FileRole>(i);
    }
    fail("no such role of a file");
    return FileRole::kNone;
  }

  uint64_t number(uint64_t most = kNumberMax) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) {
      fail(error == std::errc::result_out_of_range ? "too large" : "a number is missing");
      return 0;
    }
    if (value > most) fail("too large");
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return value;
  }

  Duration duration() {
    const uint64_t value = number();
    for (const Unit& unit : kUnits) {
      if (!accept(unit.name)) continue;
      if (value > kNumberMax / static_cast<uint64_t>(unit.ns)) fail("too long");
      if (!problem_.empty()) return {};
      return Duration{static_cast<int64_t>(value) * unit.ns};
    }
    fail("a duration ends in ns, us, ms or s");
    return {};
  }

  bool accept(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  void expect(std::string_view text) {
    if (!accept(text)) fail(fmt::format("\"{}\" is missing", text));
  }
  void fail(std::string what) {
    if (!problem_.empty()) return;
    problem_ = std::move(what);
    at_ = rest_;
  }

  std::string_view word_;
  std::string_view rest_;
  std::string problem_;
  std::string_view at_;
};

Error bad(std::string what) { return {Errc::kInvalid, "fault plan: " + std::move(what)}; }

// The rules over all words together.
Result<void> check(const Plan& plan) {
  uint32_t last = 0;
  for (const Fault& fault : plan.faults) last = std::max(last, fault.life);
  for (uint32_t life = 0; life <= last; ++life) {
    const auto crashes = std::count_if(
        plan.faults.begin(), plan.faults.end(),
        [&](const Fault& fault) { return fault.kind == FaultKind::kCrash && fault.life == life; });
    if (crashes > 1) return bad(fmt::format("life {} has {} crash words, not one", life, crashes));
    if (crashes == 0 && life < last) {
      return bad(fmt::format("life {} needs a crash word, since life {} is mentioned", life, last));
    }
  }
  for (const Fault& fault : plan.faults) {
    if (row(row(fault.kind).fault).needs_crash && plan.crash_of(fault.life) == nullptr)
      return bad(fmt::format("{} needs a crash word in life {}", print(fault), fault.life));
  }
  return {};
}

}  // namespace

std::string_view name(Since since) { return kSinceNames[static_cast<size_t>(since)]; }
std::string_view name(FileRole role) { return kRoles[static_cast<size_t>(role)]; }

FileRole role_of(Op op, std::string_view path, RoleOfFile file) {
  const bool directory = op == Op::kSyncDirectory || op == Op::kList || op == Op::kMakeDirectory;
  return directory ? FileRole::kDirectory : file(path);
}

FaultSet classes_of(const Fault& fault) {
  if (fault.kind != FaultKind::kCrash) return {row(fault.kind).fault};
  FaultSet set{fault.crash == CrashKind::kKill ? FaultClass::kKill : FaultClass::kPowerCut};
  if (sim::under_way(fault.point)) set.add(FaultClass::kTorn);
  if (fault.life > 0 && fault.trigger == Trigger::kCall) set.add(FaultClass::kRecoveryCut);
  return set;
}

bool ends_life(const Fault& fault) {
  return fault.kind == FaultKind::kCrash || target(fault.kind) == Target::kDisk;
}

bool counts_operations(const Fault& fault) {
  switch (row(fault.kind).counts) {
    case Counts::kCrash:
      return fault.trigger == Trigger::kOperationCall || fault.trigger == Trigger::kOperationMoment;
    case Counts::kOperation:
    case Counts::kOperations:
      return true;
    case Counts::kCall:
    case Counts::kEveryCall:
    case Counts::kDraw:
      break;
  }
  return false;
}

bool spans_operations(const Fault& fault) { return row(fault.kind).counts == Counts::kOperations; }

bool counts_calls(const Fault& fault) {
  if (fault.kind != FaultKind::kCrash) return row(fault.kind).counts == Counts::kCall;
  return fault.trigger == Trigger::kCall || fault.trigger == Trigger::kKindCall ||
         fault.trigger == Trigger::kKindMoment;
}

uint32_t Plan::crashes() const {
  uint32_t crashes = 0;
  for (const Fault& fault : faults) crashes += fault.kind == FaultKind::kCrash ? 1 : 0;
  return crashes;
}

const Fault* Plan::crash_of(uint32_t life) const {
  for (const Fault& fault : faults) {
    if (fault.kind == FaultKind::kCrash && fault.life == life) return &fault;
  }
  return nullptr;
}

FaultSet Plan::classes() const {
  FaultSet set;
  for (const Fault& fault : faults) set = set | classes_of(fault);
  return set;
}

bool Plan::violates_contract() const { return classes().has_any(FaultSet::violations()); }

std::string print(const Plan& plan) {
  std::string text;
  for (const Fault& fault : plan.faults) {
    if (!text.empty()) text += ' ';
    if (fault.life != 0) text += fmt::format("life:{}/", fault.life);
    text += print(fault);
  }
  return text;
}

Result<Plan> parse_plan(std::string_view text) {
  Plan plan;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end != 0) {
      TRY_ASSIGN(const Fault fault, Word(text.substr(0, end)).parse());
      plan.faults.push_back(fault);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  TRY(check(plan));
  return plan;
}

}  // namespace powercut::faults
