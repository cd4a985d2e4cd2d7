#include "scenarios/store/not_modelled.h"

#include "engine/parameters.h"
#include "scenarios/store/replicas/network_event.h"
#include "sim/request.h"

namespace powercut::scenarios {

namespace {

// Sets another window than the one that everysec is judged by.
bool moves_the_window(std::string_view name, std::string_view value) {
  constexpr std::string_view kWindow = "aof-loss-window-ms";
  if (!sim::same_word(name, "AOF-LOSS-WINDOW-MS")) return false;
  engine::EngineConfig config;
  const Duration judged = config.aof.window;
  return engine::find_parameter(kWindow)->set(config, value).ok() &&
         config.aof.window.ns != judged.ns;
}

}  // namespace

std::string not_modelled_of_store(const std::vector<std::string_view>& words) {
  if (is_network_event(words))
    return "what befalls a network and its machines is a step of target=replicated-2 or "
           "replicated-3";
  const bool sets = words.size() >= 4 && words.size() % 2 == 0 &&
                    sim::same_word(words[0], "CONFIG") && sim::same_word(words[1], "SET");
  for (size_t i = 2; sets && i < words.size(); i += 2)
    if (moves_the_window(words[i], words[i + 1]))
      return "everysec is judged by the window that the store begins with";
  return {};
}

}  // namespace powercut::scenarios
