#include "scenarios/story/story.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/base/table.h"
#include "scenarios/run/targets.h"
#include "scenarios/sweep/report.h"
#include "sim/crash_images.h"
#include "sim/request.h"

namespace powercut::scenarios {

using sim::CrashKind;
using sim::CrashPoint;

namespace {

using Files = std::map<std::string, std::string>;

Files files_of(const sim::Disk& disk) {
  Files files;
  for (auto& file : image_of(disk)) files[file.path] = std::move(file.content);
  return files;
}

std::string number(uint64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

// --- What the clients did ---

// `named`: say which client, as there are several.
std::string short_text(const Step& step, bool named) {
  constexpr size_t kMost = 48;
  std::string text = print(step.unit);
  if (step.unit.db != 0) text = fmt::format("in database {}: {}", step.unit.db, text);
  if (named) text = fmt::format("@{} {}", step.client, text);
  return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
}

std::string told_text(const LifeAccount& life, size_t step) {
  const Said* said = nullptr;
  for (const Said& one : life.said)
    if (one.step == step && (said == nullptr || one.lsn != 0 || said->lsn == 0)) said = &one;
  if (said == nullptr) return "not sent any more";
  if (!said->answered) return "sent, no answer yet";
  if (said->error) return "answered with an error";
  if (said->lsn == 0) return "answered";
  const bool acked = said->lsn <= life.acked.size() && life.acked[said->lsn - 1];
  return acked ? "acknowledged: the client was told that it is done"
               : "answered, without a promise";
}

// Of a run that no script wrote, in which nobody has kept what became of each request.
void count_clients(std::string& text, const LifeAccount& life) {
  const auto acked = static_cast<uint64_t>(
      std::count_if(life.acked.begin(), life.acked.end(), [](const auto& at) { return at; }));
  text += fmt::format("   Clients send {}. There are {} then, {} acknowledged.\n",
                      number(life.steps.size(), "request"), number(life.acked.size(), "operation"),
                      acked);
}

// What befell the engine's world among what clients sent; empty: it was a request.
std::string event_text(const Step& step, const TargetType& target) {
  if (step.unit.requests.empty()) return {};
  return target.event_in_words(sim::words_of(step.unit.requests.front()));
}

void tell_clients(std::string& text, const LifeAccount& life, const TargetType& target) {
  if (life.steps.empty()) return;
  if (life.said.empty()) return count_clients(text, life);
  text += life.steps.size() == 1 ? "   A client sends:\n" : "   Clients send:\n";
  const bool named = std::any_of(life.steps.begin(), life.steps.end(),
                                 [](const Step& step) { return step.client != 0; });
  size_t width = 0;
  for (const Step& step : life.steps) width = std::max(width, short_text(step, named).size());
  for (size_t i = 0; i < life.steps.size(); ++i) {
    if (const std::string event = event_text(life.steps[i], target); !event.empty())
      text += fmt::format("     - {}\n", event);
    else
      text += fmt::format("       {:<{}}  {}\n", short_text(life.steps[i], named), width,
                          told_text(life, i));
  }
}

// Not where the seed draws the order: then it takes no certain one.
void tell_order(std::string& text, const LifeAccount& life, const TargetType& target) {
  if (life.turns.empty()) return;
  text += "   The order matters. What is ready first goes on first, and nothing takes time; but:\n";
  for (const std::string& line : in_words(life.turns, target))
    text += fmt::format("     - {}\n", line);
}

// --- What went wrong ---

std::string call_name(sim::Op op) {
  std::string name = sim::op_site(op).name;
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string where_text(const faults::PlanInjector::Strike& strike) {
  if (!strike.op) return "between two calls of the store";
  constexpr std::string_view kWhen[] = {"just before the", "in the middle of the",
                                        "right after the", "just before the end of the"};
  return fmt::format("{} {} of {}", kWhen[static_cast<size_t>(strike.point)], call_name(*strike.op),
                     strike.path.empty() ? "the root" : strike.path);
}

void tell_strikes(std::string& text, const LifeAccount& life) {
  for (const auto& [strike, times] : strikes_of(life)) {
    const faults::ClassRow& row = faults::row(strike.fault);
    const std::string call = strike.op ? fmt::format("the {} of {}", call_name(*strike.op),
                                                     strike.path.empty() ? "the root" : strike.path)
                                       : "";
    const std::string often = times > 1 ? fmt::format(" This happens {} times.", times) : "";
    text += "   ";
    text += fmt::format(fmt::runtime(row.story), fmt::arg("call", call),
                        fmt::arg("Call", call.empty() ? call : "T" + call.substr(1)),
                        fmt::arg("where", where_text(strike)), fmt::arg("often", often));
    if (strike.op == sim::Op::kSync) text += row.story_of_sync;
    text += '\n';
  }
  if (life.crash != CrashKind::kNone || !life.served) return;
  text += life.after ? "   The store is shut down in good order. Then the power fails.\n"
                     : "   From then on nothing moves any more.\n";
}

// What befell the disk between this life and the next.
void tell_disk_faults(std::string& text, const Scenario& scenario, uint32_t life,
                      const RunResult& result) {
  for (const faults::Fault& fault : scenario.plan.faults) {
    if (fault.life != life || target(fault.kind) != faults::Target::kDisk) continue;
    const faults::ClassRow& row = faults::row(faults::row(fault.kind).fault);
    const bool struck = std::any_of(result.hits.begin(), result.hits.end(),
                                    [&](const auto& hit) { return hit.fault == row.fault; });
    if (struck) text += fmt::format("   {}\n", row.story);
  }
}

// --- What the disk kept and lost ---

// "from byte 512 to 1023, from byte 2048 on": where they differ. What agrees by chance in between
// ends no stretch: a sector has more bytes.
std::string stretches_text(const std::string& was, const std::string& is) {
  constexpr size_t kByChance = 32;
  std::vector<std::string> stretches;
  for (size_t at = 0; at < is.size();) {
    if (at < was.size() && was[at] == is[at]) {
      ++at;
      continue;
    }
    size_t last = at;
    for (size_t i = at; i < is.size() && i - last <= kByChance; ++i)
      if (i >= was.size() || was[i] != is[i]) last = i;
    stretches.push_back(last + 1 == is.size() ? fmt::format("from byte {} on", at)
                                              : fmt::format("from byte {} to {}", at, last));
    at = last + 1;
  }
  return fmt::format("{}", fmt::join(stretches, ", "));
}

// How the bytes found differ from those the process had written.
std::string bytes_text(const std::string& was, const std::string& is, const std::string* durable) {
  size_t at = 0;
  const size_t both = std::min(was.size(), is.size());
  while (at < both && was[at] == is[at]) ++at;
  if (at == both && is.size() < was.size())
    return is.empty()
               ? fmt::format("it is empty; its {} are lost", number(was.size(), "byte"))
               : fmt::format("only the first {} of its {} bytes are left", is.size(), was.size());
  if (durable != nullptr && *durable == is)
    return "its old content; what was written since is lost";
  const bool nul = is.find_first_not_of('\0', at) == std::string::npos;
  if (nul)
    return fmt::format(
        "its length of {} survived, but from byte {} on it reads as NUL bytes: the "
        "data is lost",
        is.size(), at);
  if (is.size() < was.size())
    return fmt::format("{} of {} bytes, and {} not those that were written", is.size(), was.size(),
                       stretches_text(was, is));
  const std::string where = stretches_text(was, is);
  return fmt::format("{} not the bytes that were written{}", where,
                     where.ends_with(" on") ? "" : "; those behind are");
}

// Its blocks were given to others while its removal was not yet durable.
bool reused(const LifeAccount& life, const std::string& path) {
  return std::any_of(life.survival->slots.begin(), life.survival->slots.end(),
                     [&](const sim::Slot& slot) {
                       return slot.what.kind == sim::SlotKind::kReused && slot.version > 0 &&
                              slot.what.path.starts_with(path + "~");
                     });
}

void tell_disk(std::string& text, const LifeAccount& life) {
  const Files was = files_of(*life.before);
  const Files is = files_of(*life.after);
  const Files durable = files_of(life.before->after_power_cut(sim::Survival{}).value());
  std::vector<std::string> kept;
  std::vector<std::string> lost;
  const auto old_content = [&](const std::string& path) {
    const auto at = durable.find(path);
    return at == durable.end() ? nullptr : &at->second;
  };
  for (const auto& [path, content] : was) {
    const bool directory = path.ends_with('/');
    const auto found = is.find(path);
    const std::string* old = old_content(path);
    if (found == is.end()) {
      lost.push_back(
          fmt::format("{}: the name is gone{}", path,
                      directory || content.empty()
                          ? ""
                          : fmt::format(", and with it {}", number(content.size(), "byte"))));
    } else if (reused(life, path)) {
      lost.push_back(fmt::format(
          "{}: that it was replaced is lost, so it is the old file again; but the filesystem had "
          "already given the space of the old file to another, whose bytes are read there now",
          path));
    } else if (found->second != content) {
      lost.push_back(fmt::format("{}: {}", path, bytes_text(content, found->second, old)));
    } else if (old == nullptr) {
      kept.push_back(fmt::format("{}: it is there, though its name had not been synced", path));
    } else if (*old != content) {
      kept.push_back(
          fmt::format("{}: it has its new content, though nothing had made that durable", path));
    }
  }
  for (const auto& [path, content] : is) {
    if (was.contains(path)) continue;
    lost.push_back(fmt::format("{}: is back; that it was removed or renamed is lost", path));
  }
  if (lost.empty() && kept.empty()) {
    text +=
        "   The disk lost nothing: what was written had been synced, or was written back in "
        "time.\n";
    return;
  }
  const auto list = [&](std::string_view title, const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    text += fmt::format("   {}\n", title);
    for (const std::string& line : lines) text += fmt::format("     - {}\n", line);
  };
  list("Not synced and lost with the power:", lost);
  list("Not synced, but on the disk all the same:", kept);
}

// --- What recovery made of it ---

// `holds`: as in RunResult.
void tell_recovery(std::string& text, const LifeAccount& life, bool first,
                   const std::vector<std::string>& holds) {
  if (first) {
    text += "   The store starts on an empty disk.\n";
    return;
  }
  if (life.refusal) {
    text +=
        fmt::format("   The store starts again, and gives up:\n       {}\n", life.refusal->message);
    return;
  }
  if (life.recovery.empty()) {
    text += "   The store starts again.\n";
    return;
  }
  for (const std::string& line : life.recovery) text += fmt::format("   {}\n", line);
  if (!life.verdict) return;
  if (life.verdict->violation && life.verdict->violation->breach == Breach::kNoPrefix) {
    text += holds.empty() ? "   It holds nothing now.\n" : "   What it holds now:\n";
    for (const std::string& line : holds) text += fmt::format("       {}\n", line);
  } else if (life.verdict->k == life.known) {
    text += life.known == 0 ? "" : "   Nothing is missing so far.\n";
  } else if (life.verdict->k == 0) {
    text += fmt::format("   None of {} is there; {} acknowledged.\n",
                        number(life.known, "operation"), life.verdict->loss.operations);
  } else {
    text += fmt::format("   It has the first {} of {}; {} of the rest had been acknowledged.\n",
                        life.verdict->k, number(life.known, "operation"),
                        life.verdict->loss.operations);
  }
}

std::string promise_text(const Scenario& scenario) {
  const TargetType& type = target_or_store(scenario.target);
  const Policy& policy = *scenario.policy;
  const Policy* plain = policy.kind == PolicyKind::kHybridAlways     ? find_policy("always")
                        : policy.kind == PolicyKind::kHybridEverysec ? find_policy("everysec")
                                                                     : nullptr;
  if (plain == nullptr) return type.promise(policy);
  return fmt::format("{}. Now and then its log is rewritten, from a checkpoint on",
                     type.promise(*plain));
}

// Lines end at column 80; what a client sends, or the store says, stays whole.
std::string wrapped(const std::string& text) {
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    size_t indent = std::min(line.find_first_not_of(' '), line.size());
    const bool whole = indent >= 6;
    if (line.compare(indent, 2, "- ") == 0) indent += 2;
    while (!whole && line.size() > kColumns) {
      const size_t space = line.rfind(' ', kColumns);
      if (space == std::string::npos || space <= indent) break;
      out += line.substr(0, space) + '\n';
      line = std::string(indent, ' ') + line.substr(space + 1);
    }
    out += line + '\n';
  }
  return out;
}

// Far enough in for wrapped() to leave the lines whole.
std::string planted_text(const faults::MutantInfo& mutant) {
  std::string text;
  for (const std::string& line : faults::change_lines(mutant))
    text += fmt::format("      {}\n", line);
  return text;
}

std::string fence_text(const std::vector<MissingFence>& fences) {
  if (fences.empty())
    return "No single sync, of any file or directory, at any moment before the crash, would have "
           "saved this run: the mistake is not a sync that is missing.\n";
  const MissingFence& fence = fences.front();
  const bool directory = fence.path.ends_with('/');
  const std::string path = fence.path == "./" ? "the directory that all is in (the root)"
                           : directory        ? "the directory " + fence.path
                                              : fence.path;
  return fmt::format(
      "A sync of {}\n    after   {}\nand before  {}.\nWith it, this very run keeps the "
      "promise (tried).\n",
      path, fence.after, fence.before);
}

std::string lives_text(const Scenario& scenario, const Account& account) {
  const RunResult& result = account.result;
  std::string text;
  for (size_t i = 0; i < account.lives.size(); ++i) {
    const LifeAccount& life = account.lives[i];
    text += fmt::format("\n{}.\n", i + 1);
    if (i > 0 && scenario.off.ns > 0)
      text += fmt::format("   {} seconds have passed.\n", scenario.off.ms() / 1000);
    if (i > 0 && account.lives[i - 1].another)
      text += "   Meanwhile redis-server was started, and wrote the log in its own way.\n";
    tell_recovery(text, life, i == 0, result.holds);
    tell_clients(text, life, target_or_store(scenario.target));
    tell_order(text, life, target_or_store(scenario.target));
    tell_strikes(text, life);
    if (i + 1 == account.lives.size()) continue;
    if (life.after) tell_disk(text, life);
    tell_disk_faults(text, scenario, static_cast<uint32_t>(i), result);
  }
  return text;
}

std::string seconds_text(Instant at) {
  return fmt::format("{:.6f} s", static_cast<double>(at.ns) / 1e9);
}

std::string cover_text(const TraceTeller::Cover& cover) {
  const bool directory = cover.path.empty() || cover.path.find('.') == cover.path.npos;
  return fmt::format("the sync of {}{}{} at {} (event {})",
                     cover.path.empty() ? "the root" : cover.path, directory ? "/" : "",
                     cover.fence.empty() ? "" : fmt::format(", {},", cover.fence),
                     seconds_text(cover.at), cover.event);
}

// The newest acknowledgement up to the end of the life; 0: none.
uint64_t last_acked(const LifeAccount& life) {
  uint64_t last = 0;
  for (uint64_t lsn = 1; lsn <= life.acked.size(); ++lsn)
    if (life.acked[lsn - 1]) last = lsn;
  return last;
}

// Of one life and the crash that it ended in.
std::string why_of(const LifeAccount& life, const TraceTeller::LifeSeen& seen,
                   const std::optional<Verdict>& verdict) {
  const uint64_t last = last_acked(life);
  if (last == 0) return "nothing had been acknowledged, so nothing could be lost.";
  const auto asked = seen.requests.find(last);
  std::string text =
      fmt::format("the last acknowledged write was operation {}{}, told at {}. ", last,
                  asked == seen.requests.end() ? "" : fmt::format(" ({})", asked->second),
                  seconds_text(*life.acked[last - 1]));
  const auto cover = seen.covers.find(last);
  if (cover != seen.covers.end()) {
    std::string sync = cover_text(cover->second);
    sync[0] = 'T';
    text += fmt::format(
        "{} had covered it{}.", sync,
        cover->second.at <= *life.acked[last - 1] ? ", before the client was told" : "");
  } else if (asked == seen.requests.end()) {
    text += "It was made in an earlier life, and this one had recovered it.";
  } else if (seen.covers.empty()) {
    text += "No sync of this life had covered any write.";
  } else {
    text += fmt::format("No sync had covered it: the last that was covered is operation {}, by {}.",
                        seen.covers.rbegin()->first, cover_text(seen.covers.rbegin()->second));
  }
  if (verdict && verdict->started)
    text += verdict->k >= last
                ? " It is there."
                : fmt::format(" Recovery has operation {}: lost {}; allowed is an age of {}.",
                              verdict->k, loss_text(verdict->loss), bound_text(verdict->loss));
  return text;
}

}  // namespace

std::string tell_story(const Scenario& scenario, const Account& account,
                       const std::vector<MissingFence>& fences) {
  const RunResult& result = account.result;
  std::string name = "every promise held";
  if (result.violation) name = row_of(result.violation->breach).sentence;
  name[0] = static_cast<char>(std::toupper(name[0]));
  std::string text = fmt::format("{}.\n\nPolicy {} promises: {}.\nThe filesystem is {}: {}.\n",
                                 name, scenario.policy->name, promise_text(scenario),
                                 scenario.persona->name, scenario.persona->guarantee);
  if (scenario.mutant != nullptr)
    text += fmt::format("The store has a bug planted in it ({}): {}.\n{}", scenario.mutant->name,
                        scenario.mutant->story, planted_text(*scenario.mutant));
  text += lives_text(scenario, account);
  if (!result.violation) return wrapped(text);
  const BreachRow& broken = row_of(result.violation->breach);
  text += fmt::format("\nWhat broke\n{}\n({}: {})\n", broken.story, broken.code,
                      result.violation->text);
  text += "\nWhat would have prevented it\n" + fence_text(fences);
  return wrapped(text);
}

std::string tell_lives(const Scenario& scenario, const Account& account) {
  return wrapped(lives_text(scenario, account));
}

std::string tell_why(const Scenario& scenario, const Account& account,
                     const std::vector<TraceTeller::LifeSeen>& seen) {
  std::string text = "Why what was promised is there\n";
  if (account.result.violation) text = "What covered what was acknowledged\n";
  for (size_t i = 0; i < account.lives.size() && i < seen.size(); ++i) {
    const LifeAccount& life = account.lives[i];
    const bool ended = i + 1 < account.lives.size();
    if (!life.served || !ended) continue;
    const std::string crash = life.crash == CrashKind::kKill       ? "the kill"
                              : life.crash == CrashKind::kPowerCut ? "the power cut"
                                                                   : "the end";
    text += fmt::format("   Before {} of life {}, {}\n", crash, i + 1,
                        why_of(life, seen[i], account.lives[i + 1].verdict));
  }
  text += fmt::format("   {} promises: {}.\n", scenario.policy->name, promise_text(scenario));
  return wrapped(text);
}

}  // namespace powercut::scenarios
