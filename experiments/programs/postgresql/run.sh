#!/usr/bin/env bash
# PostgreSQL 15, as Debian ships it: the making of a cluster, recorded, and two transactions of a session, recorded and cut.
# Installs postgresql-15 if it is missing, builds what is missing, and writes results/programs/postgresql.txt; minutes. It
# runs as the user postgres, for as root PostgreSQL refuses to.
source "$(dirname "${BASH_SOURCE[0]}")/../common.sh"
binaries=/usr/lib/postgresql/15/bin
need "$binaries/postgres" postgresql-15
if ((EUID == 0)); then
  cp "$powercut" "$folder/powercut"
  chown -R postgres "$folder"
  as=(setpriv --reuid postgres --regid postgres --clear-groups)
else
  ln -s "$powercut" "$folder/powercut"
  as=()
fi
export PATH=$binaries:$PATH

# summed TRACE: how often what was done.
summed() {
  "$folder/powercut" trace "$1" | awk 'NR > 3 { print $4 ~ /^pipe/ ? "said to a pipe" : $4 }' |
    grep -vE 'stdout|sync$|^last|^the' | sort | uniq -c | sort -k1,1nr -k2
}

cd "$folder"
"${as[@]}" mkdir made
"${as[@]}" ./powercut record -o made.trace --dir made -- initdb -D made/data --wal-segsize=1 -A trust \
  >said 2>&1 || { cat said; exit 1; }
cat >session <<'S'
insert into t values (1);
select 'kept 1';
insert into t values (2);
select 'kept 2';
S
"${as[@]}" postgres --single -D made/data postgres <<<'create table t (n int primary key)' >/dev/null 2>&1
# The templates need not be there to recover, and are three quarters of an image.
"${as[@]}" ./powercut record -o session.trace --dir made/data --ignore 'base/1/*' --ignore 'base/4/*' -- \
  postgres --single -D made/data postgres <session >said 2>&1 || { cat said; exit 1; }
cat >recover <<'S'
rm -f postmaster.pid
postgres --single -D . postgres <<<'select n from t order by n' 2>/dev/null | grep -o '= "[0-9]*"'
exit "${PIPESTATUS[0]}"
S
{
  echo '--- the making of a cluster (initdb) ---'
  summed made.trace
  echo
  echo '--- a session of two transactions, from its first write to the log on ---'
  "$folder/powercut" trace session.trace | awk '/write.*pg_wal/ && !on { on = 1 } /pg_control/ && on { on = 2 }
    on == 1 { $1 = $2 = $3 = ""; print substr($0, 4) }' | cut -c1-70
  echo
  echo '--- that session, cut ---'
  status=0
  "${as[@]}" ./powercut explore --trace session.trace --persona posix-min,ext4,xfs,btrfs --images 8 --ack '= "kept' \
    --recover "bash $folder/recover" 2>/dev/null || status=$?
  ((status <= 1 || status == 5)) || exit "$status"
} >"$OLDPWD/results/programs/postgresql.txt"
cd "$OLDPWD"
cat results/programs/postgresql.txt
