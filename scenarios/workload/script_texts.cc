#include "scenarios/workload/script_texts.h"

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/crc64.h"
#include "engine/base/sha1.h"

namespace powercut::scenarios {

std::string digest_of_script(std::string_view text) {
  std::string digits;
  for (const uint8_t byte : sha1(text)) digits += fmt::format("{:02x}", byte);
  return digits;
}

std::string library_name(int library) { return fmt::format("lib{}", library); }

std::string function_name(int library) { return fmt::format("write{}", library); }

std::string library_text(int library, int version) {
  return fmt::format(
      "#!lua name={}\n"
      "redis.register_function('{}', function(keys, args)\n"
      "  redis.call('SET', keys[1], args[1] .. ':{}')\n"
      "  return redis.call('INCR', keys[2])\n"
      "end)\n",
      library_name(library), function_name(library), version);
}

std::string libraries_payload(const std::vector<std::string>& texts) {
  constexpr uint8_t kLibrary = 0xf5;
  constexpr uint8_t kLengthOf14Bits = 0x40;
  constexpr uint8_t kVersion = 10;
  std::string payload;
  for (const std::string& text : texts) {
    CHECK(text.size() < 1 << 14);
    payload += static_cast<char>(kLibrary);
    payload += static_cast<char>(kLengthOf14Bits | text.size() >> 8);
    payload += static_cast<char>(text.size() & 0xff);
    payload += text;
  }
  payload += static_cast<char>(kVersion);
  payload += '\0';
  const uint64_t sum = crc64(payload);
  for (int i = 0; i < 8; ++i) payload += static_cast<char>(sum >> 8 * i & 0xff);
  return payload;
}

}  // namespace powercut::scenarios
