#include "scenarios/store/keyspace/contents.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/store/list.h"
#include "engine/store/stream.h"
#include "engine/store/zset.h"

namespace powercut::scenarios {

using engine::Type;

namespace {

constexpr size_t kLong = 40;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kLong))
    out += c >= ' ' && c <= '~' ? std::string(1, c)
                                : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out + (text.size() > kLong ? "...\"" : "\"");
}

std::string stream_text(const engine::Stream& stream) {
  std::string text = "the stream";
  stream.for_range({}, engine::StreamId::most(), false, [&](const engine::StreamEntry& entry) {
    text += fmt::format(" {}", entry.id.text());
    entry.for_each([&](std::string_view field, std::string_view value) {
      text += fmt::format(" {}={}", quoted(field), quoted(value));
    });
    return true;
  });
  text += fmt::format(", {} added, the last {}", stream.entries_added(), stream.last_id().text());
  if (stream.max_deleted_id() != engine::StreamId{})
    text += fmt::format(", deleted {}", stream.max_deleted_id().text());
  for (const auto& [name, group] : stream.groups()) {
    text += fmt::format("; group {} has read {} up to {}", quoted(name), group.entries_read,
                        group.last_id.text());
    for (const auto& [consumer, of] : group.consumers()) {
      text += fmt::format(", {} has", quoted(consumer));
      if (of.pending.empty()) text += " nothing";
      for (const engine::StreamId id : of.pending)
        text += fmt::format(" {} ({})", id.text(), group.find_pending(id)->deliveries);
    }
  }
  return text;
}

std::string value_text(const engine::Value& value) {
  std::vector<std::string> parts;
  switch (value.type()) {
    case Type::kString:
      return quoted(*value.string());
    case Type::kList:
      for (size_t i = 0; i < value.list()->size(); ++i)
        parts.push_back(quoted(value.list()->at(i)));
      return fmt::format("the list {}", fmt::join(parts, " "));
    case Type::kHash:
      for (size_t i = 0; i < value.hash()->entries().size(); ++i) {
        const auto& entry = value.hash()->entries().at(i);
        parts.push_back(fmt::format("{}={}", entry.key, quoted(entry.value)));
      }
      break;
    case Type::kSet:
      for (size_t i = 0; i < value.set()->entries().size(); ++i)
        parts.push_back(quoted(value.set()->entries().at(i).key));
      break;
    case Type::kZset:
      for (size_t i = 0; i < value.zset()->entries().size(); ++i) {
        const auto& entry = value.zset()->entries().at(i);
        parts.push_back(fmt::format("{}={}", quoted(entry.key), entry.value));
      }
      break;
    case Type::kStream:
      return stream_text(*value.stream());
    case Type::kAway:
      return fmt::format("a {} in the {} tier", engine::type_name(value.kind()),
                         value.away()->warm() ? "warm" : "cold");
  }
  std::sort(parts.begin(), parts.end());
  return fmt::format("{{{}}}", fmt::join(parts, " "));
}

}  // namespace

std::vector<std::string> contents_of(const engine::Keyspace& keyspace, int64_t now_ms,
                                     size_t most) {
  std::vector<std::string> lines;
  for (int db = 0; db < engine::Keyspace::kDatabases; ++db) {
    const auto& table = keyspace.database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const auto& entry = table.at(i);
      if (entry.value.expires() && entry.value.expire_at_ms <= now_ms) continue;
      std::string line = db == 0 ? "" : fmt::format("database {}: ", db);
      line += fmt::format("{} = {}", std::string_view(entry.key), value_text(entry.value.value));
      if (entry.value.expires())
        line += fmt::format(", for {} s", (entry.value.expire_at_ms - now_ms) / 1000);
      lines.push_back(std::move(line));
    }
  }
  for (const auto& [name, text] : keyspace.libraries())
    lines.push_back(fmt::format("library {} = {}", name, quoted(text)));
  std::sort(lines.begin(), lines.end());
  if (lines.size() > most) {
    const size_t more = lines.size() - most;
    lines.resize(most);
    lines.push_back(fmt::format("and {} more", more));
  }
  return lines;
}

}  // namespace powercut::scenarios
