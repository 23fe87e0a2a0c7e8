# compare.awk: two sets of results, case by case
#
# Input: lines of "old" or "new", key, unit, better, values with commas between, apart by tabs.
# Variables: tolerance, percent below which a change is noise whatever the runs say; quiet, 1 to
# leave out what did not change. Status 1 where something became worse, 2 where nothing matches.

function sort_values(text,    n, i, j, v) {
	n = split(text, sorted, ",")
	for (i = 1; i <= n; i++)
		sorted[i] += 0
	for (i = 2; i <= n; i++) {
		v = sorted[i]
		for (j = i - 1; j >= 1 && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
	return n
}

# The median, and in low and high the 95 % confidence interval of it by order statistics: of n runs
# the ones at n/2 -+ sqrt(n); of fewer than six, all of them.
function median(text,    n, k) {
	n = sort_values(text)
	k = n < 6 ? 1 : int((n + 1) / 2 - 0.98 * sqrt(n))
	if (k < 1)
		k = 1
	low = sorted[k]
	high = sorted[n + 1 - k]
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function verdict(change, apart, better) {
	if (change < 0 ? -change <= tolerance : change <= tolerance)
		return "same"
	if (!apart)
		return "noise"
	return (change > 0) == (better == "higher") ? "better" : "WORSE"
}

BEGIN { FS = "\t" }

$1 == "old" { old[$2] = $5; next }
$1 == "new" && !($2 in new) { new[$2] = $5; unit[$2] = $3; better[$2] = $4; keys[++n] = $2 }

END {
	for (i = 1; i <= n; i++) {
		key = keys[i]
		if (!(key in old)) {
			fresh++
			continue
		}
		a = median(old[key])
		old_low = low
		old_high = high
		b = median(new[key])
		change = a ? 100 * (b - a) / a : b ? 100 : 0
		says = verdict(change, low > old_high || high < old_low, better[key])
		count[says]++
		seen++
		if (!quiet || says == "WORSE" || says == "better")
			printf "%-52s %14.0f %14.0f  %+7.1f %%  %-6s %s\n", key, a, b, change, says, unit[key]
	}
	for (key in old)
		if (!(key in new))
			gone++
	printf "%d same, %d within noise, %d better, %d worse", count["same"], count["noise"], \
		count["better"], count["WORSE"]
	printf "; %d only in the old, %d only in the new\n", gone, fresh
	exit !seen ? 2 : count["WORSE"] > 0
}
