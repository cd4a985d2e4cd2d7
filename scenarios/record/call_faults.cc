#include "scenarios/record/call_faults.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "engine/base/check.h"

namespace powercut::scenarios {

using faults::FaultKind;
using sim::Op;

namespace {

// `eio@fsync:3` is what a program calls it.
std::string in_words_of_the_seam(std::string text) {
  for (const std::string_view call : {"@fdatasync:", "@fsync:"})
    for (size_t at = text.find(call); at != std::string::npos; at = text.find(call))
      text.replace(at, call.size(), "@sync:");
  return text;
}

// Why it cannot befall a recorded program; empty: it can.
std::string_view why_not(const faults::Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kEio:
    case FaultKind::kEnospc:
    case FaultKind::kShort:
    case FaultKind::kDenied:
      break;
    case FaultKind::kCrash:
      return "the power is cut by `explore --trace`, at every point";
    default:
      return "of a recorded program only eio, enospc, short and denied are made";
  }
  if (fault.life != 0 || fault.since != faults::Since::kBegin ||
      fault.role != faults::FileRole::kNone)
    return "a recorded program has one life, and its files have no roles";
  if (fault.op == Op::kRead || fault.op == Op::kList) return "reads are not recorded";
  return "";
}

}  // namespace

Result<faults::Plan> parse_call_faults(const std::string& text) {
  auto plan = faults::parse_plan(in_words_of_the_seam(text));
  if (!plan.ok()) return Error{Errc::kInvalid, "--fault: " + plan.error().message};
  for (const faults::Fault& fault : plan->faults)
    if (const std::string_view why = why_not(fault); !why.empty())
      return Error{Errc::kInvalid,
                   fmt::format("--fault: {}: {}", faults::print(faults::Plan{{fault}}), why)};
  return plan;
}

// One injector each, so that it shows which of them struck.
CallFaults::CallFaults(const faults::Plan& plan) {
  for (const faults::Fault& fault : plan.faults) {
    faults::Plan one{{fault}};
    auto injector = std::make_unique<faults::PlanInjector>(one, 0, choices_, now_);
    all_.push_back({std::move(one), std::move(injector)});
  }
}

sim::Injection CallFaults::ask(Op op, std::string_view path, uint64_t size) {
  const uint64_t number = calls_++;
  const sim::SeamCall call{number, op, path, 0, size, nullptr, number};
  sim::Injection all;
  for (const One& one : all_) {
    const sim::Injection injected = one.injector->on_call(call);
    if (injected.error && !all.error) {
      all.error = injected.error;
      all.happens = injected.happens;
    }
    if (injected.short_size) all.short_size = injected.short_size;
  }
  return all;
}

std::vector<std::string> CallFaults::idle() const {
  std::vector<std::string> words;
  for (const One& one : all_)
    if (one.injector->strikes().empty()) words.push_back(print(one.plan));
  return words;
}

int errno_of(Errc error) {
  CHECK(error == Errc::kIo || error == Errc::kNoSpace);
  return error == Errc::kIo ? EIO : ENOSPC;
}

std::string errno_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : fmt::format("errno {}", error);
}

}  // namespace powercut::scenarios
