# Sourced by tests and demonstrations: a PostgreSQL of the distribution, in a directory of its own (`cluster`), with fsync, on a
# Unix socket. Whoever sources this calls remove_cluster at the end.
cluster=

# Where initdb and pg_ctl are; scenarios/setup.sh installs them.
postgres_programs() {
  local newest
  newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [ -x "$newest/initdb" ] || newest=$(dirname "$(command -v initdb || echo missing)")
  [ -x "$newest/initdb" ] || { echo "no initdb: scenarios/setup.sh installs PostgreSQL" >&2 && return 1; }
  echo "$newest"
}

# It refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

make_cluster() {
  programs=$(postgres_programs) || return 1
  cluster=$(mktemp -d)
  [ "$(id -u)" != 0 ] || chown postgres "$cluster"
  chmod 755 "$cluster"
  (cd / && as_postgres "$programs/initdb" -D "$cluster/data" -U owner -A trust -E UTF8 --locale=C --no-sync) \
    >"$cluster/initdb.log" 2>&1 || { cat "$cluster/initdb.log" >&2 && return 1; }
  as_postgres tee -a "$cluster/data/postgresql.conf" >/dev/null <<END
listen_addresses = ''
unix_socket_directories = '$cluster'
fsync = on
END
}

# A predecessor that was killed may hold its memory a moment longer.
start_postgres() {
  for _ in $(seq 100); do
    (cd / && as_postgres "$programs/pg_ctl" -D "$cluster/data" -l "$cluster/data/log" -w -t 60 start) >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  tail -n 5 "$cluster/data/log" >&2
  return 1
}
# stop_postgres [fast|immediate]
stop_postgres() { (cd / && as_postgres "$programs/pg_ctl" -D "$cluster/data" -m "${1:-fast}" -w stop) >/dev/null 2>&1; }
kill_postgres() { kill -9 "$(head -n 1 "$cluster/data/postmaster.pid")"; }

remove_cluster() {
  [ -n "$cluster" ] || return 0
  stop_postgres immediate
  rm -rf "$cluster"
  cluster=
}
