#include "engine/postgres/connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <map>

#include "engine/base/check.h"
#include "engine/command/number.h"
#include "engine/postgres/lookup.h"

namespace powercut::engine::postgres {

namespace {

constexpr int64_t kConnectSeconds = 10;  // where connect_timeout says nothing

// What is not said otherwise: a peer that is gone is noticed, and nothing waits for Kerberos.
constexpr std::pair<const char*, const char*> kDefaults[] = {
    {"application_name", "powercut"}, {"client_encoding", "UTF8"},  {"gssencmode", "disable"},
    {"keepalives_idle", "10"},        {"keepalives_interval", "5"}, {"keepalives_count", "4"},
    {"tcp_user_timeout", "30000"}};

using Words = std::map<std::string, std::string>;

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text)
    if (const bool blank = c == '\n' || c == '\t' || c == ' '; !blank)
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

Words words_of(const Options& options) {
  Words words;
  for (const PQconninfoOption* at = options.get(); at != nullptr && at->keyword != nullptr; ++at)
    if (at->val != nullptr && *at->val != '\0') words[at->keyword] = at->val;
  return words;
}

// What libpq says of it may have a part of a password in it.
Result<Words> parse(const std::string& url) {
  char* why = nullptr;
  const Options options(PQconninfoParse(url.c_str(), &why));
  const std::unique_ptr<char, decltype(&PQfreemem)> text(why, &PQfreemem);
  if (options == nullptr) {
    const bool secret = url.find('@') != url.npos || url.find("pass") != url.npos;
    return Error{Errc::kInvalid, "it is neither a postgresql:// URL nor words as libpq takes them" +
                                     (secret || why == nullptr ? "" : ": " + one_line(why))};
  }
  Words words = words_of(options);
  if (words.contains("service"))
    return Error{Errc::kInvalid, "service files are not read: say what stands in it"};
  return words;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> all;
  for (size_t begin = 0;;) {
    const size_t comma = std::min(list.find(',', begin), list.size());
    all.push_back(list.substr(begin, comma - begin));
    if (comma == list.size()) return all;
    begin = comma + 1;
  }
}

bool is_address(const std::string& host) {
  in6_addr to;
  return host.empty() || host[0] == '/' || host[0] == '@' ||
         inet_pton(AF_INET, host.c_str(), &to) == 1 || inet_pton(AF_INET6, host.c_str(), &to) == 1;
}

// Each server to try by itself: libpq would look names up while everything stands still, and waits for ever for one that is
// silent before it tries the next.
Result<std::vector<Words>> places_of(Os& os, Words words, Instant deadline) {
  const Words defaults = words_of(Options(PQconndefaults()));  // PGHOST, PGPORT
  for (const char* word : {"host", "hostaddr", "port"})
    if (const auto known = defaults.find(word); known != defaults.end()) words.insert(*known);
  const auto hosts = split(words["host"]);
  const auto ports = split(words["port"]);
  if (!words["hostaddr"].empty()) return std::vector<Words>{words};
  if (ports.size() != 1 && ports.size() != hosts.size())
    return Error{Errc::kInvalid, fmt::format("{} ports for {} hosts", ports.size(), hosts.size())};
  std::vector<Words> places;
  std::optional<Error> why;
  for (size_t i = 0; i < hosts.size(); ++i) {
    Words place = words;
    place["host"] = hosts[i];
    place["port"] = ports[ports.size() == 1 ? 0 : i];
    if (is_address(hosts[i])) {
      places.push_back(std::move(place));
      continue;
    }
    const auto found = addresses_of(os, hosts[i], deadline);
    if (!found.ok()) why = found.error();
    for (size_t at = 0; found.ok() && at < found->size(); ++at) {
      place["hostaddr"] = (*found)[at];
      places.push_back(place);
    }
  }
  if (places.empty() && why) return *why;
  return places;
}

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};

Outcome::Answer answer_of(const PGresult* result) {
  Outcome::Answer answer{PQcmdStatus(const_cast<PGresult*>(result))};
  for (int row = 0; row < PQntuples(result); ++row) {
    auto& columns = answer.rows.emplace_back();
    for (int i = 0; i < PQnfields(result); ++i)
      columns.emplace_back(PQgetvalue(result, row, i),
                           static_cast<size_t>(PQgetlength(result, row, i)));
  }
  return answer;
}

// The first failure; the others follow from it.
void note_failure(Outcome& outcome, size_t statement, const PGresult* result) {
  if (outcome.failed) return;
  outcome.failed = statement;
  if (const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE)) outcome.state = state;
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  outcome.message = one_line(message != nullptr ? message : PQresultErrorMessage(result));
}

}  // namespace

Statement& Statement::with_int4(int32_t number) {
  values.push_back({kInt4, {}});
  put_number(values.back().bytes, static_cast<uint32_t>(number), 4);
  return *this;
}
Statement& Statement::with_int8(int64_t number) {
  values.push_back({kInt8, {}});
  put_number(values.back().bytes, static_cast<uint64_t>(number), 8);
  return *this;
}
Statement& Statement::with_bytes(std::string_view bytes) {
  values.push_back({kBytea, std::string(bytes)});
  return *this;
}
Statement& Statement::with_text(std::string_view text) {
  values.push_back({kText, std::string(text)});
  return *this;
}

Result<void> check_url(const std::string& url) {
  TRY(parse(url));
  return {};
}

// --- Opening ---

Connection::Connection(PosixOs& os, Duration slow, std::function<void()> on_slow)
    : os_(os), slow_(slow), on_slow_(std::move(on_slow)) {}
Connection::~Connection() = default;

void Connection::Finish::operator()(pg_conn* connection) const { PQfinish(connection); }
void Connection::close() { connection_.reset(); }
int Connection::server_version() const { return PQserverVersion(connection_.get()); }

Result<void> Connection::open(const std::string& url) {
  CHECK(connection_ == nullptr);
  TRY_ASSIGN(Words words, parse(url));
  words.insert(std::begin(kDefaults), std::end(kDefaults));
  const int64_t given = parse_integer(words["connect_timeout"]).value_or(0);
  const Duration limit =
      seconds(std::clamp<int64_t>(given <= 0 ? kConnectSeconds : given, 2, 3600));
  TRY_ASSIGN(const auto places, places_of(os_, std::move(words), os_.now() + limit));
  Result<void> opened = Error{Errc::kInvalid, "no host"};
  for (size_t i = 0; i < places.size() && !opened.ok(); ++i) opened = open_at(places[i], limit);
  return opened;
}

Result<void> Connection::open_at(const Words& words, Duration limit) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : words) {
    if (value.empty()) continue;
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
  if (connection_ == nullptr) return Error{Errc::kIo, "out of memory"};
  PQsetNoticeReceiver(
      connection_.get(), [](void*, const PGresult*) {}, nullptr);
  auto opened = poll(os_.now() + limit);
  if (opened.ok() &&
      (PQsetnonblocking(connection_.get(), 1) != 0 || PQenterPipelineMode(connection_.get()) != 1))
    opened = broken();
  if (!opened.ok()) close();
  return opened;
}

Result<void> Connection::poll(Instant deadline) {
  if (PQstatus(connection_.get()) == CONNECTION_BAD) return broken();
  for (PostgresPollingStatusType state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
       state = PQconnectPoll(connection_.get())) {
    const int fd = PQsocket(connection_.get());
    if (state == PGRES_POLLING_FAILED || fd < 0) return broken();
    const bool ready = state == PGRES_POLLING_READING ? os_.wait_readable(fd, deadline)
                                                      : os_.wait_writable(fd, deadline);
    if (!ready) return Error{Errc::kTimeout, "it does not answer"};
  }
  return {};
}

Error Connection::broken() {
  Error error{Errc::kIo, one_line(PQerrorMessage(connection_.get()))};
  if (error.message.empty()) error.message = "the connection broke";
  if (error.message.find("FATAL:") != error.message.npos ||
      error.message.find("no password supplied") != error.message.npos)
    error.code = Errc::kRefused;
  return error;
}

// --- Running ---

Result<Outcome> Connection::run(std::span<const Statement> statements) {
  CHECK(connection_ != nullptr);
  Outcome outcome;
  const auto all = [&]() -> Result<void> {
    TRY(send(statements));
    for (size_t statement = 0; statement <= statements.size();) {
      TRY(wait_for_answer());
      const std::unique_ptr<PGresult, Clear> result(PQgetResult(connection_.get()));
      if (result == nullptr) {
        if (PQstatus(connection_.get()) == CONNECTION_BAD) return broken();
        ++statement;  // between two statements; the last one is the sync
        continue;
      }
      const ExecStatusType status = PQresultStatus(result.get());
      if (status == PGRES_PIPELINE_SYNC) return {};
      if (status == PGRES_FATAL_ERROR) note_failure(outcome, statement, result.get());
      if (PQstatus(connection_.get()) == CONNECTION_BAD) {
        const Error why = broken();
        return outcome.failed && !outcome.message.empty() ? Error{why.code, outcome.message} : why;
      }
      if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        outcome.answers.push_back(answer_of(result.get()));
    }
    return Error{Errc::kIo, "it answers what nobody asked"};
  };
  const auto ran = all();
  if (ran.ok()) return outcome;
  close();
  return ran.error();
}

Result<void> Connection::send(std::span<const Statement> statements) {
  for (const Statement& one : statements) {
    std::vector<Oid> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const auto& value : one.values) {
      types.push_back(value.type);
      values.push_back(value.bytes.data());
      lengths.push_back(static_cast<int>(value.bytes.size()));
    }
    const std::vector<int> binary(values.size(), 1);
    if (PQsendQueryParams(connection_.get(), one.sql.c_str(), static_cast<int>(values.size()),
                          types.data(), values.data(), lengths.data(), binary.data(), 0) != 1)
      return broken();
  }
  if (PQpipelineSync(connection_.get()) != 1) return broken();
  return flush();
}

// The answers are short: a server does not stop to read because nobody takes them.
Result<void> Connection::flush() {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left < 0) return broken();
    if (left == 0) return {};
    if (os_.wait_writable(PQsocket(connection_.get()), os_.now() + slow_)) continue;
    on_slow_();
    os_.wait_writable(PQsocket(connection_.get()));
  }
}

Result<void> Connection::wait_for_answer() {
  for (bool said = false; PQisBusy(connection_.get()) != 0;) {
    const int fd = PQsocket(connection_.get());
    if (fd < 0) return broken();
    if (!os_.wait_readable(fd, said ? kForever : os_.now() + slow_)) {
      on_slow_();
      said = true;
      continue;
    }
    if (PQconsumeInput(connection_.get()) != 1) return broken();
  }
  return {};
}

}  // namespace powercut::engine::postgres
