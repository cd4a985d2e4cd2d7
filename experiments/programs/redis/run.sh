#!/usr/bin/env bash
# redis-server, as Debian ships it, with appendfsync always, three writes and a rewrite: recorded and cut. Installs
# redis-server if it is missing, builds what is missing, and writes results/programs/redis.txt. Some minutes.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
need redis-server redis-server

mkdir "$folder/data"
recorded -o "$folder/trace" --dir "$folder/data" -- sh "$here/traffic.sh" "$folder/data" "$folder/socket"
: >results/programs/redis.txt
for persona in xfs btrfs ext4 posix-min; do
  explored --trace "$folder/trace" --persona "$persona" --ack '^[abc] OK' \
    --recover "sh $here/look.sh" >>results/programs/redis.txt
  echo >>results/programs/redis.txt
done
cat results/programs/redis.txt
