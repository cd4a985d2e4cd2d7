#include "engine/server/named_os.h"

#include <algorithm>

#include "engine/aof/manifest.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

namespace {

// A name on the disk that is one of the store's own, and means another file there.
constexpr std::string_view kOther = "./";

// `name` is `from`, or what belongs to it: behind a dot, or behind "temp-".
std::string renamed(std::string_view name, std::string_view from, std::string_view to) {
  std::string_view rest = name;
  std::string before;
  if (rest.starts_with("temp-")) {
    before = "temp-";
    rest.remove_prefix(before.size());
  }
  if (!rest.starts_with(from)) return std::string(name);
  rest.remove_prefix(from.size());
  if (!rest.empty() && rest.front() != '.') return std::string(name);
  return before + std::string(to) + std::string(rest);
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from == to) return;
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

NamedOs::NamedOs(Os& inner, const ServiceConfig& names)
    : ForwardingOs(inner),
      directory_(names.log_directory),
      log_(names.log_name),
      checkpoint_(names.checkpoint_name) {}

std::string NamedOs::there(std::string_view path) const {
  if (path.starts_with(kOther)) return std::string(path.substr(kOther.size()));
  const std::string own_manifest = log_ + ".manifest";
  const size_t slash = path.find('/');
  if (path == kAofDirectory) return directory_;
  if (slash != path.npos && path.substr(0, slash) == kAofDirectory) {
    const std::string_view name = path.substr(slash + 1);
    if (name == kSingleLog) return directory_ + '/' + log_;
    return directory_ + '/' + renamed(name, kManifestName, own_manifest);
  }
  if (path.empty()) return {};
  if (path == kSingleLog) return log_;
  return renamed(path, kCheckpointName, checkpoint_);
}

std::string NamedOs::here(std::string_view directory, std::string_view name) const {
  if (directory == kAofDirectory) {
    if (name == log_) return std::string(kSingleLog);
    return renamed(name, log_ + ".manifest", kManifestName);
  }
  if (!directory.empty()) return std::string(name);
  if (name == directory_) return std::string(kAofDirectory);
  if (name == log_) return std::string(kSingleLog);
  const std::string own = renamed(name, checkpoint_, kCheckpointName);
  if (there(own) == name) return own;
  return std::string(kOther) + std::string(name);
}

std::string NamedOs::message(std::string text) const {
  replace_all(text, std::string(kAofDirectory) + "/" + std::string(kManifestName),
              directory_ + "/" + log_ + ".manifest");
  replace_all(text, kAofDirectory, directory_);
  replace_all(text, kCheckpointName, checkpoint_);
  return text;
}

Result<std::unique_ptr<File>> NamedOs::open(std::string_view path, Open mode) {
  return inner_.open(there(path), mode);
}
Result<void> NamedOs::rename(std::string_view from, std::string_view to) {
  return inner_.rename(there(from), there(to));
}
Result<void> NamedOs::link(std::string_view existing, std::string_view name) {
  return inner_.link(there(existing), there(name));
}
Result<void> NamedOs::remove(std::string_view path) { return inner_.remove(there(path)); }
Result<void> NamedOs::make_directory(std::string_view path) {
  return inner_.make_directory(there(path));
}
Result<std::vector<std::string>> NamedOs::list(std::string_view path) {
  TRY_ASSIGN(auto names, inner_.list(there(path)));
  for (std::string& name : names) name = here(path, name);
  std::sort(names.begin(), names.end());
  return names;
}
Result<void> NamedOs::sync_directory(std::string_view path, Site fence) {
  return inner_.sync_directory(there(path), fence);
}

}  // namespace powercut::engine
