#!/bin/sh
# `npm start` shows the program at work, offline and without a key; `npm start -- ARGS` is `bin/meanwhile ARGS`.
set -eu
meanwhile=${0%/*}/../bin/meanwhile
[ $# -gt 0 ] && exec "$meanwhile" "$@"
exec "$meanwhile" -p "How does a background task wake the conversation when it is done?" --model scout --verbose
