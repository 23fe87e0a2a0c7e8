# fio.jq: of fio's JSON what a result needs, for vmmcount; $irqs are the disk's interrupts meanwhile
.jobs[0] as $job
| [$job.read, $job.write] as $sides
| ($sides | map(select(.total_ios > 0))) as $used
| {
	error: $job.error,
	ios: ($sides | map(.total_ios) | add),
	bytes: ($sides | map(.io_bytes) | add),
	ms: ($sides | map(.runtime) | max),
	irqs: $irqs
}
+ (if $used == [] then {} else {
	lat_ns: (($used | map(.lat_ns.mean * .total_ios) | add) / ($used | map(.total_ios) | add)),
	p50_ns: ($used | map(.lat_ns.percentile["50.000000"]) | max),
	p99_ns: ($used | map(.lat_ns.percentile["99.000000"]) | max),
	p999_ns: ($used | map(.lat_ns.percentile["99.900000"]) | max)
} end)
