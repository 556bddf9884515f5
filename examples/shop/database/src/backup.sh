#!/bin/sh
# Keeps a dump of the shop for each day of the week.
set -eu
cd "$(dirname "$0")"
day=$(date +%a)
pg_dump --host="$PWD" --port="$1" --username=postgres --format=custom --file=backups/new shop
mv backups/new "backups/$day.dump"
