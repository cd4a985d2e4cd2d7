// The seam to an object store, in the manner of engine/os/os.h: whole objects under names, on other machines. Two
// implementations keep this contract, one over HTTP (engine/server/s3_store.h) and a simulated one
// (sim/sim_object_store.h), and one suite tests both (engine/os/object_store_contract.h).
//
// What is there survives whatever becomes of this process and its machine. The labels:
//   Lasting:     what of the effect is there for good, and from when on.
//   Errors:      which error, and what it leaves open.
//   Consistent:  what a call that begins later, here or elsewhere, sees.
//   Yields:      each call does.
//
// An answer may be lost. After kIo or kTimeout of a call that changes something nobody knows whether it has happened, or
// will yet: say it again, the same under the same name. So a name is to be given one content, once and for all.
//
// Errors of all calls, with one line that says what, where and what to do:
//   kIo, kTimeout:  it cannot be had now; a later call may succeed.
//   kRefused:       not with these credentials, or not signed as the store wants it: no call will succeed.
//   kInvalid:       the store does not take such a request, or there is no such bucket: no call will succeed.
//
// Source: Amazon S3 API reference (PutObject, GetObject, HeadObject, DeleteObject, ListObjectsV2; data consistency model).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace powercut::engine {

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Stores an object, whole or not at all, replacing what had the name.
  //   Lasting:     on success, as far as the store is to be believed: some answer before others can read it, and have been
  //                known to lose it. Read it back before anything rests on it.
  //   Errors:      kIo, kTimeout: it may be there, or come to be.
  //   Consistent:  a reader sees all of it or what was there before.
  virtual Result<void> put(std::string_view name, std::string_view bytes) = 0;

  // Reads `length` bytes from `offset` on; fewer where it ends.
  //   Errors:      kNotFound: there is no such object now.
  //   Consistent:  what put() has stored and a read has found once is found until it is removed.
  virtual Result<std::string> get(std::string_view name, uint64_t offset, uint64_t length) = 0;

  // Its size. Errors and consistency: as get().
  virtual Result<uint64_t> head(std::string_view name) = 0;

  // Removes an object; one that is not there is removed already.
  //   Lasting:     on success; a put of before whose answer was lost may still come.
  //   Errors:      kIo, kTimeout: it may be gone, or there.
  virtual Result<void> remove(std::string_view name) = 0;

  // The names that begin with `prefix`, in byte order, at most `most` of them.
  //   Consistent:  it may lack what was stored lately, and have what was removed lately.
  virtual Result<std::vector<std::string>> list(std::string_view prefix, size_t most) = 0;
};

}  // namespace powercut::engine
