# shellcheck shell=sh
# The guest's part of tools/bench/disk/run: measures each case when the host says so.
stty -echo </dev/console
device=/dev/vda
[ ! -e /dev/hvcblk0 ] || device=/dev/hvcblk0
case $(cat /proc/cmdline) in
*arcvisor.symbols*) sed -n '/\[/s/^/sym /p' /proc/kallsyms ;;
esac
while read -r words <&3; do
	echo "bench: ready"
	read -r _
	# shellcheck disable=SC2086 # words of their own
	/blkbench "$device" $words
done 3</cases
echo "bench: done"
poweroff -f
