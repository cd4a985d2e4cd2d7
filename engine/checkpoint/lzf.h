// LZF compression. The format is liblzf's, which also decompresses; the compressor is ours, because
// liblzf's keeps 256 KiB on the stack (a whole fiber's) and never clears it, so that its output may
// vary.
//
//   000nnnnn                      n + 1 literal bytes follow
//   lllooooo oooooooo             l + 2 bytes, copied from o + 1 bytes back; l in 1..6
//   111ooooo llllllll oooooooo    l + 9 bytes
#pragma once

#include <cstddef>
#include <string_view>

namespace powercut::engine {

// Writes at most `capacity` bytes to `out`; the compressed size, or 0 if it does not fit. The same
// input gives the same output, always.
size_t lzf_compress(std::string_view in, char* out, size_t capacity);

// Expands `in` to exactly `size` bytes; false if it does not.
bool lzf_expand(std::string_view in, char* out, size_t size);

// No more than this many bytes come out of one.
inline constexpr size_t kLzfExpansionMax = 264 / 3;

}  // namespace powercut::engine
