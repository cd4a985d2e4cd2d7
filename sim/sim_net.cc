#include "sim/sim_net.h"

#include <algorithm>

#include "engine/base/check.h"

namespace powercut::sim {

using engine::Link;
using engine::Listener;

namespace {

constexpr Site kLatency("net.latency");
constexpr Site kYields("net.yields");
constexpr Site kLost("net.lost");

void wait_until(engine::Os& os, Instant when) {
  while (os.now() < when) os.park(when);
}

Error broken(const std::string& other) {
  return {Errc::kIo, "the link to " + other + " is broken"};
}
Error timed_out(const std::string& what, const std::string& other) {
  return {Errc::kTimeout, what + " " + other + ": nothing came in time"};
}

}  // namespace

// --- One end of a link ---

class SimLink final : public Link {
 public:
  SimLink(SimNetwork& network, std::shared_ptr<SimNetwork::Wire> wire, int side)
      : network_(network), wire_(std::move(wire)), side_(side) {}
  ~SimLink() override;

  Result<size_t> receive(char* out, size_t size, Instant deadline) override;
  Result<size_t> send(std::string_view data, Instant deadline) override;

 private:
  const std::string& self() const { return wire_->nodes[side_]; }
  const std::string& other() const { return wire_->nodes[1 - side_]; }
  // Somebody is there to say that this link is not known.
  bool answered_with_a_reset() const {
    return wire_->gone[1 - side_] && !wire_->no_way && network_.lives(other()) &&
           network_.reaches(self(), other()) && network_.reaches(other(), self());
  }

  SimNetwork& network_;
  std::shared_ptr<SimNetwork::Wire> wire_;
  const int side_;
};

SimLink::~SimLink() {
  SimNetwork::Wire& wire = *wire_;
  SimNetwork::Lane& lane = wire.lanes[side_];
  wire.gone[side_] = true;
  if (!wire.dead[side_] && !wire.broken[side_]) {
    lane.last_due = std::max(lane.last_due, network_.os_.now() + network_.latency());
    lane.under_way.push_back({lane.last_due, ""});
  }
  SimNetwork::wake(wire);
  network_.forget(wire_);
}

Result<size_t> SimLink::receive(char* out, size_t size, Instant deadline) {
  CHECK(size > 0);
  SimNetwork::Lane& lane = wire_->lanes[1 - side_];
  engine::Os& os = network_.os_;
  for (;;) {
    if (wire_->dead[side_]) return broken(other());  // what comes now would come behind a gap
    const bool comes = !lane.under_way.empty() &&
                       lane.under_way.front().due <= network_.reaches_until(other(), self());
    if (comes && lane.under_way.front().due <= os.now()) {
      std::string& bytes = lane.under_way.front().bytes;
      if (bytes.empty()) return size_t{0};
      const size_t count = bytes.copy(out, size);
      bytes.erase(0, count);
      if (bytes.empty()) lane.under_way.pop_front();
      CHECK(lane.bytes >= count);
      lane.bytes -= count;
      lane.changed.notify_all();
      return count;
    }
    if (wire_->broken[side_] && !comes) return broken(other());
    if (os.now() >= deadline) return timed_out("receive from", other());
    lane.changed.wait(comes ? std::min(deadline, lane.under_way.front().due) : deadline);
  }
}

Result<size_t> SimLink::send(std::string_view data, Instant deadline) {
  SimNetwork::Lane& lane = wire_->lanes[side_];
  engine::Os& os = network_.os_;
  if (os.choose(kYields, 4) == 0) os.park(os.now());
  for (;;) {
    if (wire_->broken[side_]) return broken(other());
    if (data.empty()) return size_t{0};
    const size_t room = network_.profile_.buffer_bytes - lane.bytes;
    const bool reset = answered_with_a_reset();
    if (room == 0 && reset) {
      wire_->broken[side_] = true;
      continue;
    }
    if (room > 0) {
      const size_t count = std::min({data.size(), room, network_.profile_.segment_bytes});
      lane.last_due = std::max(lane.last_due, os.now() + network_.latency());
      lane.under_way.push_back({lane.last_due, std::string(data.substr(0, count))});
      lane.bytes += count;
      // What this one took is lost; the next one is told.
      wire_->broken[side_] = reset;
      SimNetwork::wake(*wire_);
      return count;
    }
    if (os.now() >= deadline) return timed_out("send to", other());
    lane.changed.wait(deadline);
  }
}

// --- Listening ---

class SimListener final : public Listener {
 public:
  SimListener(SimNetwork& network, SimNetwork::Place place, std::shared_ptr<SimNetwork::Door> door)
      : network_(network), place_(std::move(place)), door_(std::move(door)) {}
  ~SimListener() override {
    const auto found = network_.doors_.find(place_);
    if (found != network_.doors_.end() && found->second == door_) network_.doors_.erase(found);
    for (const auto& wire : door_->waiting) network_.break_wire(*wire);
  }

  Result<std::unique_ptr<Link>> accept(Instant deadline) override {
    engine::Os& os = network_.os_;
    for (;;) {
      if (door_->closed) return Error{Errc::kIo, place_.first + " listens no more"};
      if (!door_->waiting.empty()) {
        auto wire = std::move(door_->waiting.front());
        door_->waiting.pop_front();
        return std::unique_ptr<Link>(std::make_unique<SimLink>(network_, std::move(wire), 1));
      }
      if (os.now() >= deadline) return timed_out("accept at", place_.first);
      door_->changed.wait(deadline);
    }
  }
  int port() const override { return place_.second; }

 private:
  SimNetwork& network_;
  const SimNetwork::Place place_;
  std::shared_ptr<SimNetwork::Door> door_;
};

// --- A node ---

class SimNode final : public engine::Net {
 public:
  SimNode(SimNetwork& network, std::string name) : network_(network), name_(std::move(name)) {}

  Result<std::unique_ptr<Link>> connect(const std::string& host, int port,
                                        Instant deadline) override;
  Result<std::unique_ptr<Listener>> listen(const std::string& host, int port) override;

 private:
  // A task of a machine that has died since goes no further.
  void stop_if_dead(uint64_t deaths) const {
    while (network_.deaths(name_) != deaths) network_.os_.park(kForever);
  }
  bool meets(const std::string& host) const {
    return network_.lives(host) && network_.reaches(name_, host) && network_.reaches(host, name_);
  }

  SimNetwork& network_;
  const std::string name_;
};

Result<std::unique_ptr<Link>> SimNode::connect(const std::string& host, int port,
                                               Instant deadline) {
  engine::Os& os = network_.os_;
  if (network_.nodes_.count(host) == 0)
    return Error{Errc::kNotFound, "connect to " + host + ": there is no such host"};
  const uint64_t deaths = network_.deaths(name_);
  wait_until(os, std::min(deadline, os.now() + network_.latency()));
  stop_if_dead(deaths);
  while (!meets(host)) {  // what asks for it is said again and again
    if (os.now() >= deadline) return timed_out("connect to", host);
    network_.healed_.wait(deadline);
    stop_if_dead(deaths);
  }
  const auto door = network_.doors_.find({host, port});
  if (door == network_.doors_.end()) {
    wait_until(os, std::min(deadline, os.now() + network_.latency()));
    return Error{Errc::kRefused,
                 "connect to " + host + ":" + std::to_string(port) + ": nobody listens there"};
  }
  auto wire = std::make_shared<SimNetwork::Wire>(os, name_, host);
  network_.wires_.push_back(wire);
  door->second->waiting.push_back(wire);
  door->second->changed.notify_all();
  auto link = std::make_unique<SimLink>(network_, std::move(wire), 0);
  const Instant answered = os.now() + network_.latency();
  wait_until(os, std::min(deadline, answered));
  if (answered > deadline) return timed_out("connect to", host);  // whoever accepts it finds an end
  return std::unique_ptr<Link>(std::move(link));
}

Result<std::unique_ptr<Listener>> SimNode::listen(const std::string& host, int port) {
  if (host != name_) return Error{Errc::kUnsupported, "listen at " + host + ": this is " + name_};
  if (port == 0) port = network_.next_port_++;
  auto& door = network_.doors_[{host, port}];
  if (door != nullptr)
    return Error{Errc::kExists, "listen at " + host + ":" + std::to_string(port) + ": taken"};
  door = std::make_shared<SimNetwork::Door>(network_.os_);
  return std::unique_ptr<Listener>(
      std::make_unique<SimListener>(network_, SimNetwork::Place{host, port}, door));
}

// --- The network ---

SimNetwork::SimNetwork(engine::Os& os, const NetProfile& profile)
    : os_(os), profile_(profile), healed_(os) {
  CHECK(profile.latency_min <= profile.latency_max && profile.segment_bytes > 0);
}

SimNetwork::~SimNetwork() = default;

engine::Net& SimNetwork::node(const std::string& name) {
  auto& node = nodes_[name];
  if (node == nullptr) node = std::make_unique<SimNode>(*this, name);
  return *node;
}

Duration SimNetwork::latency() {
  const auto spread = static_cast<uint64_t>((profile_.latency_max - profile_.latency_min).ns);
  return profile_.latency_min + nanoseconds(static_cast<int64_t>(os_.choose(kLatency, spread + 1)));
}

Instant SimNetwork::reaches_until(const std::string& from, const std::string& to) const {
  const auto found = partitions_.find({from, to});
  return found == partitions_.end() ? kForever : found->second;
}

void SimNetwork::wake(Wire& wire) {
  for (Lane& lane : wire.lanes) lane.changed.notify_all();
}

void SimNetwork::forget(const std::shared_ptr<Wire>& wire) {
  if (wire->gone[0] && wire->gone[1]) std::erase(wires_, wire);
}

void SimNetwork::partition(const std::string& from, const std::string& to) {
  partitions_.try_emplace({from, to}, os_.now());
}

void SimNetwork::partition_both(const std::string& a, const std::string& b) {
  partition(a, b);
  partition(b, a);
}

void SimNetwork::heal() {
  partitions_.clear();
  healed_.notify_all();
  for (const auto& wire : wires_) wake(*wire);
}

void SimNetwork::break_wire(Wire& wire) {
  for (Lane& lane : wire.lanes) {
    const size_t kept = os_.choose(kLost, lane.under_way.size() + 1);
    while (lane.under_way.size() > kept) {
      lane.bytes -= lane.under_way.back().bytes.size();
      lane.under_way.pop_back();
    }
    // An end that was on its way is lost with the rest: what comes is a break.
    if (!lane.under_way.empty() && lane.under_way.back().bytes.empty()) lane.under_way.pop_back();
  }
  wire.broken[0] = wire.broken[1] = true;
  wake(wire);
}

void SimNetwork::cut(const std::string& a, const std::string& b) {
  for (const auto& wire : wires_) {
    const bool between = (wire->nodes[0] == a && wire->nodes[1] == b) ||
                         (wire->nodes[0] == b && wire->nodes[1] == a);
    if (between) break_wire(*wire);
  }
}

void SimNetwork::forget_way(const std::string& name, const std::string& other) {
  for (const auto& wire : wires_) {
    for (int side = 0; side < 2; ++side) {
      if (wire->nodes[side] != name || wire->nodes[1 - side] != other) continue;
      wire->no_way = wire->dead[side] = wire->broken[side] = true;
      for (Lane& lane : wire->lanes) {
        lane.under_way.clear();
        lane.bytes = 0;
      }
      wake(*wire);
    }
  }
}

void SimNetwork::kill(const std::string& name) {
  dead_.insert(name);
  ++deaths_[name];
  for (const auto& wire : wires_) {
    for (int side = 0; side < 2; ++side) {
      if (wire->nodes[side] != name) continue;
      wire->gone[side] = wire->dead[side] = wire->broken[side] = true;
      Lane& heard = wire->lanes[1 - side];
      heard.under_way.clear();
      heard.bytes = 0;
      wake(*wire);
    }
  }
  for (auto at = doors_.begin(); at != doors_.end();) {
    if (at->first.first != name) {
      ++at;
      continue;
    }
    at->second->closed = true;
    at->second->waiting.clear();
    at->second->changed.notify_all();
    at = doors_.erase(at);
  }
}

void SimNetwork::restart(const std::string& name) {
  dead_.erase(name);
  healed_.notify_all();
  for (const auto& wire : wires_) wake(*wire);
}

}  // namespace powercut::sim
