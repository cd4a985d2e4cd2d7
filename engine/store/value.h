// The values a key can hold. A collection is never empty: the command that takes its last element removes
// the key. A stream may be.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/result.h"
#include "engine/store/away.h"
#include "engine/store/entries.h"
#include "engine/store/list.h"
#include "engine/store/set.h"
#include "engine/store/slab_map.h"
#include "engine/store/text.h"
#include "engine/store/zset.h"

namespace powercut::engine {

class Stream;  // engine/store/stream.h

// The order of the variant's alternatives below. kAway: of another type, which Value::kind() says, and not in memory.
enum class Type : uint8_t { kString, kList, kHash, kSet, kZset, kStream, kAway };

// As the TYPE command says it.
std::string_view type_name(Type type);

using String = Text;

// A hash: field -> value.
class Hash {
 public:
  // Valid until the hash changes.
  std::optional<std::string_view> find(std::string_view field) const { return fields_.find(field); }
  bool contains(std::string_view field) const { return find(field).has_value(); }
  // True if the field is new.
  bool set(std::string_view field, std::string_view value, const EncodingLimits& limits = {}) {
    return fields_.set(field, value, limits.hash());
  }
  bool erase(std::string_view field) { return fields_.erase(field); }
  size_t size() const { return fields_.size(); }
  const Entries<Text>& entries() const { return fields_; }
  size_t memory_bytes() const { return fields_.memory_bytes(); }
  Hash clone() const {
    Hash copy;
    copy.fields_ = fields_.clone();
    return copy;
  }

 private:
  Entries<Text> fields_;
};

// Deep ownership with a copy that COPY and the tests use.
class Value {
 public:
  Value();  // an empty string
  explicit Value(String s);
  explicit Value(List list);
  explicit Value(Hash hash);
  explicit Value(Set set);
  explicit Value(Zset zset);
  explicit Value(std::unique_ptr<Stream> stream);
  explicit Value(Away away);
  Value(Value&&) noexcept;
  Value& operator=(Value&&) noexcept;
  ~Value();

  // Becomes a string. REQUIRES: `s` is not a view into this value.
  void set(std::string_view s);

  Type type() const { return static_cast<Type>(data_.index()); }
  // What it is, wherever it lies: never kAway.
  Type kind() const {
    const Away* away = this->away();
    return away == nullptr ? type() : static_cast<Type>(away->type());
  }
  const Away* away() const { return std::get_if<Away>(&data_); }
  // A list, hash, set or sorted set without items: no value of a key. An empty string is one, and so is an empty stream.
  bool is_empty_collection() const;
  Value clone() const;
  // The heap bytes owned by this value.
  size_t memory_bytes() const;

  // nullptr when the type differs. Valid as long as the value stays where it is.
  String* string() { return std::get_if<String>(&data_); }
  const String* string() const { return std::get_if<String>(&data_); }
  List* list() { return std::get_if<List>(&data_); }
  const List* list() const { return std::get_if<List>(&data_); }
  Hash* hash() { return std::get_if<Hash>(&data_); }
  const Hash* hash() const { return std::get_if<Hash>(&data_); }
  Set* set() { return std::get_if<Set>(&data_); }
  const Set* set() const { return std::get_if<Set>(&data_); }
  Zset* zset() { return std::get_if<Zset>(&data_); }
  const Zset* zset() const { return std::get_if<Zset>(&data_); }
  Stream* stream() {
    auto* owner = std::get_if<std::unique_ptr<Stream>>(&data_);
    return owner == nullptr ? nullptr : owner->get();
  }
  const Stream* stream() const { return const_cast<Value*>(this)->stream(); }

 private:
  std::variant<String, List, Hash, Set, Zset, std::unique_ptr<Stream>, Away> data_;
};

static_assert(sizeof(Value) == 24);  // a table has one for each key

// A shelf whose values are had at once.
class WarmShelf : public ColdShelf {
 public:
  // Reads a value, and verifies it. Does not yield. Errors: kCorrupt, kIo, with the place.
  virtual Result<Value> read_now(const Away& away, const EncodingLimits& limits) = 0;
};
// REQUIRES: away.warm().
Result<Value> read_warm(const Away& away, const EncodingLimits& limits);
// Why the value of a key cannot be read.
Error not_had(const Error& error, std::string_view key);

// A value and what the keyspace knows of it.
struct Object {
  Value value;
  int64_t expire_at_ms = kNoExpiry;  // Unix milliseconds
  uint32_t epoch = 0;                // the checkpoint that has it, or does not want it
  uint32_t access : 24 = 0;          // engine/store/access.h
  uint32_t measured : 1 = 0;         // its bytes are in the keyspace's sum
  uint32_t lent : 1 = 0;             // a copy that is here for one command (Keyspace::lend)

  static constexpr int64_t kNoExpiry = -1;
  bool expires() const { return expire_at_ms != kNoExpiry; }
};

}  // namespace powercut::engine
