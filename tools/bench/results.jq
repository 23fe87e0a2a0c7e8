# results.jq: the suites' own files as one list of cases (docs/benchmarks.md, "Results as a file")
#
#   jq -n --slurpfile boot boot.json --slurpfile exits exits.json ... --arg unit ... -f results.jq
#
# A suite that was not run is an empty list. $unit is that of fio's times: all
# others are measured in the emulated host. $skipped are what other suites than disk left out.

def case($suite; $name; $vmm; $cpus; $unit; $values):
	{ suite: $suite, case: $name, vmm: $vmm, host_cpus: $cpus, unit: $unit, better: "lower", values: $values };

def vmm_name: split(" ")[0];

[
	($boot[]? | .[] | .cpus as $cpus | (.vmm | vmm_name) as $vmm |
		case("boot"; "exec_to_init"; $vmm; $cpus; "instructions"; .boot_instructions),
		case("boot"; "exec_to_guest"; $vmm; $cpus; "instructions"; [.setup_ns]),
		case("boot"; "system_calls"; $vmm; $cpus; "calls"; [.syscalls]),
		case("boot"; "stage2_faults"; $vmm; $cpus; "faults"; [.stage2]),
		case("boot"; "resident_beside_guest"; $vmm; $cpus; "KiB"; [.rss_kib])),
	($path[]? | .[] | .vmm as $vmm | .host_cpus as $cpus | "\(.case | gsub(", "; ",") | gsub(" "; "-"))" as $name |
		case("path"; $name; $vmm; $cpus; "instructions"; [.instructions])),
	($disk[]? | .cases // [] | .[]),
	($exits[]? | .exits? // {} | to_entries[] | .key as $name | .value | to_entries[] |
		case("exits"; $name; .key; 2; "instructions"; [.value]))
] as $cases
| {
	schema: "arcvisor-bench/1",
	clock: $unit,
	host: ({ machine: $machine, kernel: $kernel } + ([$disk[]? | .host // empty] | first // {})),
	arcvisor: $version,
	cases: $cases,
	skipped: ($skipped + [$disk[]? | .skipped // [] | .[]])
}
