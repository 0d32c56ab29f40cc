# shellcheck shell=bash
# Sends on a connection, then leaves it to a child, which goes on alone: HOST PORT BYTES. Each of them waits for a line
# before it sends, says "sent" when it has, and the parent says which the child is.
exec 3<>"/dev/tcp/$1/$2"
send() {
  read -r _
  printf '%*s' "$1" '' >&3
  echo sent
}
send "$3"
read -r _
{
  send "$3"
  read -r _
} <&0 &
exec 3>&-
echo $!
wait
