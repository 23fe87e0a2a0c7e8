# report.awk: the tables of tools/bench/profile/run
#
# Input: the case's result (key=value), symbols sorted by space and address, counts of the plugin.
# Variables: functions, how many to print; trace, whether to print that.

FNR == 1 { file++ }

file == 1 {
	for (i = 1; i <= NF; i++) {
		split($i, pair, "=")
		result[pair[1]] = pair[2]
	}
	ops = result["count"]
	next
}

file == 2 {
	n = ++nr[$1]
	at[$1, n] = $2
	name[$1, n] = $3 ($4 == "" ? "" : " " $4)
	next
}

# The last symbol that is not above the address.
function find(space, address,    low, high, middle) {
	if ((space, address) in found)
		return found[space, address]
	low = 1
	high = nr[space]
	while (low < high) {
		middle = int((low + high + 1) / 2)
		if (at[space, middle] "" <= address "")
			low = middle
		else
			high = middle - 1
	}
	return found[space, address] = name[space, low]
}

# Of a world and an address: upper case for programs.
function space_of(world, address) {
	return address >= "f" ? world : toupper(world)
}

# Of several VMMs the last.
$1 == "begin" {
	split("", sum)
	split("", spaces)
	split("", cpus)
	split("", each)
	split("", parts)
	total = nr_steps = 0
}

$1 == "count" {
	space = space_of($2, $4)
	fn = find(space, $4)
	sum[space, fn] += $5
	spaces[space] += $5
	cpus[$3] += $5
	each[$3, space, fn] += $5
	parts[space, part(space, fn)] += $5
	total += $5
}

$1 == "trace" && trace {
	space = space_of($2, $4)
	steps[++nr_steps] = $3 " " space " " find(space, $4)
	size[nr_steps] = $5
}

function title(space) {
	return space == "h" ? "host kernel" : space == "H" ? "host programs" : \
		space == "g" ? "guest kernel" : "guest programs"
}

# Sorted by their number, the largest first.
function print_sorted(values, most, format,    key, pair, command) {
	command = "sort -k1,1nr | head -n " most
	for (key in values) {
		split(key, pair, SUBSEP)
		if (values[key] / ops >= 0.5)
			printf format, values[key] / ops, title(pair[1]), pair[2] | command
	}
	close(command)
}

# What the processors do that do less than half of it.
function print_others(    cpu, key, pair, values) {
	for (cpu in cpus) {
		if (cpus[cpu] > total / 2 || cpus[cpu] < total / 100)
			continue
		split("", values)
		for (key in each) {
			split(key, pair, SUBSEP)
			if (pair[1] == cpu)
				values[pair[2], pair[3]] = each[key]
		}
		printf "\nOf processor %d:\n", cpu
		fflush()
		print_sorted(values, 12, "%10.0f  %-14s  %s\n")
	}
}

function print_trace(    i, last, n, from) {
	print "\nThe latest, in order: processor, space, function, instructions"
	# Three operations, as far as they were kept.
	n = 0
	for (i = nr_steps; i > 1 && n < 3 * total / ops; i--)
		n += size[i]
	n = 0
	for (; i <= nr_steps; i++) {
		if (steps[i] != last && last != "") {
			print last, n
			n = 0
		}
		last = steps[i]
		n += size[i]
	}
	print last, n
}

END {
	if (!total || !ops)
		exit 1
	printf "%s: %s %s, %d bytes, depth %d; %d operations, host with %d processor(s)\n\n", result["vmm"], \
		result["how"], result["op"], result["size"], result["depth"], ops, result["cpus"]
	printf "%10.0f instructions an operation by the clock\n", result["ns"] / ops
	printf "%10.0f counted\n", total / ops
	for (key in cpus)
		printf "%10.0f on processor %d\n", cpus[key] / ops, key
	n = split("h H g G", order, " ")
	for (i = 1; i <= n; i++)
		printf "%10.0f %s\n", spaces[order[i]] / ops, title(order[i])
	fflush()
	print "\nBy part:"
	fflush()
	print_sorted(parts, 100, "%10.0f  %-14s  %s\n")
	print "\nBy function:"
	fflush()
	print_sorted(sum, functions, "%10.0f  %-14s  %s\n")
	print_others()
	if (trace)
		print_trace()
}
