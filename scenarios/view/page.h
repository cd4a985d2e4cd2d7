// What record.h wrote down, as a page that opens from disk: one file, no network, nothing but its own script
// may run in it. And as a trace for Perfetto.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace powercut::scenarios {

// The same bytes for the same record.
std::string view_page(const nlohmann::ordered_json& record);

// The JSON that chrome://tracing and ui.perfetto.dev read: a track a task and a client, times in us.
std::string perfetto_trace(const nlohmann::ordered_json& record);

}  // namespace powercut::scenarios
