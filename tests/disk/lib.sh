# shellcheck shell=bash
# What the disk tests share. Sourced after tools/setup/lib.sh. They set vmm, via and options, and use
# kernel, add, driver, ways and durable.
# shellcheck disable=SC2034,SC2154

DISK_OUT=$BUILD/tests/disk

# compile_for COMPILER OUT SOURCE: where the source is newer.
compile_for() {
	[[ $2 -nt $3 ]] && return
	mkdir -p "$(dirname "$2")"
	"$1" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wshadow -Wconversion -Wimplicit-fallthrough \
		"${@:4}" -o "$2.new" "$3" || die "cannot build ${2##*/}: see the compiler's message"
	mv "$2.new" "$2"
}

arm64_cc() {
	if [[ $(uname -m) == aarch64 ]]; then echo "${CC:-gcc}"; else echo aarch64-linux-gnu-gcc; fi
}

# prepare_records: what writes and checks numbered records, and a guest that starts to at its boot.
# Its command line says on which DEVICE and with what seed: arcvisor.run="/records write DEVICE SEED".
prepare_records() {
	compile_for "$(arm64_cc)" "$DISK_OUT/records" "$REPO/tests/disk/records.c" -static
	kernel=$("$REPO/tools/guest/kernel" 6.12) || exit
	prepare_driver
	"$REPO/tools/guest/initramfs" ${driver[@]+"${driver[@]}"} --add "$DISK_OUT/records:/records" \
		"$DISK_OUT/records-$via.initrd" 6.12 >/dev/null || exit
}

# prepare_driver: sets driver, what tools/guest/initramfs is to bring in for disks of $via.
prepare_driver() {
	local module
	driver=()
	[[ $via == hvc ]] || return 0
	module=$("$REPO/tools/guest/driver" 6.12) || exit
	driver=(--add "$module:/lib/modules/50-hvc_blk.ko")
}

# prepare_vmm: sets add, what armhost is to bring in for the VMM named $vmm.
prepare_vmm() {
	add=()
	mkdir -p "$DISK_OUT"
	case $vmm in
	arcvisor)
		[[ -x $BUILD/arm64/arcvisor ]] || die "there is no $BUILD/arm64/arcvisor: run make"
		add=(--add "$BUILD/arm64/arcvisor")
		;;
	qemu*)
		prepare_qemu "$DISK_OUT/qemu-lib"
		add=(--add "$QEMU:/usr/bin/" --add "$DISK_OUT/qemu-lib:/$QEMU_LIBS")
		;;
	*) usage_error "--vmm is arcvisor, qemu or qemu-unsafe" ;;
	esac
}

guest_device() { if [[ $via == hvc ]]; then echo /dev/hvcblk0; else echo /dev/vda; fi; }

# set_ways: ways, the options of --disk which say who serves it. The rounds take turns. Those that the
# user gave are the only way.
set_ways() {
	if [[ $options ]]; then
		ways=("$options")
	elif [[ $via == hvc ]]; then
		ways=(engine=uring engine=sync)
	else
		ways=(mode=inline mode=thread engine=sync 'mode=thread,engine=sync')
	fi
}

# note_durable LINE: keeps in the array durable what the last of each worker was; is it such a line?
note_durable() {
	local word worker number
	read -r word worker number <<<"${1%$'\r'}"
	[[ $word == durable && $worker =~ ^[0-3]$ && $number =~ ^[0-9]+$ ]] || return 1
	durable[worker]=$number
}
