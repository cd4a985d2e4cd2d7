#include "scenarios/cli/cli.h"
#include "scenarios/run/last_words.h"

int main(int argc, char** argv) {
  const std::string program = argc > 0 ? argv[0] : "powercut";
  powercut::scenarios::speak_last_words(program);
  return powercut::scenarios::powercut(program, {argv + std::min(argc, 1), argv + argc}, {});
}
