// The examples in engine/FORMATS.md are what the store writes, byte for byte.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/aof/manifest.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/engine.h"
#include "engine/os/forwarding_os.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {
namespace {

namespace fs = std::filesystem;

std::string document(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The fenced block that is marked so.
std::string example(const std::string& mark) {
  const std::string text = document(fs::path(POWERCUT_SOURCE_DIR) / "engine/FORMATS.md");
  const std::string fence = "```" + mark + "\n";
  const size_t begin = text.find(fence) + fence.size();
  EXPECT_NE(text.find(fence), text.npos) << mark;
  return text.substr(begin, text.find("```", begin) - begin);
}

// "52 45 "DIS" 30  ; a comment" as the bytes it stands for.
std::string from_hex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ';') {
      i = text.find('\n', i);
    } else if (text[i] == '"') {
      const size_t end = text.find('"', i + 1);
      bytes += text.substr(i + 1, end - i - 1);
      i = end + 1;
    } else if (std::isxdigit(static_cast<unsigned char>(text[i]))) {
      bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
      i += 2;
    } else {
      ++i;
    }
  }
  return bytes;
}
std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15], ' '};
  }
  return text;
}

// As POSIX, but for what differs each time.
class FixedOs final : public ForwardingOs {
 public:
  explicit FixedOs(Os& inner) : ForwardingOs(inner) {}
  WallTime wall_now() override { return {1'700'000'000'000}; }
  uint64_t choose(Site, uint64_t n) override { return 0x0123456789abcdef % n; }
};

// One life of a store in `root`, of a client that waits for each reply.
void live(const std::string& root, const std::vector<std::string>& requests) {
  auto posix = PosixOs::open(root);
  ASSERT_TRUE(posix.ok());
  FixedOs os(**posix);
  std::unique_ptr<Engine> engine;
  os.spawn("test", [&] {
    EngineConfig config;
    config.aof.policy = SyncPolicy::kAlways;
    config.aof.timestamps = true;
    auto opened = Engine::open(os, config);
    if (!opened.ok()) return void(ADD_FAILURE() << opened.error().message);
    engine = std::move(*opened);
    const auto session = engine->connect();
    for (const std::string& request : requests) {
      session->feed(request + "\r\n");
      session->wait_ready();
      EXPECT_FALSE(session->ready().starts_with('-')) << session->ready();
      session->consume(session->ready().size());
    }
    EXPECT_TRUE(engine->shut_down(false).ok());
  });
  (*posix)->run();
  (*posix)->destroy_tasks();
}

TEST(Formats, TheSegmentIsWhatAStoreWrites) {
  std::string root = (fs::temp_directory_path() / "powercut-formats-XXXXXX").string();
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  live(root, {"SET greeting hello", "SELECT 3", "MULTI", "INCR visits", "SADD who ada", "EXEC"});
  live(root, {"DEL greeting"});
  std::string bytes = document(fs::path(root) / "appendonlydir/appendonly.aof.1.incr.aof");
  for (size_t i = 0; (i = bytes.find("\r\n", i)) != bytes.npos;) bytes.erase(i, 1);
  EXPECT_EQ(example("segment"), bytes);

  const auto manifest = parse_manifest(document(fs::path(root) / "appendonlydir" / kManifestName));
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->segments.at(0).check, 0x0123456789abcdef) << "`check` is the nonce";
  fs::remove_all(root);
}

TEST(Formats, TheManifestIsWhatIsEncoded) {
  Manifest manifest;
  manifest.base = ManifestFile{base_name(7), 7, 120, 3456, 42, 0xc0ffee};
  manifest.segments = {{segment_name(7), 7, 121, 4711, {}, 78},
                       {segment_name(8), 8, 140, {}, {}, 79}};
  EXPECT_EQ(example("manifest"), encode_manifest(manifest));
}

TEST(Formats, TheCheckpointIsWhatIsEncoded) {
  Keyspace keyspace;
  keyspace.put(0, "greeting", "hello");
  keyspace.set_expiry(3, "visits", keyspace.put(3, "visits", "7"), 1'700'000'060'000);
  RdbHeader header;
  header.ctime_s = 1'700'000'000;
  header.used_mem_bytes = 4096;
  header.aux.emplace_back(kRdbAuxLsn, "120");
  RdbWriter writer(header);
  for (const int db : {0, 3}) {
    const auto& entry = keyspace.database(db).table().at(0);
    writer.add(db, entry.key, entry.value);
  }
  writer.finish();
  std::string bytes;
  writer.take(bytes);
  EXPECT_EQ(hex(from_hex(example("rdb"))), hex(bytes));
}

}  // namespace
}  // namespace powercut::engine
