# shellcheck shell=bash
# Sends one datagram: HOST PORT TEXT.
printf %s "$3" >"/dev/udp/$1/$2"
