// A store in a process of its own that tells its parent, through a pipe, all that a history holds:
// so the history survives the SIGKILL that the store does not.
//
// An operation is told in the step that executes it, before one byte of it can have been handed to
// the kernel; an acknowledgement when the reply may leave. So whatever the directory holds, the
// parent knows of, and what the parent takes for acknowledged was.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/checkpoint/rdb_dump.h"
#include "engine/engine.h"
#include "engine/os/posix/posix_os.h"
#include "scenarios/posix/buffering_os.h"
#include "scenarios/posix/kill_told.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/store_target.h"
#include "scenarios/workload/workload.h"
#include "sim/request.h"

namespace powercut::scenarios {

struct KillJob {
  std::string root;
  const Policy* policy = nullptr;
  const Workload* workload = nullptr;
  uint64_t first_unit = 0;
  uint64_t units = 0;
  int clients = 1;
  bool use_io_uring = true;
  bool buffers_writes = false;  // the planted bug: writes stay in user space until a sync
};

// Tells what passes the store's door. A History stands beside it, for the digests.
class Teller final : public engine::KeyspaceObserver, public engine::OperationListener {
 public:
  explicit Teller(int fd) : fd_(fd) {}

  void attach(engine::Os& os, engine::Engine& engine) {
    os_ = &os;
    engine_ = &engine;
    for (int db = 0; db < engine::Keyspace::kDatabases; ++db) {
      const auto& table = engine.keyspace().database(db).table();
      for (size_t i = 0; i < table.size(); ++i) {
        tell_key(Tell::kKey, db, std::string(table.at(i).key), &table.at(i).value);
      }
    }
    for (const auto& [name, text] : engine.keyspace().libraries()) tell_library(Tell::kKey, name);
    Told open;
    open.tell = Tell::kOpen;
    open.lsn = engine.recovery().last_lsn;
    tell(open);
    flush();
    engine.keyspace().add_observer(this);
    engine.executor().set_listener(this);
  }

  void acked(uint64_t lsn) {
    Told told;
    told.tell = Tell::kAck;
    told.lsn = lsn;
    tell(told);
    flush();
  }
  void finished() {
    Told told;
    told.tell = Tell::kFinished;
    tell(told);
    flush();
  }
  void error(const std::string& text) {
    Told told;
    told.text = text;
    tell(told);
    flush();
  }
  // The operations of each task, oldest first.
  uint64_t last_lsn() const { return engine_->aof().applied_lsn(); }
  uint64_t own_operation(uint64_t after) const {
    for (const auto& [lsn, task] : recent_) {
      if (lsn > after && task == os_->current()) return lsn;
    }
    return 0;
  }

  // --- The store's door ---
  void before_change(engine::Database& db, std::string_view key, engine::Object*) override {
    touch(db, key);
  }
  void before_flush(engine::Database& db) override {
    for (size_t i = 0; i < db.table().size(); ++i) touch(db, db.table().at(i).key);
  }
  void before_library(std::string_view name) override { libraries_.insert(std::string(name)); }
  void before_swap(int a, int b) override {
    settle();
    Told told;
    told.tell = Tell::kSwap;
    told.db = static_cast<int16_t>(a);
    told.other_db = static_cast<int16_t>(b);
    tell(told);
  }
  void on_operation(uint64_t lsn) override {
    settle();
    recent_.emplace_back(lsn, os_->current());
    if (recent_.size() > 256) recent_.pop_front();
    Told told;
    told.tell = Tell::kOperation;
    told.lsn = lsn;
    // In full, and not by the History: a second opinion.
    if (lsn % 16 == 0) told.digest = keyspace_digest(engine_->keyspace(), INT64_MIN);
    tell(told);
    flush();
  }

 private:
  struct Touched {
    engine::Database* db;
    std::string key;
  };

  void touch(engine::Database& db, std::string_view key) {
    for (const Touched& touched : touched_) {
      if (touched.db == &db && touched.key == key) return;
    }
    touched_.push_back({&db, std::string(key)});
  }
  void settle() {
    for (const Touched& touched : touched_) {
      const int db = engine_->keyspace().number_of(*touched.db);
      const auto* entry = touched.db->table().find(touched.key);
      tell_key(Tell::kChange, db, touched.key, entry == nullptr ? nullptr : &entry->value);
    }
    touched_.clear();
    for (const std::string& name : libraries_) tell_library(Tell::kChange, name);
    libraries_.clear();
  }
  void tell_library(Tell tell_as, const std::string& name) {
    const auto& libraries = engine_->keyspace().libraries();
    const auto found = libraries.find(name);
    Told told;
    told.tell = tell_as;
    told.db = static_cast<int16_t>(kLibraries);
    told.key = name;
    told.absent = found == libraries.end();
    if (!told.absent) told.text = found->second;
    tell(told);
  }
  void tell_key(Tell tell_as, int db, const std::string& key, const engine::Object* object) {
    Told told;
    told.tell = tell_as;
    told.db = static_cast<int16_t>(db);
    told.key = key;
    told.absent = object == nullptr;
    if (object != nullptr) {
      told.text = engine::dump_payload(object->value);
      told.expire_at_ms = object->expire_at_ms;
    }
    tell(told);
  }
  void tell(Told& told) {
    if (engine_ != nullptr) {
      told.at_ns = os_->now().ns;
      told.wall_ms = os_->wall_now().unix_ms;
      told.written_lsn = engine_->aof().active() ? engine_->aof().written_lsn() : 0;
      told.synced_lsn = engine_->aof().active() ? engine_->aof().synced_lsn() : 0;
      told.saved_lsn = engine_->generations().saved_lsn();
    }
    each_field(told, [this](const auto& field) { put(out_, field); });
  }
  void flush() {
    for (size_t done = 0; done < out_.size();) {
      const ssize_t n = ::write(fd_, out_.data() + done, out_.size() - done);
      if (n < 0 && errno != EINTR) _exit(2);
      if (n > 0) done += static_cast<size_t>(n);
    }
    out_.clear();
  }

  int fd_;
  engine::Os* os_ = nullptr;
  engine::Engine* engine_ = nullptr;
  std::vector<Touched> touched_;
  std::set<std::string> libraries_;  // that the operation changes
  std::deque<std::pair<uint64_t, const void*>> recent_;
  std::string out_;
};

inline constexpr Duration kWaitsAtMost = milliseconds(20);

// One client: units of the workload, each awaited.
inline void converse(const KillJob& job, engine::Engine& engine, Teller& teller, uint64_t& issued) {
  auto session = engine.connect();
  int db = 0;
  while (issued < job.units) {
    const uint64_t number = issued++;
    const Unit& unit = job.workload->units[(job.first_unit + number) % job.workload->units.size()];
    std::vector<std::string> requests = unit.requests;
    if (unit.db != db) {
      db = unit.db;
      requests.insert(requests.begin(), sim::encode_request({"SELECT", std::to_string(db)}));
    }
    if (number % 40 == 39) {
      if (job.policy->has_log()) requests.push_back(sim::encode_request({"BGREWRITEAOF"}));
      if (job.policy->kind == PolicyKind::kCheckpoint)
        requests.push_back(sim::encode_request({"SAVE"}));
    }
    std::deque<uint64_t> expected;
    size_t fed = 0;
    while (fed < requests.size() || !expected.empty()) {
      // What is said behind a wait would be kept until somebody resumes the session.
      while (fed < requests.size() && !session->waits()) {
        const uint64_t before = teller.last_lsn();
        session->feed(requests[fed++]);
        expected.push_back(teller.own_operation(before));
      }
      // Who waits for the others goes after a while, and comes again: perhaps all of them wait.
      const Instant now = engine.executor().clients().now();
      const auto ready = session->wait_ready(session->waits() ? now + kWaitsAtMost : kForever);
      if (ready.empty() && session->waits()) {
        session = engine.connect();
        db = 0;
        break;
      }
      const size_t length = reply_length(session->ready());
      session->consume(length);
      if (length == 0) continue;
      if (expected.front() != 0) teller.acked(expected.front());
      expected.pop_front();
    }
  }
}

// Runs the job and tells `fd`; then waits to be killed.
[[noreturn]] inline void run_kill_child(const KillJob& job, int fd) {
  Teller teller(fd);
  auto opened_os = engine::PosixOs::open(job.root, {.use_io_uring = job.use_io_uring});
  if (!opened_os.ok()) {
    teller.error(opened_os.error().message);
    _exit(1);
  }
  engine::PosixOs& os = **opened_os;
  BufferingOs buffering(os);
  engine::Os& seam = job.buffers_writes ? static_cast<engine::Os&>(buffering) : os;
  std::unique_ptr<engine::Engine> store;
  uint64_t issued = 0;
  int talking = job.clients;
  seam.spawn("main", [&] {
    auto opened = engine::Engine::open(seam, config_of({job.policy->name, 4096}));
    if (!opened.ok()) {
      teller.error(opened.error().message);
      _exit(1);
    }
    store = std::move(*opened);
    teller.attach(seam, *store);
    for (int i = 0; i < job.clients; ++i) {
      seam.spawn("client", [&] {
        converse(job, *store, teller, issued);
        if (--talking == 0) teller.finished();
      });
    }
  });
  os.run([] { return false; });
  // When all has been said nothing is left to do, but where a sync is due; and the kill may come later than that.
  if (talking > 0) teller.error("the store's tasks have ended");
  for (;;) pause();
}

}  // namespace powercut::scenarios
