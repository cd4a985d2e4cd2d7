#!/usr/bin/env bash
# PostgreSQL 15, as Debian ships it: the making of a cluster, and two transactions of a session, recorded. Installs
# postgresql-15 if it is missing, builds what is missing, and writes results/programs/postgresql.txt. It runs as the user
# postgres, for as root PostgreSQL refuses to.
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
"${as[@]}" ./powercut record -o session.trace --dir made/data -- postgres --single -D made/data postgres \
  <session >said 2>&1 || { cat said; exit 1; }
{
  echo '--- the making of a cluster (initdb) ---'
  summed made.trace
  echo
  echo '--- a session of two transactions, from its first write to the log on ---'
  "$folder/powercut" trace session.trace | awk '/write.*pg_wal/ && !on { on = 1 } /pg_control/ && on { on = 2 }
    on == 1 { $1 = $2 = $3 = ""; print substr($0, 4) }' | cut -c1-70
} >"$OLDPWD/results/programs/postgresql.txt"
cd "$OLDPWD"
cat results/programs/postgresql.txt
