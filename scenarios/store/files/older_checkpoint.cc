#include "scenarios/store/files/older_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "engine/base/crc64.h"
#include "engine/base/decimal.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_encode.h"
#include "scenarios/store/files/packed_words.h"

namespace powercut::scenarios {

namespace {

using engine::RdbType;

constexpr std::string_view kHints[] = {"redis-ver", "redis-bits", "a field of tomorrow"};

class OlderFile {
 public:
  explicit OlderFile(sim::Choices& choices) : choices_(&choices) {}

  void add_aux(std::string_view name, std::string_view value) {
    out_ += static_cast<char>(engine::kRdbAux);
    add_string(name);
    add_string(value);
  }
  void add_libraries(const engine::Keyspace& keyspace) {
    for (const auto& [name, text] : keyspace.libraries()) {
      engine::append_rdb_library(out_, text);
      needs(10);
    }
  }
  void add_database(const engine::Keyspace& keyspace, int db) {
    const engine::Table& table = keyspace.database(db).table();
    if (table.empty()) return;
    out_ += static_cast<char>(engine::kRdbSelectDb);
    add_length(static_cast<uint64_t>(db));
    if (draw(2) == 0) {
      out_ += static_cast<char>(engine::kRdbResizeDb);
      add_length(draw(3));  // a hint, which may be wrong
      add_length(draw(3));
    }
    for (size_t i = 0; i < table.size(); ++i) add_entry(table.at(i).key, table.at(i).value);
  }
  std::string finish() {
    out_ += static_cast<char>(engine::kRdbEof);
    const std::string file = fmt::format("REDIS{:04}", version_) + out_;
    return file + little(crc64(file), 8);
  }

 private:
  using Items = std::vector<std::string_view>;
  struct Form {
    RdbType type;
    int version;
    bool possible = true;
  };

  uint64_t draw(uint64_t n) { return choices_->choose("older.form", drawn_++, n); }
  void needs(int version) { version_ = std::max(version_, version); }
  RdbType begin(std::initializer_list<Form> forms) {
    std::vector<Form> possible;
    for (const Form& form : forms)
      if (form.possible) possible.push_back(form);
    const Form& form = possible[draw(possible.size())];
    needs(form.version);
    out_ += static_cast<char>(form.type);
    add_string(key_);
    return form.type;
  }

  // In more bytes than it needs, at times.
  void add_length(uint64_t length) {
    const uint64_t wider = draw(8);
    if (wider == 0) {
      needs(8);
      out_ += static_cast<char>(engine::kRdbLength64) + big(length, 8);
    } else if (wider == 1 || length >= 1 << 14) {
      out_ += static_cast<char>(engine::kRdbLength32) + big(length, 4);
    } else if (wider == 2 || length >= 64) {
      out_ += big(0x4000 | length, 2);
    } else {
      out_ += static_cast<char>(length);
    }
  }
  void add_string(std::string_view bytes) {
    const auto number = parse_integer(bytes);
    if (number && std::in_range<int32_t>(*number) && draw(4) != 0) {
      const auto bits = static_cast<uint64_t>(*number);
      if (std::in_range<int8_t>(*number))
        out_ += static_cast<char>(engine::kRdbInt8) + little(bits, 1);
      else if (std::in_range<int16_t>(*number))
        out_ += static_cast<char>(engine::kRdbInt16) + little(bits, 2);
      else
        out_ += static_cast<char>(engine::kRdbInt32) + little(bits, 4);
      return;
    }
    if (const std::string packed = lzf_of(bytes); packed.size() < bytes.size() && draw(4) != 0) {
      out_ += static_cast<char>(engine::kRdbLzf);
      add_length(packed.size());
      add_length(bytes.size());
      out_ += packed;
      return;
    }
    add_length(bytes.size());
    out_ += bytes;
  }
  void add_strings(const Items& items) {
    for (const std::string_view item : items) add_string(item);
  }

  void add_entry(std::string_view key, const engine::Object& object) {
    if (object.expires()) {
      const int64_t seconds = object.expire_at_ms / 1000;
      if (object.expire_at_ms % 1000 == 0 && std::in_range<int32_t>(seconds) && draw(2) == 0)
        out_ += static_cast<char>(engine::kRdbExpireS) + little(static_cast<uint64_t>(seconds), 4);
      else
        out_ += static_cast<char>(engine::kRdbExpireMs) +
                little(static_cast<uint64_t>(object.expire_at_ms), 8);
    }
    if (draw(8) == 0) {
      out_ += static_cast<char>(engine::kRdbIdle);
      add_length(draw(100));
      needs(9);
    } else if (draw(8) == 0) {
      out_ += static_cast<char>(engine::kRdbFreq) + little(draw(255), 1);
      needs(9);
    }
    key_ = key;
    add_value(object.value);
  }
  void add_value(const engine::Value& value) {
    if (const engine::String* string = value.string()) {
      begin({{RdbType::kString, 1}});
      add_string(*string);
    } else if (const engine::List* list = value.list()) {
      add_list(*list);
    } else if (const engine::Set* set = value.set()) {
      add_set(*set);
    } else if (const engine::Hash* hash = value.hash()) {
      add_hash(*hash);
    } else if (const engine::Zset* zset = value.zset()) {
      add_zset(*zset);
    } else {
      begin({{engine::rdb_type_of(value), 10}});
      engine::append_rdb_value(out_, value);
    }
  }

  void add_list(const engine::List& list) {
    Items items;
    for (size_t i = 0; i < list.size(); ++i) items.push_back(list.at(i));
    const RdbType type = begin({{RdbType::kList, 1},
                                {RdbType::kListZiplist, 4},
                                {RdbType::kListQuicklist, 7},
                                {RdbType::kListQuicklist2, 10}});
    if (type == RdbType::kListZiplist) return add_string(ziplist_of(items));
    if (type == RdbType::kList) {
      add_length(items.size());
      return add_strings(items);
    }
    const bool plain = type == RdbType::kListQuicklist2;
    std::vector<Words> nodes;
    for (Words left = items; !left.empty(); left = left.subspan(nodes.back().size()))
      nodes.push_back(left.first(std::min<size_t>(left.size(), 1 + draw(5))));
    add_length(nodes.size());
    for (const Words node : nodes) {
      if (!plain) {
        add_string(ziplist_of(node));
      } else if (node.size() == 1 && draw(2) == 0) {
        add_length(engine::kRdbNodePlain);
        add_string(node[0]);
      } else {
        add_length(engine::kRdbNodePacked);
        add_string(listpack_of(node));
      }
    }
  }
  void add_set(const engine::Set& set) {
    std::vector<std::string> members;
    for (size_t i = 0; i < set.size(); ++i) members.emplace_back(set.entries().at(i).key);
    const Items items(members.begin(), members.end());
    const bool numbers = std::all_of(items.begin(), items.end(), [](std::string_view item) {
      return parse_integer(item).has_value();
    });
    const RdbType type =
        begin({{RdbType::kSet, 1}, {RdbType::kSetIntset, 4, numbers}, {RdbType::kSetListpack, 11}});
    if (type == RdbType::kSetIntset) return add_string(intset_of(items));
    if (type == RdbType::kSetListpack) return add_string(listpack_of(items));
    add_length(items.size());
    add_strings(items);
  }
  void add_hash(const engine::Hash& hash) {
    Items items;
    for (size_t i = 0; i < hash.size(); ++i) {
      const auto entry = hash.entries().at(i);
      items.insert(items.end(), {entry.key, entry.value});
    }
    const RdbType type = begin({{RdbType::kHash, 1},
                                {RdbType::kHashZipmap, 1},
                                {RdbType::kHashZiplist, 4},
                                {RdbType::kHashListpack, 10},
                                {RdbType::kHashFields, 12},
                                {RdbType::kHashListpackFields, 12}});
    if (type == RdbType::kHashZipmap) return add_string(zipmap_of(items));
    if (type == RdbType::kHashZiplist) return add_string(ziplist_of(items));
    if (type == RdbType::kHashListpack) return add_string(listpack_of(items));
    if (type != RdbType::kHash) out_ += little(0, 8);  // no field expires
    if (type == RdbType::kHashListpackFields) {
      for (size_t i = items.size(); i > 0; i -= 2)
        items.insert(items.begin() + static_cast<ptrdiff_t>(i), "0");
      return add_string(listpack_of(items));
    }
    add_length(items.size() / 2);
    for (size_t i = 0; i < items.size(); ++i) {
      if (type == RdbType::kHashFields && i % 2 == 0) add_length(0);
      add_string(items[i]);
    }
  }
  void add_score_text(double score) {
    if (std::isinf(score)) {
      out_ += static_cast<char>(score > 0 ? engine::kRdbScoreInf : engine::kRdbScoreMinusInf);
      return;
    }
    const std::string digits = fmt::format("{:.17g}", score);
    out_ += static_cast<char>(digits.size()) + digits;
  }
  void add_zset(const engine::Zset& zset) {
    std::vector<std::pair<std::string, double>> members;
    zset.for_ranks(0, zset.size() - 1, false, [&](const engine::Zset::Item& item) {
      members.emplace_back(item.member, item.score);
      return true;
    });
    const RdbType type = begin({{RdbType::kZset, 8},
                                {RdbType::kZsetText, 1},
                                {RdbType::kZsetZiplist, 4},
                                {RdbType::kZsetListpack, 10}});
    if (type == RdbType::kZset || type == RdbType::kZsetText) {
      add_length(members.size());
      // Redis writes the last first, so that a loader adds each in front.
      for (size_t i = members.size(); i-- > 0;) {
        add_string(members[i].first);
        if (type == RdbType::kZsetText) {
          add_score_text(members[i].second);
        } else {
          uint64_t bits = 0;
          std::memcpy(&bits, &members[i].second, sizeof bits);
          out_ += little(bits, 8);
        }
      }
      return;
    }
    std::vector<std::string> scores;
    for (const auto& [member, score] : members) scores.push_back(fmt::format("{:.17g}", score));
    Items items;
    for (size_t i = 0; i < members.size(); ++i)
      items.insert(items.end(), {members[i].first, scores[i]});
    add_string(type == RdbType::kZsetZiplist ? ziplist_of(items) : listpack_of(items));
  }

  sim::Choices* choices_;
  uint64_t drawn_ = 0;
  int version_ = 6;
  std::string_view key_;
  std::string out_;
};

}  // namespace

std::optional<std::string> in_older_words(std::string_view base, sim::Choices& choices) {
  engine::Keyspace keyspace;
  keyspace.set_loading(true);
  const auto info = engine::load_rdb(base, "base", keyspace);
  if (!info.ok()) return std::nullopt;
  OlderFile file(choices);
  for (const std::string_view hint : kHints) file.add_aux(hint, "64");
  for (const auto& [name, value] : info->aux) file.add_aux(name, value);
  file.add_libraries(keyspace);
  for (int db = keyspace.databases(); db-- > 0;) file.add_database(keyspace, db);
  return file.finish();
}

}  // namespace powercut::scenarios
