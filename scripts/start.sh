#!/bin/sh
# `npm start` shows the program at work, offline and without a key: in a terminal its interface with a first question, else
# the same without one. `npm start -- ARGS` is `bin/meanwhile ARGS`.
set -eu
meanwhile=${0%/*}/../bin/meanwhile
[ $# -gt 0 ] && exec "$meanwhile" "$@"
question="How does a background task wake the conversation when it is done?"
[ -t 0 ] && [ -t 1 ] && exec "$meanwhile" --model scout "$question"
exec "$meanwhile" -p "$question" --model scout --verbose
