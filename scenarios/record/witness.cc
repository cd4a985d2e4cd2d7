#include "scenarios/record/witness.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "sim/crash_images.h"
#include "sim/disk.h"

namespace powercut::scenarios {

namespace {

namespace fs = std::filesystem;

// A filesystem in a file, unmounted and removed at the end.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  ~Loop() {
    (void)unmount();
    std::error_code ignored;
    if (!root_.empty()) fs::remove_all(root_, ignored);
  }

  Result<void> make(const std::string& filesystem, uint64_t bytes) {
    const char* given = std::getenv("TMPDIR");
    root_ = std::string(given != nullptr ? given : "/tmp") + "/powercut-witness-XXXXXX";
    if (::mkdtemp(root_.data()) == nullptr) {
      const Error error{Errc::kIo, fmt::format("{}: {}", root_, std::strerror(errno))};
      root_.clear();
      return error;
    }
    std::error_code failed;
    fs::create_directory(at(), failed);
    {
      std::FILE* file = std::fopen(image().c_str(), "wb");
      if (file != nullptr) std::fclose(file);
    }
    if (!failed) fs::resize_file(image(), bytes, failed);  // sparse
    if (failed) return Error{Errc::kNoSpace, fmt::format("{}: {}", image(), failed.message())};
    return run(
        fmt::format("mkfs.{} -q {} {}", filesystem, filesystem == "ext4" ? "-F" : "-f", image()));
  }
  Result<void> mount() {
    TRY(run(fmt::format("mount -o loop {} {}", image(), at())));
    mounted_ = true;
    return {};
  }
  Result<void> unmount() {
    if (!mounted_) return {};
    TRY(run(fmt::format("umount {}", at())));
    mounted_ = false;
    return {};
  }
  std::string at() const { return root_ + "/mounted"; }

 private:
  std::string image() const { return root_ + "/image"; }
  Result<void> run(const std::string& command) const {
    const ImageOutcome done = RecoveryProcess::run_in(
        {.recover = command, .observe = {}, .check = {}, .limit_ms = 60'000}, root_);
    if (done.status == 0 && !done.hangs) return {};
    return Error{Errc::kUnsupported,
                 fmt::format("{}: {}", command, done.hangs ? "no end in a minute" : done.said)};
  }

  std::string root_;
  bool mounted_ = false;
};

uint64_t bytes_of(const sim::Disk& disk) {
  uint64_t bytes = 0;
  for (const sim::FoundFile& file : sim::image_of(disk)) bytes += file.content.size() + 4096;
  return bytes;
}

}  // namespace

Result<ImageOutcome> witness(const sim::Disk& disk, const std::map<std::string, uint64_t>& modes,
                             const RecoveryCommands& commands, const std::string& filesystem) {
  if (::geteuid() != 0)
    return Error{Errc::kUnsupported,
                 "a filesystem is mounted by root alone: run it as root, or in a virtual machine"};
  constexpr uint64_t kLeast = uint64_t{512} << 20;  // mkfs.xfs takes no less than 300 MB
  Loop loop;
  TRY(loop.make(filesystem, kLeast + 2 * bytes_of(disk)));
  TRY(loop.mount());
  const std::string directory = loop.at() + "/image";
  TRY(RecoveryProcess::write_out(disk, directory, modes));
  TRY(loop.unmount());
  TRY(loop.mount());
  ImageOutcome outcome = RecoveryProcess::run_in(commands, directory);
  TRY(loop.unmount());
  return outcome;
}

std::string kernel_release() {
  utsname is{};
  return ::uname(&is) == 0 ? is.release : "unknown";
}

}  // namespace powercut::scenarios
