// Read-through: copies of rows that stand in the database behind the store, for commands that name keys which are not here.
//
// A copy is no part of what is stored. It is in the keyspace while a command runs that names it (Keyspace::lend), and nowhere
// else is it seen: not in the log, nor in a base, a checkpoint, a backup, nor at a replica. A command that writes adopts what it
// names: the operation begins with what the rows held, and the keys are ones like any from then on.
//
//   a key that is here, or whose change the queue has    no row is read: what is here is newer
//   any other that a pattern of the mapping names         what its row held, no longer ago than the time to live
//
// That there is no row is a copy as well.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/command/rows.h"
#include "engine/os/wait_queue.h"
#include "engine/sink/sink.h"

namespace powercut::engine {

class Copies final : public Rows, public Adopter, public KeyspaceObserver {
 public:
  // All of them outlive it.
  Copies(Os& os, Keyspace& keyspace, Sink& sink, Duration time_to_live);
  ~Copies() override;
  // Told of each that was given up.
  void set_on_leave(std::function<void(std::string_view key)> told) { on_leave_ = std::move(told); }

  // The task that lets those go which are too old; it ends behind stop().
  void run();
  void stop();

  size_t count() const { return copies_.size(); }
  uint64_t reads() const { return reads_; }  // of rows, or that there were none
  uint64_t adopted() const { return adopted_count_; }

  // --- Rows ---
  void begin() override { ++command_; }
  bool lacks(int db, std::string_view key, Instant since) override;
  Result<void> read(std::span<const std::pair<int, std::string>> keys, Instant deadline) override;
  void lend(int db, std::string_view key) override;
  void take_back(bool wrote, Effects& adopted) override;
  size_t bytes() const override { return bytes_; }
  bool drop_oldest() override;

  // --- Adopter, KeyspaceObserver ---
  void on_adopted(int db, std::string_view key, const Object& copy) override;
  void before_change(Database& db, std::string_view key, Object* object) override;
  void before_flush(Database&) override {}

 private:
  using Name = std::pair<int, std::string>;
  struct Copy {
    bool absent = true;
    Value value = {};
    int64_t expires_ms = Object::kNoExpiry;
    Instant read_at{0};
    uint64_t number = 0;
    uint64_t kept_for = 0;  // the command that may not lose it
    size_t bytes = 0;
  };
  using Held = std::map<Name, Copy>;

  bool is_here(int db, std::string_view key) const;
  bool fresh(const Copy& copy) const { return os_.now() < copy.read_at + time_to_live_; }
  void take(SinkRows&& rows, Instant read_at);
  void drop(Held::iterator copy);
  void drop_old();

  Os& os_;
  Keyspace& keyspace_;
  Sink& sink_;
  const Duration time_to_live_;
  std::function<void(std::string_view)> on_leave_;
  WaitQueue wake_;
  Held copies_;
  std::map<uint64_t, Name> in_order_;  // in which they were read
  std::vector<Name> lent_;
  Effects adopted_;
  size_t bytes_ = 0;
  uint64_t numbers_ = 0;
  uint64_t command_ = 1;
  uint64_t reads_ = 0;
  uint64_t adopted_count_ = 0;
  bool stopping_ = false;
};

}  // namespace powercut::engine
