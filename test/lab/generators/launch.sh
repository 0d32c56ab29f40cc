# shellcheck shell=bash
# Runs a command so many times and says each process's number: TIMES one-by-one|at-once COMMAND...
times=$1
order=$2
shift 2
for ((i = 0; i < times; i++)); do
  "$@" &
  echo $!
  if [ "$order" = one-by-one ]; then wait $!; fi
done
wait
