#include "scenarios/store/replicas/another_client.h"

#include <algorithm>

#include "engine/base/decimal.h"
#include "engine/command/replica.h"

namespace powercut::scenarios {

namespace {

// What ":N\r\n" says at the start of `bytes`, which goes on behind it; nothing: an error stands there.
std::optional<int64_t> take_reply(std::string_view& bytes) {
  const size_t end = bytes.find("\r\n");
  if (!bytes.starts_with(':') || end == bytes.npos) return std::nullopt;
  const auto number = parse_integer(bytes.substr(1, end - 1));
  bytes.remove_prefix(end + 2);
  return number;
}

}  // namespace

void AnotherClient::ask(engine::Engine& master, const std::string& question, uint64_t number) {
  if (asking_) return;
  if (session_ == nullptr) session_ = master.connect();
  if (master.executor().scripts().busy() || master.stopped()) return;
  asking_ = true;
  number_ = number;
  constexpr std::string_view kWait = "WAIT ";
  replicas_ = -1;
  if (question.starts_with(kWait)) {
    const std::string_view rest = std::string_view(question).substr(kWait.size());
    replicas_ = parse_integer(rest.substr(0, rest.find(' '))).value_or(-1);
  }
  session_->client().written_offset = master.master().offset();
  session_->client().written_lsn = master.applied_lsn();
  session_->feed(question + "\r\n");
}

bool AnotherClient::is_kept_waiting(engine::Engine& master) const {
  if (!asking_ || replicas_ < 0 || !session_->waits()) return false;
  const auto& links = master.executor().clients().replicas;
  const auto confirmed = std::count_if(links.begin(), links.end(), [&](engine::Client* link) {
    // Of one that has come again the link before counts no more.
    const bool is_last = std::none_of(links.begin(), links.end(), [&](engine::Client* other) {
      return other->id() > link->id() && other->replica_host() == link->replica_host() &&
             other->replica->port == link->replica->port;
    });
    return is_last && link->replica->phase == engine::ReplicaState::Phase::kOnline &&
           link->replica->confirmed >= session_->client().written_offset;
  });
  return confirmed >= replicas_;
}

std::optional<AnotherClient::Told> AnotherClient::hear() {
  if (!asking_) return std::nullopt;
  const std::string reply(session_->ready());
  if (reply.empty()) return std::nullopt;
  session_->consume(reply.size());
  asking_ = false;
  std::string_view rest = reply;
  constexpr std::string_view kPair = "*2\r\n";
  const bool synced = rest.starts_with(kPair);
  if (synced) rest.remove_prefix(kPair.size());
  const auto here = synced ? take_reply(rest) : 0;
  const auto replicas = take_reply(rest);
  if (!here || !replicas) return std::nullopt;
  return Told{number_, synced, *here > 0, *replicas};
}

}  // namespace powercut::scenarios
