// For tests of the command line: the real programs, run in a folder of their own.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/base/check.h"

namespace powercut::scenarios {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Ran {
  int status;
  std::string out;
  std::string err;
};

class Cli : public testing::Test {
 protected:
  Cli() {
    std::string name = (fs::temp_directory_path() / "powercut_cli_XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
  }
  ~Cli() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string read(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return path(name);
  }
  Ran run(const std::string& arguments, const std::string& out = "out") const {
    return run_program(POWERCUT_BINARY, arguments, out);
  }
  Ran run_program(const std::string& program, const std::string& arguments,
                  const std::string& out = "out") const {
    const std::string to = out == "out" ? path("out") : out;
    const std::string command =
        fmt::format("cd '{}' && '{}' {} >'{}' 2>err", folder_.string(), program, arguments, to);
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("out"), read("err")};
  }
  // Bad input: one line on standard error that has `what` in it, nothing on standard output.
  void refused(const std::string& arguments, int status, const std::string& what) const {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.status, status) << arguments;
    EXPECT_EQ(ran.out, "") << arguments;
    EXPECT_THAT(ran.err, HasSubstr(what)) << arguments;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << arguments << "\n" << ran.err;
  }

  fs::path folder_;
};

}  // namespace powercut::scenarios
