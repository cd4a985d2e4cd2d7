#include "scenarios/sqlite/sql_text.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "sim/request.h"

namespace powercut::scenarios {

namespace {

constexpr size_t kTransfers = 200;
constexpr size_t kAccounts = 12;

// Without comments, and in one line, but for what is quoted.
std::string plain(std::string_view text) {
  std::string out;
  const auto space = [&] {
    if (!out.empty() && out.back() != ' ') out += ' ';
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\'' || c == '"' || c == '`' || c == '[') {
      const size_t end = text.find(c == '[' ? ']' : c, i + 1);
      out += text.substr(i, end == text.npos ? end : end - i + 1);
      if (end == text.npos) break;
      i = end;
    } else if (text.substr(i).starts_with("--")) {
      i = std::min(text.find('\n', i), text.size());
      space();
    } else if (text.substr(i).starts_with("/*")) {
      const size_t end = text.find("*/", i + 2);
      i = end == text.npos ? text.size() : end + 1;
      space();
    } else if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
      space();
    } else {
      out += c;
    }
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == ';')) out.pop_back();
  return out;
}

std::string first_word(std::string_view statement) {
  std::string word;
  for (const char c : statement) {
    if (c < 'A' || (c > 'Z' && c < 'a') || c > 'z') break;
    word += static_cast<char>(c & ~0x20);
  }
  return word;
}

// The statement at text[at], with its semicolon; all that is left where there is none. As SQLite sees it.
std::string_view take_statement(std::string_view text, size_t& at) {
  const size_t begin = at;
  for (size_t end = text.find(';', at); end != text.npos; end = text.find(';', end + 1)) {
    const std::string tried(text.substr(begin, end + 1 - begin));
    if (sqlite3_complete(tried.c_str()) == 0) continue;
    at = end + 1;
    return text.substr(begin, at - begin);
  }
  at = text.size();
  return text.substr(begin);
}

class SqlFile {
 public:
  SqlFile(std::string_view text, std::string name) : text_(text) {
    workload_.name = std::move(name);
    workload_.about = "SQL";
  }

  Result<Workload> read() {
    while (at_ < text_.size()) {
      began_ = at_;
      TRY(add(plain(take_statement(text_, at_))));
    }
    if (in_transaction_) return wrong("the last transaction has no COMMIT");
    if (workload_.units.empty()) return wrong("no statements in it");
    return std::move(workload_);
  }

 private:
  Result<void> add(const std::string& statement) {
    const std::string word = first_word(statement);
    if (statement.empty()) return {};
    if (word == "BEGIN") {
      if (in_transaction_) return wrong("BEGIN inside a transaction");
      in_transaction_ = true;
    } else if (word == "COMMIT" || word == "END") {
      if (!in_transaction_) return wrong(word + " outside of a transaction");
      finish();
    } else if (word == "PRAGMA" || word == "ATTACH" || word == "DETACH" || word == "VACUUM" ||
               word == "ROLLBACK") {
      return wrong(word + " is not for a workload: it is no part of a transaction that is kept");
    } else {
      transaction_ += (transaction_.empty() ? "" : "; ") + statement;
      if (!in_transaction_) finish();
    }
    return {};
  }

  void finish() {
    in_transaction_ = false;
    if (!transaction_.empty()) workload_.units.push_back({0, {sql_request(transaction_)}});
    transaction_.clear();
  }

  Error wrong(std::string_view why) const {
    const size_t begin = std::min(text_.find_first_not_of(" \t\r\n", began_), text_.size());
    const auto line =
        1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(begin), '\n');
    return {Errc::kCorrupt, fmt::format("{} line {}: {}", workload_.name, line, why)};
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t began_ = 0;  // the statement under way
  Workload workload_;
  std::string transaction_;
  bool in_transaction_ = false;
};

}  // namespace

std::string sql_request(std::string_view statements) {
  return sim::encode_request({"SQL", std::string(statements)});
}

Result<Workload> parse_sql(std::string_view text, std::string name) {
  return SqlFile(text, std::move(name)).read();
}

Workload rows_workload() {
  Workload rows;
  rows.name = "rows";
  rows.about = "a table and three rows, short enough to be explored";
  for (const char* sql : {"CREATE TABLE t(v)", "INSERT INTO t VALUES('first')",
                          "INSERT INTO t VALUES('number 1')", "INSERT INTO t VALUES('number 2')"})
    rows.units.push_back({0, {sql_request(sql)}});
  return rows;
}

Workload ledger_workload() {
  Workload ledger;
  ledger.name = "ledger";
  ledger.about = "transfers between accounts: an index, rows of many pages, deletions";
  const auto add = [&](const std::string& sql) { ledger.units.push_back({0, {sql_request(sql)}}); };
  add("CREATE TABLE account(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL CHECK(cents >= 0))");
  add("CREATE TABLE entry(at INTEGER, debit INTEGER, credit INTEGER, cents INTEGER, note TEXT)");
  add("CREATE INDEX by_debit ON entry(debit, at)");
  for (size_t i = 1; i <= kAccounts; ++i)
    add(fmt::format("INSERT INTO account VALUES({}, {})", i, 10'000 * i));
  for (size_t i = 0; i < kTransfers; ++i) {
    const size_t from = 1 + i * 7 % kAccounts;
    const size_t to = 1 + (i * 5 + 3) % kAccounts;
    const size_t cents = 1 + i * 131 % 900;
    // Now and then a note that needs pages of its own, and an account that has not enough.
    const size_t note = i % 16 == 5 ? 9000 : i % 4 * 30;
    add(
        fmt::format("INSERT INTO entry VALUES({0}, {1}, {2}, {3}, '{4}'); "
                    "UPDATE account SET cents = cents - {3} WHERE id = {1}; "
                    "UPDATE account SET cents = cents + {3} WHERE id = {2}",
                    i, from, to, i % 37 == 20 ? 10'000'000 : cents, std::string(note, 'n')));
    if (i % 40 == 39) add(fmt::format("DELETE FROM entry WHERE at < {}", i - 30));
    if (i == 60) add("CREATE TABLE audit AS SELECT debit, sum(cents) FROM entry GROUP BY debit");
    if (i == 120) add("DROP TABLE audit");
  }
  return ledger;
}

}  // namespace powercut::scenarios
