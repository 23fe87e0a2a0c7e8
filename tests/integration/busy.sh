#!/bin/busybox sh
# busy: works each device of this guest at once, and says of each whether all was right
#
#   busy SECONDS     in the guest of tests/integration/test_busy.c, where it is /usr/bin/busy
#
# Disks (whatever there is), the shared folder at /mnt, TCP and vsock to servers of the host that give
# back what they get, random numbers. Prints "busy: begun", then "busy: N good, M bad".

until=$(($(cut -d. -f1 /proc/uptime) + $1))
dir=/tmp/busy
rm -rf "$dir"
mkdir "$dir"
head -c 262144 /dev/urandom >"$dir/data"

# again NAME COMMAND...: at least once, and as long as there is time; the first that fails ends it.
again() {
	name=$1
	shift
	while "$@"; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$until" ] || {
			echo "$name" >>"$dir/good"
			return
		}
	done
	echo "busy: $name is bad"
	echo "$name" >>"$dir/bad"
}

# disk DEVICE: past the guest's cache, and through it to where it is durable.
disk() {
	work=$dir/$(basename "$1")
	dd if="$dir/data" of="$1" bs=64k oflag=direct 2>/dev/null &&
		dd if="$1" of="$work" bs=16k count=16 iflag=direct 2>/dev/null &&
		cmp "$dir/data" "$work" &&
		dd if="$dir/data" of="$1" bs=64k seek=8 conv=fsync 2>/dev/null &&
		dd if="$1" of="$work" bs=4k skip=128 count=64 iflag=direct 2>/dev/null &&
		cmp "$dir/data" "$work"
}

folder() {
	cp "$dir/data" /mnt/data && sync && mv /mnt/data /mnt/moved && cmp "$dir/data" /mnt/moved &&
		rm /mnt/moved
}

# Only the server closes, once it has all: the FIFO has no end that nc would pass on.
tcp() {
	rm -f "$dir/fifo"
	mkfifo "$dir/fifo"
	cat "$dir/data" >"$dir/fifo" &
	nc 192.0.2.1 7 <>"$dir/fifo" >"$dir/tcp"
	cmp "$dir/data" "$dir/tcp"
}

streams() {
	vsock connect 52 <"$dir/data" >"$dir/vsock" && cmp "$dir/data" "$dir/vsock"
}

random() {
	[ "$(head -c 512 /dev/hwrng | wc -c)" = 512 ]
}

echo "busy: begun"
for device in /dev/vd? /dev/hvcblk? /dev/pmem?; do
	[ ! -b "$device" ] || again "$device" disk "$device" &
done
again folder folder &
again tcp tcp &
again vsock streams &
again random random &
wait
touch "$dir/good" "$dir/bad"
echo "busy: $(wc -l <"$dir/good") good, $(wc -l <"$dir/bad") bad"
