#include "scenarios/campaign/artifacts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "scenarios/story/scenario_file.h"
#include "scenarios/view/page.h"
#include "scenarios/view/record.h"
#include "sim/crash_images.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kNameMost = 120;  // a file's name may have 255 bytes

}  // namespace

Result<void> make_case_directory(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code wrong;
  fs::create_directories(directory, wrong);
  if (!wrong && !fs::is_directory(directory, wrong))
    wrong = std::make_error_code(std::errc::not_a_directory);
  if (wrong) return Error{Errc::kIo, fmt::format("{}: {}", directory, wrong.message())};
  if (!fs::exists(directory + "/disk", wrong)) return {};
  for (const auto& entry : fs::directory_iterator(directory, wrong))
    if (entry.path().extension() == ".scn") return {};
  return Error{Errc::kIo, fmt::format("{0}/disk is there already, and no scenario beside it: it "
                                      "would be replaced; choose another directory",
                                      directory)};
}

Result<void> write_case(const std::string& directory, const std::string& name,
                        const std::string& text, const std::string& story, const Account& account) {
  const sim::Disk* found = nullptr;
  for (const LifeAccount& life : account.lives)
    if (life.after) found = &*life.after;
  TRY(write_image(directory + "/disk", found == nullptr ? sim::Image{} : image_of(*found)));
  TRY(write_file(fmt::format("{}/{}.txt", directory, name), story));
  return write_file(fmt::format("{}/{}.scn", directory, name), text);
}

Result<void> write_artifact(const std::string& directory, const std::string& name,
                            const Scenario& scenario, const Account& account,
                            const std::string& story) {
  const std::string folder = directory + "/" + name;
  std::error_code wrong;
  std::filesystem::create_directories(folder, wrong);
  if (wrong) return Error{Errc::kIo, fmt::format("{}: {}", folder, wrong.message())};
  TRY(write_case(folder, name, print(scenario, account), story, account));
  ViewSubject subject;
  subject.title = name + ".scn";
  subject.command = "powercut view " + subject.title;
  subject.scenario = scenario;
  TRY_ASSIGN(const auto record, record_view(subject));
  return write_file(fmt::format("{}/{}.html", folder, name), view_page(record));
}

std::string as_file_name(std::string text) {
  std::string name;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.';
    if (plain)
      name += c;
    else if (!name.empty() && !name.ends_with('-'))
      name += '-';
  }
  name.resize(std::min(name.size(), kNameMost));
  return name;
}

}  // namespace powercut::scenarios
