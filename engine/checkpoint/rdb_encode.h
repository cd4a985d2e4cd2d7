// Writes RDB: the parts, one entry at a time, and a whole file as a stream of pieces.
//
// The bytes depend on the objects alone: the same keyspace gives the same file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/checkpoint/rdb_format.h"
#include "engine/checkpoint/rdb_stream.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

// --- The parts; each appends to `out` ---

void append_rdb_length(std::string& out, uint64_t length);
// Long strings may be compressed (LZF), or never.
enum class RdbText : unsigned char { kCompressed, kPlain };
// As an integer, compressed or verbatim: whichever is the first that saves something.
void append_rdb_string(std::string& out, std::string_view bytes,
                       RdbText text = RdbText::kCompressed);
// The type we write a value as.
RdbType rdb_type_of(const Value& value);

// Encodes an entry (expiry, type, key, value) in slices, for values too large to encode at once.
// REQUIRES: the key and the object stay as they are until the last slice.
class RdbEntryEncoder {
 public:
  RdbEntryEncoder(std::string_view key, const Object& object) : key_(key), object_(&object) {}

  // Appends until the entry is complete or about `budget` more bytes are in `out`; true when
  // complete. A single string is never divided.
  bool append(std::string& out, size_t budget);

 private:
  std::string_view key_;
  const Object* object_;
  bool started_ = false;
  size_t next_ = 0;   // the item that is next
  size_t count_ = 0;  // 0 for a string and a stream
  std::optional<RdbStreamEncoder> stream_;
};

// An entry at once.
void append_rdb_entry(std::string& out, std::string_view key, const Object& object);
// A library of functions, by its whole text.
void append_rdb_library(std::string& out, std::string_view text);
// A value without its type.
void append_rdb_value(std::string& out, const Value& value, RdbText text = RdbText::kCompressed);

// --- A file ---

struct RdbHeader {
  int64_t ctime_s = 0;          // Unix seconds
  uint64_t used_mem_bytes = 0;  // of the writing store
  bool aof_base = false;        // the base of an AOF, not a checkpoint of its own
  std::vector<std::pair<std::string, std::string>> aux;  // more fields, such as kRdbAuxLsn
};

// The bytes of a file in order. They gather in a buffer; take() them now and then. Entries may come
// in any order of databases, each (database, key) once.
class RdbWriter {
 public:
  explicit RdbWriter(const RdbHeader& header);

  // A library of functions. REQUIRES: before every entry.
  void add_library(std::string_view text);
  // A hint to the reader of how many entries of `db` follow, `expiring` of them with an expiry.
  // Optional.
  void begin_database(int db, uint64_t keys, uint64_t expiring);
  void add(int db, std::string_view key, const Object& object);
  // An entry that append_rdb_entry or RdbEntryEncoder wrote elsewhere.
  void add_encoded(int db, std::string_view entry);
  // An entry in slices: begin_entry, then slice() until it returns true; nothing else is added
  // meanwhile.
  void begin_entry(int db, std::string_view key, const Object& object);
  bool slice(size_t budget);
  // The end of the file, with the checksum. Nothing is added behind it.
  void finish();

  // How many entries were added.
  uint64_t keys() const { return keys_; }
  // The bytes that were not taken yet.
  size_t pending() const { return buffer_.size(); }
  // Replaces the content of `out` with the pending bytes. Takes over out's memory: two strings can
  // take turns.
  void take(std::string& out);

 private:
  void select(int db);

  std::string buffer_;
  uint64_t crc_ = 0;  // of all that was taken
  uint64_t keys_ = 0;
  int db_ = -1;
  std::optional<RdbEntryEncoder> entry_;  // between begin_entry and its last slice
  bool finished_ = false;
};

// The whole keyspace as one file, for tests and tools.
std::string encode_rdb(const Keyspace& keyspace, const RdbHeader& header = {});

}  // namespace powercut::engine
