// Streams in RDB files: their blocks as they are, then what they count, then their groups.
//
//   stream   = n(length) (first-id(string of 16 bytes) packed listpack)... entries(length) last-id
//              first-id max-deleted-id added(length)             the three not before version 10 (kStream)
//              n(length) group...
//   group    = name(string) last-id read(length)                 `read` not in kStream
//              n(length) (id16 delivered-ms(i64) deliveries(length))...
//              n(length) consumer...
//   consumer = name(string) seen-ms(i64) [active-ms(i64)] n(length) id16...     active-ms in kStream3 alone
//   id       = ms(length) seq(length)
//   id16     = ms(u64) seq(u64), big-endian, as in the string of a block
//
//   listpack = entries deleted-entries n field... 0 entry...
//   entry    = flags(1: deleted, 2: the block's fields) ms seq [n field value... | value...] items-so-far
//              ms and seq as differences from the block's first ID
#pragma once

#include <set>
#include <string>

#include "engine/checkpoint/rdb_format.h"
#include "engine/checkpoint/rdb_reader.h"
#include "engine/store/stream.h"

namespace powercut::engine {

// Encodes a stream piece by piece. REQUIRES: it stays as it is until the last piece.
class RdbStreamEncoder {
 public:
  explicit RdbStreamEncoder(const Stream& stream) : stream_(&stream) {}

  // Appends the next piece: a block, a consumer, some of what is pending. False: there is none left.
  bool append(std::string& out);

 private:
  enum class Part { kStart, kBlocks, kGroups, kPending, kConsumers, kOwned };
  void append_ids(std::string& out);

  const Stream* stream_;
  Part part_ = Part::kStart;
  Stream::Blocks::const_iterator block_;
  Stream::Groups::const_iterator group_;
  StreamGroup::Pendings::const_iterator pending_;
  StreamGroup::Consumers::const_iterator consumer_;
  std::set<StreamId>::const_iterator owned_;
};

// Reads a stream of any of the three types; false if the reader failed.
bool read_rdb_stream(RdbReader& reader, RdbType type, Stream& stream);

}  // namespace powercut::engine
