#include "engine/server/log_place.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "engine/aof/manifest.h"

namespace powercut::engine {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifestSuffix = ".manifest";

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// The name of the one manifest there; none: there is no such file.
std::optional<std::string> manifest_in(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(kManifestSuffix) && !name.starts_with("temp-")) return name;
  }
  return std::nullopt;
}

LogPlace of_manifest(const fs::path& manifest) {
  LogPlace place;
  const fs::path log = fs::weakly_canonical(parent_of(manifest));
  place.directory = parent_of(log).string();
  place.names.log_directory = log.filename().string();
  const std::string name = manifest.filename().string();
  place.names.log_name = name.substr(0, name.size() - kManifestSuffix.size());
  return place;
}

}  // namespace

Result<LogPlace> find_log(const std::string& given) {
  const fs::path path = fs::path(given).has_filename() ? fs::path(given) : parent_of(given);
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) return Error{Errc::kNotFound, fmt::format("{}: it is not there", given)};
  LogPlace place;
  if (fs::is_directory(status)) {
    if (const auto manifest = manifest_in(path)) return of_manifest(path / *manifest);
    place.directory = path.string();
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error))
      if (const auto manifest = entry.is_directory() ? manifest_in(entry.path()) : std::nullopt)
        return of_manifest(entry.path() / *manifest);
    if (fs::exists(path / place.names.log_name, error)) return place;
    return Error{Errc::kNotFound,
                 fmt::format("{}: no {}/{} and no {} in it", given, place.names.log_directory,
                             kManifestName, place.names.log_name)};
  }
  if (path.filename().string().ends_with(kManifestSuffix)) return of_manifest(path);
  place.directory = parent_of(path).string();
  place.file = path.filename().string();
  return place;
}

Result<std::string> keep_copy(const LogPlace& place) {
  const fs::path directory(place.directory);
  std::error_code error;
  const std::string log = !place.file.empty() ? place.file
                          : fs::exists(directory / place.names.log_directory, error)
                              ? place.names.log_directory
                              : place.names.log_name;
  std::string kept = log + ".kept";
  for (int i = 1; fs::exists(directory / kept, error); ++i)
    kept = fmt::format("{}.kept.{}", log, i);
  fs::copy(directory / log, directory / kept, fs::copy_options::recursive, error);
  if (error) {
    std::error_code ignored;
    fs::remove_all(directory / kept, ignored);
    return Error{error == std::errc::no_space_on_device ? Errc::kNoSpace : Errc::kIo,
                 fmt::format("{}: no copy could be made ({}); nothing was changed",
                             (directory / kept).string(), error.message())};
  }
  return (directory / kept).string();
}

}  // namespace powercut::engine
