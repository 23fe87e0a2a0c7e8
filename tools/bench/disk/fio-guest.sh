# shellcheck shell=sh
# fio-guest.sh [TARGET]: the part of tools/bench/disk/suite where fio runs: in a guest, or with TARGET
# in the host itself
#
# In a guest the disk named "bench" is measured. Debian's tools are on the disk with the serial
# "tools", which is mounted and entered; on the host BENCH_ROOT is where they are mounted already.
# /jobs has the job files, and in "cases" their names, how each is run ("plain" or "counted") and the
# factor of its operations. Speaks with tools/bench/disk/vmmcount.c.
root=${BENCH_ROOT:-/r} target=${1:-}
# So many cases are jobs of one fio, one after another: its start costs more than most of them.
BATCH=24

in_root() {
	chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp "BENCH_TARGET=$target" \
		"BENCH_DIRECT=${BENCH_DIRECT:-1}" BENCH_MARK=/tmp/mark "$@"
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

# The marks: fio runs them right before and after each job's operations. Of two jobs of a case the first
# begins, and the other waits for it at the FIFO; the last one ends.
write_mark() {
	printf '#!/bin/sh\njobs=%s\n' "$jobs" >"$root/tmp/mark"
	cat >>"$root/tmp/mark" <<-'MARK'
		id=$2.$3
		case $2 in work-*) jobs=1 ;; esac
		line=end
		if [ "$1" = begin ]; then
			mkdir "/tmp/begun.$id" 2>/dev/null || exec cat "/tmp/both.$id"
			cat /proc/interrupts >"/tmp/irqs.begin.$id"
			line="begin $2 $3"
		elif [ "$jobs" = 2 ] && mkdir "/tmp/one-ended.$id" 2>/dev/null; then
			exit 0
		fi
		echo "bench: $line" >&4
		read -r _ <&3
		[ "$1" = begin ] || cat /proc/interrupts >"/tmp/irqs.end.$id"
		[ "$1$jobs" != begin2 ] || : >"/tmp/both.$id"
		exit 0
	MARK
	chmod 755 "$root/tmp/mark"
}

# irqs FILE: the sum of the disks' counts.
irqs() {
	awk '/virtio|hvc-blk/ { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) sum += $i }
		END { printf "%d", sum }' "$1"
}

# result NAME HOW JSON: with the interrupts between its marks.
result() {
	begin=$root/tmp/irqs.begin.$1.$2 end=$root/tmp/irqs.end.$1.$2
	if [ -e "$end" ]; then
		echo "bench: result $1 $2 {\"irqs\":$(($(irqs "$end") - $(irqs "$begin"))),${3#?}"
	else
		echo "bench: failed $1 $2 it did not come to its end"
	fi
}

# job_file <CASES: one file of all jobs, each after the end of the one before. Two vCPUs get a job each.
job_file() {
	printf '[global]\ninclude common.inc\n'
	[ "$jobs" = 1 ] || printf 'numjobs=%d\noffset_increment=256m\ngroup_reporting=1\n' "$jobs"
	while read -r name how factor; do
		[ "$jobs" = 1 ] || mkfifo "$root/tmp/both.$name.$how"
		awk -F = -v name="$name" -v how="$how" -v factor="$factor" -v jobs="$jobs" '
			/^\[global\]/ || /^include/ || NF == 0 { next }
			/^\[/ {
				printf "\n[%s.%s]\nstonewall\n", name, how
				printf "exec_prerun=${BENCH_MARK} begin %s %s\n", name, how
				printf "exec_postrun=${BENCH_MARK} end %s %s\n", name, how
				next
			}
			$1 == "number_ios" {
				n = how == "counted" ? $2 / 4 : $2 * factor / jobs
				printf "number_ios=%d\n", n < 1 ? 1 : n
				next
			}
			{ print }' "${BENCH_JOBFILES:-/jobs}/$name.fio"
	done
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

# last_words: of what ran last.
last_words() { tail -n 1 "$root/tmp/log" | cut -c 1-200; }

# fio's results, a line each: name, how, error, JSON. It tells of its marks before the JSON.
results() { sed -n '/^{/,$p' "$root/tmp/out" | in_root jq -r -f /tmp/jobs/fio.jq 2>/dev/null; }

# run_batch FILE: the cases in it, by one fio.
run_batch() {
	job_file <"$1" >"$root/tmp/jobs/run.fio"
	rm -f "$root/tmp/out"
	in_root sh -c 'cd /tmp && exec fio --output-format=json --output=/tmp/out /tmp/jobs/run.fio' \
		>"$root/tmp/log" 2>&1 </dev/null
	results >"$root/tmp/results"
	while read -r name how _; do
		found=$(grep "^$name $how " "$root/tmp/results")
		error=${found#"$name $how "} error=${error%% *}
		if [ "$error" = 0 ]; then
			result "$name" "$how" "${found#"$name $how 0 "}"
		else
			echo "bench: failed $name $how fio${error:+ error $error}: $(last_words)"
		fi
	done <"$1"
}

do_work() { in_root sh /tmp/jobs/work.sh "$1" "$2" "$folder"; }

# run_work NAME HOW
run_work() {
	rm -rf "$root"/tmp/tree*
	if on_file_system do_work "$1" "$2" >"$root/tmp/log" 2>&1 </dev/null; then
		result "$1" "$2" '{"error":0,"ios":1}'
	else
		echo "bench: failed $1 $2 $(last_words)"
	fi
}

# flush: the cases that have been put off.
flush() {
	[ ! -s "$batch" ] || run_batch "$batch"
	: >"$batch"
	count=0
}

# measure NAME HOW FACTOR
measure() {
	if [ ! "$target" ]; then
		echo "bench: failed $1 $2 the guest has no disk to measure"
		return
	fi
	case $1 in
	work-*)
		flush
		run_work "$1" "$2"
		;;
	*)
		echo "$*" >>"$batch"
		count=$((count + 1))
		[ "$count" -lt "$BATCH" ] || flush
		;;
	esac
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
batch=$root/tmp/batch count=0
: >"$batch"
while read -r name how factor <&5; do
	measure "$name" "$how" "$factor"
done 5<"$root/tmp/jobs/cases"
flush
echo 'bench: done'
[ "${1:-}" ] || poweroff -f
