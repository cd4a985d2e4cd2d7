// The database behind the store: how it comes into a start, and what INFO says of it.
#include <fmt/format.h>

#include "engine/engine.h"

namespace powercut::engine {

Result<void> Engine::look_at_sink(RecoveryOptions& options) {
  if (!config_.sink.wanted()) return {};
  if (!config_.recovery.append_only || config_.aof.policy == SyncPolicy::kNo)
    return Error{Errc::kInvalid, std::string(why_sink_needs_log(config_.sink))};
  if (!config_.sink.url.empty() && !config_.sink.connect)
    return Error{Errc::kUnsupported, "sink-url: this program speaks to no database"};
  sink_ = std::make_unique<Sink>(os_, keyspace_, aof_, config_.sink);
  sink_->set_log_line([this](std::string_view text) { log_line(text); });
  sink_->look();
  options.on_entry = [this](uint64_t lsn) { sink_->replaying(lsn); };
  return {};
}

std::string Engine::info_sink() const {
  if (sink_ == nullptr) return {};
  const SinkStats& stats = sink_->stats();
  const bool through = sink_->options().mode == SinkMode::kThrough;
  return fmt::format(
      "sink_mode:{}\r\nsink_status:{}\r\nsink_committed_lsn:{}\r\nsink_behind_lsn:{}\r\n"
      "sink_queued_keys:{}\r\nsink_queued_ms:{}\r\nsink_batches:{}\r\nsink_written_keys:{}\r\n"
      "sink_set_aside_keys:{}\r\nsink_resyncs:{}\r\nsink_failures:{}\r\nsink_last_error:{}\r\n"
      "sink_waits_because:{}\r\n",
      through ? "through" : "behind", sink_->trouble().empty() ? "ok" : "err",
      sink_->committed_lsn(), aof_.applied_lsn() - sink_->committed_lsn(), sink_->queued_keys(),
      sink_->queued_for().ms(), stats.batches, stats.keys, sink_->set_aside(), stats.resyncs,
      stats.failures, stats.last_error, sink_->trouble());
}

}  // namespace powercut::engine
