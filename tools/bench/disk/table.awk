# table.awk: the tables and the JSON of tools/bench/disk/run, from the lines its runs printed
#
# Input: key=value pairs, a line a case. Variable: json, the file to write.

{
	delete f
	for (i = 1; i <= NF; i++) {
		split($i, part, "=")
		f[part[1]] = part[2]
	}
	kib = f["size"] / 1024
	c = sprintf("%g KiB %s, depth %d%s", kib, f["op"], f["depth"], (f["how"] ~ /^uring/ ? ", io_uring" : "") (f["how"] ~ /huge/ ? ", huge pages" : ""))
	if (!(c in seen_case)) { seen_case[c] = 1; cases[++nc] = c }
	if (!(f["vmm"] in seen_vmm)) { seen_vmm[f["vmm"]] = 1; vmms[++nv] = f["vmm"] }
	if (!(f["cpus"] in seen_cpus)) { seen_cpus[f["cpus"]] = 1; hosts[++nh] = f["cpus"] }
	id = f["cpus"] SUBSEP f["vmm"] SUBSEP c
	if (f["counted"] != "yes")
		value["instructions", id] = f["ns"] / f["count"]
	# A case does a tenth, and its depth, before it measures; the console's share is in them as well.
	all = f["count"] * 1.1 + f["depth"]
	n = split("exits user_exits hvcs wfis syscalls", keys, " ")
	for (k = 1; k <= n; k++)
		if (keys[k] in f)
			value[keys[k], id] = f[keys[k]] / all
	value["irqs", id] = f["irqs"] / f["count"]
}

function table(title, key, format, h,    i, v, id, have) {
	for (i = 1; i <= nc; i++)
		for (v = 1; v <= nv; v++)
			have += ((key, h SUBSEP vmms[v] SUBSEP cases[i]) in value)
	if (!have)
		return
	printf "%s, host with %d CPU(s)\n%-34s", title, h, ""
	for (v = 1; v <= nv; v++)
		printf "%17s", vmms[v]
	printf "\n"
	for (i = 1; i <= nc; i++) {
		printf "%-34s", cases[i]
		for (v = 1; v <= nv; v++) {
			id = h SUBSEP vmms[v] SUBSEP cases[i]
			if ((key, id) in value)
				printf "%17s", sprintf(format, value[key, id])
			else
				printf "%17s", "-"
		}
		printf "\n"
	}
	printf "\n"
}

END {
	if (!nc)
		exit 1
	for (h = 1; h <= nh; h++)
		table("instructions per operation", "instructions", "%.0f", hosts[h])
	h = hosts[1]
	table("exits per operation", "exits", "%.2f", h)
	table("exits to the VMM per operation", "user_exits", "%.2f", h)
	table("HVCs per operation", "hvcs", "%.2f", h)
	table("system calls of the VMM per operation", "syscalls", "%.2f", h)
	table("disk interrupts of the guest per operation", "irqs", "%.2f", h)
	printf "[\n" >json
	n = split("instructions exits user_exits hvcs wfis syscalls irqs", keys, " ")
	for (h = 1; h <= nh; h++)
		for (v = 1; v <= nv; v++)
			for (i = 1; i <= nc; i++) {
				id = hosts[h] SUBSEP vmms[v] SUBSEP cases[i]
				if (!(("instructions", id) in value))
					continue
				printf "%s  { \"case\": \"%s\", \"vmm\": \"%s\", \"host_cpus\": %d", sep, cases[i], \
					vmms[v], hosts[h] >json
				for (k = 1; k <= n; k++)
					if ((keys[k], id) in value)
						printf ", \"%s\": %.3f", keys[k], value[keys[k], id] >json
				printf " }" >json
				sep = ",\n"
			}
	printf "\n]\n" >json
}
