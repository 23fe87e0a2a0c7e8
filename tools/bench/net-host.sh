#!/bin/sh
# net-host.sh VMM...: the part of tools/bench/net that runs in the emulated host
#
# Boots the guest under each VMM in turn, and prints what it says behind the VMM's name: arcvisor or
# arcvisor-vhost, qemu-pci or qemu-mmio, also with -vhost.
set -eu

CMDLINE='console=ttyAMA0 quiet cryptomgr.notests'
MAC=02:00:00:00:00:01

# Debian's programs find their libraries beside them.
run() {
	program=$1
	shift
	./root/lib/ld-linux-aarch64.so.1 --library-path ./root/usr/lib/aarch64-linux-gnu \
		"./root/bin/$program" "$@"
}

by_arcvisor() {
	arcvisor run --kernel kernel --initrd initrd --memory 512M --cpus 1 --cmdline "$CMDLINE" \
		--net "tap=tap0,mac=$MAC,vhost=$1"
}

by_qemu() {
	device=virtio-net-pci,romfile=
	[ "$1" = pci ] || device=virtio-net-device
	qemu-system-aarch64 -M virt,gic-version=3 -cpu host -enable-kvm -nodefaults -display none \
		-serial stdio -m 512 -smp 1 -kernel kernel -initrd initrd -append "$CMDLINE" \
		-netdev "tap,id=n,ifname=tap0,script=no,downscript=no,vhost=$2" \
		-device "$device,netdev=n,mac=$MAC"
}

one() {
	vhost=off
	case $1 in *-vhost) vhost=on ;; esac
	case $1 in
	arcvisor*) by_arcvisor $vhost ;;
	qemu-pci*) by_qemu pci $vhost ;;
	qemu-mmio*) by_qemu mmio $vhost ;;
	esac </dev/null >log 2>&1 || {
		cat log
		exit 1
	}
	tr -d '\r' <log | sed -n "s/^bench-net /$1 /p"
}

run ip tuntap add tap0 mode tap vnet_hdr
ip addr add 192.0.2.1/24 dev tap0
ip link set tap0 up
run iperf3 --server >/dev/null &
./netpeer &
for vmm; do
	one "$vmm"
done
