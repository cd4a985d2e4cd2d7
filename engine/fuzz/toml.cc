// powercut.toml: directives, or one line that says where it is wrong.
#include <string>

#include "engine/base/check.h"
#include "engine/fuzz/target.h"
#include "engine/server/toml_file.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace powercut::engine;
  const auto read = read_toml({reinterpret_cast<const char*>(data), size}, "powercut.toml");
  if (read.ok()) {
    for (const Directive& directive : *read) CHECK(!directive.words.empty());
  } else {
    CHECK(read.error().message.starts_with("powercut.toml"));
    CHECK(read.error().message.find('\n') == std::string::npos);
  }
  return 0;
}
