#include "scenarios/sqlite/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/sqlite/vfs.h"
#include "scenarios/sqlite/modes.h"
#include "scenarios/sqlite/sql_text.h"
#include "scenarios/sqlite/sqlite_target.h"

namespace powercut::scenarios {

namespace {

using faults::FaultClass;

faults::FileRole role_of_file(std::string_view path) {
  return path.ends_with("-journal") || path.ends_with("-wal") ? faults::FileRole::kSegment
                                                              : faults::FileRole::kBase;
}

class SqliteType final : public TargetType {
 public:
  SqliteType(Journal journal, Synchronous synchronous)
      : journal_(journal), synchronous_(synchronous), kept_(kept_by(journal, synchronous)) {
    const std::string_view mode = kJournals[static_cast<size_t>(journal)];
    const std::string_view sync = kSynchronous[static_cast<size_t>(synchronous)];
    name_ = fmt::format("sqlite:{}/{}", mode, sync);
    about_ = fmt::format("SQLite {}: journal_mode={}, synchronous={}{}", sqlite3_libversion(), mode,
                         sync, kept_ == Kept::kNothing ? ", which promises nothing" : "");
  }

  std::string_view name() const override { return name_; }
  std::string_view about() const override { return about_; }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings&) const override {
    return SqliteTarget::open(os, journal_, synchronous_);
  }
  std::vector<std::shared_ptr<const Workload>> workloads() const override {
    return {std::make_shared<Workload>(ledger_workload()),
            std::make_shared<Workload>(rows_workload())};
  }
  std::optional<Result<Workload>> parse_workload(std::string_view text,
                                                 const std::string& name) const override {
    if (text.starts_with('*')) return std::nullopt;  // requests, as an AOF has them
    return parse_sql(text, name);
  }
  std::vector<std::string_view> policies() const override {
    return kept_ == Kept::kAll ? std::vector<std::string_view>{"always", "no"}
                               : std::vector<std::string_view>{"no", "always"};
  }
  // A COMMIT that failed may be kept or not, and no reply says that.
  faults::FaultSet faults() const override {
    return {FaultClass::kKill,      FaultClass::kPowerCut,   FaultClass::kTorn,
            FaultClass::kShortIo,   FaultClass::kSlowSync,   FaultClass::kHangingSync,
            FaultClass::kClockJump, FaultClass::kRecoveryCut};
  }
  std::vector<Site> fences() const override {
    return {engine::sqlite::kSyncs.begin(), engine::sqlite::kSyncs.end()};
  }
  faults::RoleOfFile roles() const override { return role_of_file; }
  std::string plain_request(size_t number) const override {
    return sql_request(
        fmt::format("CREATE TABLE IF NOT EXISTS t(v); INSERT INTO t VALUES({})", number));
  }

 private:
  Journal journal_;
  Synchronous synchronous_;
  Kept kept_;
  std::string name_;
  std::string about_;
};

}  // namespace

std::span<const TargetType* const> sqlite_types() {
  static const std::vector<std::unique_ptr<const SqliteType>> types = [] {
    std::vector<std::unique_ptr<const SqliteType>> all;
    for (size_t journal = 0; journal < std::size(kJournals); ++journal)
      for (size_t sync = 0; sync < std::size(kSynchronous); ++sync)
        all.push_back(std::make_unique<SqliteType>(static_cast<Journal>(journal),
                                                   static_cast<Synchronous>(sync)));
    return all;
  }();
  static const std::vector<const TargetType*> pointers = [] {
    std::vector<const TargetType*> all;
    for (const auto& type : types) all.push_back(type.get());
    return all;
  }();
  return pointers;
}

}  // namespace powercut::scenarios
