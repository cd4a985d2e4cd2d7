// One life of SQLite: a connection, from its opening to its end.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/wait_queue.h"
#include "engine/sqlite/world.h"
#include "scenarios/sqlite/modes.h"
#include "sim/target.h"

struct sqlite3;

namespace powercut::scenarios {

class SqliteTarget final : public sim::Target {
 public:
  // Opens the database, which rolls back or reads the log as it must, and looks through all of it. One that is
  // not there yet is made, and durable: what is judged is what is committed in it.
  //   Errors: kCorrupt: what SQLite says, or what integrity_check found.
  static Result<std::unique_ptr<sim::Target>> open(engine::Os& os, Journal journal,
                                                   Synchronous synchronous);

  void apply(uint64_t client, std::string_view request) override;
  std::optional<sim::Reply> acknowledged(uint64_t client, Instant deadline) override;
  uint64_t digest(int64_t) override { return digest_; }
  sim::Promise promise() override;
  Result<void> shut_down() override;
  std::string recovery_summary() override;
  std::vector<std::string> recovery_story() override { return {recovery_summary()}; }
  std::vector<std::string> contents(int64_t wall_ms, size_t most) override;

 private:
  struct Due {
    uint64_t number;  // of the transaction; 0: it wrote nothing
    std::string error;
  };

  SqliteTarget(engine::Os& os, Journal journal, Synchronous synchronous)
      : os_(os), world_(os), journal_(journal), synchronous_(synchronous), progress_(os) {}
  Result<void> recover();
  Result<void> connect();
  Result<void> make();
  Result<void> check();
  // All that is in it: of which digest_ is made, and lines for people.
  Result<void> look_through();
  Result<void> run(const std::string& sql);
  Result<std::string> value_of(const std::string& sql);
  // Of the last call that failed, in one line.
  Error error();
  std::string transact(std::string_view statements);
  void commit();

  engine::Os& os_;
  engine::sqlite::World world_;
  Journal journal_;
  Synchronous synchronous_;
  sqlite3* db_ = nullptr;           // in the world's memory; never closed but by shut_down()
  bool of_client_ = false;          // statements that a client sent
  std::vector<std::string> found_;  // what SQLite noted when it was opened
  std::vector<std::string> lines_;
  uint64_t digest_ = 0;
  uint64_t begun_ = 0;      // transactions
  uint64_t committed_ = 0;  // the same
  bool busy_ = false;       // somebody is in a transaction, or at its COMMIT
  engine::WaitQueue progress_;
  std::map<uint64_t, std::deque<Due>> due_;  // by client: what its requests became
  std::string reply_;
};

}  // namespace powercut::scenarios
