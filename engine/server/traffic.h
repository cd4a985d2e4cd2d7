// What went over the sockets, in all and lately: lines of INFO's section "stats".
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "engine/base/time.h"

namespace powercut::engine {

class Traffic {
 public:
  uint64_t input_bytes = 0;
  uint64_t output_bytes = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t rejected = 0;  // connections

  // Now and then, with how many commands there have been.
  void look(Instant now, uint64_t commands) {
    samples_[next_++ % kSamples] = {now, commands, input_bytes, output_bytes};
  }

  std::string lines() const {
    const Sample& newest = samples_[(next_ + kSamples - 1) % kSamples];
    const Sample& oldest = samples_[next_ < kSamples ? 0 : next_ % kSamples];
    const double seconds =
        std::max(static_cast<double>((newest.at - oldest.at).ms()) / 1000, 0.001);
    const auto rate = [&](uint64_t now, uint64_t before) {
      return now < before ? 0.0 : static_cast<double>(now - before) / seconds;
    };
    return fmt::format(
        "instantaneous_ops_per_sec:{:.0f}\r\ntotal_net_input_bytes:{}\r\n"
        "total_net_output_bytes:{}\r\ntotal_net_repl_input_bytes:0\r\n"
        "total_net_repl_output_bytes:0\r\ninstantaneous_input_kbps:{:.2f}\r\n"
        "instantaneous_output_kbps:{:.2f}\r\ninstantaneous_input_repl_kbps:0.00\r\n"
        "instantaneous_output_repl_kbps:0.00\r\nrejected_connections:{}\r\n"
        "total_reads_processed:{}\r\ntotal_writes_processed:{}\r\n",
        rate(newest.commands, oldest.commands), input_bytes, output_bytes,
        rate(newest.input, oldest.input) / 1024, rate(newest.output, oldest.output) / 1024,
        rejected, reads, writes);
  }

 private:
  static constexpr size_t kSamples = 4;
  struct Sample {
    Instant at;
    uint64_t commands = 0;
    uint64_t input = 0;
    uint64_t output = 0;
  };
  std::array<Sample, kSamples> samples_{};
  size_t next_ = 0;
};

}  // namespace powercut::engine
