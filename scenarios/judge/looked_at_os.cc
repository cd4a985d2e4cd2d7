#include "scenarios/judge/looked_at_os.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "scenarios/judge/file_content.h"

namespace powercut::scenarios {

using engine::File;

namespace {

Error not_done() { return {Errc::kRefused, "a disk that is only looked at"}; }

class LookedAtFile final : public File {
 public:
  explicit LookedAtFile(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    const size_t from = std::min<size_t>(offset, bytes_.size());
    const size_t count = std::min(size, bytes_.size() - from);
    std::memcpy(out, bytes_.data() + from, count);
    return count;
  }
  Result<size_t> write_at(uint64_t, std::string_view) override { return not_done(); }
  Result<void> truncate(uint64_t) override { return not_done(); }
  Result<void> sync(Site) override { return not_done(); }
  Result<uint64_t> size() override { return bytes_.size(); }

 private:
  std::string bytes_;
};

}  // namespace

Result<std::unique_ptr<File>> LookedAtOs::open(std::string_view path, engine::Open) {
  auto content = file_content(disk_, path);
  if (!content) return Error{Errc::kNotFound, "it is not there: " + std::string(path)};
  return std::unique_ptr<File>(std::make_unique<LookedAtFile>(std::move(*content)));
}

Result<void> LookedAtOs::rename(std::string_view, std::string_view) { return not_done(); }
Result<void> LookedAtOs::link(std::string_view, std::string_view) { return not_done(); }
Result<void> LookedAtOs::remove(std::string_view) { return not_done(); }
Result<void> LookedAtOs::make_directory(std::string_view) { return not_done(); }
Result<void> LookedAtOs::sync_directory(std::string_view, Site) { return not_done(); }

}  // namespace powercut::scenarios
