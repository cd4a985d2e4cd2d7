#include "engine/server/metrics.h"

#include <fmt/format.h>
#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace powercut::engine {

namespace {

using Families = std::vector<prometheus::MetricFamily>;

constexpr std::string_view kSections[] = {"server", "clients",  "memory",
                                          "stats",  "keyspace", "persistence"};

// "ok" and "err" are how INFO says whether the last one of a kind went well.
std::optional<double> number_of(std::string_view value) {
  if (value == "ok") return 1;
  if (value == "err") return 0;
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return number;
}

void add(Families& families, std::string name, double value, std::string help = "") {
  name = "powercut_" + name;
  if (std::any_of(families.begin(), families.end(),
                  [&](const auto& family) { return family.name == name; }))
    return;  // in two sections of INFO
  prometheus::ClientMetric metric;
  // What counts up and what goes up and down are not told apart by INFO.
  metric.untyped.value = value;
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = prometheus::MetricType::Untyped;
  family.metric.push_back(std::move(metric));
  families.push_back(std::move(family));
}

// "db0:keys=1,expires=0,avg_ttl=0"
void add_database(Families& families, std::string_view name, std::string_view fields) {
  while (!fields.empty()) {
    const std::string_view field = fields.substr(0, fields.find(','));
    fields.remove_prefix(std::min(field.size() + 1, fields.size()));
    const size_t equals = field.find('=');
    if (equals == field.npos) continue;
    if (const auto value = number_of(field.substr(equals + 1)))
      add(families, fmt::format("{}_{}", name, field.substr(0, equals)), *value);
  }
}

void add_section(Families& families, std::string_view section, std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(std::min(line.size() + 2, text.size()));
    const size_t colon = line.find(':');
    if (colon == line.npos || line[0] == '#') continue;
    const std::string_view value = line.substr(colon + 1);
    if (section == "keyspace") {
      add_database(families, line.substr(0, colon), value);
    } else if (const auto number = number_of(value)) {
      add(families, std::string(line.substr(0, colon)), *number);
    }
  }
}

}  // namespace

class Metrics::Shown final : public prometheus::Collectable {
 public:
  Families Collect() const override {
    const std::lock_guard lock(mutex_);
    return families_;
  }
  void put(Families families) {
    const std::lock_guard lock(mutex_);
    families_ = std::move(families);
  }

 private:
  mutable std::mutex mutex_;
  Families families_;
};

struct Metrics::Endpoint {
  Endpoint(const std::string& where, const std::shared_ptr<Shown>& shown) : exposer(where, 1) {
    exposer.RegisterCollectable(shown);
  }
  prometheus::Exposer exposer;
};

Metrics::Metrics() : shown_(std::make_shared<Shown>()) {}
Metrics::~Metrics() = default;

Result<std::unique_ptr<Metrics>> Metrics::open(const std::string& address, int64_t port) {
  auto metrics = std::unique_ptr<Metrics>(new Metrics());
  const std::string where = fmt::format("{}:{}", address, port);
  try {
    metrics->endpoint_ = std::make_unique<Endpoint>(where, metrics->shown_);
  } catch (const std::exception& error) {
    return Error{Errc::kIo, fmt::format("metrics on {}: the address cannot be taken ({}); choose "
                                        "another metrics-port, or 0 for none",
                                        where, error.what())};
  }
  return metrics;
}

void Metrics::show(Engine& engine) {
  Families families;
  add(families, "up", 1, "the store serves");
  add(families, "writes_refused", engine.aof().blocked().empty() ? 0 : 1,
      "1 while writes are refused; INFO persistence says why");
  for (const std::string_view section : kSections)
    add_section(families, section, engine.info_section(section));
  shown_->put(std::move(families));
}

}  // namespace powercut::engine
