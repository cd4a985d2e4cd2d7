#include "scenarios/run/clients.h"

#include <fmt/format.h>

#include <charconv>

#include "engine/base/hash.h"

namespace powercut::scenarios {

namespace {

const std::string kTurnOn = encode_request({"CONFIG", "SET", "appendonly", "yes"});

struct Expected {
  uint64_t lsn;  // of the operation it answers; 0: it changed nothing
  size_t said;   // of steps: which
};

}  // namespace

struct Clients::Connection {
  explicit Connection(engine::Engine& engine) : session(engine.connect()) {}
  std::unique_ptr<engine::Session> session;
  std::vector<Expected> expected;  // replies that are due, oldest first
  int db = 0;
  size_t step = 0;  // of steps: under way
};

Manners draw_manners(sim::Choices& choices, const Workload& workload, std::string_view admin,
                     bool has_log) {
  Manners manners;
  if (workload.cut_at_end) return manners;
  constexpr uint64_t kClients[] = {1, 1, 2, 4};
  constexpr uint64_t kPipeline[] = {1, 1, 1, 4};
  constexpr int64_t kThinkMs[] = {0, 2, 40, 200, 400};
  manners.clients = kClients[choices.choose("clients", 0, std::size(kClients))];
  manners.pipeline = kPipeline[choices.choose("pipeline", 0, std::size(kPipeline))];
  manners.think = milliseconds(kThinkMs[choices.choose("think", 0, std::size(kThinkMs))]);
  if (!admin.empty()) {
    manners.admin = admin;
    manners.admin_one_in = 8 + choices.choose("admin.rate", 0, 40);
  }
  if (has_log && choices.choose("log.late", 0, 8) == 0) {
    manners.turn_on_after = 1 + choices.choose("log.on_after", 0, 20);
  }
  return manners;
}

Clients::Clients(const Surroundings& around, const Workload& workload, const Manners& manners,
                 uint64_t first, uint64_t count, std::function<void()> on_idle)
    : around_(around),
      workload_(workload),
      manners_(manners),
      first_(first),
      count_(count),
      on_idle_(std::move(on_idle)) {}

void Clients::start() {
  left_ = manners_.clients;
  for (uint64_t client = 0; client < manners_.clients; ++client) {
    around_.os.spawn("client", [this, client] {
      if (steps_ != nullptr)
        read_out(client);
      else
        converse(client);
    });
  }
}

void Clients::converse(uint64_t client) {
  Connection connection(around_.engine);
  while (issued_ < count_) {
    const uint64_t number = issued_++;
    const Unit& unit = workload_.units[(first_ + number) % workload_.units.size()];
    taken_.push_back({client, {}});
    if ((unit.needs == Unit::Needs::kLog && !manners_.log) ||
        (unit.needs == Unit::Needs::kCheckpoint && !manners_.checkpoints)) {
      taken_.back().left_out = true;
      continue;
    }
    if (manners_.think.ns > 0) {
      const auto think =
          around_.choices.choose("think.time", number, static_cast<uint64_t>(manners_.think.ns));
      taken_[number].think = nanoseconds(static_cast<int64_t>(think));
      this->think(connection, around_.os.now() + taken_[number].think);
    }
    if (!promised_ && number == manners_.turn_on_after) {
      taken_[number].turned_on = true;
      turn_on(connection, kTurnOn);
    }
    around_.injector.on_operation(number, around_.os.now());
    select(connection, unit.db);
    for (const std::string& request : unit.requests) send(connection, request);
    if (connection.expected.size() >= manners_.pipeline) await(connection);
    if (manners_.admin_one_in != 0 &&
        around_.choices.choose("admin", number, manners_.admin_one_in) == 0) {
      taken_[number].administered = true;
      send(connection, encode_request({std::string(manners_.admin)}));
      await(connection);
    }
  }
  end_conversation(connection);
}

// The client's own steps, in order.
void Clients::read_out(uint64_t client) {
  Connection connection(around_.engine);
  for (size_t number = 0; number < steps_->size(); ++number) {
    const Step& step = (*steps_)[number];
    if (step.client != client) continue;
    ++issued_;
    if (step.think.ns > 0) think(connection, around_.os.now() + step.think);
    around_.injector.on_operation(number, around_.os.now());
    connection.step = number;
    if (step.turns_log_on()) {
      turn_on(connection, step.unit.requests[0]);
      continue;
    }
    select(connection, step.unit.db);
    for (const std::string& request : step.unit.requests) send(connection, request);
    if (step.wait || connection.expected.size() >= manners_.pipeline) await(connection);
  }
  end_conversation(connection);
}

void Clients::end_conversation(Connection& connection) {
  await(connection);
  if (--left_ == 0) on_idle_();
}

std::vector<Step> Clients::steps(std::vector<uint64_t>* positions) const {
  if (steps_ != nullptr) return *steps_;
  std::vector<Step> steps;
  for (uint64_t number = 0; number < taken_.size(); ++number) {
    const Taken& taken = taken_[number];
    Step step{taken.client, taken.think,
              workload_.units[(first_ + number) % workload_.units.size()], false};
    if (taken.turned_on) {
      steps.push_back({taken.client, taken.think, {0, {kTurnOn}}, true});
      step.think = {};
    }
    if (positions != nullptr) positions->push_back(steps.size());
    if (taken.left_out) continue;
    const int db = step.unit.db;
    steps.push_back(std::move(step));
    if (taken.administered) {
      steps.push_back(
          {taken.client, {}, {db, {encode_request({std::string(manners_.admin)})}}, true});
    }
  }
  return steps;
}

void Clients::select(Connection& connection, int db) {
  if (db == connection.db) return;
  connection.db = db;
  send(connection, encode_request({"SELECT", std::to_string(db)}));
}

// From the reply on, everything before is promised as well: the first base holds it.
void Clients::turn_on(Connection& connection, std::string_view request) {
  await(connection);
  send(connection, request);
  await(connection);
  promised_ = around_.engine.aof().active();
}

void Clients::send(Connection& connection, std::string_view request) {
  const uint64_t before = around_.history.last_lsn();
  const size_t said = said_.size();
  if (steps_ != nullptr) said_.push_back({connection.step, 0, promised_, false, false});
  connection.session->feed(request);
  const uint64_t lsn = around_.history.own_operation(before);
  connection.expected.push_back({lsn, said});
  if (steps_ != nullptr) said_[said].lsn = lsn;
  if (around_.history.unlogged_change() && !violation_) {
    violation_ = Violation{"UNL", "a request changed the keyspace, and the log was not told"};
  }
}

// What is released meanwhile is acknowledged then, not when the client comes back to it.
void Clients::think(Connection& connection, Instant until) {
  while (!connection.expected.empty() && connection.session->wait_ready(until)) take(connection);
  if (around_.os.now() < until) around_.os.park(until);
}

void Clients::await(Connection& connection) {
  while (!connection.expected.empty()) {
    connection.session->wait_ready();
    take(connection);
  }
}

// Takes the replies that are there.
void Clients::take(Connection& connection) {
  const Instant now = around_.os.now();
  const std::string_view bytes = connection.session->ready();
  std::vector<Expected>& expected = connection.expected;
  size_t taken = 0;
  size_t answered = 0;
  while (answered < expected.size() && taken < bytes.size()) {
    // A reply is released whole: with one due, what is ready is it.
    const size_t length = expected.size() == 1 ? bytes.size() : reply_length(bytes.substr(taken));
    if (length == 0) break;
    const auto [lsn, said] = expected[answered++];
    if (steps_ != nullptr) {
      said_[said].answered = true;
      said_[said].error = bytes[taken] == '-';
    }
    around_.trace.mix(hash_bytes(bytes.substr(taken, length)));
    if (lsn != 0) {
      if (bytes[taken] == '-' && !around_.history.operation(lsn).expiry_only && !violation_) {
        violation_ =
            Violation{"FF", fmt::format("operation {} was answered with an error, and done", lsn)};
      }
      if (promised_) around_.history.ack(lsn, now);
    }
    taken += length;
  }
  expected.erase(expected.begin(), expected.begin() + static_cast<ptrdiff_t>(answered));
  connection.session->consume(taken);
}

size_t reply_length(std::string_view bytes) {
  const size_t line = bytes.find("\r\n");
  if (line == std::string_view::npos) return 0;
  size_t end = line + 2;
  int64_t count = 0;
  std::from_chars(bytes.data() + 1, bytes.data() + line, count);
  if (bytes[0] == '$') {
    if (count < 0) return end;
    end += static_cast<size_t>(count) + 2;
    return end <= bytes.size() ? end : 0;
  }
  if (bytes[0] != '*') return end;
  for (int64_t i = 0; i < count; ++i) {
    const size_t element = reply_length(bytes.substr(end));
    if (element == 0) return 0;
    end += element;
  }
  return end;
}

}  // namespace powercut::scenarios
