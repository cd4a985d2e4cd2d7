#include "experiments/common/stream.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "engine/engine.h"
#include "faults/personas.h"
#include "scenarios/store/store_target.h"
#include "sim/choices.h"
#include "sim/request.h"
#include "sim/sim_os.h"

namespace powercut::experiments {

namespace {

using engine::Engine;

constexpr std::string_view kOk = "+OK\r\n";

class Run {
 public:
  explicit Run(const StreamSpec& spec)
      : spec_(spec),
        choices_(spec.seed),
        world_{sim::Disk(persona_of(spec).rules), Instant{0}, 1'700'000'000'000},
        os_(world_, choices_, trace_, nullptr, latency(spec)) {}

  Stream run() {
    active_mutant = spec_.mutant == nullptr ? Mutant() : spec_.mutant->planted;
    os_.spawn("main", [this] { live(); });
    CHECK(os_.run() == sim::CrashKind::kNone);
    os_.destroy_tasks();
    clients_.clear();
    engine_.reset();
    active_mutant = Mutant();
    return std::move(stream_);
  }

 private:
  struct Client {
    std::unique_ptr<engine::Session> session;
    std::deque<uint64_t> waiting;  // operations that are not answered
  };

  static const faults::Persona& persona_of(const StreamSpec& spec) {
    return spec.persona == nullptr ? *faults::find_persona("posix-min") : *spec.persona;
  }
  static sim::LatencyProfile latency(const StreamSpec& spec) {
    sim::LatencyProfile profile;
    profile.sync_min = spec.sync_min;
    profile.sync_max = spec.sync_max;
    profile.immediate_one_in = 0;
    return profile;
  }

  void live() {
    auto opened = Engine::open(os_, scenarios::config_of({spec_.policy, {}}));
    CHECK(opened.ok());
    engine_ = std::move(opened).value();
    begin_ = os_.now();
    clients_.resize(spec_.clients);
    os_.spawn("marks", [this] { watch(); });
    os_.spawn("copies", [this] { copy(); });
    for (uint64_t i = 0; i < spec_.clients; ++i) {
      clients_[i].session = engine_->connect();
      if (!spec_.waits) os_.spawn("reader", [this, i] { read(clients_[i]); });
      os_.spawn("client", [this, i] { talk(i); });
    }
    os_.park(begin_ + spec_.length);
    // What was sent by now is still answered.
    while (unanswered_ > 0) engine_->aof().progress().wait(os_.now() + milliseconds(1));
    stream_.syncs = engine_->aof().syncs();
    CHECK(engine_->shut_down(false).ok());
    note();
    os_.stop();
  }

  void talk(uint64_t number) {
    Client& client = clients_[number];
    // Not all at once.
    Instant next = begin_ + nanoseconds(spec_.interval.ns * static_cast<int64_t>(number) /
                                        static_cast<int64_t>(spec_.clients));
    for (uint64_t i = number << 32; os_.now() < begin_ + spec_.length;) {
      if (spec_.interval.ns > 0) os_.park(next);
      send(client);
      if (spec_.waits) {
        while (!client.waiting.empty()) take(client);
        next = std::max(next, os_.now() - spec_.interval);
      }
      next = next + pause(i++);
    }
  }

  Duration pause(uint64_t number) {
    if (spec_.even || spec_.interval.ns == 0) return spec_.interval;
    return nanoseconds(static_cast<int64_t>(
        choices_.choose("stream.pause", number, 2 * static_cast<uint64_t>(spec_.interval.ns))));
  }

  void copy() {
    for (const Instant at : spec_.copies) {
      os_.park(at);
      world_.disk.writeback(os_.now(), choices_);
      stream_.copies.push_back(world_.disk);
    }
  }

  void send(Client& client) {
    std::string requests;
    for (uint64_t i = 0; i < spec_.pipeline; ++i) {
      const uint64_t key = (stream_.operations.size() + i) % 64;
      requests += sim::encode_request({"SET", "key:" + std::to_string(key), "value:0123456789"});
    }
    for (uint64_t i = 0; i < spec_.pipeline; ++i) {
      client.waiting.push_back(stream_.operations.size());
      stream_.operations.push_back({os_.now()});
    }
    unanswered_ += spec_.pipeline;
    client.session->feed(requests);
    CHECK(engine_->aof().applied_lsn() == stream_.operations.size());
  }

  void read(Client& client) {
    for (;;) take(client);
  }

  void take(Client& client) {
    const std::string_view replies = client.session->wait_ready();
    CHECK(replies.size() % kOk.size() == 0 && replies.starts_with(kOk));
    for (size_t i = 0; i < replies.size() / kOk.size(); ++i) {
      stream_.operations[client.waiting.front()].acked = os_.now();
      client.waiting.pop_front();
      --unanswered_;
    }
    client.session->consume(replies.size());
  }

  void watch() {
    for (;;) {
      note();
      engine_->aof().progress().wait();
    }
  }
  void note() {
    for (; synced_ < engine_->aof().synced_lsn(); ++synced_)
      stream_.operations[synced_].synced = os_.now();
  }

  const StreamSpec& spec_;
  sim::SeededChoices choices_;
  sim::Trace trace_;
  sim::WorldState world_;
  std::unique_ptr<Engine> engine_;
  Instant begin_;
  std::vector<Client> clients_;
  uint64_t unanswered_ = 0;
  uint64_t synced_ = 0;
  Stream stream_;
  sim::SimOs os_;
};

}  // namespace

Stream run_stream(const StreamSpec& spec) { return Run(spec).run(); }

std::vector<StreamState> states_of(const Stream& stream, Instant begin, Instant end) {
  // Replies to several clients may be given in another order than the operations were made.
  struct Change {
    Instant at;
    Instant acked;
    bool lost;  // from now on, if the power is cut
  };
  std::vector<Change> changes;
  for (const StreamOperation& operation : stream.operations) {
    if (operation.synced <= operation.acked) continue;
    changes.push_back({operation.acked, operation.acked, true});
    changes.push_back({operation.synced, operation.acked, false});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return a.at != b.at ? a.at < b.at : a.lost < b.lost;
  });
  std::vector<StreamState> states;
  std::multiset<Instant> lost;
  Instant from = begin;
  const auto close = [&](Instant until) {
    if (until <= from) return;
    StreamState state{from, until, {}};
    if (!lost.empty())
      state.loss = {lost.size(), *lost.rbegin() - *lost.begin(), from - *lost.begin()};
    states.push_back(state);
    from = until;
  };
  for (const Change& change : changes) {
    if (change.at > end) break;
    close(change.at);
    if (change.lost) {
      lost.insert(change.acked);
    } else {
      lost.erase(lost.find(change.acked));
    }
  }
  close(end);
  return states;
}

StreamLoss loss_of(const Stream& stream, Instant at, uint64_t kept) {
  StreamLoss loss;
  Instant first = kForever;
  Instant last{0};
  for (size_t i = kept; i < stream.operations.size(); ++i) {
    const Instant acked = stream.operations[i].acked;
    if (acked > at) continue;
    ++loss.operations;
    first = std::min(first, acked);
    last = std::max(last, acked);
  }
  if (loss.operations > 0) loss.span = last - first, loss.age = at - first;
  return loss;
}

Duration longest_wait(const Stream& stream, Instant begin, Instant end) {
  Duration longest{0};
  for (const StreamOperation& operation : stream.operations)
    if (operation.sent >= begin && operation.sent < end)
      longest = std::max(longest, operation.acked - operation.sent);
  return longest;
}

}  // namespace powercut::experiments
