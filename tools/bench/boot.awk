# boot.awk: the table and the JSON of tools/bench/boot, from the lines its runs printed
#
# Input: "size VMM BYTES BYTES-OF-LIBRARIES", then for each run key=value pairs. Variables: json,
# the file to write; qemu, its version; kernel, the guest's. A run that failed has failed=REASON: its VMM
# is left out, and is in the file that the variable skipped names.

function group(n,    s) { # 1234567 -> 1,234,567
	s = sprintf("%.0f", n)
	while (match(s, /^[0-9]+[0-9][0-9][0-9]($|,)/))
		s = comma(s)
	return s
}

function comma(s,    head, tail) {
	head = s
	tail = ""
	if (match(s, /,/)) {
		head = substr(s, 1, RSTART - 1)
		tail = substr(s, RSTART)
	}
	return substr(head, 1, length(head) - 3) "," substr(head, length(head) - 2) tail
}

function million(ns) { return ns / 1000000 }

# The runs of one VMM on a number of CPUs, sorted into sorted[1..].
function sort_runs(id,    i, j, v) {
	for (i = 1; i <= runs[id]; i++) {
		v = boot[id, i]
		for (j = i - 1; j >= 1 && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
	return runs[id]
}

function median(id,    n) {
	n = sort_runs(id)
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

# Half of the way from the lowest to the highest run, in percent of the median.
function spread(id,    n, m) {
	m = median(id)
	n = sort_runs(id)
	return 100 * (sorted[n] - sorted[1]) / 2 / m
}

function row(title, kind, key,    c, v, id, text) {
	printf "%-44s", title
	for (c = 1; c <= 2; c++) {
		for (v = 1; v <= nvmms; v++) {
			id = c SUBSEP vmms[v]
			if (!runs[id])
				text = "-"
			else if (kind == "boot")
				text = sprintf("%s", group(million(median(id))))
			else if (kind == "spread")
				text = sprintf("%.1f %%", spread(id))
			else if (kind == "million")
				text = sprintf("%.1f", million(value[id, key]))
			else if (kind == "after")
				text = sprintf("%.1f", million(value[id, "user"] - value[id, "setup_user"]))
			else if (kind == "size")
				text = group(size[vmms[v], key] / 1024)
			else
				text = group(value[id, key])
			printf "%14s", text
		}
	}
	printf "\n"
}

function pair(key, number, last) {
	printf "    \"%s\": %.0f%s\n", key, number, last ? "" : "," >json
}

function object(c, vmm,    id, i, n, k) {
	id = c SUBSEP vmm
	if (!runs[id])
		return
	printf "%s  {\n    \"vmm\": \"%s\",\n    \"cpus\": %d,\n    \"guest_kernel\": \"%s\",\n", \
		separator, label(vmm), c, kernel >json
	separator = ",\n"
	printf "    \"boot_instructions\": [" >json
	for (i = 1; i <= runs[id]; i++)
		printf "%s%.0f", (i > 1 ? ", " : ""), boot[id, i] >json
	printf "],\n" >json
	pair("boot_instructions_median", median(id))
	pair("binary_bytes", size[vmm, 1])
	pair("library_bytes", size[vmm, 2])
	n = split(keys, k, " ")
	for (i = 1; i <= n; i++)
		pair(k[i], value[id, k[i]], i == n)
	printf "  }" >json
}

function label(vmm) { return vmm == "qemu" ? "qemu " qemu : vmm }

$1 == "size" {
	vmms[++nvmms] = $2
	size[$2, 1] = $3
	size[$2, 2] = $4
	next
}

{
	delete field
	for (i = 1; i <= NF; i++) {
		split($i, part, "=")
		field[part[1]] = part[2]
	}
	id = field["cpus"] SUBSEP field["vmm"]
	if ("failed" in field) {
		reason = field["failed"]
		gsub(/_/, " ", reason)
		printf "{\"case\":\"all\",\"vmm\":\"%s\",\"host_cpus\":%d,\"reason\":\"%s\"}\n", \
			field["vmm"], field["cpus"], reason >skipped
		next
	}
	if (!("entries" in field)) {
		boot[id, ++runs[id]] = field["boot_ns"]
		for (k in field)
			value[id, k] = field[k]
	} else {
		for (k in field)
			if (!((id, k) in value))
				value[id, k] = field[k]
	}
}

END {
	printf "Boot to init, million instructions. Guest: Linux %s, 1 vCPU, 512 MiB.\n\n", kernel
	printf "%-44s", ""
	for (c = 1; c <= 2; c++)
		for (v = 1; v <= nvmms; v++)
			printf "%14s", label(vmms[v])
	printf "\n%-44s", "the host has"
	for (c = 1; c <= 2; c++)
		for (v = 1; v <= nvmms; v++)
			printf "%14s", c == 1 ? "1 CPU" : "2 CPUs"
	printf "\n\n"
	row("exec of the VMM to the guest's init (median)", "boot")
	row("  spread of the runs, plus or minus", "spread")
	row("of one run: the guest", "million", "guest")
	row("  the host's kernel", "million", "kernel")
	row("  the VMM", "million", "user")
	row("    after the guest's first instruction", "after")
	row("exec to the guest's first instruction", "million", "setup_ns")
	printf "\n"
	row("exits to the VMM", "count", "exits")
	row("  memory-mapped I/O", "count", "exits_mmio")
	row("  hypercalls", "count", "exits_hypercall")
	row("  system events", "count", "exits_system_event")
	row("  signals", "count", "exits_signal")
	row("entries into the guest", "count", "entries")
	row("system calls", "count", "syscalls")
	row("page faults", "count", "faults")
	row("stage 2 faults", "count", "stage2")
	printf "\n"
	row("resident beside guest memory, KiB", "count", "rss_kib")
	row("  not shared with a second VMM", "count", "anon_kib")
	row("resident guest memory, KiB", "count", "guest_rss_kib")
	row("  of it in huge pages", "count", "guest_huge_kib")
	row("program, KiB", "size", 1)
	row("  its libraries", "size", 2)

	keys = "setup_ns setup_user user kernel guest entries exits exits_mmio exits_hypercall" \
		" exits_system_event exits_signal syscalls faults stage2 rss_kib anon_kib" \
		" guest_rss_kib guest_huge_kib total_ns"
	printf "[\n" >json
	for (c = 1; c <= 2; c++)
		for (v = 1; v <= nvmms; v++)
			object(c, vmms[v])
	printf "\n]\n" >json
}
