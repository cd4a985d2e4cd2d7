#include "engine/command/session.h"

#include <algorithm>

#include "engine/command/executor.h"

namespace powercut::engine {

Session::Session(Executor& executor)
    : opened_at(executor.os().now()),
      active_at(opened_at),
      executor_(executor),
      id_(++executor.last_session_id_) {
  ++executor_.stats_.connections;
  executor_.sessions_.push_back(this);
}

Session::~Session() {
  clear_transaction();
  std::erase(executor_.sessions_, this);
}

void Session::feed(std::string_view bytes) {
  active_at = executor_.os().now();
  parser_.feed(bytes);
  while (!closing_) {
    switch (parser_.next()) {
      case RequestParser::Outcome::kNeedMore:
        return;
      case RequestParser::Outcome::kCommand:
        if (!parser_.args().empty()) executor_.run(*this, parser_.args());
        break;
      case RequestParser::Outcome::kProtocolError:
        Reply(out_).error(parser_.error());
        hold(0);
        closing_ = true;
        return;
    }
  }
}

void Session::hold(uint64_t lsn) {
  const size_t end = out_begin_ + out_.size();
  if (held_.empty() && lsn <= executor_.log().released_lsn()) {
    released_ = end;
  } else {
    ++executor_.stats_.held_replies;
    held_.push_back({lsn, end});
  }
}

std::string_view Session::ready() {
  const uint64_t released_lsn = executor_.log().released_lsn();
  size_t freed = 0;
  while (freed < held_.size() && held_[freed].lsn <= released_lsn) released_ = held_[freed++].end;
  if (freed > 0) held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(freed));
  return std::string_view(out_).substr(sent_ - out_begin_, released_ - sent_);
}

void Session::consume(size_t n) {
  CHECK(n <= released_ - sent_);
  sent_ += n;
  // A long reply is taken in many pieces: move what is left only when that is the smaller part.
  const size_t gone = sent_ - out_begin_;
  if (gone < out_.size() - gone) return;
  out_.erase(0, gone);
  out_begin_ = sent_;
}

bool Session::wait_ready(Instant deadline) {
  while (ready().empty()) {
    if (!executor_.log().progress().wait(deadline)) return !ready().empty();
  }
  return true;
}

void Session::clear_transaction() {
  in_multi = false;
  multi_failed = false;
  watch_broken = false;
  queued.clear();
  if (!watched.empty()) {
    watched.clear();
    --executor_.watching_;
  }
}

void Session::watch(int db_identity, std::string_view key) {
  if (watched.empty()) ++executor_.watching_;
  watched.emplace_back(db_identity, key);
}

void Session::unwatch() {
  if (!watched.empty()) --executor_.watching_;
  watched.clear();
  watch_broken = false;
}

}  // namespace powercut::engine
