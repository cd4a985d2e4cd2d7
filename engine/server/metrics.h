// A Prometheus endpoint: http://ADDRESS:PORT/metrics, off unless metrics-port says where. It shows what INFO shows.
#pragma once

#include <memory>
#include <string>

#include "engine/base/result.h"
#include "engine/engine.h"

namespace powercut::engine {

class Metrics {
 public:
  // Answers from threads of its own, and with what was last shown: a scrape waits for nothing of the store.
  //   Errors: kIo: the address cannot be taken.
  static Result<std::unique_ptr<Metrics>> open(const std::string& address, int64_t port);
  ~Metrics();

  // From the store's thread, now and then.
  void show(Engine& engine);

 private:
  class Shown;
  Metrics();
  std::shared_ptr<Shown> shown_;
  struct Endpoint;
  std::unique_ptr<Endpoint> endpoint_;
};

}  // namespace powercut::engine
