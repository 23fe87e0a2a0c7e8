# shellcheck shell=bash
# Debian's QEMU for arm64, as a peer in the emulated host. Sourced after tools/setup/lib.sh.

QEMU_ROOT=$CACHE/qemu-arm64
QEMU=$QEMU_ROOT/usr/bin/qemu-system-aarch64
QEMU_LIBS=usr/lib/aarch64-linux-gnu

# copy_libraries FILE DIR: what a program of Debian's needs to start, into DIR.
copy_libraries() {
	local name file
	while read -r name; do
		[[ ! -e $2/$name ]] || continue
		file=$(find -L "$QEMU_ROOT/$QEMU_LIBS" -name "$name" -print -quit)
		[[ $file ]] || die "QEMU's packages have no $name: remove $QEMU_ROOT and try again"
		cp -L "$file" "$2/$name"
		copy_libraries "$file" "$2"
	done < <(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p')
}

# prepare_qemu DIR: QEMU in the cache, and in DIR the libraries that it needs, for armhost's --add.
prepare_qemu() {
	need readelf
	"$REPO/tools/debs/debs" root --suite trixie --arch arm64 --to "$QEMU_ROOT" qemu-system-arm
	[[ ! $1 -nt $QEMU_ROOT/.debs ]] || return 0
	rm -rf "$1"
	mkdir "$1"
	copy_libraries "$QEMU" "$1"
}

qemu_version() {
	sed -n 's/^qemu-system-arm_\(.*%3a\)\{0,1\}\([0-9.]*\).*$/\2/p' "$QEMU_ROOT/.debs"
}
