// The clients of one life: they take the workload's units in turn, send them, and wait for the
// replies.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "faults/plan_injector.h"
#include "scenarios/judge/history.h"
#include "scenarios/judge/target_type.h"
#include "scenarios/judge/verdict.h"
#include "scenarios/run/manners.h"
#include "scenarios/workload/script.h"
#include "scenarios/workload/workload.h"
#include "sim/choices.h"
#include "sim/target.h"
#include "sim/trace.h"

namespace powercut::scenarios {

class Clients {
 public:
  struct Surroundings {
    engine::Os& os;
    const TargetType& type;
    sim::Target& target;
    History& history;
    faults::PlanInjector& injector;
    sim::Choices& choices;
    sim::Trace& trace;
    Bystander* bystander = nullptr;  // null: there is none
  };

  struct Hooks {
    std::function<void()> on_idle;   // in the last client's task: everything is answered
    std::function<void()> on_ended;  // in the task of the client that has told the engine to end
  };

  // Sends units [first, first + count) of the workload, wrapping around.
  Clients(const Surroundings& around, const Workload& workload, const Manners& manners,
          uint64_t first, uint64_t count, Hooks hooks);

  // Sends these steps instead. `steps` outlives this.
  void follow(const std::vector<Step>& steps) { steps_ = &steps; }
  // The engine has begun without its log: `turn_on_after` counts from now.
  void begin_without_log() { promised_ = false; }
  // Starts the clients' tasks.
  void start();
  // Sends a request on a connection of its own. True: the answer is an error. Yields.
  bool is_refused(std::string_view request);
  uint64_t issued() const { return issued_; }
  uint64_t sent() const { return sent_; }  // requests
  // What a client was told that the engine is going to do, and it has neither done nor failed at; empty: nothing.
  std::string owed();
  // A promise broken in front of the client's eyes, if any.
  const std::optional<Violation>& violation() const { return violation_; }

  // What was sent, as steps that send the same again. `positions`, if not null: which step each
  // unit has become.
  std::vector<Step> steps(std::vector<uint64_t>* positions) const;
  // Of steps that were followed: what became of those begun.
  const std::vector<Said>& said() const { return said_; }

 private:
  struct Connection;
  // What an answer that tells how the engine is was asked behind.
  struct Asked {
    uint64_t behind;                         // this operation
    size_t policies;                         // so many had been put in force
    std::optional<TargetType::Told> before;  // what the judge was told in the same step
  };
  struct Taken {  // a unit by a client
    uint64_t client;
    Duration think;
    bool turned_on = false;
    const std::string* administered = nullptr;  // what was sent behind it
    bool left_out = false;
  };
  const Unit& unit_at(uint64_t number) const;
  void converse(uint64_t client);
  void read_out(uint64_t client);
  void turn_on(Connection& connection, const std::string& request);
  void select(Connection& connection, int db);
  void send(Connection& connection, const Unit& unit);
  void send(Connection& connection, const std::string& request);
  void send(Connection& connection, std::span<const std::string> requests);
  void tell_bystander(const Connection& connection, const std::string& request);
  std::optional<std::string> ask(const std::string& request);
  std::optional<TargetType::Told> how_it_is();
  void note_snapshot(const TargetType::Told& told);
  void note_owed(const TargetType::Told& told, const Asked& asked);
  void note_sealed(const SealedBackup& sealed, uint64_t before);
  void note_done(const BackupRequest& request, bool error);
  void note_told(const TargetType::Told& told, const Asked& asked);
  void check_transaction(Connection& connection, std::string_view reply, bool error);
  void ask_why();
  void note_policy();
  void end_conversation(Connection& connection);
  void think(Connection& connection, Instant until);
  void await(Connection& connection);
  void wait_a_while(Connection& connection);
  [[gnu::always_inline]] inline bool take(Connection& connection, Instant until);  // see WaitQueue

  Surroundings around_;
  const Workload& workload_;
  const Manners& manners_;
  uint64_t first_;
  uint64_t count_;
  Hooks hooks_;
  const std::vector<Step>* steps_ = nullptr;
  std::vector<Taken> taken_;  // by number
  std::vector<Said> said_;
  uint64_t issued_ = 0;        // units
  uint64_t sent_ = 0;          // requests
  uint64_t left_ = 0;          // clients still talking
  bool promised_ = true;       // the log is on, so that an acknowledgement means something
  std::string_view in_force_;  // a policy that clients have put there, or empty
  std::optional<Violation> violation_;
  // That a client has begun, and that is not known to be finished.
  struct Snapshot {
    uint64_t behind;  // this operation
    int64_t newest;   // when the newest was finished, then
  };
  std::optional<Snapshot> snapshot_;
  // That the engine has said it will make; `done`: so many were made before.
  struct Owed {
    uint64_t done;
    size_t policies;  // so many had been put in force
  };
  std::optional<Owed> owed_snapshot_;
  std::optional<Owed> owed_rewrite_;
  uint64_t asked_why_ = 0;
  bool asking_ = false;
};

}  // namespace powercut::scenarios
