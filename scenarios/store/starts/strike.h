// The one call of a start on a copy that fails, or at which the store dies (scenarios/store/starts/copied_starts.h).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/sim_os.h"

namespace powercut::scenarios {

// The calls of a world by what they are, or the crash or the error that one of them meets.
class Strike final : public sim::Injector {
 public:
  using Kinds = std::map<std::string, std::vector<uint64_t>>;

  explicit Strike(sim::Choices& choices) : choices_(choices) {}
  // The n-th call fails; or, with `crash`, the power or the process goes there.
  Strike(sim::Choices& choices, uint64_t number, bool crash)
      : choices_(choices), number_(number), crash_(crash) {}

  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    const std::string what = fmt::format("{} {}", sim::op_site(call.op).name, call.path);
    if (number_ == UINT64_MAX) kinds[what].push_back(call.number);
    if (call.number != number_) return injection;
    if (crash_) {
      met = fmt::format("a crash at call {}, {}", call.number, what);
      injection.crash = sim::CrashKind::kKill;
      injection.point = choices_.choose("starts.behind", number_, 2) == 0 ? sim::CrashPoint::kBefore
                                                                          : sim::CrashPoint::kAfter;
      return injection;
    }
    met = fmt::format("an error of call {}, {}", call.number, what);
    const bool looks = call.op == sim::Op::kRead || call.op == sim::Op::kList ||
                       call.op == sim::Op::kRemove || call.op == sim::Op::kTruncate;
    const bool full = !looks && choices_.choose("starts.full", number_, 3) == 0;
    injection.error = full ? Errc::kNoSpace : Errc::kIo;
    injection.happens =
        call.op == sim::Op::kRename && choices_.choose("starts.happens", number_, 2) == 0;
    names = call.op != sim::Op::kWrite && call.op != sim::Op::kSync && call.op != sim::Op::kRead;
    return injection;
  }

  // One of the calls from `first` on and before `end`, each kind of them as likely as another; none: there is none.
  static std::optional<uint64_t> draw(const Kinds& kinds, uint64_t first, uint64_t end,
                                      uint64_t key, sim::Choices& choices) {
    std::vector<std::vector<uint64_t>> may;
    for (const auto& [what, calls] : kinds) {
      std::vector<uint64_t> in;
      for (const uint64_t call : calls)
        if (call >= first && call < end) in.push_back(call);
      if (!in.empty()) may.push_back(std::move(in));
    }
    if (may.empty()) return std::nullopt;
    const auto& calls = may[choices.choose("starts.kind", key, may.size())];
    return calls[choices.choose("starts.call", key, calls.size())];
  }

  Kinds kinds;
  std::string met;
  bool names = false;  // what failed was about names

 private:
  sim::Choices& choices_;
  uint64_t number_ = UINT64_MAX;
  bool crash_ = false;
};

}  // namespace powercut::scenarios
