#include "engine/store/value.h"

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/store/stream.h"

namespace powercut::engine {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kString:
      return "string";
    case Type::kList:
      return "list";
    case Type::kHash:
      return "hash";
    case Type::kSet:
      return "set";
    case Type::kZset:
      return "zset";
    case Type::kStream:
      return "stream";
    case Type::kAway:
      break;
  }
  return "none";
}

Value::Value() = default;
Value::Value(String s) : data_(std::move(s)) {}
Value::Value(List list) : data_(std::move(list)) {}
Value::Value(Hash hash) : data_(std::move(hash)) {}
Value::Value(Set set) : data_(std::move(set)) {}
Value::Value(Zset zset) : data_(std::move(zset)) {}
Value::Value(std::unique_ptr<Stream> stream) : data_(std::move(stream)) {
  CHECK(this->stream() != nullptr);
}
Value::Value(Away away) : data_(std::move(away)) {}
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(Value&& other) noexcept {
  if (this != &other) {
    // Not by assignment: two strings would change places, and the other keep what this one held.
    std::destroy_at(&data_);
    std::construct_at(&data_, std::move(other.data_));
  }
  return *this;
}
Value::~Value() = default;

void Value::set(std::string_view s) {
  if (String* mine = string()) {
    mine->assign(s);
  } else {
    data_.emplace<String>(s);
  }
}

bool Value::is_empty_collection() const {
  switch (type()) {
    case Type::kString:
    case Type::kStream:
    case Type::kAway:
      return false;
    case Type::kList:
      return list()->size() == 0;
    case Type::kHash:
      return hash()->size() == 0;
    case Type::kSet:
      return set()->size() == 0;
    case Type::kZset:
      return zset()->size() == 0;
  }
  return false;
}

Value Value::clone() const {
  switch (type()) {
    case Type::kString:
      return Value(*string());
    case Type::kList:
      return Value(list()->clone());
    case Type::kHash:
      return Value(hash()->clone());
    case Type::kSet:
      return Value(set()->clone());
    case Type::kZset:
      return Value(zset()->clone());
    case Type::kStream:
      return Value(std::make_unique<Stream>(*stream()));
    case Type::kAway:
      return Value(*away());
  }
  return Value();
}

size_t Value::memory_bytes() const {
  switch (type()) {
    case Type::kString:
      return heap_bytes(*string());
    case Type::kList:
      return list()->memory_bytes();
    case Type::kHash:
      return hash()->memory_bytes();
    case Type::kSet:
      return set()->memory_bytes();
    case Type::kZset:
      return zset()->memory_bytes();
    case Type::kStream:
      return stream()->memory_bytes();
    case Type::kAway:
      return 0;
  }
  return 0;
}

Result<Value> read_warm(const Away& away, const EncodingLimits& limits) {
  CHECK(away.warm() && away.segment()->shelf != nullptr);
  return static_cast<WarmShelf*>(away.segment()->shelf)->read_now(away, limits);
}

Error not_had(const Error& error, std::string_view key) {
  return {error.code,
          fmt::format("{}: the value of key '{}' is not had", error.message, shown(key))};
}

}  // namespace powercut::engine
