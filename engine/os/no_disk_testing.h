// For tests: an Os without files. What is left to say is the clocks, chance and the tasks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/os.h"

namespace powercut::engine {

class NoDiskOs : public Os {
 public:
  Result<std::unique_ptr<File>> open(std::string_view, Open) override { return none(); }
  Result<void> rename(std::string_view, std::string_view) override { return none(); }
  Result<void> link(std::string_view, std::string_view) override { return none(); }
  Result<void> remove(std::string_view) override { return none(); }
  Result<void> make_directory(std::string_view) override { return none(); }
  Result<std::vector<std::string>> list(std::string_view) override { return none(); }
  Result<void> sync_directory(std::string_view, Site) override { return none(); }

 private:
  static Error none() { return {Errc::kUnsupported, "no disk"}; }
};

}  // namespace powercut::engine
