# shellcheck shell=bash
# Sends so much on a connection that it was handed down: BYTES DESCRIPTOR.
printf '%*s' "$1" '' >&"$2"
