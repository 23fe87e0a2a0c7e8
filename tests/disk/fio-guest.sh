# shellcheck shell=sh
# The guest's part of tests/disk/fio. The first disk is a Debian root file system with fio; the words
# of /disks name the others and how they are served. Prints "disk-test: PASS|FAIL WHAT" lines.
root=/r

result() { if [ "$1" -eq 0 ]; then echo "disk-test: PASS $2"; else echo "disk-test: FAIL $2"; fi; }

in_root() { chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

# jobs: a job file; each stanza of /patterns runs on all disks at once, in a zone of its own.
jobs() {
	printf '[global]\ndirect=1\nioengine=io_uring\nthread=1\nverify=crc32c\ndo_verify=1\n'
	printf 'verify_fatal=1\nrandrepeat=0\nrandseed=%s\nend_fsync=1\n' "$seed"
	offset=0
	while read -r rw bs depth size engine; do
		first='stonewall'
		while read -r device name; do
			printf '[%s-%s-%s-d%s]\n%s\nfilename=%s\n' "$name" "$rw" "$bs" "$depth" "$first" "$device"
			printf 'rw=%s\nbs=%s\niodepth=%s\noffset=%sk\nsize=%sk\nioengine=%s\n' "$rw" "$bs" \
				"$depth" "$offset" "$size" "${engine%-polled}"
			# A ring that polls has no fsync.
			case $engine in *-polled) printf 'hipri=1\nend_fsync=0\n' ;; esac
			case $bs in *-*) printf 'bsrange=%s\n' "$bs" ;; esac
			first=''
		done </disks
		offset=$((offset + size))
	done </patterns | sed '/^bs=.*-/d'
}

# The status of fio is of all its jobs; who failed is in its messages.
raw() {
	jobs >"$root/tmp/jobs"
	in_root fio --output-format=terse --terse-version=3 --output=/tmp/out /tmp/jobs >"$root/tmp/log" 2>&1
	status=$?
	[ "$status" -eq 0 ] || { tail -n 20 "$root/tmp/log" && grep -v '^3;' "$root/tmp/out"; }
	while read -r _ name; do
		# Terse: field 3 is the job, 5 its error.
		awk -F ';' -v n="$name-" 'index($3, n) == 1 { jobs++; bad += $5 != 0 } END { exit !jobs || bad }' \
			"$root/tmp/out"
		result $? "fio verify on $name"
	done </disks
	result "$status" "fio as a whole"
}

# file_system TYPE DEVICE NAME: files are written, verified, some removed; then the checker looks.
file_system() {
	what="$1 on $3"
	case $1 in
	ext4) in_root mkfs.ext4 -q -F "$2" ;;
	xfs) in_root mkfs.xfs -q -f "$2" ;;
	esac
	if ! mount -t "$1" "$2" "$root/mnt"; then
		result 1 "$what: making it"
		return
	fi
	in_root fio --name=files --directory=/mnt --nrfiles=16 --filesize=16k-1m --size=8m --rw=randwrite \
		--bsrange=1k-32k --ioengine=io_uring --iodepth=8 --fsync=16 --verify=crc32c \
		--do_verify=1 --verify_fatal=1 --randseed="$seed" --output=/tmp/out >"$root/tmp/log" 2>&1
	status=$?
	[ "$status" -eq 0 ] || tail -n 20 "$root/tmp/log" "$root/tmp/out"
	rm -f "$root"/mnt/*.1*
	mkdir "$root/mnt/d" && cp "$root/usr/bin/fio" "$root/mnt/d" && umount "$root/mnt" &&
		mount -t "$1" "$2" "$root/mnt" && cmp "$root/usr/bin/fio" "$root/mnt/d/fio" || status=1
	umount "$root/mnt" || status=1
	result "$status" "$what: its files"
	case $1 in
	ext4) in_root e2fsck -f -n "$2" >"$root/tmp/log" 2>&1 ;;
	xfs) in_root xfs_repair -n "$2" >"$root/tmp/log" 2>&1 ;;
	esac
	status=$?
	[ "$status" -eq 0 ] || tail -n 20 "$root/tmp/log"
	result "$status" "$what: the checker"
}

mkdir -p "$root"
first=/dev/vda
[ ! -e /dev/hvcblk0 ] || first=/dev/hvcblk0
mount -t ext4 -o ro,noload "$first" "$root"
result $? "a read-only disk is mounted"
for dir in dev proc sys; do mount -o bind "/$dir" "$root/$dir"; done
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs tmpfs "$root/mnt"
seed=$(cat /seed)
raw
while read -r type device name; do
	file_system "$type" "$device" "$name"
done </systems
echo 'disk-test: done'
poweroff -f
