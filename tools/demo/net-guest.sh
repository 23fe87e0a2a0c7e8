# What the guest of tools/demo/net does: its lines begin with "demo-net:", the last one is "done".
mode=$(sed -n 's/.*demo=\([a-z]*\).*/\1/p' /proc/cmdline)
seconds=$(sed -n 's/.*seconds=\([0-9]*\).*/\1/p' /proc/cmdline)

# What waits in the console's buffer would be lost: stty sets nothing before all has gone out.
off() {
	stty -F /dev/console sane
	poweroff -f
}

# Said on the console: what calls this may itself be read by the shell.
fail() {
	echo "demo-net: $mode: $*" >/dev/console
	off
}

# One run's sum, as iperf3 says it.
throughput() {
	iperf3 --client "$server" --time "$seconds" --format m "$@" >/tmp/iperf 2>&1 || {
		cat /tmp/iperf >/dev/console
		fail "iperf3${*:+ $*} failed"
	}
	sed -n 's/.* \([0-9.]* Mbits\/sec\).*receiver.*/\1/p' /tmp/iperf
}

# Every offload there is, to $1.
offloads() {
	for feature in tx rx sg tso gso gro rx-gro-hw tx-udp-segmentation; do
		ethtool -K eth0 "$feature" "$1" >/dev/null 2>&1
	done
}

both_ways() {
	echo "demo-net: $mode: $1: guest to host $(throughput), host to guest $(throughput --reverse)"
}

# shellcheck disable=SC2016 # the script expands them
printf '#!/bin/sh\n[ "$1" = bound ] || exit 0\nip addr add $ip/24 dev $interface\nip route add default via $router\necho $router >/tmp/router\necho $ip >/tmp/ip\n' >/tmp/bound
chmod +x /tmp/bound
ip link set eth0 up
udhcpc -n -q -t 10 -i eth0 -s /tmp/bound >/dev/null 2>&1 || fail "no address"
server=$(cat /tmp/router)
echo "demo-net: $mode: the guest is $(cat /tmp/ip), the host $server"
if [ "$mode" = tap ]; then
	ping -c 3 "$server" >/dev/null || fail "no answer to a ping"
	both_ways "every offload"
	offloads off
	both_ways "no offload"
else
	both_ways "passt"
fi
echo "demo-net: done"
off
