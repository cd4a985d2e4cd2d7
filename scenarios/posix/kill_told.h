// What a store that will be killed tells its parent, and the bytes of it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace powercut::scenarios {

enum class Tell : uint8_t {
  kKey,   // of the state that recovery found
  kOpen,  // the store is open in that state; `lsn` as recovery numbers it
  kChange,  // of a key, by the next operation; both also of a library of functions, in `db` kLibraries
  kSwap,       // of two databases, by the next operation
  kOperation,  // text: the digest after it
  kAck,
  kFinished,  // the workload is done
  kError,     // text: what should not have happened
};

struct Told {
  Tell tell = Tell::kError;
  bool absent = false;  // the key was removed
  int16_t db = 0;
  int16_t other_db = 0;  // of a swap
  uint64_t lsn = 0;
  int64_t at_ns = 0;
  int64_t wall_ms = 0;
  int64_t expire_at_ms = 0;
  uint64_t digest = 0;
  // What the store believed.
  uint64_t written_lsn = 0;
  uint64_t synced_lsn = 0;
  uint64_t saved_lsn = 0;
  std::string key;
  std::string text;  // a DUMP payload, a library's text, or an error
};

// --- Bytes of what is told: each field as it stands in memory; both ends are one program ---

template <class Number>
void put(std::string& out, const Number& number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
inline void put(std::string& out, const std::string& text) {
  put(out, static_cast<uint64_t>(text.size()));
  out += text;
}

struct Reader {
  std::string_view left;
  bool whole = true;

  template <class Number>
  void operator()(Number& number) {
    whole = whole && left.size() >= sizeof number;
    if (!whole) return;
    std::memcpy(&number, left.data(), sizeof number);
    left.remove_prefix(sizeof number);
  }
  void operator()(std::string& text) {
    uint64_t size = 0;
    (*this)(size);
    whole = whole && left.size() >= size;
    if (!whole) return;
    text = left.substr(0, size);
    left.remove_prefix(size);
  }
};

template <class Field, class T>
void each_field(T& told, Field&& field) {
  field(told.tell);
  field(told.absent);
  field(told.db);
  field(told.other_db);
  field(told.lsn);
  field(told.at_ns);
  field(told.wall_ms);
  field(told.expire_at_ms);
  field(told.digest);
  field(told.written_lsn);
  field(told.synced_lsn);
  field(told.saved_lsn);
  field(told.key);
  field(told.text);
}

// What stands whole at the beginning of `bytes`; it is cut off them.
inline std::vector<Told> take_told(std::string& bytes) {
  std::vector<Told> all;
  Reader reader{bytes};
  size_t taken = 0;
  for (;;) {
    Told told;
    each_field(told, reader);
    if (!reader.whole) break;
    taken = bytes.size() - reader.left.size();
    all.push_back(std::move(told));
  }
  bytes.erase(0, taken);
  return all;
}

}  // namespace powercut::scenarios
