// A user of LevelDB, or with -DROCKSDB of RocksDB, which has the same interface:
//   puts DIR get           prints what is there
//   puts DIR put KEY...    puts each key with sync, and says so
#ifdef ROCKSDB
#include <rocksdb/db.h>
namespace kv = rocksdb;
#else
#include <leveldb/db.h>
namespace kv = leveldb;
#endif

#include <cstdio>
#include <memory>
#include <string>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  kv::Options options;
  options.create_if_missing = true;
#ifdef ROCKSDB  // no threads that write by the clock
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::FATAL_LEVEL;
#endif
  kv::DB* opened = nullptr;
  const kv::Status status = kv::DB::Open(options, argv[1], &opened);
  const std::unique_ptr<kv::DB> db(opened);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  kv::WriteOptions durably;
  durably.sync = true;
  for (int i = 3; i < argc; ++i) {
    if (!db->Put(durably, argv[i], "1").ok()) return 1;
    std::printf("kept %s\n", argv[i]);
    std::fflush(stdout);
  }
  if (std::string(argv[2]) != "get") return 0;
  const std::unique_ptr<kv::Iterator> at(db->NewIterator({}));
  for (at->SeekToFirst(); at->Valid(); at->Next())
    std::printf("%s\n", at->key().ToString().c_str());
  return at->status().ok() ? 0 : 1;
}
