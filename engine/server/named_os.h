// An Os on which the store's files bear the names that the configuration gives them: the log's directory, its manifest,
// the checkpoint, and the single log of an older server. What stands in a manifest keeps the names it has there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config.h"
#include "engine/os/forwarding_os.h"

namespace powercut::engine {

class NamedOs final : public ForwardingOs {
 public:
  NamedOs(Os& inner, const ServiceConfig& names);

  // The path on the disk of a path of the store, and the name in the store of one on the disk.
  std::string there(std::string_view path) const;
  std::string here(std::string_view directory, std::string_view name) const;
  // A message with the names that stand on the disk.
  std::string message(std::string text) const;

  Result<std::unique_ptr<File>> open(std::string_view path, Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view existing, std::string_view name) override;
  Result<void> remove(std::string_view path) override;
  Result<void> make_directory(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<void> sync_directory(std::string_view path, Site fence) override;

 private:
  std::string directory_;
  std::string log_;
  std::string checkpoint_;
};

}  // namespace powercut::engine
