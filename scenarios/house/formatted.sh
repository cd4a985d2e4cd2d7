#!/bin/sh
# Every source looks as .clang-format says: formatted.sh CLANG-FORMAT. Names those that do not.
set -eu
cd "$(dirname "$0")/../.."
clang_format=$1

check() { "$clang_format" --dry-run -Werror "$@" 2>&1; }

# A check that cannot fail protects nothing.
if printf 'int  a;\n' | check --assume-filename=sim/a.cc >/dev/null; then
  echo "$clang_format accepts what is not formatted" >&2
  exit 1
fi

sources=$(find engine sim faults scenarios experiments -name '*.cc' -o -name '*.h')
found=$(check $sources) && exit 0
names=$(echo "$found" | sed -n 's/^\([^ :]*\):[0-9:]* error: code should be clang-formatted.*/\1/p' | sort -u)
echo "not as .clang-format says; clang-format -i puts it right:" >&2
echo "${names:-$found}" >&2
"$clang_format" --version | grep -q ' version 14\.' ||
  echo "(the tree is formatted by version 14; this is $("$clang_format" --version))" >&2
exit 1
