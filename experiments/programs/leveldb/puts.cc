// A user of LevelDB: puts.cc DIR get            prints what is there
//                    puts DIR put KEY...        puts each key with sync, and says so
#include <leveldb/db.h>

#include <cstdio>
#include <memory>
#include <string>

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  leveldb::Options options;
  options.create_if_missing = true;
  leveldb::DB* opened = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, argv[1], &opened);
  const std::unique_ptr<leveldb::DB> db(opened);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  leveldb::WriteOptions durably;
  durably.sync = true;
  for (int i = 3; i < argc; ++i) {
    if (!db->Put(durably, argv[i], "1").ok()) return 1;
    std::printf("kept %s\n", argv[i]);
    std::fflush(stdout);
  }
  if (std::string(argv[2]) != "get") return 0;
  const std::unique_ptr<leveldb::Iterator> at(db->NewIterator({}));
  for (at->SeekToFirst(); at->Valid(); at->Next())
    std::printf("%s\n", at->key().ToString().c_str());
  return at->status().ok() ? 0 : 1;
}
