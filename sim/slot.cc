#include "sim/slot.h"

#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace powercut::sim {

void SlotNames::place(InodeId id, InodeId directory, const std::string& name, uint64_t copy) const {
  CHECK(places_[directory].known);
  CHECK(!places_[id].known || !disk_.tree[id].directory);  // a directory has one name
  const uint64_t key = hash_bytes(name, places_[directory].key + copy);
  places_[id] = {true, directory, &name, copy, key};
}

// The directory tree as a running process sees it, then what was removed, the newest first.
void SlotNames::find_places() const {
  if (!places_.empty()) return;
  places_.resize(disk_.tree.end());
  places_[kRootInode] = {true, kRootInode, nullptr, 0, 1};
  std::vector<InodeId> todo{kRootInode};
  while (!todo.empty()) {
    const InodeId at = todo.back();
    todo.pop_back();
    for (const Entry& entry : disk_.tree[at].entries) {
      place(entry.inode, at, entry.name, 0);
      if (disk_.tree[entry.inode].directory) todo.push_back(entry.inode);
    }
  }
  const std::vector<NameOp>& ops = disk_.names.ops();
  for (size_t i = ops.size(); i-- > 0;) {
    const NameOp& op = ops[i];
    if (op.before == kNoInode || places_[op.before].known || !places_[op.directory].known) continue;
    uint64_t copy = 1;
    for (const Place& other : places_)
      if (other.copy >= copy && other.directory == op.directory && *other.name == op.name)
        copy = other.copy + 1;
    place(op.before, op.directory, op.name, copy);
  }
}

uint64_t SlotNames::key_of(const SlotRef& slot) const {
  find_places();
  const uint64_t path = places_[slot.inode].key;
  const uint64_t key = slot.entry.empty() ? path : hash_bytes(slot.entry, path);
  return key + slot.at * 0x632be59bd9b4e019u;
}

SlotName SlotNames::name_of(const SlotRef& slot) const {
  find_places();
  std::string path(slot.entry);
  for (InodeId id = slot.inode; id != kRootInode; id = places_[id].directory) {
    const Place& place = places_[id];
    if (!place.known) return {slot.kind, "nameless#" + std::to_string(id), slot.at};
    std::string name = *place.name;
    if (place.copy > 0) name += '~' + std::to_string(place.copy);
    path = path.empty() ? std::move(name) : name + '/' + path;
  }
  if (path.empty() && slot.kind != SlotKind::kJournal) path = ".";
  return {slot.kind, std::move(path), slot.at};
}

}  // namespace powercut::sim
