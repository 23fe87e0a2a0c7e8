# shellcheck shell=bash
# Several emulated hosts side by side. Sourced after tools/setup/lib.sh.

# pool MAX FUNCTION NAME...: FUNCTION NAME for each, at most MAX at once; the array failed then has the
# names of those that did not end well. (wait -n loses those that end while a command substitution runs.)
pool() {
	local max=$1 function=$2 name
	local -a ids=()
	local -A name_of=()
	shift 2
	failed=()
	for name; do
		[[ ${#ids[@]} -lt $max ]] || pool_reap
		"$function" "$name" &
		ids+=($!)
		name_of[$!]=$name
	done
	while [[ ${#ids[@]} -gt 0 ]]; do pool_reap; done
}

pool_reap() {
	wait "${ids[0]}" || failed+=("${name_of[${ids[0]}]}")
	ids=("${ids[@]:1}")
}

# last_line FILE: what a program said last, as a reason.
last_line() {
	local line
	line=$(grep -v '^ *$' "$1" 2>/dev/null | tail -n 1 | tr -d '\r' | cut -c 1-200)
	printf '%s' "${line:-it said nothing}"
}

# skipped_line VMM REASON [CPUS]: of a suite's file of what it could not measure (docs/benchmarks.md).
skipped_line() {
	jq -n -c --arg vmm "$1" --arg reason "$2" --argjson cpus "${3:-2}" \
		'{case: "all", $vmm, host_cpus: $cpus, $reason}'
}
