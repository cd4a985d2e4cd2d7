// The generator of the judged engine, run by the build:
//
//   splice copy ROOT SOURCE OUT PAGE...   a copy of SOURCE with the pages' bugs spliced in
//   splice embed ROOT OUT PAGE... LIST... the pages' text as a source, for the binary, and that of the lists
//                                         of automatic mutants
//
// SOURCE and PAGE are paths from ROOT, a LIST ends in .list. OUT is written only if it changes.
#include <fmt/format.h>

#include "faults/splice/splice.h"
#include "faults/splice/text_file.h"

namespace powercut::faults {
namespace {

Result<void> write_if_changed(const std::string& path, const std::string& text) {
  if (const auto old = contents(path); old.ok() && *old == text) return {};
  return write(path, text);
}

std::string embedded(const std::vector<Page>& pages, const std::vector<std::string>& lists) {
  std::string text =
      "#include \"faults/splice/page.h\"\n\nnamespace powercut::faults {\n\n"
      "namespace {\n\nconstexpr std::pair<std::string_view, std::string_view> kPages[] = {\n";
  for (const Page& page : pages)
    text += fmt::format("{{\"{}\", R\"page({})page\"}},\n", page.path, page.text);
  text +=
      "};\n\n}  // namespace\n\nstd::span<const std::pair<std::string_view, std::string_view>> "
      "embedded_pages() { return kPages; }\n\n"
      "std::span<const std::string_view> embedded_lists() {\n"
      "  static const std::string_view kLists[] = {\"\",\n";  // too long for a constant
  for (const std::string& list : lists) text += fmt::format("R\"page({})page\",\n", list);
  text += "};\n  return std::span(kLists).subspan(1);\n}\n\n}  // namespace powercut::faults\n";
  return text;
}

Result<void> run(const std::vector<std::string>& arguments) {
  const bool copy = !arguments.empty() && arguments[0] == "copy";
  const size_t first = copy ? 4 : 3;
  if (arguments.size() <= first || (!copy && arguments[0] != "embed"))
    return Error{Errc::kInvalid,
                 "usage: splice copy ROOT SOURCE OUT PAGE... | splice embed ROOT OUT PAGE..."};
  const std::string root = arguments[1] + '/';
  std::vector<Page> pages;
  std::vector<std::string> lists;
  for (size_t i = first; i < arguments.size(); ++i) {
    if (arguments[i].ends_with(".list")) {
      TRY_ASSIGN(std::string list, contents(arguments[i]));
      lists.push_back(std::move(list));
      continue;
    }
    TRY_ASSIGN(std::string text, contents(root + arguments[i]));
    TRY_ASSIGN(Page page, parse_page(arguments[i], std::move(text)));
    pages.push_back(std::move(page));
  }
  TRY(check_pages(pages));
  if (!copy) return write_if_changed(arguments[2], embedded(pages, lists));
  TRY_ASSIGN(const std::string source, contents(root + arguments[2]));
  TRY_ASSIGN(const std::string spliced, splice(arguments[2], source, pages));
  return write_if_changed(arguments[3], spliced);
}

}  // namespace
}  // namespace powercut::faults

int main(int argc, char** argv) {
  const auto outcome = powercut::faults::run({argv + 1, argv + argc});
  if (outcome.ok()) return 0;
  fmt::print(stderr, "{}\n", outcome.error().message);
  return 1;
}
