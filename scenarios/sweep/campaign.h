// A sweep that outlives its process: options and the tally of each chunk in an SQLite file, in
// transactions. A second invocation with the same options takes up where the first one stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "scenarios/sweep/sweep.h"

struct sqlite3;

namespace powercut::scenarios {

// The options that decide the results, as text: equal texts are the same sweep.
std::string fingerprint(const SweepOptions& options);

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

  Result<void> begin(const SweepOptions& options);
  Result<void> create(const SweepOptions& options);
  Result<void> compare(const SweepOptions& options);
  // Chunks count in groups of `together`, each whole or not at all.
  Result<void> load(uint64_t together);
  Result<void> execute(const std::string& sql);
  Result<std::string> text(const std::string& sql);
  Result<void> commit(double elapsed_s);
  Error error() const;

  std::string path_;
  std::unique_ptr<sqlite3, Closer> db_;
  Tally tally_;
  uint64_t next_chunk_ = 0;
  double elapsed_s_ = 0;
  double committed_s_ = -1;
  bool in_transaction_ = false;
};

}  // namespace powercut::scenarios
