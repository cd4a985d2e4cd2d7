// Scenarios as files: reading, writing, comparing.
#pragma once

#include <cstdio>
#include <string>

#include "scenarios/story/scenario.h"
#include "sim/crash_images.h"

namespace powercut::scenarios {

// Errors: kNotFound, kIo: one line that names the file.
Result<std::string> read_file(const std::string& path);
Result<void> write_file(const std::string& path, const std::string& text);
// Every file of the image beneath the directory `path`, which is made anew.
Result<void> write_image(const std::string& path, const sim::Image& image);

// Where two texts part: "NAME:LINE: the file says "a", seen is "b"".
std::string first_difference_line(const std::string& name, const std::string& expected,
                                  const std::string& seen);

// One object: `version`, `verb`, `scenario` (the text), `violations`, `oracle`, `verdict`,
// `mutant`: what was planted.
void print_scenario_json(std::FILE* out, const std::string& seen, const RunResult& result,
                         const faults::MutantInfo* mutant);

}  // namespace powercut::scenarios
