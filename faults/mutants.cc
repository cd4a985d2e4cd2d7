// The registry, read from the pages.
#include "faults/mutants.h"

#include <fmt/format.h>

#include <deque>

#include "faults/automatic.h"

namespace powercut::faults {

namespace {

struct Decorator {
  std::string_view word;
  DecoratorKind kind;
};
constexpr Decorator kDecorators[] = {
    {"no-sync", DecoratorKind::kNoSync},
    {"sync-error-ignored", DecoratorKind::kSyncErrorIgnored},
    {"sync-error-retried", DecoratorKind::kSyncErrorRetried},
    {"no-sync-after-error", DecoratorKind::kNoSyncAfterError},
    {"write-error-ignored", DecoratorKind::kWriteErrorIgnored},
    {"rename-without-sync", DecoratorKind::kRenameWithoutSync},
    {"ack-first", DecoratorKind::kSyncAckFirst},
    {"directory-ack-first", DecoratorKind::kDirectorySyncAckFirst},
    {"directory-sync-only-first", DecoratorKind::kDirectorySyncOnlyFirst},
    {"directory-sync-error-ignored", DecoratorKind::kDirectorySyncErrorIgnored},
};

// "no-sync segment.commit", or a word alone.
void decorate(MutantInfo& mutant, const std::string& seam) {
  const size_t space = seam.find(' ');
  for (const Decorator& decorator : kDecorators)
    if (seam.substr(0, space) == decorator.word) mutant.decorator = decorator.kind;
  if (space != seam.npos) mutant.fence = Site::named(seam.c_str() + space + 1);
}

MutantInfo info_of(const Page& page) {
  MutantInfo mutant;
  mutant.name = page.name;
  mutant.story = page.story;
  mutant.source = page.source;
  mutant.trigger = page.trigger;
  mutant.workload = page.workload;
  mutant.target = page.target;
  mutant.equivalent = page.equivalent;
  mutant.observed = {page.oracles, page.policies, page.personas};
  mutant.page = &page;
  if (page.seam.empty())
    mutant.planted = Mutant::named(Site::named(page.name.c_str()));
  else
    decorate(mutant, page.seam);
  return mutant;
}

std::vector<Page> read_pages() {
  std::vector<Page> pages;
  for (const auto& [path, text] : embedded_pages())
    pages.push_back(parse_page(std::string(path), std::string(text)).value());
  return pages;
}

bool has_word(std::string_view words, std::string_view word) {
  for (size_t at = words.find(word); at != words.npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' '))
      return true;
  }
  return false;
}

struct OwnFence {
  std::string name;
  std::string story;
  MutantInfo info;
};

// Never moved: others point to them.
std::deque<OwnFence>& own_fences() {
  static std::deque<OwnFence> fences;
  return fences;
}

}  // namespace

const MutantInfo& add_fence(Site fence) {
  for (const OwnFence& known : own_fences())
    if (known.info.fence == fence) return known.info;
  OwnFence& own = own_fences().emplace_back();
  own.name = fmt::format("no-sync:{}", fence.name);
  own.story = fmt::format("The sync {} is left out.", fence.name);
  own.info.name = own.name;
  own.info.story = own.story;
  own.info.trigger = "power-cut";
  own.info.decorator = DecoratorKind::kNoSync;
  own.info.fence = fence;
  return own.info;
}

bool lists(std::string_view names, std::string_view name) {
  if (names == "all") return true;
  const bool listed = has_word(names, name);
  return names.starts_with("all but ") ? !listed : listed;
}

std::span<const MutantInfo> all_mutants() {
  static const std::vector<Page> pages = read_pages();
  static const std::vector<MutantInfo> all = [] {
    std::vector<MutantInfo> mutants;
    for (const Page& page : pages) mutants.push_back(info_of(page));
    return mutants;
  }();
  return all;
}

const MutantInfo* find_mutant(std::string_view name) {
  for (const MutantInfo& mutant : all_mutants()) {
    if (mutant.name == name) return &mutant;
  }
  for (const AutomaticMutant& mutant : all_automatic().mutants) {
    if (mutant.info.name == name) return &mutant.info;
  }
  for (const OwnFence& own : own_fences())
    if (own.name == name) return &own.info;
  return nullptr;
}

std::vector<std::string> change_lines(const MutantInfo& mutant) {
  constexpr size_t kMost = 12;
  std::vector<std::string> lines;
  if (mutant.page == nullptr) return {std::string(mutant.story)};
  size_t count = 0;
  for (const PageChange& change : mutant.page->changes) {
    if (count < kMost) lines.push_back("in " + change.file);
    for (const PageLine& line : change.lines) {
      if (line.sign == ' ' || ++count > kMost) continue;
      lines.push_back(line.sign + line.text);
    }
  }
  if (count > kMost)
    lines.push_back(
        fmt::format("... and {} lines more: powercut list mutants {}", count - kMost, mutant.name));
  return lines;
}

}  // namespace powercut::faults
