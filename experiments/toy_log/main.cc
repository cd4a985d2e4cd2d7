// powercut with two more targets: toy_log sweep, explore, shrink, replay ...
#include "experiments/toy_log/toy_log.h"
#include "scenarios/cli/cli.h"
#include "scenarios/run/last_words.h"
#include "scenarios/run/targets.h"

int main(int argc, char** argv) {
  using namespace powercut;
  const toy_log::ToyLogType fixed(true);
  const toy_log::ToyLogType buggy(false);
  scenarios::add_target(fixed);
  scenarios::add_target(buggy);
  const std::string program = argc > 0 ? argv[0] : "toy_log";
  scenarios::speak_last_words(program);
  return scenarios::powercut(program, {argv + std::min(argc, 1), argv + argc}, {});
}
