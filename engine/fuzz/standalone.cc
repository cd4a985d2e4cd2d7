// Without libFuzzer: each file of a corpus, and changes of them from a fixed seed: PROGRAM CORPUS [COUNT].
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/base/hash.h"
#include "engine/fuzz/target.h"

namespace {

namespace fs = std::filesystem;

std::vector<std::string> read_corpus(const char* directory) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(directory)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const fs::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

constexpr std::string_view kInteresting[] = {"\r\n",
                                             "-1",
                                             "0",
                                             "18446744073709551616",
                                             "9223372036854775807",
                                             "#pc ",
                                             "*1\r\n$",
                                             "\"",
                                             "\\",
                                             "'",
                                             "[",
                                             "\xff",
                                             "\x80",
                                             "#TS:"};

class Changes {
 public:
  explicit Changes(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string next() {
    std::string text = corpus_[below(corpus_.size())];
    for (size_t left = 1 + below(6); left > 0; --left) change(text);
    return text;
  }

 private:
  size_t below(size_t n) {
    ++draws_;
    const std::string_view draw(reinterpret_cast<const char*>(&draws_), sizeof draws_);
    return n == 0 ? 0 : powercut::hash_bytes(draw, 1) % n;
  }

  void change(std::string& text) {
    const size_t at = below(text.size() + 1);
    const size_t length = std::min(text.size() - at, size_t{1} << below(8));
    switch (below(6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        return;
      case 1:
        text.erase(at, length);
        return;
      case 2:
        text.insert(at, kInteresting[below(std::size(kInteresting))]);
        return;
      case 3:
        text.insert(below(text.size() + 1), text.substr(at, length));
        return;
      case 4: {
        const std::string& other = corpus_[below(corpus_.size())];
        text.insert(at, other.substr(below(other.size() + 1), size_t{1} << below(9)));
        return;
      }
      default:
        text.resize(at);
    }
  }

  const std::vector<std::string>& corpus_;
  uint64_t draws_ = 0;
};

void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> corpus =
      argc < 2 ? std::vector<std::string>() : read_corpus(argv[1]);
  if (corpus.empty()) {
    fmt::print(stderr, "usage: {} CORPUS [COUNT]: a directory with at least one file\n", argv[0]);
    return 2;
  }
  for (const std::string& text : corpus) run(text);
  const long count = argc < 3 ? 20'000 : std::atol(argv[2]);
  Changes changes(corpus);
  for (long i = 0; i < count; ++i) run(changes.next());
  fmt::print("{} files, and {} changes of them\n", corpus.size(), count);
  return 0;
}
