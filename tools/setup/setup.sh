#!/bin/bash
# setup.sh: installs what arcvisor needs from Debian
#
#   tools/setup/setup.sh [build|test|demo]
#
# build   compilers and libraries
# test    the same, criterion, clang with its sanitizers, gdb, and an emulated arm64 host's needs
# demo    the same as build, and what boots a guest here
#
# Without an argument: all of it. For Debian 12 and 13, amd64 and arm64. Installs what is missing
# only, through sudo where it is not run by root; where nothing is missing, it does nothing.
set -euo pipefail

# shellcheck source=tools/setup/lib.sh
. "$(dirname -- "$(readlink -f -- "$0")")/lib.sh"

# packages PART MACHINE: their names.
packages() {
	local -a list=(make gcc libc6-dev linux-libc-dev pkg-config libfdt-dev zlib1g-dev libzstd-dev liburing-dev libjansson-dev
		libseccomp-dev xz-utils debian-archive-keyring ca-certificates)
	# The arm64 libraries to link against come from tools/setup/sysroot.
	[[ $2 == aarch64 ]] || list+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
	if [[ $1 != build ]]; then
		list+=(cpio zstd device-tree-compiler e2fsprogs jq gnuplot-nox)
	fi
	[[ $1 != test && $1 != all ]] || list+=(libcriterion-dev clang libclang-rt-dev gdb-multiarch
		debootstrap)
	printf '%s\n' "${list[@]}"
}

# missing MACHINE PACKAGE...: those which are not installed, for this machine's architecture.
missing() {
	local arch=amd64
	[[ $1 != aarch64 ]] || arch=arm64
	shift
	# dpkg-query complains of each name which it has never seen: that is an answer, too.
	{ dpkg-query -W -f '${db:Status-Status} ${Architecture} ${Package}\n' "$@" 2>/dev/null || true; } |
		awk -v arch="$arch" -v wanted="$*" '
			$1 == "installed" && ($2 == arch || $2 == "all") { have[$3] = 1 }
			END {
				n = split(wanted, name, " ")
				for (i = 1; i <= n; i++)
					if (!(name[i] in have))
						print name[i]
			}'
}

is_supported() {
	local ID='' VERSION_ID=''
	# shellcheck source=/dev/null
	[[ -r /etc/os-release ]] && . /etc/os-release
	[[ $ID == debian && ($VERSION_ID == 12 || $VERSION_ID == 13) ]]
}

# apt must ask nothing: who runs this may be a script.
apt() {
	local -a as_root=()
	[[ $EUID -eq 0 ]] || as_root=(sudo)
	${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"
}

main() {
	local part=${1:-all} machine wanted lacking
	case $part in
	-h | --help) print_help && exit ;;
	build | test | demo | all) ;;
	*) usage_error "unknown part '$part'" ;;
	esac
	machine=$(uname -m)
	[[ $machine == x86_64 || $machine == aarch64 ]] || usage_error "$machine is not supported"
	wanted=$(packages "$part" "$machine" | xargs)
	if ! is_supported; then
		say "this is not Debian 12 or 13: install your system's equivalents of: $wanted"
		exit 2
	fi
	# shellcheck disable=SC2086 # names, apart by blanks
	lacking=$(missing "$machine" $wanted | xargs)
	if [[ ! $lacking ]]; then
		say "all is there"
		return
	fi
	[[ $EUID -eq 0 ]] || command -v sudo >/dev/null ||
		die "sudo is not installed: as root, run apt-get install --no-install-recommends $lacking"
	say "installing: $lacking"
	apt update || die "apt-get update failed: see its message above"
	# shellcheck disable=SC2086
	apt install --no-install-recommends $lacking || die "apt-get install failed: see its message above"
}

main "$@"
