# shellcheck shell=bash
# Sends one datagram: HOST PORT TEXT. Its port comes from the number of the process, so that of some hundred processes
# no two have the same and are one conversation. Needs a network of its own.
port=$((10000 + $$ % 50000))
echo "$port $port" >/proc/sys/net/ipv4/ip_local_port_range
printf %s "$3" >"/dev/udp/$1/$2"
