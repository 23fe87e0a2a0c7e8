# fio.jq: of fio's JSON a line a case for tools/bench/disk/fio-guest.sh: name, how, error, and what a
# result needs. A job is named "NAME.HOW".
.jobs[] as $job
| [$job.read, $job.write] as $sides
| ($sides | map(select(.total_ios > 0))) as $used
| {
	error: $job.error,
	ios: ($sides | map(.total_ios) | add),
	bytes: ($sides | map(.io_bytes) | add),
	ms: ($sides | map(.runtime) | max)
}
+ (if $used == [] then {} else {
	lat_ns: (($used | map(.lat_ns.mean * .total_ios) | add) / ($used | map(.total_ios) | add)),
	p50_ns: ($used | map(.lat_ns.percentile["50.000000"]) | max),
	p99_ns: ($used | map(.lat_ns.percentile["99.000000"]) | max),
	p999_ns: ($used | map(.lat_ns.percentile["99.900000"]) | max)
} end)
| "\($job.jobname | split(".") | join(" ")) \($job.error) \(tojson)"
