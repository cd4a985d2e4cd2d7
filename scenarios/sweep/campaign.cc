#include "scenarios/sweep/campaign.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/hash.h"
#include "scenarios/base/json_text.h"
#include "scenarios/sweep/report.h"
#include "scenarios/sweep/subject.h"

namespace powercut::scenarios {

namespace {

// "PCUT": tells a campaign from any other SQLite file.
constexpr int kApplicationId = 0x50435554;
constexpr int kFormat = 6;
constexpr double kCommitEveryS = 1;

// One run of each policy is enough to tell most builds apart, and takes no time.
constexpr uint64_t kBehaviourSeeds = 7;

constexpr const char* kSchedules[] = {"random", "pct", "mix"};

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

uint64_t hash_of(const Workload& workload) {
  uint64_t hash = 0;
  for (const Unit& unit : workload.units) {
    for (const std::string& request : unit.requests) {
      hash = hash_bytes(request, hash + static_cast<uint64_t>(unit.db));
    }
  }
  return hash;
}

NamedValues named_options(const SweepOptions& o) {
  const auto names = [](const auto& list) {
    std::string text;
    for (const auto* one : list) text += fmt::format("{}{}", text.empty() ? "" : ",", one->name);
    return text;
  };
  NamedValues stated = {
      {"target", std::string(target_or_store(o.target).name())},
      {"policies", names(o.policies)},
      {"personas", names(o.personas)},
      {"faults", faults::print(o.faults)},
      {"beside", o.beside ? std::string(name(*o.beside)) : ""},
      {"operations", std::to_string(o.operations)},
      {"mutant", o.mutant == nullptr ? "" : std::string(o.mutant->name)},
      {"schedule", kSchedules[static_cast<size_t>(o.schedule)]},
      {"steered", steers(o) ? "yes" : "no"},
      {"first seed", std::to_string(o.first_seed)},
      {o.seconds != 0 ? "seconds" : "seeds", std::to_string(o.seconds != 0 ? o.seconds : o.seeds)}};
  for (size_t i = 0; i < o.workloads.size(); ++i)
    stated[fmt::format("workload {:03}", i + 1)] =
        fmt::format("{}#{}", o.workloads[i]->name, hash_text(hash_of(*o.workloads[i])));
  return stated;
}

Result<SweepOptions> options_of(const NamedValues& stated) {
  const auto value = [&](const char* name) {
    const auto at = stated.find(name);
    return at == stated.end() ? std::string() : at->second;
  };
  const auto number = [&](const char* name) {
    return std::strtoull(value(name).c_str(), nullptr, 10);
  };
  CommonOptions common;
  common.target = value("target");
  common.policy = value("policies");
  common.persona = value("personas");
  common.faults = value("faults");
  common.mutant = value("mutant");
  common.schedule = value("schedule");
  common.beside = value("beside");
  common.operations = number("operations");
  TRY_ASSIGN(SweepOptions options, look_up(common));
  options.steer = value("steered") == "yes";
  options.first_seed = number("first seed");
  options.seeds = number("seeds");
  options.seconds = number("seconds");
  options.workloads.clear();
  for (const auto& [name, workload] : stated) {
    if (!name.starts_with("workload ")) continue;
    Workload named;
    named.name = workload.substr(0, workload.rfind('#'));
    options.workloads.push_back(std::make_shared<const Workload>(std::move(named)));
  }
  return options;
}

NamedValues named_build(const SweepOptions& options) {
  uint64_t hash = 0;
  for (uint64_t i = 0; i < kBehaviourSeeds; ++i) {
    const uint64_t trace = run_once(spec_of(options, options.first_seed + i)).trace_hash;
    hash = hash_bytes({reinterpret_cast<const char*>(&trace), sizeof trace}, hash);
  }
  return {{"version", POWERCUT_VERSION}, {"behaviour", hash_text(hash)}};
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

Result<void> Campaign::set(const std::string& key, const std::string& value) {
  return execute(
      fmt::format("INSERT OR REPLACE INTO campaign VALUES ({}, {})", quoted(key), quoted(value)));
}

Result<std::string> Campaign::get(const std::string& key) {
  return text(fmt::format("SELECT value FROM campaign WHERE key = {}", quoted(key)));
}

Result<NamedValues> Campaign::get_values(const std::string& key) {
  TRY_ASSIGN(const std::string value, get(key));
  try {
    return nlohmann::json::parse(value).get<NamedValues>();
  } catch (const nlohmann::json::exception&) {
    return Error{Errc::kCorrupt,
                 fmt::format("campaign {}: its {} are damaged; name another file", path_, key)};
  }
}

Result<bool> Campaign::lock() {
  // One process at a time: the lock is held until the file is closed.
  TRY(execute("PRAGMA locking_mode = EXCLUSIVE"));
  TRY(execute("BEGIN IMMEDIATE"));
  in_transaction_ = true;
  TRY_ASSIGN(const std::string id, text("PRAGMA application_id"));
  TRY_ASSIGN(const std::string tables, text("SELECT count(*) FROM sqlite_master"));
  if (id != std::to_string(kApplicationId)) {
    if (tables == "0") return false;
    return Error{
        Errc::kCorrupt,
        fmt::format("campaign {}: an SQLite file, but no campaign; name another file", path_)};
  }
  TRY_ASSIGN(const std::string format, get("format"));
  if (format == std::to_string(kFormat)) return true;
  return Error{Errc::kCorrupt, fmt::format("campaign {}: format \"{}\", this powercut knows {}",
                                           path_, format, kFormat)};
}

Result<void> Campaign::begin(const SweepOptions& options) {
  together_ = steers(options) ? kRoundChunks : 1;
  all_ = chunks_of(options);
  TRY_ASSIGN(const bool is_there, lock());
  if (is_there) {
    TRY(compare(options));
    TRY(load());
  } else {
    TRY(create(options));
  }
  TRY(execute("COMMIT"));
  in_transaction_ = false;
  return {};
}

Result<void> Campaign::create(const SweepOptions& options) {
  TRY(execute(fmt::format("PRAGMA application_id = {}", kApplicationId)));
  TRY(execute("CREATE TABLE campaign (key TEXT PRIMARY KEY, value TEXT NOT NULL)"));
  TRY(execute("CREATE TABLE chunk (number INTEGER PRIMARY KEY, tally TEXT NOT NULL)"));
  TRY(set("format", std::to_string(kFormat)));
  TRY(set("options", json_text(nlohmann::json(named_options(options)), -1)));
  TRY(set("build", json_text(nlohmann::json(named_build(options)), -1)));
  TRY(set("shard", print(options.shard)));
  TRY(set("elapsed_s", "0"));
  return {};
}

Result<void> Campaign::compare(const SweepOptions& options) {
  TRY_ASSIGN(NamedValues kept, get_values("options"));
  TRY_ASSIGN(kept["shard"], get("shard"));
  NamedValues asked = named_options(options);
  asked["shard"] = print(options.shard);
  if (const std::string other = difference(kept, asked); !other.empty()) {
    return Error{Errc::kInvalid,
                 fmt::format("campaign {}: it was begun with other options ({} now); repeat them, "
                             "or name another file",
                             path_, other)};
  }
  TRY_ASSIGN(const NamedValues build, get_values("build"));
  if (const std::string other = difference(build, named_build(options)); !other.empty()) {
    return Error{Errc::kInvalid, fmt::format("campaign {}: it was begun by another build, which "
                                             "ran otherwise ({} now); name another file",
                                             path_, other)};
  }
  TRY_ASSIGN(const std::string elapsed, get("elapsed_s"));
  elapsed_s_ = std::atof(elapsed.c_str());
  return {};
}

Result<void> Campaign::load() {
  const auto damaged = [&](const std::string& what) {
    return Error{Errc::kCorrupt,
                 fmt::format("campaign {}: {} is damaged; name another file", path_, what)};
  };
  TRY_ASSIGN(const std::string sum, get("sum"));
  TRY_ASSIGN(const std::string folded, get("folded"));
  try {
    if (!sum.empty()) tally_ = tally_from_json(nlohmann::json::parse(sum));
  } catch (const std::exception&) {
    return damaged("the sum of its chunks");
  }
  next_chunk_ = std::strtoull(folded.c_str(), nullptr, 10);
  Statement statement;
  const char* sql = "SELECT number, tally FROM chunk ORDER BY number";
  if (sqlite3_prepare_v2(db_.get(), sql, -1, &statement.handle, nullptr) != SQLITE_OK) {
    return error();
  }
  Tally some;  // of the next chunks, until there are as many as count together
  for (uint64_t chunks = next_chunk_;;) {
    const int step = sqlite3_step(statement.handle);
    if (step == SQLITE_DONE) break;
    if (step != SQLITE_ROW) return error();
    const auto number = static_cast<uint64_t>(sqlite3_column_int64(statement.handle, 0));
    if (number != chunks) break;
    const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement.handle, 1));
    try {
      some.merge(tally_from_json(nlohmann::json::parse(value == nullptr ? "" : value)));
    } catch (const std::exception&) {
      return damaged(fmt::format("chunk {}", number));
    }
    if (++chunks % together_ != 0 && chunks != all_) continue;
    tally_.merge(some);
    some = Tally();
    next_chunk_ = chunks;
  }
  sqlite3_reset(statement.handle);
  sum_ = tally_;
  folded_ = next_chunk_;
  // The others are run again.
  return execute(fmt::format("DELETE FROM chunk WHERE number >= {}", next_chunk_));
}

// Groups that are whole, from the first one on.
Result<void> Campaign::fold() {
  const uint64_t before = folded_;
  const auto whole = [&] {
    for (uint64_t i = 0; i < together_; ++i)
      if (waiting_.count(folded_ + i) == 0) return false;
    return true;
  };
  while (whole()) {
    for (uint64_t i = 0; i < together_; ++i) sum_.merge(waiting_.extract(folded_++).mapped());
  }
  if (folded_ == before) return {};
  TRY(set("sum", json_text(to_json(sum_), -1)));
  TRY(set("folded", std::to_string(folded_)));
  return execute(fmt::format("DELETE FROM chunk WHERE number < {}", folded_));
}

Result<void> Campaign::keep(uint64_t number, const Tally& tally, double elapsed_s) {
  if (!in_transaction_) {
    TRY(execute("BEGIN IMMEDIATE"));
    in_transaction_ = true;
  }
  TRY(execute(fmt::format("INSERT INTO chunk VALUES ({}, {})", number,
                          quoted(json_text(to_json(tally), -1)))));
  waiting_.emplace(number, tally);
  if (elapsed_s - committed_s_ >= kCommitEveryS) TRY(commit(elapsed_s));
  return {};
}

Result<void> Campaign::commit(double elapsed_s) {
  TRY(fold());
  TRY(set("elapsed_s", fmt::format("{:.3f}", elapsed_s)));
  TRY(execute("COMMIT"));
  in_transaction_ = false;
  committed_s_ = elapsed_s;
  return {};
}

Result<void> Campaign::close(double elapsed_s) {
  if (!in_transaction_) return {};
  return commit(elapsed_s);
}

bool is_campaign(const std::string& path) {
  constexpr std::string_view kMagic = "SQLite format 3";
  std::ifstream file(path, std::ios::binary);
  std::string begin(kMagic.size(), '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return file && begin == kMagic;
}

Result<KeptCampaign> read_campaign(const std::string& path) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  Campaign campaign(path, db);
  if (db == nullptr || sqlite3_errcode(db) != SQLITE_OK) return campaign.error();
  TRY_ASSIGN(const bool is_there, campaign.lock());
  if (!is_there) return Error{Errc::kCorrupt, fmt::format("campaign {}: is empty", path)};
  KeptCampaign kept;
  TRY_ASSIGN(kept.build, campaign.get_values("build"));
  TRY_ASSIGN(kept.options, campaign.get_values("options"));
  TRY_ASSIGN(const std::string shard, campaign.get("shard"));
  TRY_ASSIGN(kept.shard, parse_shard(shard));
  TRY_ASSIGN(SweepOptions options, options_of(kept.options));
  options.shard = kept.shard;
  campaign.together_ = options.steer ? kRoundChunks : 1;
  campaign.all_ = chunks_of(options);
  TRY(campaign.load());
  TRY(campaign.execute("ROLLBACK"));
  kept.tally = campaign.tally();
  kept.chunks = campaign.next_chunk();
  kept.chunks_all = options.seconds != 0 ? kept.chunks : campaign.all_;
  return kept;
}

}  // namespace powercut::scenarios
