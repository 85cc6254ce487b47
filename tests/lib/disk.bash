# shellcheck shell=bash
# disk.bash: disks of users, on loop devices; with common.bash.
#
#   disk_up NAME [MIB [MKFS ARG...]]   formats and mounts one, before rig_up: its
#                      Engine sees no later mounts.  ext4 of 64 MiB, unless said
#                      otherwise.  DISK_NAME is where it is mounted, DISK_DEV_NAME
#                      the device, which is root's alone
#   disk_home NAME USER                a directory of that user's on it (after
#                      rig_up): prints its path
#   disks_down         after rig_down: the Engine held them too
#   subuid USER FIRST [COUNT]          gives him a range of ids in the rig's /etc

disk_up() {
	local name=$1 mib=${2:-64} dir dev
	shift
	[ $# = 0 ] || shift
	[ $# -gt 0 ] || set -- mkfs.ext4 -q -F
	dir=$(mktemp -d "/tmp/disk.$name.XXXX") || return
	truncate -s "${mib}M" "$dir/image" || return
	"$@" "$dir/image" >/dev/null || return
	dev=$(losetup --find --show "$dir/image") || return
	echo "$dir $dev" >>"$BATS_FILE_TMPDIR/disks"
	chmod 0600 "$dev"
	chmod 0755 "$dir"
	mkdir "$dir/mnt" && mount "$dev" "$dir/mnt" || return
	chmod 0755 "$dir/mnt" 2>/dev/null
	export "DISK_$name=$dir/mnt" "DISK_DEV_$name=$dev"
}

disk_home() {
	local at=DISK_$1 who=$2 uid gid
	IFS=: read -r _ _ uid gid _ < <(grep "^$who:" "$RIG_ETC/passwd") || return
	mkdir -p "${!at}/$who" && chmod 0700 "${!at}/$who" &&
		chown "$uid:$gid" "${!at}/$who" && echo "${!at}/$who"
}

disks_down() {
	local dir dev i
	[ -e "$BATS_FILE_TMPDIR/disks" ] || return 0
	while read -r dir dev; do
		umount "$dir/mnt" 2>/dev/null
		# The namespace of the Engine may take a moment to go.
		for ((i = 0; i < 50; i++)); do
			losetup -d "$dev" 2>/dev/null
			losetup "$dev" >/dev/null 2>&1 || break
			sleep 0.1
		done
		rm -rf --one-file-system "$dir"
	done <"$BATS_FILE_TMPDIR/disks"
	rm "$BATS_FILE_TMPDIR/disks"
}

subuid() {
	[ "$RIG_ETC" != /etc ] || { echo 'no /etc of the rig' >&2; return 1; }
	local file
	for file in subuid subgid; do
		echo "$1:$2:${3:-65536}" >>"$RIG_ETC/$file"
	done
}
