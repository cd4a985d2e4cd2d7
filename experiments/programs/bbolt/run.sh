#!/usr/bin/env bash
# bbolt, as Debian ships it, under a program of Go: two commits into a database that is there, and into one that they
# make, recorded and cut. Installs the compiler and the library if they are missing, builds what is missing, and writes
# results/programs/bbolt.txt.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need go golang-go
need /usr/share/gocode/src/go.etcd.io/bbolt golang-github-coreos-bbolt-dev

GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$folder/cache" go build -o "$folder/keys" "$here/keys.go"
mkdir "$folder/old" "$folder/new"
"$folder/keys" "$folder/old/db" put first >/dev/null
for database in old new; do
  recorded -o "$folder/$database.trace" --dir "$folder/$database" -- "$folder/keys" "$folder/$database/db" put a b
  echo "--- into a database that is $database ---"
  explored --trace "$folder/$database.trace" --persona posix-min,ext4,xfs,btrfs --ack '^kept' \
    --recover "$folder/keys db list"
done >results/programs/bbolt.txt
cat results/programs/bbolt.txt
