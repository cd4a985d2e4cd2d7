#include "engine/server/replace_file.h"

#include <filesystem>

#include "engine/aof/manifest.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {

namespace {

Result<void> write_new(Os& os, const std::string& name, std::string_view content) {
  TRY_ASSIGN(const auto file, os.open(name, Open::kCreateNew));
  TRY(write_whole(*file, 0, content));
  return file->sync("process.file");
}

// On an Os of its own, outside its tasks: so the calls block, and nothing else happens meanwhile.
Result<std::unique_ptr<PosixOs>> open_folder_of(const std::filesystem::path& path) {
  const std::string folder = path.parent_path().string();
  return PosixOs::open(folder.empty() ? "." : folder, {.use_io_uring = false});
}

}  // namespace

Result<void> replace_file(const std::string& path, std::string_view content) {
  const std::filesystem::path whole(path);
  const std::string name = whole.filename().string();
  const std::string next = name + ".rewritten";
  TRY_ASSIGN(const auto os, open_folder_of(whole));
  (void)os->remove(next);  // of one that was killed
  if (const auto written = write_new(*os, next, content); !written.ok()) {
    (void)os->remove(next);
    return written;
  }
  std::error_code error;
  const auto permissions = std::filesystem::status(whole, error).permissions();
  if (!error) std::filesystem::permissions(whole.parent_path() / next, permissions, error);
  TRY(os->rename(next, name));
  return os->sync_directory("", "process.file_name");
}

Result<std::string> read_whole_file(const std::string& path) {
  const std::filesystem::path whole(path);
  TRY_ASSIGN(const auto os, open_folder_of(whole));
  return read_whole(*os, whole.filename().string());
}

}  // namespace powercut::engine
