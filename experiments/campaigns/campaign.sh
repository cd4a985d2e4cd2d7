# What the recipes share, sourced by each behind its head: begin "$@" reads DIR SHARDS VERB ARGUMENT..., `missing` says which
# shards have no results yet, `watch PID` tells how many have while that process makes them, and `put_together` ends the script
# with the table of the whole.

# The head of the script that sources this, its lines of comment behind the first, is its usage.
begin() {
  if (($# < 3)) || ! [[ $2 =~ ^[1-9][0-9]*$ ]]; then
    sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$0" >&2
    exit 2
  fi
  mkdir -p "$1"
  dir=$(cd "$1" && pwd -P)
  shards=$2
  powercut=${POWERCUT:-powercut}
}

# A shard is done when its file is there, whatever it found.
missing() {
  for shard in $(seq "$shards"); do [[ -e $dir/$shard.jsonl ]] || echo "$shard"; done
}

# A line for each change, until PID has ended; its status.
watch() {
  local seen= left
  while left=$(missing | wc -l); do
    [[ $left == "$seen" ]] || echo "campaign: $((shards - left)) of $shards shards" >&2
    seen=$left
    kill -0 "$1" 2>/dev/null || break
    sleep 1
  done
  wait "$1"
}

put_together() {
  local left files
  mapfile -t left < <(missing)
  if ((${#left[@]})); then
    echo "campaign: without results: shards ${left[*]}; the same command makes them" >&2
  fi
  files=("$dir"/[0-9]*.jsonl)
  [[ -e ${files[0]} ]] || exit 3
  # shellcheck disable=SC2086  # several flags
  exec "$powercut" merge "${files[@]}" ${MERGE:-}
}
