// An open file of PosixOs.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "engine/os/os.h"
#include "engine/os/posix/descriptor.h"

namespace powercut::engine {

class PosixOs;

// Which file it is, as long as it is open.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
};

// `path` is what error messages name, and what `identity` is looked for at. `os` must outlive the file.
std::unique_ptr<File> make_posix_file(PosixOs& os, Descriptor descriptor, FileIdentity identity,
                                      std::string path);

}  // namespace powercut::engine
