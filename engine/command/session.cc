#include "engine/command/session.h"

namespace powercut::engine {

void Session::feed(std::string_view bytes) {
  client_.active_at = client_.peers().now();
  parser_.feed(bytes);
  run();
  count_memory();
}

void Session::resume() {
  if (stalled_ || (left_off_ && !client_.waits)) run();
}

void Session::count_memory() {
  client_.peers().count(client_);
  client_.peers().evict();
}

void Session::run() {
  stalled_ = false;
  left_off_ = false;
  client_.request_room = parser_.room();
  for (size_t n = 0; !client_.closing; ++n) {
    if (n % kFetchedAtOnce == 0) executor_.fetch_ahead(client_, parser_);
    if (client_.waits) {
      left_off_ = true;
      return;
    }
    // A replica says that it goes on while much waits for it.
    if (client_.outbox.unsent() > most_unsent_ && !client_.replicates()) {
      stalled_ = true;
      return;
    }
    switch (parser_.next(client_.is_stranger())) {
      case RequestParser::Outcome::kNeedMore:
        client_.request_bytes = parser_.unparsed();
        client_.argument_bytes = parser_.buffered() - parser_.unparsed();
        return;
      case RequestParser::Outcome::kCommand:
        client_.request_bytes = parser_.buffered();
        client_.argument_bytes = 0;
        if (!parser_.args().empty()) executor_.run(client_, parser_.args());
        break;
      case RequestParser::Outcome::kProtocolError:
        executor_.refuse(client_, parser_.error());
        client_.closing = true;
        return;
    }
  }
}

}  // namespace powercut::engine
