#!/bin/sh
# Healthy: the bot or the worker of this container has looked after the work in the database within the last minute. It touches
# the file DIGEST_SIGN_OF_LIFE each time; looking at it costs a few milliseconds.
set -eu
if [ -z "$(find "$DIGEST_SIGN_OF_LIFE" -newermt '-60 seconds' 2>/dev/null)" ]; then
    echo "No sign of life for a minute: see the log, and \`python -m pipeline doctor\`."
    exit 1
fi
