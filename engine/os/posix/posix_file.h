// An open file of PosixOs.
#pragma once

#include <memory>
#include <string>

#include "engine/os/os.h"
#include "engine/os/posix/descriptor.h"

namespace powercut::engine {

class PosixOs;

// `path` is for error messages only. `os` must outlive the file.
std::unique_ptr<File> make_posix_file(PosixOs& os, Descriptor descriptor, std::string path);

}  // namespace powercut::engine
