#include "scenarios/sweep/campaign.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/base/hash.h"
#include "scenarios/base/json_text.h"
#include "scenarios/sweep/report.h"

namespace powercut::scenarios {

namespace {

// "PCUT": tells a campaign from any other SQLite file.
constexpr int kApplicationId = 0x50435554;
constexpr int kFormat = 5;
constexpr double kCommitEveryS = 1;

uint64_t hash_of(const Workload& workload) {
  uint64_t hash = 0;
  for (const Unit& unit : workload.units) {
    for (const std::string& request : unit.requests) {
      hash = hash_bytes(request, hash + static_cast<uint64_t>(unit.db));
    }
  }
  return hash;
}

// What the store does with the first seed: another build that does otherwise has another trace.
std::string behaviour(const SweepOptions& options) {
  return hash_text(run_once(spec_of(options, options.first_seed)).trace_hash);
}

std::string quoted(const std::string& text) {
  char* sql = sqlite3_mprintf("%Q", text.c_str());
  std::string result = sql;
  sqlite3_free(sql);
  return result;
}

struct Statement {
  sqlite3_stmt* handle = nullptr;
  ~Statement() { sqlite3_finalize(handle); }
};

}  // namespace

std::string fingerprint(const SweepOptions& o) {
  std::string text = fmt::format("target {}; workloads", target_or_store(o.target).name());
  for (const auto& workload : o.workloads) {
    text += fmt::format(" {}#{}", workload->name, hash_text(hash_of(*workload)));
  }
  text += "; policies";
  for (const auto* policy : o.policies) text += fmt::format(" {}", policy->name);
  text += "; personas";
  for (const auto* persona : o.personas) text += fmt::format(" {}", persona->name);
  text += fmt::format(
      "; faults {}{}; operations {}; mutant {}; schedule {}; {}first seed {}; {} {}",
      faults::print(o.faults), o.beside ? fmt::format("/beside={}", name(*o.beside)) : "",
      o.operations, o.mutant == nullptr ? "none" : o.mutant->name, static_cast<int>(o.schedule),
      steers(o) ? "steered; " : "", o.first_seed, o.seconds != 0 ? "seconds" : "seeds",
      o.seconds != 0 ? o.seconds : o.seeds);
  return text;
}

void Campaign::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

Error Campaign::error() const {
  const int code = sqlite3_errcode(db_.get()) & 0xff;
  const std::string why = sqlite3_errmsg(db_.get());
  switch (code) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {Errc::kCorrupt,
              fmt::format("campaign {}: {}; it is left as it is: name another file", path_, why)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::kIo, fmt::format("campaign {}: another powercut is at work on it", path_)};
    default:
      return {Errc::kIo,
              fmt::format("campaign {}: {}; name a file that can be written", path_, why)};
  }
}

Result<void> Campaign::execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<std::string> Campaign::text(const std::string& sql) {
  Statement statement;
  if (sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &statement.handle, nullptr) != SQLITE_OK) {
    return error();
  }
  const int step = sqlite3_step(statement.handle);
  if (step == SQLITE_DONE) return std::string();
  if (step != SQLITE_ROW) return error();
  const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement.handle, 0));
  return std::string(value == nullptr ? "" : value);
}

Result<Campaign> Campaign::open(const std::string& path, const SweepOptions& options) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Campaign campaign(path, db);
  if (db == nullptr || sqlite3_errcode(db) != SQLITE_OK) return campaign.error();
  if (sqlite3_db_readonly(db, "main") == 1) {
    return Error{Errc::kIo,
                 fmt::format("campaign {}: may not be written; name another file", path)};
  }
  TRY(campaign.begin(options));
  return campaign;
}

Result<void> Campaign::begin(const SweepOptions& options) {
  // One process at a time: the lock is held until the file is closed.
  TRY(execute("PRAGMA locking_mode = EXCLUSIVE"));
  TRY(execute("BEGIN IMMEDIATE"));
  in_transaction_ = true;
  TRY_ASSIGN(const std::string id, text("PRAGMA application_id"));
  TRY_ASSIGN(const std::string tables, text("SELECT count(*) FROM sqlite_master"));
  if (id != std::to_string(kApplicationId)) {
    if (tables != "0") {
      return Error{
          Errc::kCorrupt,
          fmt::format("campaign {}: an SQLite file, but no campaign; name another file", path_)};
    }
    TRY(create(options));
  } else {
    TRY(compare(options));
    TRY(load(steers(options) ? kRoundChunks : 1));
  }
  TRY(execute("COMMIT"));
  in_transaction_ = false;
  return {};
}

Result<void> Campaign::create(const SweepOptions& options) {
  TRY(execute(fmt::format("PRAGMA application_id = {}", kApplicationId)));
  TRY(execute("CREATE TABLE campaign (key TEXT PRIMARY KEY, value TEXT NOT NULL)"));
  TRY(execute("CREATE TABLE chunk (number INTEGER PRIMARY KEY, tally TEXT NOT NULL)"));
  const auto set = [&](const std::string& key, const std::string& value) {
    return execute(fmt::format("INSERT INTO campaign VALUES ({}, {})", quoted(key), quoted(value)));
  };
  TRY(set("format", std::to_string(kFormat)));
  TRY(set("options", fingerprint(options)));
  TRY(set("behaviour", behaviour(options)));
  TRY(set("elapsed_s", "0"));
  return {};
}

Result<void> Campaign::compare(const SweepOptions& options) {
  const auto get = [&](const std::string& key) {
    return text(fmt::format("SELECT value FROM campaign WHERE key = {}", quoted(key)));
  };
  TRY_ASSIGN(const std::string format, get("format"));
  if (format != std::to_string(kFormat)) {
    return Error{Errc::kCorrupt, fmt::format("campaign {}: format \"{}\", this powercut knows {}",
                                             path_, format, kFormat)};
  }
  TRY_ASSIGN(const std::string kept, get("options"));
  if (kept != fingerprint(options)) {
    return Error{Errc::kInvalid,
                 fmt::format("campaign {}: it was begun with other options ({}); repeat them, or "
                             "name another file",
                             path_, kept)};
  }
  TRY_ASSIGN(const std::string before, get("behaviour"));
  if (before != behaviour(options)) {
    return Error{Errc::kInvalid,
                 fmt::format("campaign {}: it was begun by another build, which ran "
                             "otherwise; name another file",
                             path_)};
  }
  TRY_ASSIGN(const std::string elapsed, get("elapsed_s"));
  elapsed_s_ = std::atof(elapsed.c_str());
  return {};
}

Result<void> Campaign::load(uint64_t together) {
  Statement statement;
  const char* sql = "SELECT number, tally FROM chunk ORDER BY number";
  if (sqlite3_prepare_v2(db_.get(), sql, -1, &statement.handle, nullptr) != SQLITE_OK) {
    return error();
  }
  Tally some;  // of the next chunks, until there are as many as count together
  uint64_t chunks = 0;
  for (;;) {
    const int step = sqlite3_step(statement.handle);
    if (step == SQLITE_DONE) break;
    if (step != SQLITE_ROW) return error();
    const auto number = static_cast<uint64_t>(sqlite3_column_int64(statement.handle, 0));
    if (number != chunks) break;
    const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement.handle, 1));
    try {
      some.merge(tally_from_json(nlohmann::json::parse(value == nullptr ? "" : value)));
    } catch (const std::exception&) {
      return Error{
          Errc::kCorrupt,
          fmt::format("campaign {}: chunk {} is damaged; name another file", path_, number)};
    }
    if (++chunks % together != 0) continue;
    tally_.merge(some);
    some = Tally();
    next_chunk_ = chunks;
  }
  sqlite3_reset(statement.handle);
  // The others are run again.
  return execute(fmt::format("DELETE FROM chunk WHERE number >= {}", next_chunk_));
}

Result<void> Campaign::keep(uint64_t number, const Tally& tally, double elapsed_s) {
  if (!in_transaction_) {
    TRY(execute("BEGIN IMMEDIATE"));
    in_transaction_ = true;
  }
  TRY(execute(fmt::format("INSERT INTO chunk VALUES ({}, {})", number,
                          quoted(json_text(to_json(tally), -1)))));
  if (elapsed_s - committed_s_ >= kCommitEveryS) TRY(commit(elapsed_s));
  return {};
}

Result<void> Campaign::commit(double elapsed_s) {
  TRY(execute(
      fmt::format("UPDATE campaign SET value = '{:.3f}' WHERE key = 'elapsed_s'", elapsed_s)));
  TRY(execute("COMMIT"));
  in_transaction_ = false;
  committed_s_ = elapsed_s;
  return {};
}

Result<void> Campaign::close(double elapsed_s) {
  if (!in_transaction_) return {};
  return commit(elapsed_s);
}

}  // namespace powercut::scenarios
