#include "scenarios/turns.h"

#include <fmt/format.h>

#include <charconv>

namespace powercut::scenarios {

size_t TurnRecorder::pick(const sim::Ready& ready) {
  const size_t picked = inner_.pick(ready);
  running_ = ready[picked]->id();
  if (picked > 0) {
    const size_t turn = taken_.size();
    taken_.push_back(
        {{decisions_, sim::task_name(*ready[picked])}, sim::task_name(*ready[0]), {}, {}});
    awaited_.push_back({running_, turn, &TurnTaken::next});
    awaited_.push_back({ready[0]->id(), turn, &TurnTaken::put_off});
  }
  if (ready.size() > 1) ++decisions_;
  return picked;
}

void TurnRecorder::on_event(const sim::Event& event) {
  if (event.what == "crash" || event.what == "moment") return;  // no calls
  std::erase_if(awaited_, [&](const Awaited& awaited) {
    if (awaited.task != running_) return false;
    taken_[awaited.turn].*awaited.call =
        fmt::format("{} {}", event.what, event.path.empty() ? "of the root" : event.path);
    return true;
  });
}

std::vector<sim::Turn> turns_of(const std::vector<TurnTaken>& taken) {
  std::vector<sim::Turn> turns;
  for (const TurnTaken& one : taken) turns.push_back(one.turn);
  return turns;
}

std::string print(const std::vector<sim::Turn>& turns) {
  std::string text;
  for (const sim::Turn& turn : turns) text += fmt::format("{} {}\n", turn.decision, turn.task);
  return text;
}

Result<sim::Turn> parse_turn(std::string_view line) {
  sim::Turn turn{};
  const auto [end, wrong] = std::from_chars(line.data(), line.data() + line.size(), turn.decision);
  const std::string_view rest = line.substr(static_cast<size_t>(end - line.data()));
  const bool named = rest.size() > 1 && rest[0] == ' ' && rest.find(' ', 1) == rest.npos;
  if (wrong != std::errc() || !named)
    return Error{Errc::kInvalid,
                 fmt::format("\"{}\": a turn is DECISION TASK, as in `12 aof.writer`", line)};
  turn.task = rest.substr(1);
  return turn;
}

}  // namespace powercut::scenarios
