#include "scenarios/store/replicas/stream_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/store/keyspace/digest.h"

namespace powercut::scenarios {

uint64_t lasting_state_of(const engine::Keyspace& keyspace) {
  return keyspace_digest(keyspace, INT64_MAX);
}

// What changes without an operation is found by those who compare whole data sets.
uint64_t StreamLedger::digest_of(engine::Engine& engine) {
  const uint64_t lsn = engine.applied_lsn();
  const auto known = digests_.find(&engine);
  if (known != digests_.end() && known->second.first == lsn) return known->second.second;
  const uint64_t digest = lasting_state_of(engine.keyspace());
  digests_[&engine] = {lsn, digest};
  return digest;
}

const StreamLedger::Entry* StreamLedger::at(const std::string& id, uint64_t offset) const {
  const auto stream = streams_.find(id);
  if (stream == streams_.end()) return nullptr;
  const auto behind = stream->second.upper_bound(offset);
  return behind == stream->second.begin() ? nullptr : &std::prev(behind)->second;
}

void StreamLedger::note(engine::Engine& engine) { put(engine, engine.applied_lsn()); }

void StreamLedger::put(engine::Engine& engine, uint64_t lsn) {
  const engine::Master& stream = engine.master();
  if (!stream.active() || !stream.own()) return;
  streams_[stream.id()].insert_or_assign(stream.offset(), Entry{digest_of(engine), &engine, lsn});
}

// A stream has one master.
std::string StreamLedger::look_at_identities(std::span<const Machine> machines) {
  for (const Machine& one : machines)
    for (const Machine& other : machines) {
      const engine::Master &its = one.engine->master(), &others = other.engine->master();
      if (&one < &other && its.own() && others.own() && its.active() && its.id() == others.id())
        return fmt::format("{} and {} are masters of one stream", one.name, other.name);
    }
  return {};
}

std::string StreamLedger::look(std::span<const Machine> machines) {
  if (std::string amiss = look_at_identities(machines); !amiss.empty()) return amiss;
  for (const Machine& machine : machines) {
    engine::Engine& engine = *machine.engine;
    if (engine.executor().scripts().busy()) continue;
    const Entry* said = at(engine.master().id(), engine.master().offset());
    if (said != nullptr && said->of != &engine) said = nullptr;
    if (engine.master().own() && said != nullptr && said->digest != digest_of(engine))
      return fmt::format("{} has changed its data, and says nothing of it in its stream",
                         machine.name);
    // What it held when its stream began others may have from whom it followed.
    put(engine, said == nullptr ? 0 : said->lsn);
  }
  for (const Machine& machine : machines) {
    if (machine.engine->executor().scripts().busy()) continue;
    std::string amiss = look_at(machine, machines);
    if (amiss.empty()) amiss = look_before(machine);
    if (amiss.empty()) amiss = look_at_links(machine, machines);
    if (!amiss.empty()) return amiss;
  }
  return {};
}

std::string StreamLedger::look_at(const Machine& machine, std::span<const Machine> machines) {
  engine::Engine& engine = *machine.engine;
  const engine::Master& stream = engine.master();
  if (engine.replica().linked() && !engine.replica().follows())
    return machine.name + " has a link to its master, and follows nobody";
  if (!stream.active() || stream.own() || !engine.replica().follows()) return {};
  if (engine.master_link()->offset < 0) return {};  // it does not know where it is
  const Entry* entry = at(stream.id(), stream.offset());
  if (entry == nullptr) return {};
  if (entry->digest != digest_of(engine))
    return fmt::format(
        "{} says that it is at offset {} of its master's stream, and holds other data",
        machine.name, stream.offset());
  if (entry->of == &engine) return {};  // it was that master
  const bool lives = std::any_of(machines.begin(), machines.end(), [&](const Machine& other) {
    return other.engine == entry->of && other.engine->master().id() == stream.id();
  });
  if (lives && entry->lsn > entry->of->released_lsn())
    return fmt::format("{} holds what no client of its master could be told yet", machine.name);
  return {};
}

// Who asks for that identity, at any offset that is kept, goes on here: at the last of them both are looked at.
std::string StreamLedger::look_before(const Machine& machine) {
  const engine::Master& stream = machine.engine->master();
  if (!stream.active() || stream.second_id().empty()) return {};
  const auto end = static_cast<uint64_t>(stream.second_offset()) - 1;
  const uint64_t last = std::min(end, stream.offset());
  if (last + 1 < stream.backlog().first()) return {};
  const Entry* before = at(stream.second_id(), last);
  const Entry* now = at(stream.id(), last);
  if (before == nullptr || now == nullptr || before->digest == now->digest) return {};
  return fmt::format(
      "{} says that its stream is one with another up to offset {}, and they are not one at {}",
      machine.name, end, last);
}

// The newest link of a machine to whom it follows: what it said on those before may be lost by a crash of its own.
std::string StreamLedger::look_at_links(const Machine& machine, std::span<const Machine> machines) {
  for (const Machine& other : machines) {
    engine::Engine& replica = *other.engine;
    if (&other == &machine || !replica.replica().linked() || !replica.replica().follows() ||
        replica.master_link()->host != machine.name ||
        replica.master().id() != machine.engine->master().id())
      continue;
    const engine::Client* newest = nullptr;
    for (const engine::Client* client : machine.engine->executor().clients().replicas)
      if (client->replica->host == other.name && (newest == nullptr || client->id() > newest->id()))
        newest = client;
    if (newest != nullptr && newest->replica->confirmed > replica.master().offset())
      return fmt::format("{} has it that {} is at offset {}, which is at {}", machine.name,
                         other.name, newest->replica->confirmed, replica.master().offset());
  }
  return {};
}

}  // namespace powercut::scenarios
