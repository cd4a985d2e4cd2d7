#include "scenarios/campaign/ci.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/run/catalog.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kAnnotationsMost = 10;  // GitHub shows no more of one step

std::string promise_text(std::string_view oracle) {
  return fmt::format("{} ({})", sentence_of(breach_of(oracle).value()), oracle);
}

bool fails(const CiCase& one) { return one.violations > 0 && !one.known; }

// Whatever a file is called, a report is text.
std::string in_utf8(const std::string& text) {
  return nlohmann::json::parse(json_text(nlohmann::json(text), -1)).get<std::string>();
}

// XML 1.0 has no words for most control characters.
std::string in_xml(const std::string& text) {
  std::string xml;
  for (const char c : in_utf8(text)) {
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      case '"':
        xml += "&quot;";
        break;
      case '\n':
        xml += "&#10;";
        break;
      default:
        xml += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return xml;
}

std::string case_xml(const CiCase& one, const std::string& suite) {
  std::string xml =
      fmt::format("    <testcase classname=\"{}\" name=\"{}\"", in_xml(suite), in_xml(one.persona));
  std::string inside;
  for (const CiFailure& failure : one.failures) {
    if (failure.known) continue;
    inside += fmt::format("      <failure message=\"{}\" type=\"powercut\">{}&#10;{}</failure>\n",
                          in_xml(failure.promise), in_xml(failure.text), in_xml(failure.replay));
  }
  if (inside.empty() && fails(one))
    inside = fmt::format("      <failure message=\"{} violations\" type=\"powercut\"/>\n",
                         one.violations);
  const std::string skipped = !one.not_judged.empty() ? one.not_judged
                              : one.violations > 0    ? "known failures alone"
                                                      : "";
  if (inside.empty() && !skipped.empty())
    inside = fmt::format("      <skipped message=\"{}\"/>\n", in_xml(skipped));
  return xml + (inside.empty() ? "/>\n" : ">\n" + inside + "    </testcase>\n");
}

// As GitHub's workflow commands want their values.
std::string in_command(const std::string& text, bool property) {
  std::string escaped;
  for (const char c : in_utf8(text)) {
    const bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
    if (special)
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    else
      escaped += c;
  }
  return escaped;
}

// In a cell of a table of Markdown.
std::string in_cell(const std::string& text) {
  std::string cell;
  for (const char c : in_utf8(text)) {
    if (c == '|') cell += '\\';
    cell += c == '\n' ? ' ' : c;
  }
  return cell;
}

}  // namespace

CiReport ci_report(const Outcome& outcome, const Triage* triage, const std::string& program) {
  CiReport report;
  report.title = fmt::format("powercut: {} runs, {} violations", grouped(outcome.tally.runs),
                             grouped(outcome.tally.violations));
  for (const auto& [key, cell] : outcome.tally.cells) {
    CiCase one{key.first, key.second, cell.violations, triage != nullptr, {}, {}};
    for (const auto& [kind, some] : outcome.tally.kinds) {
      if (kind.second != persona_class(one.persona)) continue;
      one.known = one.known && triage->known_kinds.count(kind) != 0;
      for (const auto& [seed, found] : some.found) {
        if (found.policy != one.policy || found.persona != one.persona) continue;
        one.failures.push_back({promise_text(code_of(found.breach)), found.text,
                                replay_command(program, found.id),
                                triage != nullptr && triage->knows(found)});
      }
    }
    report.cases.push_back(std::move(one));
  }
  return report;
}

CiReport ci_report(const ExploreOutcome& outcome, const std::string& command) {
  CiReport report;
  report.title = fmt::format("powercut: {} classes at {} crash points, {} violations",
                             grouped(outcome.classes()), grouped(outcome.points()),
                             grouped(outcome.violations()));
  for (const Certificate& certificate : outcome.certificates) {
    CiCase one{certificate.policy, certificate.persona, certificate.violations, false, {}, {}};
    for (const FoundHere& found : certificate.found)
      one.failures.push_back({promise_text(found.oracle), found.text, command, false});
    if (!certificate.complete) one.not_judged = "not all: " + certificate.because;
    report.cases.push_back(std::move(one));
  }
  return report;
}

std::string junit_text(const CiReport& report) {
  std::vector<std::string> suites;
  for (const CiCase& one : report.cases)
    if (std::find(suites.begin(), suites.end(), one.policy) == suites.end())
      suites.push_back(one.policy);
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  xml += fmt::format("<testsuites name=\"{}\">\n", in_xml(report.title));
  for (const std::string& suite : suites) {
    std::string cases;
    size_t tests = 0;
    size_t failed = 0;
    size_t skipped = 0;
    for (const CiCase& one : report.cases) {
      if (one.policy != suite) continue;
      const std::string text = case_xml(one, suite);
      ++tests;
      failed += fails(one) ? 1 : 0;
      skipped += text.find("<skipped ") != text.npos ? 1 : 0;
      cases += text;
    }
    xml += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n{}"
        "  </testsuite>\n",
        in_xml(suite), tests, failed, skipped, cases);
  }
  return xml + "</testsuites>\n";
}

std::string github_annotations(const CiReport& report) {
  std::vector<std::string> lines;
  for (const CiCase& one : report.cases) {
    if (!fails(one)) continue;
    const auto unknown = std::find_if(one.failures.begin(), one.failures.end(),
                                      [](const CiFailure& f) { return !f.known; });
    const std::string title = fmt::format("{} on {}", one.policy, one.persona);
    const std::string text =
        unknown == one.failures.end()
            ? fmt::format("{} violations", one.violations)
            : fmt::format("{}: {}\n{}", unknown->promise, unknown->text, unknown->replay);
    lines.push_back(
        fmt::format("::error title={}::{}\n", in_command(title, true), in_command(text, false)));
  }
  if (lines.size() > kAnnotationsMost) {
    const size_t more = lines.size() - (kAnnotationsMost - 1);
    lines.resize(kAnnotationsMost - 1);
    lines.push_back(fmt::format(
        "::error title=and {} more::see the summary of the job for all that broke\n", more));
  }
  return fmt::format("{}", fmt::join(lines, ""));
}

std::string github_summary(const CiReport& report) {
  std::string text = fmt::format("### {}\n\n| policy | persona | verdict |\n|---|---|---|\n",
                                 in_cell(report.title));
  std::string below;
  for (const CiCase& one : report.cases) {
    const bool failed = fails(one);
    const std::string verdict = failed               ? fmt::format("BROKEN ({})", one.violations)
                                : one.violations > 0 ? "known failures"
                                : !one.not_judged.empty() ? in_cell(one.not_judged)
                                                          : "held";
    text += fmt::format("| {} | {} | {} |\n", one.policy, in_cell(one.persona), verdict);
    for (const CiFailure& failure : one.failures) {
      if (failure.known) continue;
      below +=
          fmt::format("\n**{} on {}**: {}: {}\n\n    {}\n", one.policy, in_cell(one.persona),
                      in_cell(failure.promise), in_cell(failure.text), in_cell(failure.replay));
    }
  }
  return text + below;
}

Result<void> append_file(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::app);
  out << text;
  out.close();
  if (out) return {};
  return Error{Errc::kIo, fmt::format("{}: cannot be written: {}", path, std::strerror(errno))};
}

}  // namespace powercut::scenarios
