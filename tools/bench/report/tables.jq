# tables.jq: the Markdown tables of tools/bench/report/report; $charts are the names of its SVG files

def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;

# Thousands apart, or two decimals where it is small.
def number:
	if . == null then "-"
	elif . >= 1000 then (round | tostring | [while(length > 0; .[:-3])] | map(.[-3:]) | reverse | join(","))
	elif . >= 100 then (round | tostring)
	else (. * 100 | round / 100 | tostring) end;

def order: ["host", "arcvisor-v1", "arcvisor-hvc", "arcvisor-hvc-poll", "arcvisor-hvc-mmio", "arcvisor-inline",
	"arcvisor-thread", "arcvisor-sync", "arcvisor-pin", "qemu-pci", "qemu-mmio"];
def sizes: {"512": 512, "4k": 4096, "16k": 16384, "128k": 131072, "1m": 1048576};

# The name of a case as something to sort by: operation, size, depth.
def rank: . as $name | split("-") as $p | [$p[0], (sizes[$p[1]] // 0), (($p[2] // "d0")[1:] | tonumber? // 0), $name];

# A table of $metric: cases below one another, VMMs beside; divided by $by where that is not 1.
def table($cases; $metric; $title; $by):
	[$cases[] | select(.metric == $metric)] as $c
	| ([$c[].vmm] | unique) as $have | [order[] | select(. as $v | $have | index($v))] as $vmms
	| ($c | map({key: "\(.case) \(.vmm)", value: ((.values | median) / $by)}) | from_entries) as $value
	| if $c == [] then empty else
		"| \($title), \(if $by == 1 then "" else "million " end)\($c[0].unit) | \($vmms | join(" | ")) |",
		"|---|\($vmms | map("--:") | join("|"))|",
		([$c[].case] | unique | sort_by(rank)[] as $case
			| "| \($case) | \([$vmms[] | $value["\($case) \(.)"] | number] | join(" | ")) |"),
		""
	end;
def table($cases; $metric): table($cases; $metric; $metric | gsub("_"; " "); 1);

def is_work: .case | startswith("work-");

def backing_name: {null: "null_blk, O_DIRECT", file: "a file in the page cache, on ext4", xfs: "a file in the page cache, on xfs", nvme: "an NVMe drive, O_DIRECT"}[.];

# What the two kinds of disk are to cost at most, and the case that says what they do.
def targets: [
	["virtio", "4 KiB read, depth 1", "arcvisor-inline", "4-KiB-read,depth-1", 40000],
	["virtio", "4 KiB read, depth 32", "arcvisor-inline", "4-KiB-read,depth-32,io_uring", 12000],
	["virtio", "128 KiB read, depth 1", "arcvisor-inline", "128-KiB-read,depth-1", 90000],
	["hvc", "4 KiB read, depth 1", "arcvisor-hvc", "4-KiB-read,depth-1", 18000],
	["hvc", "4 KiB write, depth 1", "arcvisor-hvc", "4-KiB-write,depth-1", 18000],
	["hvc", "4 KiB read, depth 32", "arcvisor-hvc", "4-KiB-read,depth-32,io_uring", 10000],
	["hvc", "128 KiB read, depth 1", "arcvisor-hvc", "128-KiB-read,depth-1", 45000],
	["hvc, version 1", "4 KiB read, depth 1", "arcvisor-v1", "4-KiB-read,depth-1", 30000]];

# The same of counts, by fio.
def count_targets: [
	["hvc, exits to the VMM that are the disk's, 4 KiB read, depth 1", "arcvisor-hvc", "read-4k-d1", "hypercalls", 1],
	["the same, depth 32, submitted together", "arcvisor-hvc", "read-4k-d32-batch", "hypercalls", 0.1],
	["hvc, interrupts, 4 KiB read, depth 1", "arcvisor-hvc", "read-4k-d1", "interrupts", 0],
	["hvc, KVM_RUN interrupted by signals, 4 KiB read, depth 1", "arcvisor-hvc", "read-4k-d1", "signals", 0]];

# What the peers pay for the same: all of their exits are counted, a case's two console lines too.
def peer_metric: {hypercalls: "user_exits"}[.] // .;

def verdict($have; $aim): if $have == null then "not measured" elif $have <= $aim then "met" else "missed" end;

def counts_table($disk):
	([$disk[] | select(.backing == "null" and .vcpus == 1)
		| {key: "\(.vmm) \(.case) \(.metric)", value: (.values | median)}] | from_entries) as $value
	| if $value == {} then empty else
		"| per I/O | aim | arcvisor | | QEMU pci | QEMU mmio |", "|---|--:|--:|---|--:|--:|",
		(count_targets[] | . as [$what, $vmm, $case, $metric, $aim] | $value["\($vmm) \($case) \($metric)"] as $have
			# A tick of the clock is an exit, too: two decimals.
			| "| \($what) | \($aim) | \($have | number) | \(verdict(if $have == null then null else ($have * 100 | floor / 100) end; $aim)) | \($value["qemu-pci \($case) \($metric | peer_metric)"] | number) | \($value["qemu-mmio \($case) \($metric | peer_metric)"] | number) |"),
		""
	end;

def targets_table($path):
	($path | map({key: "\(.vmm) \(.case)", value: (.values | median)}) | from_entries) as $value
	| def cell($vmm; $case): $value["\($vmm) \($case)"] | number;
	"| instructions per I/O | aim | arcvisor | | host itself | QEMU pci | QEMU mmio |",
	"|---|--:|--:|---|--:|--:|--:|",
	(targets[] | . as [$disk, $what, $vmm, $case, $aim] | $value["\($vmm) \($case)"] as $have
		| "| \($disk), \($what) | \($aim | number) | \($have | number) | \(verdict($have; $aim)) | \(cell("host"; $case)) | \(cell("qemu-pci"; $case)) | \(cell("qemu-mmio"; $case)) |"),
	"";

(.cases | map(select(.suite == "disk"))) as $disk
| (.cases | map(select(.suite == "path"))) as $path
| "Measured by arcvisor-bench on \(.host.machine), \(.host.cpus // 2) CPUs, Linux \(.host.kernel); arcvisor \(.arcvisor).",
(if .clock == "instructions" then
	"The host is emulated: its clock counts instructions, and times, rates and latencies of real hardware cannot be told from it."
else
	"Governor \(.host.governor // "unknown"), halt polling \(.host.halt_poll_ns // "unknown") ns, mitigations: \(.host.mitigations // "unknown")"
end), "",
(if $path == [] then empty else "### Aims", "", targets_table($path), counts_table($disk) end),
($disk | map([.backing, .vcpus]) | unique | sort_by([(.[0] | {null: 0, file: 1, xfs: 2, nvme: 3}[.]), .[1]])[]
	| . as [$backing, $vcpus]
	| [$disk[] | select(.backing == $backing and .vcpus == $vcpus)] as $all
	| [$all[] | select(is_work | not)] as $c
	| [$all[] | select(is_work)] as $work
	| "### On \($backing | backing_name), \($vcpus) vCPU\(if $vcpus > 1 then "s" else "" end)", "",
		# A drive's time is not the path's: only what processors did counts there.
		(if $backing == "nvme" then empty else
			table($c; "time"), table($work; "time"; "the whole of real work, time"; 1000000) end),
		table($c; "instructions"), table($c; "cpu_time"),
		table($work; "cpu_time"; "the whole of real work, cpu time"; 1000000),
		([ $c[] | select(.case | IN("read-4k-d1", "write-4k-d1", "write-4k-d1-fsync", "read-4k-d32", "read-4k-d32-batch", "mixed-4k-d32", "read-128k-d1")) ] as $few
			| table($few; "user_exits"), table($few; "kernel_exits"), table($few; "system_calls"),
				table($few; "interrupts"), table($few; "switches")),
		table([$c[] | select(.case == "read-4k-d1")]; "resident")),
($charts[] | "![\(.)](\(.))", ""),
((.skipped // []) | if . == [] then empty else
	"### Not measured", "",
	(group_by([.vmm, .backing, .vcpus, .reason])[]
		| "- \(.[0].vmm), \(.[0].backing // ""), \(.[0].vcpus // 1) vCPU: \(map(.case) | join(", ")): \(.[0].reason)") end)
