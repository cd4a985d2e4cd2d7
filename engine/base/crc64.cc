#include "engine/base/crc64.h"

#include "engine/base/crc_tables.h"

namespace powercut {

uint64_t crc64(std::string_view bytes, uint64_t crc) {
  return CrcTables<uint64_t, 0x95ac9329ac4bc9b5u>::advance(bytes, crc);
}

}  // namespace powercut
