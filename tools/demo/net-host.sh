#!/bin/sh
# net-host.sh: tools/demo/net's part that runs in the host
#
#   net-host.sh SECONDS [inside|chrooted]
#
# Plain sh, for busybox. It starts itself anew in a network of its own; there it makes a tap, gives
# addresses by it, serves iperf3, and boots the guest.
set -eu

seconds=$1

# In a network of our own; of our own users too, where we are not root.
if [ $# -eq 1 ]; then
	[ "$(id -u)" != 0 ] && exec unshare -r -n -m sh "$0" "$seconds" inside
	exec unshare -n -m sh "$0" "$seconds" inside
fi

# Debian's programs find their libraries beside them, whatever the host is.
here=$PWD
run() {
	program=$1
	shift
	"$here/root/lib/ld-linux-aarch64.so.1" --library-path "$here/root/usr/lib/aarch64-linux-gnu" \
		"$here/root/bin/$program" "$@"
}

# passt leaves its root by pivot_root(2), which nobody can whose root is an initramfs: the same files
# as a mount over it.
leave_initramfs() {
	grep -q '^rootfs / ' /proc/mounts || return 0
	mount --make-rprivate /
	mkdir -p /tmp/root
	mount --rbind / /tmp/root
	cd /tmp/root
	mount --move . /
	exec chroot . sh -c "cd $here && exec sh net-host.sh $seconds chrooted"
}

guest() {
	PATH=$here/root/bin:$PATH ./arcvisor run --kernel Image --initrd initrd.gz --cpus 2 \
		--cmdline "console=ttyAMA0 quiet demo=$1 seconds=$seconds" --net "$2" >"$1.log" || {
		cat "$1.log"
		exit 1
	}
	grep -q '^demo-net: done' "$1.log" || {
		cat "$1.log"
		exit 1
	}
	grep '^demo-net:' "$1.log"
}

[ "$2" = chrooted ] || leave_initramfs
ip link set lo up
run ip tuntap add tap0 mode tap vnet_hdr multi_queue
ip addr add 192.0.2.1/24 dev tap0
ip link set tap0 up
run ip route add default via 192.0.2.254 dev tap0
printf 'interface tap0\nstart 192.0.2.2\nend 192.0.2.2\noption subnet 255.255.255.0\noption router 192.0.2.1\nlease_file /tmp/leases\n' >/tmp/udhcpd.conf
: >/tmp/leases
udhcpd -f /tmp/udhcpd.conf 2>/dev/null &
dhcpd=$!
run iperf3 --server >/dev/null &
server=$!
trap 'kill $dhcpd $server 2>/dev/null' EXIT
guest tap tap=tap0,queues=2
guest passt user
