# shellcheck shell=bash
# plan.sh: which cases tools/bench/disk/suite measures, of which VMM, on what. Sourced after lib.sh.
# shellcheck disable=SC2034,SC2154 # the variables are the suite's

VMMS=(host arcvisor-v1 arcvisor-hvc arcvisor-hvc-poll arcvisor-hvc-mmio arcvisor-inline arcvisor-thread
	qemu-pci qemu-mmio)
BACKINGS=(null file xfs nvme)
QUICK_CASES=(read-4k-d1 write-4k-d1-fsync read-4k-d32-batch read-128k-d1)

# Beside all cases on null_blk with one vCPU: these on the others, some of them on the second file system,
# and these with two vCPUs.
SOME_CASES=(read-512-d1 read-4k-d1 write-4k-d1 write-4k-d1-fsync read-4k-d32 mixed-4k-d32 mixed-4k-d32-fsync
	read-4k-d32-batch write-4k-d32-batch read-16k-d4 read-128k-d1 write-128k-d4 read-1m-d1)
XFS_CASES=(read-4k-d1 write-4k-d1 write-4k-d1-fsync read-4k-d32-batch mixed-4k-d32 read-128k-d1)
TWO_CASES=(read-4k-d1 write-4k-d1 read-4k-d32 read-4k-d32-batch mixed-4k-d32 read-128k-d4 write-128k-d4)

# Of these the system calls are counted, in a second and shorter run.
COUNTED=(read-512-d1 read-4k-d1 write-4k-d1 write-4k-d1-fsync mixed-4k-d32 read-4k-d32 read-4k-d32-batch
	write-4k-d32 read-128k-d1 read-1m-d1)

# factor_of VMM CASE: this many times the operations. fio's clock is in milliseconds, and some 100 of them
# are enough: the host itself is quick, and some others take several times as long as the rest.
factor_of() {
	case $1-$2 in
	host-*-d1 | host-*-d1-fsync | host-*-batch) echo 4 ;;
	host-*) echo 2 ;;
	arcvisor-v1-*-128k-* | arcvisor-v1-*-1m-*) echo 0.1 ;;
	arcvisor-v1-*-16k-*) echo 0.25 ;;
	arcvisor-hvc-poll-*-d1 | arcvisor-hvc-poll-*-d1-fsync | arcvisor-hvc-poll-*-d4) echo 0.25 ;;
	qemu-*-d1 | qemu-*-d1-fsync) echo 0.5 ;;
	*) echo 1 ;;
	esac
}

all_cases() {
	local name
	for name in "$HERE"/jobs/*.fio; do
		name=${name##*/}
		printf '%s\n' "${name%.fio}"
	done
	printf '%s\n' "${WORK_CASES[@]}"
}

# Real work, in tools/bench/disk/work.sh. It needs what is written to be there.
WORK_CASES=(work-untar work-clone work-sqlite work-verify)

# wanted_cases BACKING VCPUS: the names.
wanted_cases() {
	local name
	if [[ $cases ]]; then
		for name in ${cases//,/ }; do
			[[ $name == work-* && $1 == null ]] || printf '%s\n' "$name"
		done
	elif [[ $quick ]]; then printf '%s\n' "${QUICK_CASES[@]}"
	elif [[ $2 == 2 ]]; then printf '%s\n' "${TWO_CASES[@]}"
	elif [[ $1 == xfs ]]; then printf '%s\n' "${XFS_CASES[@]}" "${WORK_CASES[@]}"
	elif [[ $1 == null ]]; then all_cases | grep -v '^work-'
	else printf '%s\n' "${SOME_CASES[@]}" "${WORK_CASES[@]}"; fi
}

# plan_cases BACKING VMM VCPUS: name, how, factor of the operations; a line each.
plan_cases() {
	local name
	for name in $(wanted_cases "$1" "$3"); do
		printf '%s plain %s\n' "$name" "$(factor_of "$2" "$name")"
		[[ " ${COUNTED[*]} " != *" $name "* || $2 == host ]] || printf '%s counted 1\n' "$name"
	done
}

# plan_wanted VMM BACKING VCPUS RUN: a line for each case that its unit should have brought.
plan_wanted() {
	local name
	for name in $(wanted_cases "$2" "$3"); do
		printf '%s %s %s %s\n' "$1" "$2" "$3" "$name"
	done
}

# plan_units: fills units. The VMMs take turns, so that what changes meanwhile meets all alike.
plan_units() {
	local run backing vcpus vmm
	for ((run = 1; run <= runs; run++)); do
		for backing in "${backings[@]}"; do
			for vcpus in "${vcpu_counts[@]}"; do
				# Two vCPUs are measured where nothing else is in the way.
				[[ $vcpus == 1 || $backing == null || $explicit_vcpus ]] || continue
				[[ $(wanted_cases "$backing" "$vcpus") ]] || continue
				for vmm in "${vmms[@]}"; do units+=("$vmm $backing $vcpus $run"); done
			done
		done
	done
}

# named_like PATTERN: those VMMs, a comma between. The window is what a driver takes where the host's
# kernel cannot hand it hypercalls, as Linux before 6.4: a machine of its own, which only the emulator has.
named_like() {
	local vmm list=''
	for vmm in "${VMMS[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $vmm != $1 || ($vmm == arcvisor-hvc-mmio && $direct) ]] ||
			[[ $vmm == arcvisor-@(v1|hvc-*) && $quick ]] || list+=,$vmm
	done
	printf '%s' "${list#,}"
}

# pick WHAT LIST ALLOWED...: LIST, words between commas, into the array picked, each allowed.
pick() {
	local what=$1 list=$2 word
	shift 2
	picked=()
	for word in ${list//,/ }; do
		[[ " $* " == *" $word "* ]] || usage_error "there is no $what '$word': there are $*"
		picked+=("$word")
	done
	[[ ${#picked[@]} -gt 0 ]] || usage_error "no $what is named"
}

plan_options() {
	local only='' backing='' vcpus='' list=''
	local -a picked
	while [[ $# -gt 0 ]]; do
		case $1 in
		--quick) quick=1 ;;
		--resume) resume=1 ;;
		--list) list=1 ;;
		--only | --backing | --vcpus | --runs | --jobs | --arcvisor)
			need_value "$1" $#
			printf -v "${1#--}" %s "$2"
			shift
			;;
		--case) need_value "$1" $# && cases=$2 && shift ;;
		-h | --help) print_help && exit ;;
		*) usage_error "unknown argument '$1'" ;;
		esac
		shift
	done
	[[ ! $list ]] || { all_cases && exit; }
	[[ ${runs:-1}${jobs:-1} =~ ^[1-9][0-9]*$ ]] || usage_error "--runs and --jobs want numbers"
	only=,${only:-host,arcvisor,qemu},
	only=${only//,arcvisor,/,$(named_like 'arcvisor-*'),}
	only=${only//,qemu,/,$(named_like 'qemu-*'),}
	pick VMM "$only" "${VMMS[@]}" arcvisor-sync arcvisor-pin && vmms=("${picked[@]}")
	pick backing "${backing:-$(if [[ $quick || $cases ]]; then echo null; else IFS=, && echo "${BACKINGS[*]}"; fi)}" "${BACKINGS[@]}" &&
		backings=("${picked[@]}")
	explicit_vcpus=$vcpus
	pick 'number of vCPUs' "${vcpus:-$(if [[ $quick || $cases ]]; then echo 1; else echo 1,2; fi)}" 1 2 &&
		vcpu_counts=("${picked[@]}")
	# shellcheck disable=SC2046 # names without blanks
	[[ ! $cases ]] || pick case "$cases" $(all_cases)
}
