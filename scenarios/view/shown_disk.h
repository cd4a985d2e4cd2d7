// Disks as a picture needs them: files as sectors, and of each sector, size and name whether it is safe.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/disk.h"

namespace powercut::scenarios {

// Equal disks are one, and equal files are one.
class ShownDisks {
 public:
  // Its number. What is pending on it is told from what is durable.
  size_t add(const sim::Disk& disk);
  // "files": {p: path, z: bytes, y: of these durable, u: bytes of a sector, s: a letter for each sector and how often,
  // n: what of the name}; "disks": the numbers of their files.
  nlohmann::ordered_json files_json() const;
  nlohmann::ordered_json disks_json() const;

 private:
  size_t file(nlohmann::ordered_json file);

  std::vector<nlohmann::ordered_json> files_;
  std::map<std::string, size_t> file_numbers_;
  std::vector<std::vector<size_t>> disks_;
  std::map<std::vector<size_t>, size_t> disk_numbers_;
};

}  // namespace powercut::scenarios
