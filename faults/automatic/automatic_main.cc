// The generator of the automatic mutants, run by the automatic build (scenarios/automatic.sh):
//
//   automatic ROOT SOURCE COPY LIST PAGE...
//
// COPY is SOURCE with every mutant that compiles spliced in, and with the bugs of the pages; LIST
// names them, a line each (faults/splice/change.h). SOURCE and PAGE are paths from ROOT.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "faults/automatic/syntax.h"
#include "faults/splice/splice.h"
#include "faults/splice/text_file.h"

namespace powercut::faults {
namespace {

// Takes what compiles.
class Generator {
 public:
  Generator(Syntax& syntax, const SourceText& source, std::vector<Edit> pages)
      : syntax_(syntax),
        source_(source),
        changes_(syntax.changes()),
        names_(names_of(source, changes_)),
        edits_(std::move(pages)) {
    std::vector<size_t> all(changes_.size());
    std::iota(all.begin(), all.end(), size_t{0});
    take(all);
  }

  std::string copy() const { return weave(source_, edits_); }
  // The first line says how many do not compile.
  std::string list() const {
    std::string text = fmt::format("{}\t{}\n", source_.path, changes_.size() - taken_.size());
    for (const size_t i : taken_) text += list_line(source_, changes_[i], names_[i]);
    return text;
  }

 private:
  // Most compile, and are tried together. One that the compiler points at is left out; where that is
  // not the one, each half is tried alone.
  void take(std::vector<size_t> some) {
    while (!some.empty()) {
      const std::string text = weave(source_, with(some));
      const auto mistake = syntax_.mistake(text);
      if (!mistake) {
        edits_ = with(some);
        taken_.insert(taken_.end(), some.begin(), some.end());
        return;
      }
      if (some.size() == 1) return;
      const auto culprit = std::find(some.begin(), some.end(), mutant_before(text, *mistake));
      if (culprit != some.end() && syntax_.mistake(weave(source_, with({*culprit})))) {
        some.erase(culprit);
        continue;
      }
      const auto middle = some.begin() + static_cast<std::ptrdiff_t>(some.size() / 2);
      take({some.begin(), middle});
      take({middle, some.end()});
      return;
    }
  }

  std::vector<Edit> with(const std::vector<size_t>& some) const {
    std::vector<Edit> edits = edits_;
    for (const size_t i : some) edits.push_back(edit_of(source_, changes_[i], names_[i]));
    return edits;
  }

  // Whose text `at` stands in, if it stands in one's.
  size_t mutant_before(const std::string& text, size_t at) const {
    constexpr std::string_view kAsks = "mutant(\"";
    const size_t asks = text.rfind(kAsks, at);
    if (asks == text.npos) return names_.size();
    const size_t begin = asks + kAsks.size();
    const std::string name = text.substr(begin, text.find('"', begin) - begin);
    return static_cast<size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
  }

  Syntax& syntax_;
  const SourceText& source_;
  const std::vector<Change> changes_;
  const std::vector<std::string> names_;
  std::vector<Edit> edits_;
  std::vector<size_t> taken_;
};

Result<void> run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 4)
    return Error{Errc::kInvalid, "usage: automatic ROOT SOURCE COPY LIST PAGE..."};
  const std::string root = arguments[0] + '/';
  TRY_ASSIGN(const std::string text, contents(root + arguments[1]));
  const SourceText source(arguments[1], text);
  std::vector<Edit> planted;
  for (size_t i = 4; i < arguments.size(); ++i) {
    TRY_ASSIGN(std::string page_text, contents(root + arguments[i]));
    TRY_ASSIGN(const Page page, parse_page(arguments[i], std::move(page_text)));
    TRY_ASSIGN(const std::vector<Edit> edits, edits_of(page, source));
    planted.insert(planted.end(), edits.begin(), edits.end());
  }
  TRY_ASSIGN(Syntax syntax, Syntax::of(arguments[0], arguments[1], text));
  const Generator generator(syntax, source, std::move(planted));
  TRY(write(arguments[2], generator.copy()));
  return write(arguments[3], generator.list());
}

}  // namespace
}  // namespace powercut::faults

int main(int argc, char** argv) {
  const auto outcome = powercut::faults::run({argv + 1, argv + argc});
  if (outcome.ok()) return 0;
  fmt::print(stderr, "{}\n", outcome.error().message);
  return 1;
}
