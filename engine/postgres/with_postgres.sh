#!/usr/bin/env bash
# Runs a command beside a new PostgreSQL, which it finds in $POWERCUT_POSTGRES: with_postgres.sh COMMAND...
set -u
source "${BASH_SOURCE[0]%/*}/cluster.sh"
trap remove_cluster EXIT
make_cluster && start_postgres || exit 1
POWERCUT_POSTGRES="host=$cluster user=owner dbname=postgres" "$@"
