# shellcheck shell=bash
# What the shell tools share: messages, the cache, locks and stamps. Sourced, never run.

TOOL=$(basename -- "$0")
REPO=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # the tools use both
CACHE=${ARCVISOR_CACHE:-$REPO/.cache} BUILD=$REPO/build

say() { printf '%s: %s\n' "$TOOL" "$*" >&2; }

# die MESSAGE: one line which names the thing and the remedy; the status is $DIE_STATUS, or 1.
die() {
	say "$*"
	exit "${DIE_STATUS:-1}"
}

usage_error() {
	say "$* (see $TOOL --help)"
	exit 2
}

# need PROGRAM...: stop where one is not installed.
need() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
			die "$program is not installed: run tools/setup/setup.sh"
	done
}

# need_value OPTION COUNT: stop unless OPTION is followed by a value; COUNT is $# of the caller.
need_value() { [[ $2 -ge 2 ]] || usage_error "$1 wants a value"; }

# A tool's --help is the comment at its head.
print_help() { sed -n '2,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "$0"; }

# locked FILE COMMAND...: run COMMAND while nobody else holds FILE. The lock ends with the subshell,
# however that ends.
locked() {
	local lock=$1
	shift
	mkdir -p "$(dirname "$lock")"
	(
		exec {fd}>"$lock"
		flock -n "$fd" || { say "waiting for $lock" && flock "$fd"; }
		"$@"
	)
}

# stamped FILE KEY: was FILE written by a completed step for exactly this KEY?
stamped() { [[ -f $1 ]] && [[ $(head -n 1 "$1") == "$2" ]]; }

# pack DIR: its content as a cpio archive for the kernel; the same files make the same bytes.
pack() {
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --null -o -H newc -R 0:0 --quiet --reproducible)
}

# read_module FILE: a kernel module, as the kernel takes it.
read_module() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*) cat "$1" ;;
	esac
}
