// The seam to other machines over a simulated network, on virtual time: nodes with names, links between them.
//
// Models: a link's bytes arrive in order, each piece after a latency of its own; links do not wait for each other, so
// what goes over two may overtake; a buffer for each direction, so a sender waits where nobody reads; a partition of
// one direction or both, under which bytes stay under way and connections time out; a cut, which breaks a link at once
// and loses a drawn tail of what is under way; a node that dies, of which nobody is told until they send to it and it
// lives again (half-open); a link that is forgotten on the way, of which one end is told, and the other never. The same choices give the same network.
// Does not model: bytes that change (TCP's checksum), bandwidth, a name service, a partition that TCP gives up on.
// Source: RFC 9293 (TCP), 3.5.1 (half-open connections), 3.10.7 (resets); Alquraan et al., OSDI'18 (partial partitions).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/os/net.h"
#include "engine/os/os.h"
#include "engine/os/wait_queue.h"

namespace powercut::sim {

struct NetProfile {
  Duration latency_min{50'000};
  Duration latency_max{500'000};
  size_t buffer_bytes = 64 << 10;  // of one direction of a link
  size_t segment_bytes = 1460;  // what one send takes at most beyond it, and arrives as one piece
};

class SimNetwork {
 public:
  // `os` gives time, chance and tasks; it outlives the network.
  explicit SimNetwork(engine::Os& os, const NetProfile& profile = {});
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  // The network as this node sees it: it listens at its own name, and connects to others'. Lives as long as the network.
  engine::Net& node(const std::string& name);

  // --- What goes wrong ---
  // From now on nothing that `from` says reaches `to`: what is under way stays so until heal(). What had arrived, and was not
  // received yet, can be.
  void partition(const std::string& from, const std::string& to);
  void partition_both(const std::string& a, const std::string& b);
  void heal();
  // Breaks every link between the two: what is under way is lost from a drawn point on, and both ends are told.
  void cut(const std::string& a, const std::string& b);
  // Something on the way forgets every link between the two (a firewall, an address that is translated): `name` is told that
  // it is broken; the other one is not, and what it says goes nowhere.
  void forget_way(const std::string& name, const std::string& other);
  // The node loses its power: its ends are gone, its listeners too. Nobody is told.
  void kill(const std::string& name);
  // It lives again, and knows no link of before: who sends on one of those is told that it is broken.
  void restart(const std::string& name);

  size_t links() const { return wires_.size(); }

 private:
  friend class SimLink;
  friend class SimListener;
  friend class SimNode;

  struct Piece {
    Instant due;
    std::string bytes;  // empty: the end
  };
  // One direction of a wire.
  struct Lane {
    explicit Lane(engine::Os& os) : changed(os) {}
    std::deque<Piece> under_way;
    size_t bytes = 0;
    Instant last_due{0};
    engine::WaitQueue changed;
  };
  struct Wire {
    Wire(engine::Os& os, std::string from, std::string to)
        : nodes{std::move(from), std::move(to)}, lanes{Lane(os), Lane(os)} {}
    std::string nodes[2];  // who made it, who was asked
    Lane lanes[2];         // what that one says
    bool broken[2] = {};   // told to that end
    bool gone[2] = {};     // that end was closed, or its node has died
    bool dead[2] = {};     // its node has died, and says nothing
    bool no_way = false;   // nobody answers that it is not known either
  };
  struct Door {  // of a listener
    explicit Door(engine::Os& os) : changed(os) {}
    std::deque<std::shared_ptr<Wire>> waiting;
    bool closed = false;
    engine::WaitQueue changed;
  };
  using Place = std::pair<std::string, int>;

  Duration latency();
  // What `from` says reaches `to`; what arrived before then does in any case.
  Instant reaches_until(const std::string& from, const std::string& to) const;
  bool reaches(const std::string& from, const std::string& to) const {
    return reaches_until(from, to) == kForever;
  }
  bool lives(const std::string& name) const { return dead_.count(name) == 0; }
  uint64_t deaths(const std::string& name) const {
    const auto found = deaths_.find(name);
    return found == deaths_.end() ? 0 : found->second;
  }
  void break_wire(Wire& wire);
  static void wake(Wire& wire);
  void forget(const std::shared_ptr<Wire>& wire);

  engine::Os& os_;
  const NetProfile profile_;
  std::map<std::string, std::unique_ptr<engine::Net>> nodes_;
  std::map<Place, std::shared_ptr<Door>> doors_;
  std::vector<std::shared_ptr<Wire>> wires_;  // in the order in which they were made
  std::map<std::pair<std::string, std::string>, Instant> partitions_;  // since when
  std::set<std::string> dead_;
  std::map<std::string, uint64_t> deaths_;
  engine::WaitQueue healed_;
  int next_port_ = 40'000;
};

}  // namespace powercut::sim
