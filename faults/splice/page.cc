#include "faults/splice/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/base/site.h"

namespace powercut::faults {

namespace {

constexpr std::string_view kIn = "in ";

class Parser {
 public:
  explicit Parser(Page& page) : page_(page) {}

  Result<void> parse() {
    std::string_view rest = page_.text;
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      ++number_;
      TRY(take(rest.substr(0, end)));
      rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    }
    return complete();
  }

 private:
  Error wrong(std::string_view what, size_t number) const {
    return {Errc::kInvalid, fmt::format("{}:{}: {}", page_.path, number, what)};
  }

  Result<void> take(std::string_view line) {
    if (page_.name.empty()) return take_name(line);
    if (line.starts_with(kIn)) {
      page_.changes.push_back({std::string(line.substr(kIn.size())), number_, {}});
      return {};
    }
    return page_.changes.empty() ? take_field(line) : take_change(line);
  }

  Result<void> take_name(std::string_view line) {
    if (line.empty() || line.find_first_of(" \t/") != line.npos)
      return wrong("the first line is the bug's name, one word", number_);
    page_.name = line;
    return {};
  }

  // "story: ...", and what is indented below goes on with it.
  Result<void> take_field(std::string_view line) {
    if (line.empty()) {
      field_ = nullptr;
      return {};
    }
    if (line.starts_with("  ")) {
      if (field_ == nullptr) return wrong("goes on with nothing", number_);
      field_->append(" ").append(line.substr(line.find_first_not_of(' ')));
      return {};
    }
    const size_t colon = line.find(": ");
    const std::string_view key = line.substr(0, colon);
    field_ = colon == line.npos ? nullptr : field(key);
    if (field_ == nullptr)
      return wrong(
          "not \"story: TEXT\", source, trigger, oracles, policies, personas, workload, target, "
          "equivalent "
          "or seam; "
          "a change begins with \"in FILE\"",
          number_);
    if (!field_->empty()) return wrong(fmt::format("a second \"{}\"", key), number_);
    *field_ = line.substr(colon + 2);
    return {};
  }

  std::string* field(std::string_view key) {
    return key == "story"        ? &page_.story
           : key == "source"     ? &page_.source
           : key == "trigger"    ? &page_.trigger
           : key == "oracles"    ? &page_.oracles
           : key == "policies"   ? &page_.policies
           : key == "personas"   ? &page_.personas
           : key == "workload"   ? &page_.workload
           : key == "target"     ? &page_.target
           : key == "equivalent" ? &page_.equivalent
           : key == "seam"       ? &page_.seam
                                 : nullptr;
  }

  // An empty line is one of the source's, so that no editor has to keep a blank at its end.
  Result<void> take_change(std::string_view line) {
    const char sign = line.empty() ? ' ' : line[0];
    if (sign != ' ' && sign != '-' && sign != '+')
      return wrong("a line of a change begins with a blank, - or +", number_);
    line.remove_prefix(line.empty() ? 0 : 1);
    page_.changes.back().lines.push_back({sign, std::string(line), number_});
    return {};
  }

  Result<void> complete() {
    if (page_.name.empty()) return wrong("an empty page", 1);
    if (page_.story.empty()) return wrong("no \"story: TEXT\"", 1);
    if (page_.seam.empty() == page_.changes.empty())
      return wrong("either \"seam: DECORATOR\" or changes, \"in FILE\"", 1);
    for (PageChange& change : page_.changes) {
      auto& lines = change.lines;  // the empty ones at both ends are the page's
      const auto blank = [](const PageLine& line) { return line.sign == ' ' && line.text.empty(); };
      while (!lines.empty() && blank(lines.back())) lines.pop_back();
      lines.erase(lines.begin(), std::find_if_not(lines.begin(), lines.end(), blank));
      if (std::all_of(lines.begin(), lines.end(), [](const auto& l) { return l.sign == ' '; }))
        return wrong("changes nothing: no line begins with - or +", change.number);
      if (std::all_of(lines.begin(), lines.end(), [](const auto& l) { return l.sign == '+'; }))
        return wrong("no line says where: give the one before or behind", change.number);
    }
    return {};
  }

  Page& page_;
  std::string* field_ = nullptr;
  size_t number_ = 0;
};

}  // namespace

Result<Page> parse_page(std::string path, std::string text) {
  Page page;
  page.path = std::move(path);
  page.text = std::move(text);
  TRY(Parser(page).parse());
  return page;
}

std::string page_file(std::string_view name) {
  std::string file(name);
  std::replace(file.begin(), file.end(), ':', '-');
  return file + ".mutant";
}

Result<void> check_pages(std::span<const Page> pages) {
  std::map<uint64_t, std::string> numbers;
  for (const Page& page : pages) {
    const auto wrong = [&](size_t line, std::string_view what) {
      return Error{Errc::kInvalid, fmt::format("{}:{}: {}", page.path, line, what)};
    };
    const std::string file = page_file(page.name);
    if (page.path.substr(page.path.rfind('/') + 1) != file)
      return wrong(1, fmt::format("the page of {} is the file {}", page.name, file));
    const auto number = static_cast<uint32_t>(Site::named(page.name.c_str()).hash);
    const auto [other, free] = numbers.emplace(number, page.name);
    if (!free) return wrong(1, fmt::format("name it otherwise: {} has its number", other->second));
    for (const PageChange& change : page.changes)
      if (!change.file.starts_with("engine/") || !change.file.ends_with(".cc"))
        return wrong(change.number, "changes stand in .cc files of engine/");
  }
  return {};
}

}  // namespace powercut::faults
