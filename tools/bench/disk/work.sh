# shellcheck shell=sh
# work.sh NAME HOW FOLDER: real work on a file system, for tools/bench/disk/fio-guest.sh
#
# Runs where Debian's tools are. What is between the two marks is measured: the work, and the sync that
# brings it to the disk. What it works on is made before that, the same each time.
set -eu

name=$1 how=$2 folder=$3

mark() { "$BENCH_MARK" "$1" "$name" "$how"; }

# make_tree DIR: 300 files in 30 folders, some 2 MiB of text that looks like source code.
make_tree() {
	i=0
	while [ "$i" -lt 30 ]; do
		mkdir -p "$1/part$i"
		i=$((i + 1))
	done
	# mawk's srand() makes the same numbers each time.
	mawk -v dir="$1" 'BEGIN {
		srand(42)
		split("int return struct static const void for while if else size buffer index value", word, " ")
		for (f = 0; f < 300; f++) {
			file = dir "/part" f % 30 "/file" f ".c"
			lines = 20 + int(rand() * 400)
			for (l = 0; l < lines; l++) {
				text = ""
				for (w = 0; w < 5; w++)
					text = text " " word[1 + int(rand() * 15)] int(rand() * 100)
				print "\t" text ";" >file
			}
			close(file)
		}
	}'
}

case $name in
work-untar)
	make_tree /tmp/tree
	tar -c -f /tmp/tree.tar -C /tmp tree
	mark begin
	tar -x -f /tmp/tree.tar -C "$folder"
	sync -f "$folder"
	mark end
	;;
work-clone)
	export GIT_AUTHOR_NAME=b GIT_AUTHOR_EMAIL=b@b GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b@b
	export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
	make_tree /tmp/tree
	git init -q /tmp/tree
	git -C /tmp/tree add .
	git -C /tmp/tree commit -q -m tree
	mark begin
	git clone -q --no-local file:///tmp/tree "$folder/clone"
	sync -f "$folder"
	mark end
	;;
work-sqlite)
	sqlite3 "$folder/db" 'PRAGMA journal_mode = DELETE; CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT);' >/dev/null
	mawk 'BEGIN {
		print "PRAGMA synchronous = FULL;"
		for (i = 0; i < 100; i++)
			printf "INSERT INTO t VALUES (%d, hex(zeroblob(200)));\n", i
	}' >/tmp/inserts
	mark begin
	sqlite3 "$folder/db" </tmp/inserts
	mark end
	[ "$(sqlite3 "$folder/db" 'SELECT count(*) FROM t')" = 100 ]
	;;
work-verify)
	mark begin
	fio --name=verify --directory="$folder" --size=4m --rw=randwrite --bsrange=512-64k --direct=1 \
		--ioengine=io_uring --iodepth=8 --verify=crc32c --do_verify=1 --verify_fatal=1 \
		--randseed=7 --fsync=16 --output=/tmp/out
	mark end
	;;
*)
	echo "there is no such work"
	exit 1
	;;
esac
