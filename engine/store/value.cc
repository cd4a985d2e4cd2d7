#include "engine/store/value.h"

#include "engine/base/check.h"
#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/zset.h"

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
  }
  return "none";
}

bool Hash::set(std::string_view field, std::string_view value) {
  auto [entry, is_new] = map_.insert(field);
  CHECK(value_bytes_ >= heap_bytes(entry->value));
  value_bytes_ -= heap_bytes(entry->value);
  if (entry->value.capacity() > 2 * value.size() || entry->value.capacity() < value.size()) {
    // A buffer of the right size: assign() would keep a larger one, or round up.
    std::string(value).swap(entry->value);
  } else {
    entry->value.assign(value);
  }
  value_bytes_ += heap_bytes(entry->value);
  return is_new;
}

bool Hash::erase(std::string_view field) {
  const auto* entry = map_.find(field);
  if (entry == nullptr) return false;
  value_bytes_ -= heap_bytes(entry->value);
  map_.erase(field);
  CHECK(map_.size() > 0 || value_bytes_ == 0);
  return true;
}

Value::Value() = default;
Value::Value(String s) : data_(std::move(s)) {}
Value::Value(std::unique_ptr<List> list) : data_(std::move(list)) {
  CHECK(this->list() != nullptr);
}
Value::Value(std::unique_ptr<Hash> hash) : data_(std::move(hash)) {
  CHECK(this->hash() != nullptr);
}
Value::Value(std::unique_ptr<Set> set) : data_(std::move(set)) { CHECK(this->set() != nullptr); }
Value::Value(std::unique_ptr<Zset> zset) : data_(std::move(zset)) {
  CHECK(this->zset() != nullptr);
}
Value::Value(std::unique_ptr<Stream> stream) : data_(std::move(stream)) {
  CHECK(this->stream() != nullptr);
}
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(Value&& other) noexcept {
  if (this != &other) {
    // Not by assignment: a short string assigned to a long one leaves it its buffer.
    std::destroy_at(&data_);
    std::construct_at(&data_, std::move(other.data_));
  }
  return *this;
}
Value::~Value() = default;

void Value::set(std::string_view s) {
  String* mine = string();
  if (mine != nullptr && heap_bytes(*mine) == 0 && s.size() <= mine->capacity()) {
    mine->assign(s);
  } else {
    data_.emplace<String>(String(s));
  }
}

bool Value::is_empty_collection() const {
  switch (type()) {
    case Type::kString:
    case Type::kStream:
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
    case Type::kList: {
      auto copy = std::make_unique<List>();
      for (size_t i = 0; i < list()->size(); ++i) copy->push_back(list()->at(i));
      return Value(std::move(copy));
    }
    case Type::kHash: {
      auto copy = std::make_unique<Hash>();
      const auto& entries = hash()->entries();
      for (size_t i = 0; i < entries.size(); ++i) copy->set(entries.at(i).key, entries.at(i).value);
      CHECK(copy->size() == entries.size());
      return Value(std::move(copy));
    }
    case Type::kSet: {
      auto copy = std::make_unique<Set>();
      const auto& entries = set()->entries();
      for (size_t i = 0; i < entries.size(); ++i) copy->add(entries.at(i).key);
      CHECK(copy->size() == entries.size());
      return Value(std::move(copy));
    }
    case Type::kZset: {
      auto copy = std::make_unique<Zset>();
      const auto& entries = zset()->entries();
      for (size_t i = 0; i < entries.size(); ++i) copy->set(entries.at(i).key, entries.at(i).value);
      CHECK(copy->size() == entries.size());
      return Value(std::move(copy));
    }
    case Type::kStream:
      return Value(std::make_unique<Stream>(*stream()));
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
  }
  return 0;
}

}  // namespace powercut::engine
