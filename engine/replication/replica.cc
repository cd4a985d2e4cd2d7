#include "engine/replication/replica.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/base/words.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/command/number.h"
#include "engine/command/request_parser.h"

namespace powercut::engine {

namespace {

constexpr Duration kRetry = seconds(1);
constexpr Duration kAckPeriod = seconds(1);
constexpr Duration kConnectPatience = seconds(5);
// How long a wait goes on before it is looked whether the master is another one now.
constexpr Duration kSlice = milliseconds(200);
// ... while the master is owed word of a sync.
constexpr Duration kOwingSlice = milliseconds(2);
constexpr Duration kTroubleStep = milliseconds(10);
constexpr size_t kReceiveBytes = 64 << 10;
constexpr size_t kLongestLine = 4096;

// Of the link to the master: no rules of users bind it.
const User& anybody() {
  static const User user = [] {
    User made;
    made.name = "master";
    made.on = made.no_password = made.unrestricted = true;
    return made;
  }();
  return user;
}

std::vector<std::string> words_in(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

Error no_longer() { return {Errc::kRefused, "it is followed no more"}; }

}  // namespace

// --- One link, from its beginning to its end ---

class Replica::Attempt {
 public:
  Attempt(Replica& replica, uint64_t generation)
      : replica_(replica),
        os_(replica.os_),
        generation_(generation),
        buffer_(std::make_unique_for_overwrite<char[]>(kReceiveBytes)) {}

  // Returns when the link has ended, and why.
  Error run() {
    if (const auto begun = begin(); !begun.ok()) return begun.error();
    if (!current()) return no_longer();  // while the log began anew with what was taken over
    const auto followed = follow();
    return followed.ok() ? no_longer() : followed.error();
  }

 private:
  bool current() const { return replica_.current(generation_); }
  Duration patience() const { return seconds(replica_.options_.timeout_s); }

  // --- Bytes and lines ---
  Result<void> more();
  Result<std::string> line();
  Result<void> say(std::initializer_list<std::string_view> words);
  Result<std::string> ask(std::initializer_list<std::string_view> words);

  // --- How it begins ---
  Result<void> begin();
  Result<void> introduce();
  Result<void> go_on(const std::string& answer);
  Result<void> take_all(const std::string& answer);
  Result<void> receive_checkpoint(File& file, uint64_t& size);
  Result<void> receive_counted(File& file, uint64_t size);
  Result<void> receive_marked(File& file, std::string_view mark, uint64_t& size);
  Result<void> take_over(File& file, uint64_t size, std::string_view id, uint64_t offset);

  // --- The stream ---
  Result<void> follow();
  Result<void> apply_received(Client& client, RequestParser& parser);
  Result<void> apply(Client& client, std::span<const std::string_view> args);
  Result<void> wait_for_turn(size_t bytes);
  bool owes();
  Result<void> acknowledge();
  uint64_t applied_lsn() const { return replica_.executor_.log().applied_lsn(); }

  Replica& replica_;
  Os& os_;
  const uint64_t generation_;
  std::unique_ptr<Link> link_;
  const std::unique_ptr<char[]> buffer_;
  std::string in_;    // received, and not yet looked at
  std::string unit_;  // looked at, and not yet passed on: it ends behind what the parser has
  std::string out_;   // an acknowledgement, as far as it was not taken yet
  Instant acknowledged_at_;
  bool asked_ = false;        // GETACK
  uint64_t owed_ = 0;         // the offset that there was then
  uint64_t told_synced_ = 0;  // the last one that it said to be synced
  bool broken_ = false;
};

// Waits until something came.
Result<void> Replica::Attempt::more() {
  for (;;) {
    if (!current()) return no_longer();
    const auto count = link_->receive(buffer_.get(), kReceiveBytes, os_.now() + kSlice);
    if (!current()) return no_longer();
    if (count.ok()) {
      if (*count == 0) return Error{Errc::kIo, "the master has closed the link"};
      in_.append(buffer_.get(), *count);
      replica_.heard_at_ = os_.now();
      return {};
    }
    if (count.error().code != Errc::kTimeout) return count.error();
    if (os_.now() - replica_.heard_at_ > patience())
      return Error{Errc::kTimeout, "the master has said nothing for longer than repl-timeout"};
  }
}

// The next line that says something, without its end.
Result<std::string> Replica::Attempt::line() {
  for (;;) {
    const size_t end = in_.find('\n');
    if (end == std::string::npos) {
      if (in_.size() > kLongestLine)
        return Error{Errc::kUnsupported, "what answers there does not speak as a master does"};
      TRY(more());
      continue;
    }
    std::string text = in_.substr(0, end);
    in_.erase(0, end + 1);
    if (text.ends_with('\r')) text.pop_back();
    if (!text.empty()) return text;
  }
}

Result<void> Replica::Attempt::say(std::initializer_list<std::string_view> words) {
  std::string bytes;
  append_command(bytes, words);
  while (!bytes.empty()) {
    TRY_ASSIGN(const size_t taken, link_->send(bytes, os_.now() + patience()));
    bytes.erase(0, taken);
  }
  return {};
}

Result<std::string> Replica::Attempt::ask(std::initializer_list<std::string_view> words) {
  TRY(say(words));
  return line();
}

// --- How it begins ---

Result<void> Replica::Attempt::begin() {
  replica_.enter(State::kConnecting);
  replica_.heard_at_ = os_.now();
  const Instant deadline = os_.now() + std::min(kConnectPatience, patience());
  TRY_ASSIGN(link_, replica_.net_->connect(replica_.link_.host, replica_.link_.port, deadline));
  if (!current()) return no_longer();
  replica_.heard_at_ = os_.now();
  TRY(introduce());
  const Master& master = replica_.master_;
  const bool known = replica_.known_ && master.active();
  const std::string id = known ? master.id() : "?";
  const std::string offset = known ? std::to_string(master.offset() + 1) : "-1";
  TRY_ASSIGN(const std::string answer, replica_.hands_over_ ? ask({"PSYNC", id, offset, "FAILOVER"})
                                                            : ask({"PSYNC", id, offset}));
  if (answer.starts_with('+')) replica_.hands_over_ = false;
  if (answer.starts_with("+FULLRESYNC ")) return take_all(answer);
  if (answer.starts_with("+CONTINUE")) return go_on(answer);
  return Error{Errc::kRefused, fmt::format("the master answers PSYNC with '{}'", answer)};
}

Result<void> Replica::Attempt::introduce() {
  const ReplicaOptions& options = replica_.options_;
  TRY_ASSIGN(std::string answer, ask({"PING"}));
  const bool wants_password = answer.starts_with("-NOAUTH") || answer.starts_with("-NOPERM");
  if (!answer.starts_with('+') && !wants_password)
    return Error{Errc::kRefused, fmt::format("the master answers PING with '{}'", answer)};
  if (!options.password.empty()) {
    if (options.user.empty()) {
      TRY_ASSIGN(answer, ask({"AUTH", options.password}));
    } else {
      TRY_ASSIGN(answer, ask({"AUTH", options.user, options.password}));
    }
    if (!answer.starts_with('+'))
      return Error{Errc::kRefused,
                   fmt::format("the master refuses masterauth: '{}'", answer.substr(1))};
  } else if (wants_password) {
    return Error{Errc::kRefused, "the master wants a password: CONFIG SET masterauth"};
  }
  // Masters that do not know one of these answer with an error, and do without.
  TRY_ASSIGN(answer, ask({"REPLCONF", "listening-port", std::to_string(options.announced_port)}));
  if (!options.announced_host.empty()) {
    TRY_ASSIGN(answer, ask({"REPLCONF", "ip-address", options.announced_host}));
  }
  TRY_ASSIGN(answer, ask({"REPLCONF", "capa", "eof", "capa", "psync2"}));
  return {};
}

// It is sent what came behind its offset; perhaps under another identity.
Result<void> Replica::Attempt::go_on(const std::string& answer) {
  if (!replica_.known_)
    return Error{Errc::kUnsupported, "the master goes on where nothing was asked for"};
  const auto words = words_in(answer);
  if (words.size() > 1) replica_.master_.rename(words[1]);
  if (replica_.synced_.empty()) replica_.synced_.begin(replica_.master_.offset(), applied_lsn());
  ++replica_.stats_.partial;
  replica_.store_.log_line(fmt::format("the master at {}:{} goes on behind offset {}",
                                       replica_.link_.host, replica_.link_.port,
                                       replica_.master_.offset()));
  return {};
}

Result<void> Replica::Attempt::take_all(const std::string& answer) {
  const auto words = words_in(answer);
  const auto offset = words.size() == 3 ? parse_integer(words[2]) : std::nullopt;
  if (!offset || *offset < 0 || words[1].size() != kIdDigits)
    return Error{Errc::kUnsupported, fmt::format("the master answers PSYNC with '{}'", answer)};
  replica_.enter(State::kSync);
  replica_.stats_.sync_bytes = 0;
  replica_.stats_.sync_total.reset();
  const std::string path(kSyncFile);
  TRY_ASSIGN(auto file, create_fresh(os_, path));
  uint64_t size = 0;
  auto outcome = receive_checkpoint(*file, size);
  if (outcome.ok()) outcome = take_over(*file, size, words[1], static_cast<uint64_t>(*offset));
  file.reset();
  (void)os_.remove(path);
  return outcome;
}

Result<void> Replica::Attempt::receive_checkpoint(File& file, uint64_t& size) {
  TRY_ASSIGN(const std::string head, line());
  constexpr std::string_view kMarked = "$EOF:";
  if (head.starts_with(kMarked) && head.size() == kMarked.size() + kIdDigits)
    return receive_marked(file, head.substr(kMarked.size()), size);
  const auto length = head.starts_with('$') ? parse_integer(head.substr(1)) : std::nullopt;
  if (!length || *length <= 0)
    return Error{Errc::kRefused, fmt::format("the master sends no checkpoint: '{}'", head)};
  size = static_cast<uint64_t>(*length);
  replica_.stats_.sync_total = size;
  return receive_counted(file, size);
}

Result<void> Replica::Attempt::receive_counted(File& file, uint64_t size) {
  for (uint64_t done = 0;;) {
    const size_t count = std::min<uint64_t>(in_.size(), size - done);
    TRY(write_whole(file, done, std::string_view(in_).substr(0, count)));
    in_.erase(0, count);
    done += count;
    replica_.stats_.sync_bytes = done;
    if (done == size) return {};
    TRY(more());
  }
}

// Its end is told by `mark`, behind which nothing comes before this side has spoken.
Result<void> Replica::Attempt::receive_marked(File& file, std::string_view mark, uint64_t& size) {
  for (uint64_t done = 0;;) {
    const bool ends = std::string_view(in_).ends_with(mark);
    const size_t count = in_.size() - std::min(in_.size(), mark.size());
    TRY(write_whole(file, done, std::string_view(in_).substr(0, count)));
    in_.erase(0, count);
    done += count;
    replica_.stats_.sync_bytes = done;
    if (ends) {
      in_.clear();
      size = done;
      return {};
    }
    TRY(more());
  }
}

Result<void> Replica::Attempt::take_over(File& file, uint64_t size, std::string_view id,
                                         uint64_t offset) {
  TRY_ASSIGN(const uint64_t found, file.size());
  if (found != size)
    return Error{Errc::kCorrupt, fmt::format("{} has {} bytes of {}", kSyncFile, found, size)};
  const auto fresh = replica_.store_.make_keyspace();
  fresh->set_now(os_.wall_now());
  fresh->set_loading(true);
  TRY_ASSIGN(const RdbInfo info, load_rdb(file, "the master's checkpoint", *fresh));
  fresh->set_loading(false);
  const std::string* said = info.find_aux(kRdbAuxStreamDb);
  const auto db = said == nullptr ? std::nullopt : parse_integer(*said);
  if (db && (*db < 0 || *db >= fresh->databases()))
    return Error{Errc::kCorrupt, fmt::format("the master's stream is in database {}", *db)};
  if (!current()) return no_longer();
  bool replaced = false;
  const auto generation =
      replica_.store_.replace([this] { return !current() || replica_.executor_.may_follow(); },
                              [&] {
                                if (!current()) return;
                                replica_.executor_.take_over(*fresh, replica_.store_.count);
                                replica_.master_.begin_at(id, offset);
                                replica_.synced_.begin(offset, applied_lsn());
                                replica_.db_ = static_cast<int>(db.value_or(0));
                                replica_.known_ = replaced = true;
                              });
  if (!replaced) return generation.ok() ? Result<void>(no_longer()) : generation;
  ++replica_.stats_.full;
  replica_.store_.log_line(
      fmt::format("the data set of the master at {}:{} is there: {} keys, offset {}",
                  replica_.link_.host, replica_.link_.port, info.keys, offset));
  // Then the log is healed, and nothing is applied before that.
  if (!generation.ok()) replica_.store_.log_line(generation.error().message);
  return {};
}

// --- The stream ---

Result<void> Replica::Attempt::follow() {
  Client client(replica_.executor_.clients());
  client.is_master = client.mute = client.authenticated = true;
  client.user = &anybody();
  client.address = fmt::format("{}:{}", replica_.link_.host, replica_.link_.port);
  client.db = replica_.db_;
  client.hang_up = [this] { broken_ = true; };
  RequestParser parser;
  replica_.enter(State::kConnected);
  asked_ = true;
  for (;;) {
    TRY(apply_received(client, parser));
    if (broken_) return Error{Errc::kIo, "the link was closed here"};
    if (asked_ || owes() || os_.now() - acknowledged_at_ >= kAckPeriod) TRY(acknowledge());
    const Duration slice = owed_ > told_synced_ ? kOwingSlice : kSlice;
    const auto count = link_->receive(buffer_.get(), kReceiveBytes, os_.now() + slice);
    if (!current()) return no_longer();
    if (!count.ok() && count.error().code != Errc::kTimeout) return count.error();
    if (!count.ok() && os_.now() - replica_.heard_at_ > patience())
      return Error{Errc::kTimeout, "the master has said nothing for longer than repl-timeout"};
    if (!count.ok()) continue;
    if (*count == 0) return Error{Errc::kIo, "the master has closed the link"};
    in_.append(buffer_.get(), *count);
    replica_.heard_at_ = client.active_at = os_.now();
  }
}

Result<void> Replica::Attempt::apply_received(Client& client, RequestParser& parser) {
  parser.feed(in_);
  unit_ += in_;
  in_.clear();
  size_t passed_on = 0;
  for (;;) {
    const auto outcome = parser.next();
    // Up to here it is applied, but for a transaction that is queued; nothing has run since it was.
    const size_t end = unit_.size() - parser.buffered();
    if (!client.in_multi && end > passed_on) {
      replica_.master_.relay(std::string_view(unit_).substr(passed_on, end - passed_on),
                             applied_lsn());
      replica_.synced_.note(replica_.master_.offset(), applied_lsn());
      replica_.db_ = client.db;
      passed_on = end;
    }
    if (outcome == RequestParser::Outcome::kNeedMore) break;
    if (outcome == RequestParser::Outcome::kProtocolError) {
      replica_.known_ = false;
      return Error{Errc::kCorrupt, "the master's stream: " + parser.error()};
    }
    if (!parser.args().empty()) TRY(apply(client, parser.args()));
  }
  unit_.erase(0, passed_on);
  return {};
}

Result<void> Replica::Attempt::apply(Client& client, std::span<const std::string_view> args) {
  if (equals_ignoring_case(args[0], "REPLCONF")) {
    asked_ |= args.size() > 1 && equals_ignoring_case(args[1], "GETACK");
    return {};
  }
  size_t bytes = 0;
  for (const std::string_view arg : args) bytes += arg.size() + 16;
  TRY(wait_for_turn(bytes));
  const auto done = replica_.executor_.follow(client, args);
  // What it could do in part is not what the master has: all is to be had anew.
  if (!done.ok()) replica_.known_ = false;
  return done;
}

Result<void> Replica::Attempt::wait_for_turn(size_t bytes) {
  OperationLog& log = replica_.executor_.log();
  for (;;) {
    if (!current()) return no_longer();
    if (!log.has_space(bytes) || !replica_.store_.trouble().empty()) {
      os_.park(os_.now() + kTroubleStep);
    } else if (!replica_.executor_.may_follow()) {
      os_.park(os_.now() + milliseconds(1));
    } else if (!log.make_room()) {
      return {};
    }
  }
}

// It was asked for what was not synced then, and is more so now.
bool Replica::Attempt::owes() {
  return owed_ > told_synced_ && replica_.synced_offset().value_or(0) > told_synced_;
}

Result<void> Replica::Attempt::acknowledge() {
  if (out_.empty()) {
    const uint64_t offset = replica_.master_.offset();
    const auto synced = replica_.synced_offset();
    if (asked_) owed_ = synced ? offset : 0;
    told_synced_ = synced.value_or(0);
    if (synced) {
      append_command(
          out_, std::initializer_list<std::string_view>{"REPLCONF", "ACK", std::to_string(offset),
                                                        "FACK", std::to_string(told_synced_)});
    } else {
      append_command(
          out_, std::initializer_list<std::string_view>{"REPLCONF", "ACK", std::to_string(offset)});
    }
    acknowledged_at_ = os_.now();
    asked_ = false;
  }
  while (!out_.empty()) {
    const auto taken = link_->send(out_, os_.now());
    if (!taken.ok() && taken.error().code != Errc::kTimeout) return taken.error();
    if (!taken.ok()) break;
    out_.erase(0, *taken);
  }
  return {};
}

// --- The replica ---

Replica::Replica(Os& os, Executor& executor, Master& master, Store store)
    : os_(os),
      executor_(executor),
      master_(master),
      store_(std::move(store)),
      heard_at_(os.now()),
      wake_(os) {}

void Replica::follow(const std::string& host, int port) {
  CHECK(net_ != nullptr && !host.empty());
  // A master knows its own offset; so does who has followed another until now.
  if (!follows()) {
    known_ = master_.active();
    db_ = 0;
    synced_.clear();
  }
  ++generation_;
  link_.host = host;
  link_.port = port;
  said_.clear();
  enter(State::kConnect);
  executor_.end_all_waits();
  wake_.notify_all();
  if (std::exchange(runs_, true)) return;
  os_.spawn("replica", [this] { run(); });
}

void Replica::hand_over(const std::string& host, int port) {
  hands_over_ = true;
  follow(host, port);
}

void Replica::promote() {
  if (!follows()) return;
  hands_over_ = false;
  ++generation_;
  link_.host.clear();
  master_.promote(known_);
  known_ = false;
  enter(State::kConnect);
  wake_.notify_all();
}

void Replica::stop() {
  stopped_ = true;
  wake_.notify_all();
}

void Replica::run() {
  while (!stopped_ && follows()) {
    const uint64_t generation = generation_;
    const Error error = Attempt(*this, generation).run();
    if (!current(generation)) continue;
    enter(State::kConnect);
    fail(error);
    wake_.wait(os_.now() + kRetry);
  }
  runs_ = false;
}

void Replica::enter(State state) {
  if (state_ == State::kConnected && state != state_) down_since_ = os_.now();
  if (state == State::kConnected) said_.clear();
  state_ = state;
  master_.set_source(!follows()                   ? Master::Source::kOwn
                     : state == State::kConnected ? Master::Source::kMaster
                                                  : Master::Source::kNone);
  store_.on_change();
}

void Replica::fail(const Error& error) {
  ++stats_.failed;
  stats_.last_error = error.message;
  if (said_ == error.message) return;
  said_ = error.message;
  store_.log_line(
      fmt::format("the master at {}:{} is not followed: {}; it is tried again each second",
                  link_.host, link_.port, error.message));
}

std::optional<uint64_t> Replica::synced_offset() {
  const auto lsn = executor_.log().synced_lsn();
  return lsn ? std::optional(synced_.reach(*lsn)) : std::nullopt;
}

const MasterLink* Replica::master_link() {
  if (!follows()) return nullptr;
  static constexpr std::string_view kNames[] = {"connect", "connecting", "sync", "connected"};
  link_.state = kNames[static_cast<size_t>(state_)];
  link_.offset = known_ ? static_cast<int64_t>(master_.offset()) : -1;
  return &link_;
}

}  // namespace powercut::engine
