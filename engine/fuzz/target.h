// What a fuzzer calls with each input. A target answers 0, or ends the process with a CHECK.
//
// Built by clang with POWERCUT_FUZZ, libFuzzer drives it; else standalone.cc does, with the corpus and a fixed number of
// changes to it, the same ones each time.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
