#include "sim/content_pool.h"

#include "engine/base/hash.h"

namespace powercut::sim {

namespace {
uint64_t pair(uint32_t first, uint32_t second) { return uint64_t{first} << 32 | second; }
}  // namespace

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
  const auto found = static_cast<ContentId>(prefixes_.get(
      id, length, [&] { return intern(std::string_view(contents_[id]).substr(0, length)); }));
  CHECK(contents_[found].size() == length);
  return found;
}

uint64_t ContentPool::peak(ContentId first, ContentId second, const engine::Search& what) {
  return peaks_.get(pair(first, second), reinterpret_cast<uintptr_t>(what.peak),
                    [&] { return what.peak(contents_[first] + contents_[second]); });
}

size_t ContentPool::reach(ContentId first, ContentId second, const engine::Search& what) {
  return reaches_.get(pair(first, second), reinterpret_cast<uintptr_t>(what.reach),
                      [&] { return what.reach(contents_[first] + contents_[second]); });
}

bool ContentPool::matches(ContentId first, ContentId second, ContentId third,
                          const engine::Search& what, uint64_t at) {
  const Question asked{what.offset, what.context, what.number, at,
                       reinterpret_cast<uintptr_t>(what.matches)};
  const auto question =
      questions_.try_emplace(asked, static_cast<uint32_t>(questions_.size())).first->second;
  return matches_.get(pair(first, second), pair(third, question), [&] {
    return what.matches(what, at, contents_[first] + contents_[second] + contents_[third]);
  });
}

}  // namespace powercut::sim
