#include "scenarios/record/mirror.h"

#include <dirent.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace powercut::scenarios {

namespace {

constexpr uint64_t kBytesMost = uint64_t{256} << 20;

constexpr mode_t kUsualMode = 0755;

Error failed(const std::string& what) {
  return {errno == ENOENT ? Errc::kNotFound : Errc::kIo,
          fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

Result<Mirror> Mirror::scan(const std::string& directory, const std::vector<std::string>& ignore,
                            const std::vector<struct stat>& left_out,
                            std::vector<TraceFile>& found) {
  Mirror mirror;
  mirror.ignore_ = ignore;
  struct stat is {};
  if (::stat(directory.c_str(), &is) != 0) return failed(directory);
  mirror.add_directory(is, "");
  // Its own mode, which some programs ask for, if it is no usual one.
  if ((is.st_mode & 07777) != kUsualMode)
    found.push_back({TraceFile::kDirectory, 0, is.st_mode & 07777, "", {}});
  TRY(mirror.scan_directory(directory, "", left_out, found));
  return mirror;
}

Result<void> Mirror::scan_directory(const std::string& full, const std::string& path,
                                    const std::vector<struct stat>& left_out,
                                    std::vector<TraceFile>& found) {
  DIR* directory = ::opendir(full.c_str());
  if (directory == nullptr) return failed(full);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  ::closedir(directory);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (name == "." || name == "..") continue;
    const std::string below = path.empty() ? name : path + "/" + name;
    const std::string whole = full + "/" + name;
    struct stat is {};
    if (::lstat(whole.c_str(), &is) != 0) return failed(whole);
    const bool left = std::any_of(left_out.begin(), left_out.end(),
                                  [&](const struct stat& one) { return key(one) == key(is); });
    if (left || is_ignored(below)) {
      if (S_ISREG(is.st_mode)) add_file(is, below).ignored = true;
      continue;
    }
    if (S_ISDIR(is.st_mode)) {
      add_directory(is, below);
      found.push_back({TraceFile::kDirectory, 0, is.st_mode & 07777, below, {}});
      TRY(scan_directory(whole, below, left_out, found));
    } else {
      TRY(scan_file(whole, below, is, found));
    }
  }
  return {};
}

Result<void> Mirror::scan_file(const std::string& full, const std::string& path,
                               const struct stat& is, std::vector<TraceFile>& found) {
  if (S_ISLNK(is.st_mode)) {
    std::string target(4096, '\0');
    const ssize_t length = ::readlink(full.c_str(), target.data(), target.size());
    if (length < 0) return failed(full);
    target.resize(static_cast<size_t>(length));
    found.push_back({TraceFile::kSymlink, 0, 0, path, std::move(target)});
    return {};
  }
  if (!S_ISREG(is.st_mode)) return {};  // a socket or a pipe holds nothing
  if (const Entry* known = find(is)) {
    found.push_back({TraceFile::kName, known->file, 0, path, {}});
    return {};
  }
  bytes_ += static_cast<uint64_t>(is.st_size);
  if (bytes_ > kBytesMost)
    return Error{Errc::kNoSpace,
                 fmt::format("there are more than {} MiB where CMD is recorded, up to {}: name a "
                             "smaller directory with --dir, or leave files out with --ignore",
                             kBytesMost >> 20, full)};
  std::ifstream in(full, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof()) return failed(full);
  found.push_back(
      {TraceFile::kFile, add_file(is, path).file, is.st_mode & 07777, path, std::move(content)});
  return {};
}

Mirror::Entry* Mirror::find(const struct stat& file) {
  const auto at = entries_.find(key(file));
  if (at == entries_.end()) return nullptr;
  // The number of an inode that is gone may have gone to another file, which is not ours.
  if (at->second.gone && file.st_nlink > 0) {
    entries_.erase(at);
    return nullptr;
  }
  return &at->second;
}

Mirror::Entry& Mirror::add_file(const struct stat& file, const std::string& path) {
  Entry& entry = entries_[key(file)];
  entry = {.directory = false, .ignored = is_ignored(path), .file = 0, .path = path};
  if (!entry.ignored) entry.file = ++files_;
  return entry;
}

Mirror::Entry& Mirror::add_directory(const struct stat& directory, const std::string& path) {
  Entry& entry = entries_[key(directory)];
  entry = {.directory = true, .ignored = false, .file = 0, .path = path};
  return entry;
}

void Mirror::move_directory(const std::string& from, const std::string& to) {
  for (auto& [key, entry] : entries_) {
    if (entry.path == from)
      entry.path = to;
    else if (entry.path.starts_with(from + "/"))
      entry.path = to + entry.path.substr(from.size());
  }
}

bool Mirror::is_ignored(const std::string& path) const {
  const std::string name = path.substr(path.rfind('/') + 1);
  return std::any_of(ignore_.begin(), ignore_.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), path.c_str(), 0) == 0 ||
           ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

}  // namespace powercut::scenarios
