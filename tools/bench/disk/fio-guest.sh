# shellcheck shell=sh
# fio-guest.sh [TARGET]: the part of tools/bench/disk/suite where fio runs: in a guest, or with TARGET
# in the host itself
#
# In a guest the disk named "bench" is measured. Debian's tools are on the disk with the serial
# "tools", which is mounted and entered; on the host BENCH_ROOT is where they are mounted already.
# /jobs has the job files, /cases their names, how each is run ("plain" or "counted") and the factor
# of its operations. Speaks with tools/bench/disk/vmmcount.c.
root=${BENCH_ROOT:-/r} target=${1:-}

in_root() {
	chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp "BENCH_TARGET=$target" \
		"BENCH_DIRECT=${BENCH_DIRECT:-1}" BENCH_MARK=/tmp/mark "JOBS=$jobs" "$@"
}

# serial DEVICE: as the kernel has it.
serial() { tr -d ' \0' <"/sys/block/$1/serial" 2>/dev/null; }

find_disks() {
	for disk in /sys/block/vd* /sys/block/hvcblk*; do
		[ -e "$disk" ] || continue
		if [ "$(serial "${disk##*/}")" = tools ]; then tools=/dev/${disk##*/}; else target=/dev/${disk##*/}; fi
	done
}

enter() {
	mkdir -p "$root"
	mount -t ext4 -o ro,noload "$tools" "$root"
	for dir in dev proc sys; do mount -o bind "/$dir" "$root/$dir"; done
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs tmpfs "$root/mnt"
}

# The marks: fio runs them right before and after each job's operations. Of several jobs the first
# begins and the last ends.
write_mark() {
	cat >"$root/tmp/mark" <<-'MARK'
		#!/bin/sh
		if [ "$1" = begin ]; then
			mkdir /tmp/begun 2>/dev/null || exit 0
			cat /proc/interrupts >/tmp/irqs.begin
		elif [ "$JOBS" = 2 ] && mkdir /tmp/one-ended 2>/dev/null; then
			exit 0
		fi
		echo "bench: $1" >&4
		read -r _ <&3
		[ "$1" = begin ] || cat /proc/interrupts >/tmp/irqs.end
		exit 0
	MARK
	chmod 755 "$root/tmp/mark"
}

# irqs FILE: the sum of the disks' counts.
irqs() {
	awk '/virtio|hvc-blk/ { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) sum += $i }
		END { printf "%d", sum }' "$1"
}

# job NAME HOW FACTOR: the job file as it is run. Two vCPUs get a job each.
job() {
	awk -F = -v how="$2" -v factor="$3" -v jobs="$jobs" '
		$1 == "number_ios" {
			n = how == "counted" ? $2 / 4 : $2 * factor / jobs
			printf "number_ios=%d\n", n < 1 ? 1 : n
			next
		}
		{ print }
		END { if (jobs > 1) print "numjobs=" jobs "\noffset_increment=256m\ngroup_reporting=1" }' \
		"$root/tmp/jobs/$1.fio" >"$root/tmp/jobs/run.fio"
}

# on_file_system COMMAND...: with folder set to one on the measured disk, as the tools see it.
on_file_system() {
	if [ "${BENCH_FOLDER:-}" ]; then
		folder=$BENCH_FOLDER/work
		rm -rf "${root:?}$folder"
		mkdir "$root$folder"
		"$@"
		return
	fi
	folder=/mnt/work
	mkdir -p "$root$folder"
	in_root mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 "$target" 300M &&
		mount -t ext4 "$target" "$root$folder" || return
	"$@"
	set -- $?
	umount "$root$folder"
	return "$1"
}

run_fio() {
	job "$@" && in_root sh -c 'cd /tmp && exec fio --output-format=json --output=/tmp/out /tmp/jobs/run.fio'
}

do_work() { in_root sh /tmp/jobs/work.sh "$1" "$folder"; }

run_work() { on_file_system do_work "$1"; }

# measure NAME HOW FACTOR
measure() {
	echo "bench: case $1 $2"
	[ "$target" ] || {
		echo "bench: failed the guest has no disk to measure"
		return
	}
	rm -rf "$root"/tmp/begun "$root"/tmp/one-ended "$root"/tmp/irqs.* "$root"/tmp/tree* "$root/tmp/out"
	case $1 in
	work-*) run_work "$@" ;;
	*) run_fio "$@" ;;
	esac >"$root/tmp/log" 2>&1 </dev/null || {
		echo "bench: failed $(tail -n 1 "$root/tmp/log" | cut -c 1-200)"
		return
	}
	irqs=$(($(irqs "$root/tmp/irqs.end") - $(irqs "$root/tmp/irqs.begin")))
	case $1 in
	work-*) result="{\"error\":0,\"ios\":1,\"irqs\":$irqs}" ;;
	# fio tells of its marks in there, before the JSON.
	*) result=$(sed -n '/^{/,$p' "$root/tmp/out" | in_root jq -c -f /tmp/jobs/fio.jq --argjson irqs "$irqs" 2>&1) ||
		result=none ;;
	esac
	echo "bench: result $result"
}

jobs=${BENCH_JOBS:-$(cat /jobs/vcpus)}
if [ "$target" ]; then
	exec 3<&0 4>&1
else
	stty -echo </dev/console
	exec 3</dev/console 4>/dev/console
	find_disks
	enter
fi
write_mark
cp -r "${BENCH_JOBFILES:-/jobs}" "$root/tmp/jobs"
while read -r name how factor <&5; do
	measure "$name" "$how" "$factor"
done 5<"$root/tmp/jobs/cases"
echo 'bench: done'
[ "${1:-}" ] || poweroff -f
