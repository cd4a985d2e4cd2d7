// A sweep that outlives its process: options and what its chunks came to in an SQLite file, in
// transactions. A second invocation with the same options takes up where the first one stopped.
//
// Chunks that are all there from the first one on are kept as one sum: the file does not grow with the
// number of runs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "scenarios/base/named_values.h"
#include "scenarios/sweep/sweep.h"

struct sqlite3;

namespace powercut::scenarios {

// Of all that clients say in it.
uint64_t hash_of(const Workload& workload);

// What decides the results of a sweep, but for its shard.
NamedValues named_options(const SweepOptions& options);
// ... read back, for a report: workloads have their names alone.
//   Errors: kInvalid: this program knows no such name.
Result<SweepOptions> options_of(const NamedValues& stated);
// The version, and what the store does with the first seeds: another build that does otherwise has other
// traces.
NamedValues named_build(const SweepOptions& options);

// What a campaign's file has, for whoever goes on with it nowhere.
struct KeptCampaign {
  NamedValues build;
  NamedValues options;
  Shard shard;
  Tally tally;
  uint64_t chunks = 0;      // in the tally
  uint64_t chunks_all = 0;  // of the shard; where seconds limit it, as many as there are
};
// Is the file an SQLite file? False if it cannot be read.
bool is_campaign(const std::string& path);
//   Errors: as of Campaign::open(), which it does not create.
Result<KeptCampaign> read_campaign(const std::string& path);

class Campaign {
 public:
  // Creates the file if there is none.
  //   Errors: kInvalid: it belongs to a sweep with other options, or to another build of the store.
  //   kIo: it cannot be read or written. kCorrupt: it is no campaign. The file is left as it was.
  static Result<Campaign> open(const std::string& path, const SweepOptions& options);

  const Tally& tally() const { return tally_; }        // of the chunks kept before
  uint64_t next_chunk() const { return next_chunk_; }  // chunks below are all kept
  double elapsed_s() const { return elapsed_s_; }      // in earlier invocations

  // Keeps a chunk. Chunks become durable together, about once a second, and at the latest in
  // close().
  Result<void> keep(uint64_t number, const Tally& tally, double elapsed_s);
  Result<void> close(double elapsed_s);

 private:
  struct Closer {
    void operator()(sqlite3* db) const;
  };
  Campaign(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}

  friend Result<KeptCampaign> read_campaign(const std::string& path);

  // True: the file is a campaign; false: it is empty.
  Result<bool> lock();
  Result<void> begin(const SweepOptions& options);
  Result<void> create(const SweepOptions& options);
  Result<void> compare(const SweepOptions& options);
  // Chunks count in groups of together_, each whole or not at all.
  Result<void> load();
  Result<void> fold();
  Result<void> set(const std::string& key, const std::string& value);
  Result<std::string> get(const std::string& key);
  Result<NamedValues> get_values(const std::string& key);
  Result<void> execute(const std::string& sql);
  Result<std::string> text(const std::string& sql);
  Result<void> commit(double elapsed_s);
  Error error() const;

  std::string path_;
  std::unique_ptr<sqlite3, Closer> db_;
  Tally tally_;
  uint64_t next_chunk_ = 0;
  uint64_t together_ = 1;
  uint64_t all_ = UINT64_MAX;  // chunks of the shard: the last group may be smaller
  Tally sum_;                  // of the chunks below folded_
  uint64_t folded_ = 0;
  std::map<uint64_t, Tally> waiting_;  // chunks from there on
  double elapsed_s_ = 0;
  double committed_s_ = -1;
  bool in_transaction_ = false;
};

}  // namespace powercut::scenarios
