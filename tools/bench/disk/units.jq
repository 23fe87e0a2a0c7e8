# units.jq: what the units of tools/bench/disk/suite left, as cases of the schema of results.json
#
# $lines: the units' lines, each unit's after its "unit"; $wanted: "VMM BACKING VCPUS CASE" lines;
# $clock: instructions or nanoseconds. Each metric of a case is an entry, with a value a run.

def round3: (. * 1000 | round) / 1000;

# [metric, unit, better, value] of a case: a plain run's, or what a counted run adds.
def metrics:
	.fio.ios as $n
	| (.case | startswith("work-")) as $work
	| if .counted then
		["system_calls", "per I/O", "lower", (.host.syscalls / $n)],
		(if .host.exits != null then
			["user_exits", "per I/O", "lower", (.host.user_exits / $n)],
			["kernel_exits", "per I/O", "lower", ([.host.exits - .host.user_exits, 0] | max / $n)]
		else empty end)
	else
		# fio rounds its time up to milliseconds.
		["time", $clock, "lower", (if $work then .host.ns else (.fio.ms - 0.5) * 1000000 / $n end)],
		# In the host itself the work is of processes that end before it does.
		(if $work and .host.exits == null then empty else
			["cpu_time", $clock, "lower", (.host.cpu_ns / $n)],
			["switches", "per I/O", "lower", (.host.switches / $n)]
		end),
		(if .host.instructions then ["instructions", "instructions", "lower", (.host.instructions / $n)] else empty end),
		["host_interrupts", "per I/O", "lower", (.host.interrupts / $n)],
		(if .host.exits != null then
			["exits", "per I/O", "lower", (.host.exits / $n)],
			["hypercalls", "per I/O", "lower", ((.host.hvcs // 0) / $n)],
			["signals", "per I/O", "lower", ((.host.signals // 0) / $n)],
			["interrupts", "per I/O", "lower", (.fio.irqs / $n)],
			["resident", "KiB", "lower", .host.resident_kib]
		else empty end),
		(if $work then empty else
			["iops", "1/s", "higher", ($n * 1000 / .fio.ms)],
			["bandwidth", "MiB/s", "higher", (.fio.bytes * 1000 / .fio.ms / 1048576)],
			["latency_mean", $clock, "lower", .fio.lat_ns],
			["latency_p50", $clock, "lower", .fio.p50_ns],
			["latency_p99", $clock, "lower", .fio.p99_ns],
			["latency_p999", $clock, "lower", .fio.p999_ns]
		end)
	end;

# The lines with the unit that each belongs to.
(reduce $lines[] as $line ({unit: null, host: null, all: []};
	if $line.unit then .unit = $line.unit
	# Of the first: one unit has another kernel than all others.
	elif $line.host and ($line.case | not) then .host //= $line.host
	else .all += [$line + {of: .unit}] end)) as $read
| [$read.all[] | select(.fio and .fio.error == 0 and .fio.ios > 0)] as $good
| ([$good[]
	| . as $result | metrics
	| { suite: "disk", case: $result.case, vmm: $result.of.vmm, host_cpus: ($read.host.cpus // 2),
		backing: $result.of.backing, vcpus: $result.of.vcpus, metric: .[0], unit: .[1], better: .[2],
		value: (.[3] | round3), program: $result.of.program }]
	| group_by([.vmm, .backing, .vcpus, .case, .metric])
	| map(.[0] + {values: map(.value)} | del(.value))) as $cases
| {
	host: $read.host,
	cases: $cases,
	skipped: [
		$wanted | split("\n") | unique[] | select(. != "") | split(" ")
		| {vmm: .[0], backing: .[1], vcpus: (.[2] | tonumber), case: .[3]} as $w
		| select([$good[] | select(.of.vmm == $w.vmm and .of.backing == $w.backing
			and .of.vcpus == $w.vcpus and .case == $w.case and (.counted | not))] == [])
		| {suite: "disk"} + $w + {reason: (
			[$read.all[] | select(.of.vmm == $w.vmm and .of.backing == $w.backing and .of.vcpus == $w.vcpus)
				| select((.failed and .case == $w.case) or .skipped)
				| .failed // .skipped] | first // "it left no result")}
	]
}
