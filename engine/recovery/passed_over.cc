#include "engine/recovery/passed_over.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "engine/aof/format.h"
#include "engine/aof/manifest.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kManifestEnd = ".manifest";
constexpr size_t kFirstBytes = 16;

// Left by a save or a rewrite that was killed: never a store of its own.
bool is_temporary(std::string_view name) {
  return name.starts_with("temp-") || name.ends_with(".tmp") || name.starts_with('.') ||
         name.find(".replaced.") != name.npos || name.ends_with(kOrphanSuffix);
}

bool begins_a_store(std::string_view bytes) {
  return begins_as_others_do(bytes) || bytes.starts_with(kHeaderPrefix);
}

Error refused(std::string_view name, std::string_view what, std::string_view remedy) {
  return {Errc::kInvalid,
          fmt::format("{}: {}, and a start would pass it over; {}, or move it away to start empty",
                      name, what, remedy)};
}

Result<bool> is_store_file(Os& os, const std::string& name) {
  const auto file = os.open(name, Open::kRead);
  if (!file.ok() && file.error().code == Errc::kInvalid) return false;  // a directory, a socket
  if (!file.ok()) return file.error();
  char bytes[kFirstBytes];
  TRY_ASSIGN(const size_t count, (*file)->read_at(0, bytes, sizeof bytes));
  return begins_a_store({bytes, count});
}

Result<bool> is_log_directory(Os& os, const std::string& name) {
  const auto names = os.list(name);
  if (!names.ok()) return false;  // not a directory, or not ours to look into
  return std::any_of(names->begin(), names->end(), [](const std::string& inside) {
    return inside.ends_with(kManifestEnd) && !is_temporary(inside);
  });
}

}  // namespace

bool begins_as_others_do(std::string_view bytes) {
  const auto begins = [&](std::string_view with) {
    return bytes.starts_with(with) && bytes.size() > with.size() &&
           std::isdigit(static_cast<unsigned char>(bytes[with.size()])) != 0;
  };
  return begins(kRdbMagic) || begins(kValkeyMagic) || begins("*") || begins(kTimestampPrefix);
}

Result<bool> check_nothing_passed_over(Os& os, std::string_view wanted) {
  TRY_ASSIGN(const auto names, os.list(""));
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return true;
  for (const std::string& name : names) {
    if (is_temporary(name) || name == kAofDirectory) continue;
    TRY_ASSIGN(const bool file, is_store_file(os, name));
    if (file && name == kSingleLog)
      return refused(name, "the log of an older server",
                     "start with --appendonly yes to take it over");
    if (file)
      return refused(
          name, "it begins as a store does",
          fmt::format("if it is a checkpoint, name it {}, or start with --dbfilename {}; if it "
                      "is a log, with --appendfilename {}",
                      kCheckpointName, name, name));
    TRY_ASSIGN(const bool directory, is_log_directory(os, name));
    if (directory)
      return refused(
          name, "the directory of a log",
          fmt::format("name it {}, or start with --appenddirname {}", kAofDirectory, name));
  }
  return false;
}

}  // namespace powercut::engine
