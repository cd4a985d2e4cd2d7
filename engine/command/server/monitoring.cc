// SLOWLOG, LATENCY, MONITOR: what the store did, and how long it took.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/command/client.h"
#include "engine/command/control.h"
#include "engine/command/server/server_commands.h"
#include "engine/command/tally.h"

namespace powercut::engine {

namespace server {

namespace {

// --- SLOWLOG ---

void slowlog_get(Call& call) {
  int64_t most = 10;
  if (call.argc() > 3) return call.fail("ERR wrong number of arguments for 'slowlog|get' command");
  if (call.argc() == 3 && !call.integer_arg(2, most)) return;
  if (most < -1) return call.fail("ERR count should be greater than or equal to -1");
  const SlowLog* log = call.control == nullptr ? nullptr : call.control->slow_log();
  const size_t there = log == nullptr ? 0 : log->entries().size();
  const size_t shown = most < 0 ? there : std::min(there, static_cast<size_t>(most));
  call.reply.array(shown);
  for (size_t i = 0; i < shown; ++i) {
    const SlowEntry& entry = log->entries()[i];
    call.reply.array(6);
    call.reply.integer(static_cast<int64_t>(entry.id));
    call.reply.integer(entry.unix_s);
    call.reply.integer(entry.took_us);
    call.reply.array(entry.words.size());
    for (const std::string& word : entry.words) call.reply.bulk(word);
    call.reply.bulk(entry.address);
    call.reply.bulk(entry.name);
  }
}

void slowlog_len(Call& call) {
  const SlowLog* log = call.control == nullptr ? nullptr : call.control->slow_log();
  call.reply.integer(log == nullptr ? 0 : static_cast<int64_t>(log->entries().size()));
}

void slowlog_reset(Call& call) {
  if (call.control != nullptr) call.control->reset_slow_log();
  call.reply.ok();
}

// --- LATENCY ---

void latency_latest(Call& call) {
  const LatencyEvents& events = call.control->latency();
  call.reply.array(events.all().size());
  for (const auto& [name, event] : events.all()) {
    call.reply.array(4);
    call.reply.bulk(name);
    call.reply.integer(event.samples.back().unix_s);
    call.reply.integer(event.samples.back().ms);
    call.reply.integer(event.worst_ms);
  }
}

void latency_history(Call& call) {
  const auto& all = call.control->latency().all();
  const auto found = all.find(std::string(call.arg(2)));
  if (found == all.end()) return call.reply.array(0);
  call.reply.array(found->second.samples.size());
  for (const LatencyEvents::Sample& sample : found->second.samples) {
    call.reply.array(2);
    call.reply.integer(sample.unix_s);
    call.reply.integer(sample.ms);
  }
}

void latency_reset(Call& call) {
  LatencyEvents& events = call.control->latency();
  if (call.argc() == 2) return call.reply.integer(static_cast<int64_t>(events.reset_all()));
  int64_t count = 0;
  for (size_t i = 2; i < call.argc(); ++i) count += events.reset(std::string(call.arg(i))) ? 1 : 0;
  call.reply.integer(count);
}

// The samples as columns, the highest as high as the picture; below each how long ago it was.
void latency_graph(Call& call) {
  constexpr int64_t kHeight = 4;
  const auto& all = call.control->latency().all();
  const auto found = all.find(std::string(call.arg(2)));
  if (found == all.end())
    return call.fail(fmt::format("ERR No samples available for event '{}'", call.arg(2)));
  const auto& samples = found->second.samples;
  int64_t high = 1;
  int64_t low = INT64_MAX;
  for (const auto& sample : samples) {
    high = std::max(high, sample.ms);
    low = std::min(low, sample.ms);
  }
  std::string text =
      fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n{}\n", call.arg(2), high, low,
                  found->second.worst_ms, std::string(80, '-'));
  for (int64_t row = kHeight; row > 0; --row) {
    for (const auto& sample : samples)
      text += sample.ms * kHeight > (row - 1) * high
                  ? (sample.ms * kHeight >= row * high ? '#' : '_')
                  : ' ';
    text += '\n';
  }
  const int64_t now_s = call.now_ms() / 1000;
  text += fmt::format("\nfrom {} s ago to {} s ago\n", now_s - samples.front().unix_s,
                      now_s - samples.back().unix_s);
  call.reply.verbatim(text);
}

// What was seen, and what of it can be helped.
void latency_doctor(Call& call) {
  const LatencyEvents& events = call.control->latency();
  if (events.threshold_ms() == 0) {
    return call.reply.verbatim(
        "Latency monitoring is off: CONFIG SET latency-monitor-threshold <milliseconds>, and ask "
        "again later.\n");
  }
  if (events.all().empty()) {
    return call.reply.verbatim(
        fmt::format("Nothing took {} ms or longer.\n", events.threshold_ms()));
  }
  std::string text;
  for (const auto& [name, event] : events.all()) {
    int64_t sum = 0;
    for (const auto& sample : event.samples) sum += sample.ms;
    text += fmt::format("{}: {} of {} ms or longer, {} ms on average, {} ms at worst\n", name,
                        event.samples.size(), events.threshold_ms(),
                        sum / static_cast<int64_t>(event.samples.size()), event.worst_ms);
  }
  if (events.all().count("command") != 0)
    text += "SLOWLOG GET says which commands; those that walk whole collections cost most.\n";
  if (events.all().count("expire-cycle") != 0)
    text += "Large values that expire together are removed together: spread their times.\n";
  call.reply.verbatim(text);
}

void add_histogram(Call& call, const CommandSpec& spec, const CommandTally& tally) {
  const auto counts = tally.latency->by_powers_of_two();
  call.reply.bulk(spec.name);
  call.reply.map(2);
  call.reply.bulk("calls");
  call.reply.integer(static_cast<int64_t>(tally.latency->count()));
  call.reply.bulk("histogram_usec");
  call.reply.map(counts.size());
  for (const auto& [us, count] : counts) {
    call.reply.integer(static_cast<int64_t>(us));
    call.reply.integer(static_cast<int64_t>(count));
  }
}

void latency_histogram(Call& call) {
  Tally* tally = call.control->tally();
  if (tally == nullptr) return call.reply.map(0);
  std::vector<const CommandSpec*> wanted;
  for (size_t i = 2; i < call.argc(); ++i) {
    const CommandSpec* spec = find_command_or_subcommand(call.arg(i));
    if (spec == nullptr) continue;
    wanted.push_back(spec);
    for (const CommandSpec& subcommand : spec->subcommands()) wanted.push_back(&subcommand);
  }
  if (call.argc() == 2) wanted = all_commands_and_subcommands();
  std::erase_if(wanted,
                [&](const CommandSpec* spec) { return tally->of(spec).latency == nullptr; });
  call.reply.map(wanted.size());
  for (const CommandSpec* spec : wanted) add_histogram(call, *spec, tally->of(spec));
}

void latency(Call& call) {
  if (call.control != nullptr) dispatch(call);
}

// --- MONITOR ---

void monitor(Call& call) {
  if (call.client == nullptr) return;
  if (call.client->in_exec && call.client->protocol == 2)
    return call.fail("ERR MONITOR isn't allowed for DENY BLOCKING client");
  if (!call.client->monitors) ++call.client->peers().monitors;
  call.client->monitors = true;
  call.reply.ok();
}

}  // namespace

}  // namespace server

std::span<const CommandSpec> monitoring_commands() {
  using namespace server;
  static constexpr CommandSpec kSlowlog[] = {
      {"slowlog|get", slowlog_get, -2, kAdmin | kLoading},
      {"slowlog|help", help, 2, kLoading},
      {"slowlog|len", slowlog_len, 2, kAdmin | kLoading},
      {"slowlog|reset", slowlog_reset, 2, kAdmin | kLoading}};
  static constexpr CommandSpec kLatency[] = {
      {"latency|doctor", latency_doctor, 2, kAdmin | kLoading},
      {"latency|graph", latency_graph, 3, kAdmin | kLoading},
      {"latency|help", help, 2, kLoading},
      {"latency|histogram", latency_histogram, -2, kAdmin | kLoading},
      {"latency|history", latency_history, 3, kAdmin | kLoading},
      {"latency|latest", latency_latest, 2, kAdmin | kLoading},
      {"latency|reset", latency_reset, -2, kAdmin | kLoading}};
  static constexpr CommandSpec kCommands[] = {
      container("slowlog", dispatch, -2, kAdmin | kLoading, kSlowlog),
      container("latency", latency, -2, kAdmin | kLoading, kLatency),
      {"monitor", monitor, 1, kAdmin | kLoading},
  };
  return kCommands;
}

}  // namespace powercut::engine
