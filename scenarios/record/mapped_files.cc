#include "scenarios/record/mapped_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace powercut::scenarios {

namespace {

constexpr size_t kPage = 4096;

}  // namespace

void MappedFiles::add(Fd readable, uint64_t file) {
  if (knows(file)) return;
  std::string seen = contents(readable);
  files_.emplace(file, File{std::move(readable), std::move(seen)});
}

void MappedFiles::look(const Log& log) {
  for (auto& [number, file] : files_) {
    struct stat is {};
    if (::fstat(file.readable.get(), &is) != 0 || is.st_nlink == 0) continue;
    std::string now = contents(file.readable);
    const size_t both = std::min(now.size(), file.seen.size());
    for (size_t at = 0; at < both; at += kPage) {
      const std::string_view page = std::string_view(now).substr(at, std::min(kPage, both - at));
      if (page == std::string_view(file.seen).substr(at, page.size())) continue;
      log({.kind = TraceEvent::kWrite, .file = number, .offset = at, .bytes = std::string(page)});
    }
    file.seen = std::move(now);
  }
}

void MappedFiles::changed(const TraceEvent& event) {
  const auto at = files_.find(event.file);
  if (at == files_.end()) return;
  std::string& seen = at->second.seen;
  if (event.kind == TraceEvent::kTruncate) seen.resize(event.length);
  if (event.kind == TraceEvent::kZero && event.offset < seen.size())
    seen.replace(event.offset, std::min(event.length, seen.size() - event.offset),
                 std::min(event.length, seen.size() - event.offset), '\0');
  if (event.kind == TraceEvent::kWrite) {
    if (seen.size() < event.offset + event.bytes.size())
      seen.resize(event.offset + event.bytes.size());
    seen.replace(event.offset, event.bytes.size(), event.bytes);
  }
}

}  // namespace powercut::scenarios
