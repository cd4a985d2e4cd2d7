// What a command did, as commands that do it again from the same state: the unit the log stores. Relative
// times are absolute here, random choices are settled, and nothing depends on the clock.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"

namespace powercut::engine {

// Appends "*n $len arg ..." to `out`.
void append_command(std::string& out, std::span<const std::string_view> args);

class Effects {
 public:
  Effects() = default;
  // For a replay, which logs nothing: what is added is not kept.
  static Effects unlogged() {
    Effects effects;
    effects.logged_ = false;
    return effects;
  }

  struct Item {
    int db;
    size_t begin;  // in bytes()
    size_t end;
  };

  void add(int db, std::span<const std::string_view> args);
  void add(int db, std::initializer_list<std::string_view> args) {
    add(db, std::span<const std::string_view>(args.begin(), args.size()));
  }
  // Those of `other` come at that place, in front of what stands there.
  void insert(size_t at, const Effects& other);
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  const std::vector<Item>& items() const { return items_; }
  std::string_view bytes_of(const Item& item) const {
    CHECK(item.begin < item.end && item.end <= bytes_.size());
    return std::string_view(bytes_).substr(item.begin, item.end - item.begin);
  }
  size_t bytes() const { return bytes_.size(); }
  void clear() {
    items_.clear();
    bytes_.clear();
    if (bytes_.capacity() > kKeptBytes) std::string().swap(bytes_);
  }

 private:
  static constexpr size_t kKeptBytes = 1 << 20;
  std::vector<Item> items_;
  std::string bytes_;
  bool logged_ = true;
};

}  // namespace powercut::engine
