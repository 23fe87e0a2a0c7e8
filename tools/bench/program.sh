# shellcheck shell=bash
# Programs of the benchmarks that run on the host with /dev/kvm. Sourced after tools/setup/lib.sh.

# build_program FILE SOURCE...: a static one for arm64, unless FILE is newer than all it is made of.
build_program() {
	local program=$1 cc=aarch64-linux-gnu-gcc
	shift
	[[ $(uname -m) != aarch64 ]] || cc=${CC:-gcc}
	[[ ! -e $program || $(find "$@" "$REPO"/tools/bench/{,disk/}*.h -newer "$program") ]] || return 0
	need "$cc"
	"$cc" -pthread -std=gnu11 -D_GNU_SOURCE -O2 -static -Wall -Wextra -Wshadow -Wconversion \
		-Wimplicit-fallthrough -o "$program.new" "$@" ||
		die "cannot build ${program##*/}: see the compiler's message"
	mv "$program.new" "$program"
}
