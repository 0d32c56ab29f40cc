# shellcheck shell=bash
# Makes connections one after the other, and sends so much on each: HOST PORT BYTES TIMES. By the shell alone, so that it
# is the one process and is gone at once.
for ((i = 0; i < $4; i++)); do
  exec 3<>"/dev/tcp/$1/$2"
  printf '%*s' "$3" '' >&3
  exec 3>&-
done
