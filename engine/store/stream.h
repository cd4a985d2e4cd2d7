// A stream: entries of fields and values in the order of their IDs, and the groups that read them.
//
// Entries lie in blocks, each a listpack as Redis has it: in front the fields of its first entry, which the others
// that have the same do not repeat. Who adds at the end fills the last block; what is deleted is marked, and goes with
// the last of its block. Trimming in round numbers takes whole blocks. Of what is marked, IDs may be beyond those of
// entries behind it: XSETID may go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/store/listpack.h"
#include "engine/store/stream_group.h"
#include "engine/store/stream_id.h"

namespace powercut::engine {

// When the last block is full.
struct StreamLimits {
  uint64_t node_bytes = 4096;   // stream-node-max-bytes; 0: a gigabyte
  uint64_t node_entries = 100;  // stream-node-max-entries; 0: no limit
};

// What is taken from the front.
struct StreamTrim {
  bool by_id = false;
  uint64_t length = 0;  // so many may stay
  StreamId id = {};     // by_id: entries from here on stay
  bool whole_blocks = false;
  uint64_t limit = 0;  // entries taken, at most; 0: no limit
};

// An entry, while the stream stays as it is.
class StreamEntry {
 public:
  StreamId id;
  bool deleted = false;
  size_t fields = 0;

  // Calls f(field, value) for each; the views are valid during the call.
  template <class F>
  void for_each(F&& f) const {
    ListpackReader names(items_, same_fields_ ? names_at_ : at_);
    ListpackReader values(items_, at_);
    for (size_t i = 0; i < fields; ++i) {
      if (same_fields_) {
        const std::string_view name = names.text();
        f(name, values.text());
      } else {
        const std::string name(values.text());
        f(std::string_view(name), values.text());
      }
    }
  }

 private:
  friend class StreamBlock;
  std::string_view items_;
  bool same_fields_ = false;
  size_t flags_at_ = 0;
  size_t names_at_ = 0;  // of the block's own fields
  size_t at_ = 0;        // of the first value, or field
};

class StreamBlock {
 public:
  // An empty one, whose entries are to have these fields.
  explicit StreamBlock(std::span<const std::string_view> fields_and_values);
  // One whose items were read from a file and are well formed: from the number of fields on.
  StreamBlock(std::string items, StreamId last, uint32_t live, uint32_t deleted, uint64_t count)
      : items_(std::move(items)), last_(last), live_(live), deleted_(deleted), count_(count) {}

  StreamId last() const { return last_; }  // appended, deleted or not
  uint32_t live() const { return live_; }
  uint32_t all() const { return live_ + deleted_; }
  // Of its listpack, frame included.
  size_t listpack_bytes() const;
  // The listpack, as Redis keeps and stores it.
  std::string listpack() const;
  size_t memory_bytes() const { return heap_bytes(items_); }

  // `first` is the ID that the block is found by.
  void append(StreamId first, StreamId id, std::span<const std::string_view> fields_and_values);
  void shrink() { items_.shrink_to_fit(); }
  // Calls f(entry) from the first to the last, deleted ones too, until it returns false.
  template <class F>
  void for_each(StreamId first, F&& f) const {
    ListpackReader reader(items_);
    const auto names = static_cast<size_t>(reader.number());
    const size_t names_at = reader.position();
    for (size_t i = 0; i <= names; ++i) reader.skip();  // and the number behind them
    while (!reader.at_end()) {
      const StreamEntry entry = read(first, names, names_at, reader);
      if (!f(entry)) return;
    }
  }
  // REQUIRES: it is one of this block, and not deleted.
  void mark_deleted(const StreamEntry& entry);

 private:
  static size_t heap_bytes(const std::string& text);
  StreamEntry read(StreamId first, size_t names, size_t names_at, ListpackReader& reader) const;
  bool has_fields(std::span<const std::string_view> fields_and_values) const;

  std::string items_;
  StreamId last_;
  uint32_t live_ = 0;
  uint32_t deleted_ = 0;
  uint64_t count_ = 0;  // items, the two numbers before them included
};

class Stream {
 public:
  using Blocks = std::map<StreamId, StreamBlock>;  // by their first entry, deleted or not
  using Groups = std::map<std::string, StreamGroup, std::less<>>;

  Stream() = default;
  Stream(const Stream& other);
  Stream& operator=(const Stream&) = delete;

  // Entries; there may be none.
  size_t size() const { return size_; }
  StreamId last_id() const { return last_id_; }  // ever added
  StreamId first_id() const { return first_id_; }
  StreamId max_deleted_id() const { return max_deleted_id_; }
  uint64_t entries_added() const { return entries_added_; }  // ever

  // REQUIRES: last_id() < id, and not no words; fields and values in turn.
  void append(StreamId id, std::span<const std::string_view> fields_and_values,
              const StreamLimits& limits);
  // False: it is not there.
  bool erase(StreamId id);
  // How many it took.
  size_t trim(const StreamTrim& trim);
  // REQUIRES: no entry is behind `last`.
  void set_last_id(StreamId last) { last_id_ = last; }
  void set_entries_added(uint64_t added) { entries_added_ = added; }
  void set_max_deleted_id(StreamId id) { max_deleted_id_ = id; }

  bool contains(StreamId id) const;
  bool has_behind(StreamId id) const;
  // Calls f(entry) for those from `first` to `last`, both included, in order or from the last to the first, until it
  // returns false. f does not change the entries.
  template <class F>
  void for_range(StreamId first, StreamId last, bool reverse, F&& f) const {
    if (first > last) return;
    reverse ? for_range_reverse(first, last, f) : for_range_forward(first, last, f);
  }

  const Blocks& blocks() const { return blocks_; }
  // REQUIRES: its ID and its entries are behind those of all others.
  void add_block(StreamId first, StreamBlock block);
  // How many nodes a radix tree of the blocks' IDs has, as Redis counts them.
  size_t radix_nodes() const;

  const Groups& groups() const { return groups_; }
  StreamGroup* find_group(std::string_view name);
  const StreamGroup* find_group(std::string_view name) const;
  // nullptr: there is one of that name.
  StreamGroup* add_group(std::string_view name, StreamId last_id, int64_t entries_read);
  bool erase_group(std::string_view name);

  // Is an entry from `first` on known to have been deleted, so that what is there cannot be counted by IDs?
  bool may_have_gap_from(StreamId first) const;
  // How many entries had been added when that was the last; StreamGroup::kUnknown where nobody can tell.
  int64_t added_up_to(StreamId id) const;

  size_t memory_bytes() const;

 private:
  template <class F>
  void for_range_forward(StreamId first, StreamId last, F&& f) const {
    auto block = blocks_.upper_bound(first);
    if (block != blocks_.begin()) --block;
    bool more = true;
    for (; more && block != blocks_.end() && block->first <= last; ++block) {
      if (block->second.last() < first) continue;
      block->second.for_each(block->first, [&](const StreamEntry& entry) {
        if (entry.deleted) return true;
        if (entry.id > last) return false;
        if (entry.id >= first) more = f(entry);
        return more;
      });
    }
  }
  template <class F>
  void for_range_reverse(StreamId first, StreamId last, F&& f) const {
    std::vector<StreamEntry> found;
    for (auto block = blocks_.upper_bound(last); block != blocks_.begin();) {
      --block;
      if (block->second.last() < first) return;
      found.clear();
      block->second.for_each(block->first, [&](const StreamEntry& entry) {
        if (entry.deleted) return true;
        if (entry.id > last) return false;
        if (entry.id >= first) found.push_back(entry);
        return true;
      });
      for (; !found.empty(); found.pop_back())
        if (!f(found.back())) return;
    }
  }

  void erase_block(Blocks::iterator block);
  void mark_deleted(Blocks::iterator block, const StreamEntry& entry);
  size_t trim_within(Blocks::iterator block, const StreamTrim& trim);
  void find_first();

  Blocks blocks_;
  Groups groups_;
  size_t size_ = 0;
  StreamId last_id_;
  StreamId first_id_;
  StreamId max_deleted_id_;
  uint64_t entries_added_ = 0;
  size_t block_bytes_ = 0;  // their items
};

}  // namespace powercut::engine
