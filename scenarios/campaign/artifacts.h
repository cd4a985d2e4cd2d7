// A failure as files, for those who were not there.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "scenarios/story/scenario.h"

namespace powercut::scenarios {

// Makes it, for a case. A folder `disk` that is there already must be an earlier one: it will be replaced.
//   Errors: kIo.
Result<void> make_case_directory(const std::string& directory);

// DIRECTORY/NAME.scn, its story beside it (NAME.txt), and the disk that the last recovery found, as files
// under DIRECTORY/disk/. Earlier ones are replaced.
//   Errors: kIo.
Result<void> write_case(const std::string& directory, const std::string& name,
                        const std::string& text, const std::string& story, const Account& account);

// The same in a folder of its own, DIRECTORY/NAME/, which is made; and NAME.html, a page to step through it.
//   Errors: kIo; kInvalid: as record_view().
Result<void> write_artifact(const std::string& directory, const std::string& name,
                            const Scenario& scenario, const Account& account,
                            const std::string& story);

// Of letters, digits, dots and dashes: "LAW-no-sync-segment.commit-ext4".
std::string as_file_name(std::string text);

}  // namespace powercut::scenarios
