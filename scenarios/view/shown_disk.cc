#include "scenarios/view/shown_disk.h"

#include <algorithm>

#include "scenarios/base/json_text.h"
#include "sim/crash_images.h"
#include "sim/crash_space.h"
#include "sim/survival.h"

namespace powercut::scenarios {

namespace {

using Json = nlohmann::ordered_json;

// "d12p1": twelve durable sectors, then one that is pending.
std::string run_length(const std::string& letters) {
  std::string text;
  for (size_t i = 0; i < letters.size();) {
    size_t end = i;
    while (end < letters.size() && letters[end] == letters[i]) ++end;
    text += letters[i] + std::to_string(end - i);
    i = end;
  }
  return text;
}

// A sector is durable (d); pending (p): its newest bytes may be lost; or stuck (s): a failed sync has left
// it, and none will write it.
std::string sectors_of(const sim::Inode& inode, uint32_t unit) {
  std::string letters((inode.size + unit - 1) / unit, 'd');
  for (const sim::DataOp& op : inode.log.ops()) {
    if (!op.data || op.length == 0) continue;
    const uint64_t first = (uint64_t{op.block} * sim::kBlockBytes + op.offset) / unit;
    const uint64_t last =
        (uint64_t{op.block} * sim::kBlockBytes + op.offset + op.length - 1) / unit;
    for (uint64_t s = first; s <= last && s < letters.size(); ++s)
      letters[s] = op.stuck ? 's' : 'p';
  }
  return run_length(letters);
}

void walk(const sim::Disk& disk, const std::string& path,
          const std::map<std::string, uint64_t>& durable, std::vector<Json>& files) {
  const uint32_t unit = std::max<uint32_t>(disk.rules().sector_bytes, 512);
  const auto names = disk.list(path);
  if (!names.ok()) return;
  for (const std::string& name : names.value()) {
    const std::string full = path.empty() ? name : path + "/" + name;
    const auto inode = disk.lookup(full);
    if (!inode.ok()) continue;
    const bool directory = disk.is_directory(*inode);
    const std::string shown = directory ? full + "/" : full;
    const auto kept = durable.find(shown);
    Json file = {{"p", shown}};
    if (kept == durable.end()) file["n"] = "pending";
    if (!directory) {
      file["z"] = disk.size(*inode);
      file["y"] = kept == durable.end() ? 0 : kept->second;
      file["u"] = unit;
      file["s"] = sectors_of(disk.state().tree[*inode], unit);
    }
    files.push_back(std::move(file));
    if (directory) walk(disk, full, durable, files);
  }
}

}  // namespace

size_t ShownDisks::add(const sim::Disk& disk) {
  std::map<std::string, uint64_t> durable;
  const auto least = disk.after_power_cut(sim::Survival{});
  if (least.ok())
    for (const auto& file : sim::image_of(*least)) durable[file.path] = file.content.size();
  std::vector<Json> found;
  walk(disk, "", durable, found);
  // What was removed or renamed, and may come back.
  std::map<std::string, bool> live;
  for (const Json& file : found) live[file["p"].get<std::string>()] = true;
  for (const auto& [path, size] : durable)
    if (!live.contains(path)) found.push_back({{"p", path}, {"n", "removed"}, {"y", size}});
  std::vector<size_t> numbers;
  for (Json& one : found) numbers.push_back(file(std::move(one)));
  const auto [at, is_new] = disk_numbers_.try_emplace(numbers, disks_.size());
  if (is_new) disks_.push_back(std::move(numbers));
  return at->second;
}

size_t ShownDisks::file(Json file) {
  const auto [at, is_new] = file_numbers_.try_emplace(json_text(file, -1), files_.size());
  if (is_new) files_.push_back(std::move(file));
  return at->second;
}

Json ShownDisks::files_json() const { return files_; }
Json ShownDisks::disks_json() const { return disks_; }

}  // namespace powercut::scenarios
