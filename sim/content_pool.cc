#include "sim/content_pool.h"

#include "engine/base/hash.h"

namespace powercut::sim {

ContentId ContentPool::intern(std::string_view bytes) {
  const uint64_t hash = hash_bytes(bytes);
  if (const auto known = ids_.find(hash, [&](ContentId id) { return contents_[id] == bytes; }))
    return *known;
  const auto id = static_cast<ContentId>(contents_.size());
  contents_.emplace_back(bytes);
  ids_.put(hash, id);
  return id;
}

ContentId ContentPool::prefix(ContentId id, size_t length) {
  if (length >= contents_[id].size()) return id;
  if (length == 0) return kEmpty;
  if (const auto known = prefixes_.find(id, length)) return static_cast<ContentId>(*known);
  const ContentId prefix = intern(std::string_view(contents_[id]).substr(0, length));
  prefixes_.put(id, length, prefix);
  return prefix;
}

uint64_t ContentPool::peak(ContentId first, ContentId second, const engine::Search& what) {
  const uint64_t pair = uint64_t{first} << 32 | second;
  const auto function = reinterpret_cast<uintptr_t>(what.peak);
  if (const auto known = peaks_.find(pair, function)) return *known;
  const uint64_t value = what.peak(contents_[first] + contents_[second]);
  peaks_.put(pair, function, value);
  return value;
}

size_t ContentPool::reach(ContentId first, ContentId second, const engine::Search& what) {
  const uint64_t pair = uint64_t{first} << 32 | second;
  const auto function = reinterpret_cast<uintptr_t>(what.reach);
  if (const auto known = reaches_.find(pair, function)) return *known;
  const size_t value = what.reach(contents_[first] + contents_[second]);
  reaches_.put(pair, function, value);
  return value;
}

bool ContentPool::matches(ContentId first, ContentId second, ContentId third,
                          const engine::Search& what, uint64_t at) {
  const Question asked{what.offset, what.context, at, reinterpret_cast<uintptr_t>(what.matches)};
  const auto question =
      questions_.try_emplace(asked, static_cast<uint32_t>(questions_.size())).first->second;
  const uint64_t pair = uint64_t{first} << 32 | second;
  const uint64_t rest = uint64_t{third} << 32 | question;
  if (const auto known = matches_.find(pair, rest)) return *known != 0;
  const bool value = what.matches(what, at, contents_[first] + contents_[second] + contents_[third]);
  matches_.put(pair, rest, value ? 1 : 0);
  return value;
}

}  // namespace powercut::sim
