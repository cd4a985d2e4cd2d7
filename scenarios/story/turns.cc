#include "scenarios/story/turns.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace powercut::scenarios {

namespace {

std::string plain_name(const std::string& task, const TargetType& target) {
  if (auto words = target.task_in_words(task); !words.empty()) return words;
  if (task == "main") return "the start of the store";
  if (task == "client") return "client @0";
  if (task == "mutant.sync") return "a sync of the planted bug";
  if (task.starts_with("client@")) return "client " + task.substr(task.find('@'));
  return task;
}

std::string plain_call(const TurnTaken::Call& call) {
  std::string what = call.what;
  std::replace(what.begin(), what.end(), '_', ' ');
  return fmt::format("the {} of {}", what, call.path.empty() ? "the root" : call.path);
}

std::string plain_text(const TurnTaken& taken, const TargetType& target) {
  const TurnTaken::Call& next = taken.next;
  const TurnTaken::Call& put_off = taken.put_off;
  std::string text = fmt::format("{} goes on before {}", plain_name(taken.turn.task, target),
                                 plain_name(taken.before, target));
  if (next.what.empty()) return text;
  if (!put_off.what.empty() && next.event < put_off.event)
    return text + fmt::format(": so {} comes before {}", plain_call(next), plain_call(put_off));
  return text + fmt::format(", to {}", plain_call(next));
}

}  // namespace

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
    taken_[awaited.turn].*
        awaited.call = {std::string(event.what), std::string(event.path), event.number};
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

std::string print(const TurnTaken& taken) {
  const auto name = [](const std::string& task, const TurnTaken::Call& call) {
    if (call.what.empty()) return task;
    return fmt::format("{} (next {} {})", task, call.what,
                       call.path.empty() ? "of the root" : call.path);
  };
  return fmt::format("{} {} before {}", taken.turn.decision, name(taken.turn.task, taken.next),
                     name(taken.before, taken.put_off));
}

std::vector<std::string> in_words(const std::vector<TurnTaken>& taken, const TargetType& target) {
  constexpr size_t kMany = 3;
  std::vector<std::string> lines;
  for (size_t i = 0, end = 0; i < taken.size(); i = end) {
    while (end < taken.size() && taken[end].before == taken[i].before) ++end;
    if (end - i >= kMany) {
      lines.push_back(fmt::format("{} has to wait, {} times, while others go on",
                                  plain_name(taken[i].before, target), end - i));
      continue;
    }
    for (size_t turn = i; turn < end; ++turn) {
      const std::string line = plain_text(taken[turn], target);
      if (lines.empty() || lines.back() != line) lines.push_back(line);
    }
  }
  return lines;
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
