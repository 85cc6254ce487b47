# guard_attacks.bats: the ways from a user's own bind, image or volume to root of
# the host.  Each is tried on a plain Engine, where it works, and then through
# broker and guard, where it must not; tests/lib/guard.bash says how.

load lib/guard
load lib/guard_ways

setup_file() {
	GUARD_PLAIN=1
	guard_ground && guard_up
}

teardown_file() { guard_down; }

# ---- the path of a bind leads elsewhere when the container starts ----

attack_swap_writes() {
	swapped "$SRV/root/dir" wick:1 touch /src/mine
	[ -e "$SRV/root/dir/mine" ]
}
@test "a directory that became a link to root's: read, write" {
	beaten swap_reads "$REFUSED"
	beaten swap_writes "$REFUSED"
}

attack_swap_policy() { swapped "$SRV/other" wick:1 cat /src/file | grep public; }
attack_link_policy() {
	u ln -s "$SRV/other" "$H/src"
	d run --rm -v "$H/src:/src" wick:1 cat /src/file | grep public
}
attack_link_above() {
	u ln -s "$SRV" "$H/up"
	d run --rm -v "$H/up/other:/src" wick:1 cat /src/file | grep public
}
@test "a link out of the policy's path, to where the user himself may go" {
	beaten swap_policy 'dockbroker: .*/other'
	beaten link_policy 'dockbroker: .*/other'
	beaten link_above 'dockbroker: .*/other'
}

attack_swap_magic() {
	swapped "/proc/self/root$SRV/root" wick:1 cat /src/secret | grep "$SECRET"
}
@test "a link that goes by /proc/self/root" {
	beaten swap_magic 'dockbroker: .*(Permission denied|symbolic links)'
}

attack_race() {
	local i racer won=1
	u mkdir "$H/src" && u ln -s "$SRV/root" "$H/evil"
	u "$WICKED" swap "$H/src" "$H/evil" 30 3>&- &
	racer=$!
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		d run --rm -v "$H/src:/src" wick:1 cat /src/secret | grep "$SECRET" &&
			won=0 && break
		[ "$MODE" = plain ] || [ "$i" -lt 4 ] || break
	done
	kill "$racer"
	wait "$racer" 2>/dev/null
	return $won
}
@test "a directory that changes places with a link all the time" {
	beaten race 'dockbroker: .*|No such file'
}

attack_file_renamed() {
	u sh -c "echo mine >$H/f"
	d create --name cc -v "$H/f:/f" wick:1 cat /f || return
	u ln -s "$SRV/root/secret" "$H/new" && u mv -T "$H/new" "$H/f"
	d start -a cc | grep "$SECRET"
}
@test "a file that was replaced by rename" {
	beaten file_renamed "$REFUSED"
}

@test "docker restart after the swap" {
	beaten restart "$REFUSED"
}

attack_engine_restart() {
	local i
	u mkdir "$H/src"
	d run -d --name cc --restart always -v "$H/src:/src" wick:1 \
		sh -c 'cat /src/secret; sleep 100' || return
	u mv "$H/src" "$H/was" && u ln -s "$SRV/root" "$H/src"
	engine_again true
	for i in 1 2 3 4 5 6; do
		d logs cc 2>&1 | grep "$SECRET" && return 0
		sleep 0.2
	done
	d inspect -f '{{.State.Error}}' cc
	return 1
}
@test "a restart of the Engine after the swap" {
	beaten engine_restart "$REFUSED"
}

attack_volumes_from_other() {
	o mkdir -p "$RIG_HOME/bob/w"
	o sh -c "echo $SECRET >$RIG_HOME/bob/w/secret"
	(WHO=bob d create --name bb -v "$RIG_HOME/bob/w:/src" wick:1) || return
	d run --rm --volumes-from bb wick:1 cat /src/secret | grep "$SECRET"
}
@test "volumes of another container: after a swap, of another user" {
	beaten volumes_from "$REFUSED"
	beaten volumes_from_other 'No such container: bb'
}

# ---- programs that are left in a bind ----

attack_tmpfile() {
	d run --rm -v "$H:/src" wick:1 wicked tmpfile /src /src/x
	gains_by "$H/x"
}
attack_linked() {
	cp "$WICKED" "$H/roots"
	chmod 0755 "$H/roots"
	d run --rm -v "$H:/src" wick:1 sh -c 'ln /src/roots /src/x; chmod 4755 /src/x'
	gains_by "$H/x"
}
attack_nested_setuid() {	# of two binds, one in the other
	u mkdir "$H/a"
	d run --rm -v "$H:/src" -v "$H/a:/src/a" wick:1 sh -c \
		'cp /bin/wicked /src/a/x; chmod 4755 /src/a/x'
	gains_by "$H/a/x"
}
@test "setuid programs and file capabilities" {
	beaten setuid "euid=$ALICE"
	beaten capability 'CapEff:.*0000000000000000'
	beaten tmpfile "euid=$ALICE"
	beaten linked 'Operation not permitted|Value too large|Permission denied'
	beaten nested_setuid "euid=$ALICE"
}

attack_copied_in() {	# docker cp unpacks as real root
	d create --name cc -v "$H:/src" wick:1 || return
	cp "$WICKED" "$SRV/root/dir/x"
	chmod 4755 "$SRV/root/dir/x"
	tar -C "$SRV/root/dir" --owner=0 --group=0 -c x | d cp - cc:/src
	gains_by "$H/x"
}
attack_setuid_inside() {	# of root's in the bind: takes effect in the container
	cp "$WICKED" "$H/x"
	chmod 4755 "$H/x"
	d run --rm -u 12345:12345 -v "$H:/src" wick:1 /src/x id >"$T/got"
	sees euid=0
}
@test "setuid by docker cp, and one that counts inside" {
	chmod 0755 "$RIG_HOME/alice"
	beaten copied_in 'read-only|not permitted|Could not find'
	beaten setuid_inside 'euid=12345'
	chmod 0700 "$RIG_HOME/alice"
}

# ---- what is another's in a directory of one's own ----

attack_made() {		# -v makes what is missing
	d run --rm -v "$H/new:/src" wick:1 true
	ls -ln "$H"
	[ "$(stat -c %u "$H/new")" = 0 ]
}
attack_made_inside() {	# and so does the runtime, for a bind inside another
	u mkdir "$H/a" "$H/b"
	d run --rm -v "$H/a:/src" -v "$H/b:/src/in/here" wick:1 true
	ls -ln "$H/a"
	[ "$(stat -c %u "$H/a/in")" = 0 ]
}
attack_given_away() {
	d run --rm -v "$H:/src" wick:1 sh -c "touch /src/f; chown $BOB /src/f"
	ls -ln "$H"
	[ "$(stat -c %u "$H/f")" = "$BOB" ]
}
@test "files of root's in one's home, files given away" {
	beaten litter " $ALICE "
	beaten made " $ALICE "
	beaten made_inside " $ALICE "
	beaten given_away 'Value too large|Invalid argument| 1[0-9]{5,} '
}

roots_file() { # MODE: root left a file in his directory
	cp "$SRV/root/secret" "$H/f"
	chmod "$1" "$H/f"
}
attack_reads_roots() {
	roots_file 0600
	d run --rm -v "$H:/src" wick:1 cat /src/f | grep "$SECRET"
}
attack_writes_roots() {
	roots_file 0644
	d run --rm -v "$H:/src" wick:1 sh -c 'echo evil >>/src/f'
	grep evil "$H/f"
}
attack_hard_link() {	# where links are not protected, he makes it himself
	ln "$SRV/root/secret" "$H/f"
	d run --rm -v "$H:/src" wick:1 cat /src/f | grep "$SECRET"
}
attack_acl() {
	roots_file 0600
	d run --rm -v "$H:/src" wick:1 wicked acl /src/f "$ALICE"
	u cat "$H/f" | grep "$SECRET"
}
attack_xattr() {
	roots_file 0644
	d run --rm -v "$H:/src" wick:1 wicked setxattr /src/f user.evil yes
	"$PYTHON" -c "import os,sys; print(os.getxattr(sys.argv[1], 'user.evil'))" "$H/f"
}
attack_default_acl() {	# alice's own ACL names container ids: who is let in?
	roots_file 0600
	d run --rm -v "$H:/src" wick:1 chmod 0666 /src/f
	u cat "$H/f" | grep "$SECRET"
}
@test "root's file in one's directory: modes, hard links, ACLs, xattrs" {
	beaten reads_roots 'Permission denied'
	beaten writes_roots 'Permission denied|Value too large'
	beaten hard_link 'Permission denied'
	beaten acl 'not permitted|Permission denied|Value too large'
	beaten xattr 'not permitted|Permission denied|Value too large'
	beaten default_acl 'not permitted|Permission denied|Value too large'
}

bobs_file() {
	o sh -c "umask 077; mkdir $SRV/team/bob; echo $SECRET >$SRV/team/bob/f"
}
attack_team_reads() {
	bobs_file
	d run --rm -v "$SRV/team:/src" wick:1 cat /src/bob/f | grep "$SECRET"
}
attack_team_links() {
	bobs_file
	d run --rm -v "$SRV/team:/src" wick:1 sh -c \
		'ln /src/bob/f /src/f && chmod 666 /src/f'
	u cat "$SRV/team/f" | grep "$SECRET"
}
attack_team_setuid() {
	o cp "$WICKED" "$SRV/team/prog"
	d run --rm -v "$SRV/team:/src" wick:1 chmod 4755 /src/prog
	u "$SRV/team/prog" id
	[ -u "$SRV/team/prog" ]
}
attack_team_overwrites() {
	o sh -c "echo good >$SRV/team/f; chmod 644 $SRV/team/f"
	d run --rm -v "$SRV/team:/src" wick:1 sh -c 'echo evil >/src/f'
	grep evil "$SRV/team/f"
}
@test "two users with one directory: what is bob's stays bob's" {
	beaten team_reads 'Permission denied'
	beaten team_links 'Permission denied'
	beaten team_setuid 'not permitted|Value too large|Permission denied'
	beaten team_overwrites 'Permission denied|Value too large'
}

# ---- sockets and pipes ----

attack_socket() {
	"$WICKED" serve "$H/sock" "$SRV/root/secret" >/dev/null 2>&1 3>&- &
	local server=$! won
	for i in 1 2 3 4 5 6 7 8 9; do [ -S "$H/sock" ] && break; sleep 0.05; done
	d run --rm -v "$1" wick:1 wicked connect /src/sock | grep "$SECRET"
	won=$?
	kill "$server"
	wait "$server" 2>/dev/null
	return $won
}
attack_socket_in_dir() { attack_socket "$H:/src"; }
attack_socket_itself() { attack_socket "$H/sock:/src/sock"; }
attack_fifo() {
	mkfifo -m 0600 "$H/fifo"	# a service of root's takes orders here
	timeout 5 cat "$H/fifo" >"$T/got" 2>/dev/null 3>&- &
	local reader=$!
	d run --rm -v "$1" wick:1 timeout 3 sh -c 'echo order >/src/fifo'
	kill "$reader" 2>/dev/null
	wait "$reader" 2>/dev/null
	sees order
}
attack_fifo_in_dir() { attack_fifo "$H:/src"; }
attack_fifo_itself() { attack_fifo "$H/fifo:/src/fifo"; }
@test "a service of root's: its socket, its pipe" {
	beaten socket_in_dir 'connect: Permission denied'
	beaten socket_itself 'dockbroker: .*(socket|directories and regular files|director|regular|Permission)'
	beaten fifo_in_dir 'Permission denied'
	beaten fifo_itself 'dockbroker: .*(pipe|directories and regular files|director|regular|Permission)'
}

# ---- mounts ----

attack_submount_setuid() {
	u mkdir "$H/sub"
	in_engine mount -t tmpfs -o mode=0777 tmpfs "$H/sub" || return
	d run --rm -v "$H:/src" wick:1 touch /src/sub/mine
	in_engine ls -ln "$H/sub" | tee "$T/got"
	in_engine umount "$H/sub"
	sees ' 0 .*mine'
}
attack_propagation() {	# what root mounts later, for himself
	u mkdir "$H/media"
	d run -d --name cc --mount \
		"type=bind,source=$H,target=/src,bind-propagation=rslave" \
		wick:1 sleep 100 || return
	in_engine mount -t tmpfs -o mode=0700 tmpfs "$H/media" &&
		in_engine cp "$SRV/root/secret" "$H/media"
	d exec cc cat /src/media/secret >"$T/got"
	in_engine umount "$H/media"
	sees "$SECRET"
}
attack_read_only() {
	d run --rm --mount "type=bind,source=$SRV/data,target=/src" wick:1 \
		touch /src/mine
	[ -e "$SRV/data/mine" ]
}
@test "submounts, propagation, read-only" {
	chmod 0777 "$SRV/data"
	beaten submount_ro 'Read-only file system'
	beaten submount_setuid "Permission denied| $ALICE .*mine"
	beaten propagation 'no line .* for .*Propagation'
	beaten read_only "bind $SRV/data rw"
}

# ---- the disk ----

attack_mknod_cp() {
	d create --name cc --cap-drop MKNOD -v "$H:/src" wick:1 || return
	mknod -m 0666 "$SRV/root/dir/disk" b 7 "$DISK_MINOR"
	tar -C "$SRV/root/dir" --owner="$ALICE" -c disk | d cp - cc:/src
	u "$WICKED" cat "$H/disk" >"$T/got" 2>&1
	sees "$SECTOR"
}
@test "device nodes: made in a bind, copied into it" {
	beaten mknod 'mknod: .*Operation not permitted'
	beaten mknod_cp 'read-only|not permitted|Could not find|device'
}

become_alice() { # COMMAND: before the container's root becomes her
	d run -d --name cc "$1" sh -c "$2
		echo a:x:$ALICE:$(gid_of alice):::/bin/sh >>/etc/passwd
		exec su a -c 'exec sleep 98$DISK_MINOR'" || return
	soon pgrep -x -u "$ALICE" -f "sleep 98$DISK_MINOR"
	d logs cc
}
attack_proc_root_su() {
	become_alice devs:1 :
	reads_through "$(pid_of cc)" /devs/disk
}
attack_proc_root_made() {	# with docker's own capabilities
	become_alice wick:1 "mknod /disk b 7 $DISK_MINOR; chmod 666 /disk"
	reads_through "$(pid_of cc)" /disk
}
attack_proc_root_cp() {
	bare cc wick:1 sleep 100 || return
	mknod -m 0666 "$SRV/root/dir/disk" b 7 "$DISK_MINOR"
	tar -C "$SRV/root/dir" -c disk | d cp - cc:/
	reads_through "$(pid_of cc)" /disk
}
@test "the disk through /proc/PID/root" {
	beaten proc_root 'devs/disk: Permission denied'
	beaten proc_root_su 'devs/disk: Permission denied'
	beaten proc_root_volume 'vol/disk: Permission denied'
	beaten proc_root_cp 'disk: Permission denied|device'
	beaten proc_root_made 'mknod: .*Operation not permitted'
}

attack_fd_named() { reads_sent /v/disk -v named:/devs -v named:/v devs:1; }
attack_fd_copy_up() { reads_sent /devs/disk -v copied:/devs --cap-drop MKNOD devs:1; }
attack_fd_dev() { PREPARE="mknod /dev/d b 7 $DISK_MINOR" reads_sent /dev/d wick:1; }
attack_fd_tmpfs() {
	PREPARE="mknod /t/d b 7 $DISK_MINOR" reads_sent /t/d --tmpfs /t:dev wick:1
}
attack_fd_made() { PREPARE="mknod /d b 7 $DISK_MINOR" reads_sent /d wick:1; }
@test "the disk as a descriptor over a socket in a bind" {
	beaten fd 'reopen: Permission denied'
	beaten fd_volume 'reopen: Permission denied'
	beaten fd_named 'reopen: Permission denied'
	beaten fd_copy_up 'reopen: Permission denied'
	beaten fd_dev 'mknod: .*Operation not permitted'
	beaten fd_tmpfs 'mknod: .*Operation not permitted|Tmpfs|dev'
	beaten fd_made 'mknod: .*Operation not permitted'
}

# ---- builds ----

attack_buildkit_proc_root() {
	DOCKER_BUILDKIT=1 RCLI=/usr/bin/docker during_build /devs/disk rd
}
@test "the disk in a build: classic, and BuildKit by root" {
	beaten build_mknod 'mknod: .*Operation not permitted'
	beaten build_proc_root 'devs/disk: Permission denied'
	beaten buildkit_proc_root 'devs/disk: Permission denied'
}

# ---- where nobody's bind may go, though the policy says `bind / rw' ----

# What he wants there is $LOOK, a command in the container that prints $SECRET, with
# PATH at /x; once with the path itself, once by a link from his home.
attack_goes_to() { d run --rm -v "$PLACE:/x" wick:1 sh -c "$LOOK" | grep "$SECRET"; }
attack_leads_to() {
	u ln -s "$PLACE" "$H/link"
	d run --rm -v "$H/link:/x" wick:1 sh -c "$LOOK" | grep "$SECRET"
}
shut() { # PATH COMMAND [WHY WHY]: direct, by the link
	local PLACE=$1 LOOK=$2 WHO=eve
	beaten goes_to "${3:-dockbroker: .*$1}"
	beaten leads_to "${4:-dockbroker: .*($1|Permission denied)}"
}

@test "binds of the kernel's own file systems" {
	sleep 1000 3>&- &
	local pid=$!
	shut /proc ": >>/x/sys/kernel/core_pattern && echo $SECRET"
	shut "/proc/$pid" ": >>/x/oom_score_adj && echo $SECRET"
	shut /sys "mkdir /x/fs/cgroup/pids/evil && rmdir /x/fs/cgroup/pids/evil && echo $SECRET"
	kill "$pid"
	echo "$SECRET" >/dev/guard-secret
	chmod 0600 /dev/guard-secret
	shut /dev 'cat /x/guard-secret'
	rm /dev/guard-secret
}

@test "binds of what runs here: /run, the Engine, the broker" {
	local dir=/run/guard.$$
	mkdir -m 0700 "$dir"
	echo "$SECRET" >"$dir/secret"
	shut /run "cat /x/guard.$$/secret"
	shut "$dir" 'cat /x/secret'
	shut /var/run "cat /x/guard.$$/secret" '' 'dockbroker: .*/run'
	rm -r "$dir"
	for dir in "$RIG/engine/data" "$RIG/run" "$RIG/state" "$RIG/audit"; do
		echo "$SECRET" >"$dir/guard-secret"
		chmod 0600 "$dir/guard-secret"
		shut "$dir" 'cat /x/guard-secret'
		rm "$dir/guard-secret"
	done
	local ask="wicked ping /x | grep -q OK && echo $SECRET"
	shut "$RIG_ENGINE_SOCK" "$ask" '' 'neither a directory nor a regular file'
	shut "$RIG/engine" "wicked ping /x/docker.sock | grep -q OK && echo $SECRET" \
		'' 'dockbroker: .*'
}

@test "binds of what the user may not read himself" {
	mkdir -p "$RIG_HOME/bob/w"
	echo "$SECRET" >"$RIG_HOME/bob/w/secret"
	shut "$RIG_HOME/bob/w" 'cat /x/secret' 'dockbroker: .*Permission denied' \
		'dockbroker: .*Permission denied'
	shut "$SRV" 'cat /x/root/secret' 'cat: .*Permission denied' \
		'cat: .*Permission denied'
	shut / "cat /x$SRV/root/secret" 'dockbroker: |Permission denied' \
		'dockbroker: |Permission denied'
}
