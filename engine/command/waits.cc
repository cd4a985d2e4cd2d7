// The executor's clients that wait for a key: how a wait begins and ends. Who is served is so by the operation that made
// the key ready, and as a part of it: one entry of the log has the push and what was popped of it, so that a crash leaves
// both or neither.
#include <algorithm>
#include <utility>

#include "engine/command/confirmation.h"
#include "engine/command/control.h"
#include "engine/command/execute.h"
#include "engine/command/executor.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {
std::optional<Type> type_at(const Object* object) {
  return object == nullptr ? std::nullopt : std::optional(object->value.kind());
}
}  // namespace

// --- A wait, and its end without what was waited for ---

void Executor::begin_wait(Client& client, const CommandSpec& spec, const Call& call) {
  CHECK(call.reply.length() == 0 && !client.waits && call.db == client.db);
  const Call::Wait& wait = *call.waits();
  Waiting waiting;
  waiting.spec = &spec;
  if (wait.words.empty())
    waiting.words.assign(call.args.begin(), call.args.end());
  else
    waiting.words = wait.words;
  waiting.db = call.db;
  waiting.type = wait.type;
  waiting.first_key = wait.first_key;
  waiting.keys = wait.keys;
  waiting.word_each = wait.word_each;
  waiting.is_ready = wait.is_ready;
  waiting.gone = wait.gone;
  const std::vector<std::string_view> words(waiting.words.begin(), waiting.words.end());
  positions_.clear();
  key_positions(spec, words, positions_);
  waiting.moves = positions_.size() > waiting.keys;
  const Instant until = os_.now() + milliseconds(std::min(wait.timeout_ms, kLongestTimeoutMs));
  if (wait.timeout_ms != 0) waiting.until = until;
  const bool for_syncs = waiting.keys == 0 && wanted_by(waiting.words).synced;
  clients_.waiters.add(client.id(), std::move(waiting));
  client.waits = true;
  if (for_syncs && !std::exchange(watches_log_, true))
    os_.spawn("confirmer", [this] { watch_log(); });
  if (wait.timeout_ms == 0) return;
  if (!times_waits_) {
    times_waits_ = true;
    os_.spawn("timekeeper", [this] { time_waits(); });
  } else if (until < looks_at_) {
    sooner_.notify_all();
  }
}

bool Executor::end_wait(Client& client, bool with_error) {
  if (!client.waits) return false;
  client.waits = false;
  const Waiting waiting = clients_.waiters.take(client.id());
  const std::vector<std::string_view> args(waiting.words.begin(), waiting.words.end());
  Reply reply(client.outbox.bytes(), client.protocol);
  if (with_error) {
    const std::string_view unblocked =
        role_.replica ? "UNBLOCKED force unblock from blocking operation, instance state changed "
                        "(master -> replica?)"
                      : "UNBLOCKED client unblocked via CLIENT UNBLOCK";
    reply.error(unblocked);
    tally_.count_error(unblocked);
  } else if (waiting.keys == 0) {
    tell_confirmed(reply, client, control_, wanted_by(waiting.words));
  } else {
    reply.null_array();
  }
  count_time(tally_.of(waiting.spec), client, *waiting.spec, args, os_.now(), with_error);
  // That there is nothing rests on who took it.
  hold(client, read_lsn(client, *waiting.spec, args));
  if (listener_ != nullptr) listener_->on_in_vain(client.id(), log_.applied_lsn());
  wake(client);
  return true;
}

// It has been answered: somebody is to send that, and to run what it said meanwhile.
void Executor::wake(Client& client) {
  if (client.on_news) {
    client.on_news();
  } else {
    log_.progress().notify_all();
  }
}

// A client that waits writes nothing meanwhile: what it asked for is still behind its last operation.
void Executor::end_confirmed_waits() {
  for (const uint64_t id : clients_.waiters.for_replicas()) {
    Client& client = *clients_.find(id);
    const Wanted wanted = wanted_by(clients_.waiters.of(id).words);
    if (is_confirmed(client, control_, wanted) || cannot_confirm(control_, wanted))
      end_wait(client, false);
  }
}

// There is such a task while somebody waits for syncs.
void Executor::watch_log() {
  const auto any_waits = [this] {
    const auto waiting = clients_.waiters.for_replicas();
    return std::any_of(waiting.begin(), waiting.end(), [this](uint64_t id) {
      return wanted_by(clients_.waiters.of(id).words).synced;
    });
  };
  while (!stopped_ && any_waits()) {
    log_.progress().wait();
    end_confirmed_waits();
  }
  watches_log_ = false;
}

void Executor::end_overdue_waits() {
  while (const uint64_t id = clients_.waiters.overdue(os_.now()))
    end_wait(*clients_.find(id), false);
}

// There is such a task while somebody waits who will not wait for ever.
void Executor::time_waits() {
  for (;;) {
    end_overdue_waits();
    looks_at_ = clients_.waiters.next_deadline();
    if (stopped_ || looks_at_ == kForever) break;
    sooner_.wait(looks_at_);
  }
  times_waits_ = false;
}

void Executor::stop() {
  stopped_ = true;
  sooner_.notify_all();
  if (watches_log_) log_.progress().notify_all();
}

// --- What somebody waits for ---

void Executor::note_touched(const Database& db, std::string_view key) {
  for (int number = 0; number < keyspace_.databases(); ++number)
    if (&keyspace_.database(number) == &db && clients_.waiters.any_at(number, key))
      touched_places_.push_back({number, std::string(key)});
}

void Executor::find_ready() {
  if (touched_places_.empty()) return;
  for (Place& place : std::exchange(touched_places_, {})) {
    const auto type = type_at(keyspace_.peek(place.db, place.key));
    const bool wanted = type && clients_.waiters.next_at(place, *type).client != 0;
    if (!wanted && clients_.waiters.bereft_at(place, type).empty()) continue;
    if (std::find(ready_.begin(), ready_.end(), place) == ready_.end())
      ready_.push_back(std::move(place));
  }
}

// Who is served by BLMOVE may make another key ready.
void Executor::serve_waits() {
  if (ready_.empty()) return;
  keyspace_.set_now(os_.wall_now());  // a transaction may have taken its time
  const uint64_t running = running_;
  while (!ready_.empty())
    for (const Place& place : std::exchange(ready_, {})) serve_all_at(place);
  running_ = running;
}

void Executor::serve_all_at(const Place& place) {
  uint64_t turn = 0;  // up to here all have been asked: who reads takes nothing away
  const Object* object = nullptr;
  while ((object = keyspace_.find(place.db, place.key)) != nullptr) {
    if (object->value.away() != nullptr)
      break;  // a script has moved it there: its next change serves
    const auto next = clients_.waiters.next_at(place, object->value.type(), turn);
    if (next.client == 0) break;
    turn = next.turn;
    const Waiting& waiting = clients_.waiters.of(next.client);
    if (waiting.is_ready != nullptr &&
        !waiting.is_ready(object->value, request_for(waiting, place.key)))
      continue;
    if (names_away(waiting)) break;  // neither was that where it is to be moved to
    serve(*clients_.find(next.client), place.key);
  }
  for (const uint64_t id : clients_.waiters.bereft_at(place, type_at(object)))
    tell_bereft(*clients_.find(id));
}

// What it waited for has gone, or has become something else.
void Executor::tell_bereft(Client& client) {
  client.waits = false;
  const Waiting waiting = clients_.waiters.take(client.id());
  const std::vector<std::string_view> asked(waiting.words.begin(), waiting.words.end());
  Reply(client.outbox.bytes(), client.protocol).error(waiting.gone);
  tally_.count_error(waiting.gone);
  count_time(tally_.of(waiting.spec), client, *waiting.spec, asked, os_.now(), true);
  served_.push_back({&client, true});
}

void Executor::serve(Client& client, std::string_view key) {
  client.waits = false;
  const Waiting waiting = clients_.waiters.take(client.id());
  const std::vector<std::string_view> request = request_for(waiting, key);
  const Instant began = os_.now();
  running_ = client.id();
  Reply reply(client.outbox.bytes(), client.protocol);
  Call call(request, keyspace_, waiting.db, reply, effects_, *this);
  call.control = &control_;
  call.events = &events_;
  execute_with_rows(call, *waiting.spec);
  CHECK(reply.complete());
  find_ready();
  const bool failed = reply.failed();  // where it was to be moved to is no list
  if (failed) tally_.count_error(reply.text().substr(1));
  const std::vector<std::string_view> asked(waiting.words.begin(), waiting.words.end());
  count_time(tally_.of(waiting.spec), client, *waiting.spec, asked, began, failed);
  served_.push_back({&client, failed});
}

// Their replies rest on the operation that served them.
void Executor::release_served(uint64_t lsn) {
  if (served_.empty()) return;
  for (const Served& served : std::exchange(served_, {})) {
    served.client->written_offset = control_.replication_offset();
    served.client->written_lsn = lsn;
    hold(*served.client, lsn);
    if (!served.failed && listener_ != nullptr) listener_->on_served(served.client->id(), lsn);
    wake(*served.client);
  }
}

}  // namespace powercut::engine
