# For experiments/measure.sh: what a loop device with an ext4 of its own counts, journal and all. Root is needed.
columns=server,policy,value_bytes,run,sets,user_bytes,device_bytes,device_writes

((EUID == 0)) || { echo "measure: a loop device takes root" >&2; exit 1; }
device=
let_go() {
  if mountpoint -q "$work/data" 2>/dev/null; then umount "$work/data"; fi
  if [[ -n $device ]]; then losetup -d "$device"; device=; fi
}
finish() {
  [[ -z $running ]] || kill -9 "$running" 2>/dev/null || true
  sleep 0.2
  let_go || true
  rm -rf "$work"
}
new_device() {
  let_go
  rm -f "$work/image"
  truncate -s 512M "$work/image"
  mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$work/image"
  device=$(losetup -f --show "$work/image")
  mkdir -p "$work/data"
  mount "$device" "$work/data"
  sync -f "$work/data"
}
# Writes, and sectors written.
counted() { awk '{print $5, $7}' "/sys/block/${device##*/}/stat"; }

measure() {  # RUN
  local values="16 256 4096 65536" seconds=10 server policy value line sets before after
  ((!smoke)) || values=256 seconds=1
  for value in $values; do
    for policy in always everysec no; do
      for server in powercut redis; do
        new_device
        before=$(counted)
        serve "$server" --appendonly yes --appendfsync "$policy" --auto-aof-rewrite-percentage 0
        await
        line=$(load 100 $seconds 1 "$value" 250)
        sets=$(cut -d, -f2 <<<"$line")
        stop
        # What is not yet on the device would go there sooner or later.
        sync -f "$work/data"
        after=$(counted)
        echo "$server,$policy,$value,$1,$sets,$((sets * (14 + value))),$(((${after#* } - ${before#* }) * 512)),$((${after% *} - ${before% *}))"
      done
    done
  done
  let_go
}
