#include "engine/replication/stream.h"

#include "engine/base/check.h"

namespace powercut::engine {

void StreamEncoder::append(std::string& out, const Effects& effects) {
  CHECK(!effects.empty());
  const bool several = effects.size() > 1;
  if (several) append_command(out, std::initializer_list<std::string_view>{"MULTI"});
  for (const Effects::Item& item : effects.items()) {
    if (item.db != selected_db_) {
      selected_db_ = item.db;
      append_command(out,
                     std::initializer_list<std::string_view>{"SELECT", std::to_string(item.db)});
    }
    out += effects.bytes_of(item);
  }
  if (several) append_command(out, std::initializer_list<std::string_view>{"EXEC"});
}

}  // namespace powercut::engine
