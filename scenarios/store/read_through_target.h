// The store with sink-read-through as a target of the judge: another program writes rows in the same tables
// (scenarios/store/database/shared_database.h). Held, beside all that holds of a database behind the store:
//
//   an answer      is that of what the store's own operations left of the key; or else of what its row was no longer ago than
//                  the time to live, and not before the store deleted it
//   a row          of a key that the store has not changed is what the other program wrote, whatever the store does or
//                  comes to
//   an operation   is made of no copy by a command that only reads, nor by nobody
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/store/database/shared_database.h"
#include "scenarios/store/store_history.h"
#include "scenarios/store/store_target.h"

namespace powercut::scenarios {

// What it remembers of a key: behind which operation it was there, or was deleted.
class ReadThroughHistory final : public StoreHistory {
 public:
  std::unique_ptr<History> copy() const override {
    return std::make_unique<ReadThroughHistory>(*this);
  }
  void before_change(engine::Database& db, std::string_view key, engine::Object* object) override;
  void before_flush(engine::Database& db) override;
  void on_operation(uint64_t lsn) override;

 protected:
  void on_attach(sim::Target& target, uint64_t k) override;
  void on_detach() override;

 private:
  struct Change {
    uint64_t lsn;
    bool there;
  };
  engine::Keyspace* of_ = nullptr;
  std::map<RowName, std::vector<Change>> changes_;
  std::vector<RowName> changing_;
};

class ReadThroughTarget final : public StoreTarget, private engine::KeyspaceObserver {
 public:
  static Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings& settings,
                                                   engine::SinkMode mode);
  ~ReadThroughTarget() override;

  void begin(uint64_t number) override;
  void apply(uint64_t client, std::string_view request) override;
  std::optional<sim::Reply> acknowledged(uint64_t client, Instant deadline) override;
  void hang_up(uint64_t client) override;
  std::string broken() override { return broken_; }

  // Of keys that an operation deleted, and none made again since.
  void deleted_before(const RowName& name, uint64_t lsn);

 private:
  struct Version {
    Instant from;
    RowState state;
  };
  struct Own {
    uint64_t lsn;
    Instant at;
    RowState state;
  };
  struct Awaited {
    std::string request;
    std::vector<std::string> allowed;  // empty: any
  };

  ReadThroughTarget(engine::Os& os, std::unique_ptr<engine::Engine> engine,
                    const sim::Settings& settings, SharedDatabase* shared)
      : StoreTarget(std::move(engine), settings), os_(os), shared_(shared) {}
  std::string difference_behind(engine::Os& os) override;
  void on_operation(uint64_t lsn) override;
  void before_change(engine::Database& db, std::string_view key, engine::Object* object) override;
  void before_flush(engine::Database& db) override;
  bool may_touch(const RowName& name);
  void seen(const RowName& name, const std::optional<RowState>& state, bool by_store);
  std::vector<RowState> states_before(const RowName& name, uint64_t lsn, Instant since);
  void await(uint64_t client, std::string_view request, Instant began, uint64_t made);
  void complain(std::string text);

  engine::Os& os_;
  SharedDatabase* const shared_;  // the engine's
  std::optional<SharedRows> found_;
  std::map<RowName, std::vector<Version>> rows_;
  std::map<RowName, std::vector<Own>> own_;
  std::map<RowName, bool> unknown_;  // nobody knows what its row is
  std::vector<RowName> changing_;
  std::map<engine::Task*, std::pair<uint64_t, bool>>
      made_;                                   // the last operation of a task; it left a key there
  std::vector<std::vector<Awaited>> awaited_;  // by client
  std::vector<int> db_of_;                     // ...; -1: not known
  std::vector<bool> in_multi_;
  std::string broken_;
};

}  // namespace powercut::scenarios
