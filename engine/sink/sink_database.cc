#include "engine/sink/sink_database.h"

namespace powercut::engine {

const char* add_row(SinkRows& whole, SinkRows&& next, bool is_field) {
  if (whole.kind == SinkRows::Kind::kAbsent) {
    whole = std::move(next);
    return nullptr;
  }
  if (whole.kind != SinkRows::Kind::kHash)
    return is_field ? "it has a string, and fields as well" : "it has several rows";
  if (whole.expires_ms != next.expires_ms) return "its fields have different expires_ms";
  whole.fields.push_back(std::move(next.fields[0]));
  return nullptr;
}

}  // namespace powercut::engine
