# What the guest of tools/bench/net does: prints "bench-net WHAT FIGURE", and switches off.

host=192.0.2.1

say() { echo "bench-net $*" >/dev/console; }

# Instructions a MiB: the guest's clock counts them, one a nanosecond.
stream() {
	name=$1
	shift
	iperf3 --client $host --time 1 --json "$@" >/tmp/iperf 2>&1
	awk -v name="$name" '
		/"sum_received"/ { at = 1 }
		at && /"bytes"/ { bytes = $2 + 0 }
		at && /"seconds"/ { seconds = $2 + 0 }
		END {
			if (bytes && seconds)
				printf "bench-net %s %d\n", name, seconds * 1e9 / (bytes / 1048576)
			else
				printf "bench-net %s failed\n", name
		}' /tmp/iperf >/dev/console
}

ip addr add 192.0.2.2/24 dev eth0
ip link set eth0 up
ping -c 3 $host >/dev/null || say ping failed
stream out
stream in --reverse
say trip "$(netpeer $host 1000)"
# What waits in the console's buffer would be lost: stty sets nothing before all has gone out.
stty -F /dev/console sane
poweroff -f
