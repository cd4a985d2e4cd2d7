// Which files and directories are recorded: by inode, with the number that the trace knows each by.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/trace/trace.h"

namespace powercut::scenarios {

class Mirror {
 public:
  struct Entry {
    bool directory = false;
    bool ignored = false;
    uint64_t file = 0;  // of a file
    std::string path;   // from the recorded directory; of a file, one that it had
    bool gone = false;  // its last name is
    bool open = false;  // for writing, since the trace last said so
  };

  // Below `directory`, now: what there is, for the trace. What matches one of `ignore` (patterns as of a
  // shell, of a path from there or of a last component) is not recorded; nor are `left_out`, by inode.
  //   Errors: kNotFound, kIo, kNoSpace: it is too much to copy.
  static Result<Mirror> scan(const std::string& directory, const std::vector<std::string>& ignore,
                             const std::vector<struct stat>& left_out,
                             std::vector<TraceFile>& found);

  // Null: it is not recorded.
  Entry* find(const struct stat& file);
  Entry& add_file(const struct stat& file, const std::string& path);
  Entry& add_directory(const struct stat& directory, const std::string& path);
  void forget(const struct stat& directory) { entries_.erase(key(directory)); }
  // It has another place; what is in it as well.
  void move_directory(const std::string& from, const std::string& to);
  bool is_ignored(const std::string& path) const;

 private:
  using Key = std::pair<uint64_t, uint64_t>;
  static Key key(const struct stat& file) { return {file.st_dev, file.st_ino}; }
  Result<void> scan_directory(const std::string& full, const std::string& path,
                              const std::vector<struct stat>& left_out,
                              std::vector<TraceFile>& found);
  Result<void> scan_file(const std::string& full, const std::string& path, const struct stat& is,
                         std::vector<TraceFile>& found);

  std::map<Key, Entry> entries_;
  std::vector<std::string> ignore_;
  uint64_t files_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace powercut::scenarios
