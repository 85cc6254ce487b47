# shellcheck shell=bash
# guard_ways.bash: the attacks that guard_attacks.bats tries on one version of the
# Engine and guard_versions.bats on others; lib/guard.bash has the rules.

swapped() { # NEW-TARGET CREATE-ARG...: alice's directory becomes a link between
	local to=$1
	shift
	u mkdir "$H/src"
	d create --name cc -v "$H/src:/src" "$@" || return
	u mv "$H/src" "$H/was" && u ln -s "$to" "$H/src"
	d start -a cc
}

attack_swap_reads() { swapped "$SRV/root" wick:1 cat /src/secret | grep "$SECRET"; }

attack_restart() {
	u mkdir "$H/src"
	d run -d --name cc -v "$H/src:/src" wick:1 \
		sh -c 'cat /src/secret; sleep 100' || return
	u mv "$H/src" "$H/was" && u ln -s "$SRV/root" "$H/src"
	d restart -t 0 cc
	sleep 0.3
	d logs cc | grep "$SECRET"
}

attack_volumes_from() {
	u mkdir "$H/src"
	d create --name cc -v "$H/src:/src" wick:1 || return
	u mv "$H/src" "$H/was" && u ln -s "$SRV/root" "$H/src"
	d run --rm --volumes-from cc wick:1 cat /src/secret | grep "$SECRET"
}

attack_setuid() {
	d run --rm -v "$H:/src" wick:1 sh -c \
		'cp /bin/wicked /src/x; chown 0:0 /src/x; chmod 4755 /src/x'
	gains_by "$H/x"
}

attack_capability() {
	d run --rm -v "$H:/src" wick:1 sh -c \
		'cp /bin/wicked /src/x; wicked setcap /src/x'
	gains_by "$H/x"
}

attack_litter() {
	d run --rm -v "$H:/src" wick:1 sh -c 'mkdir -p /src/build/o; touch /src/build/o/f'
	ls -ln "$H"
	! u rm -r "$H/build"
}

attack_submount_ro() {	# on 20.10 only the top of a tree becomes read-only
	mkdir "$SRV/data/sub"
	in_engine mount -t tmpfs -o mode=0777 tmpfs "$SRV/data/sub" || return
	d run --rm -v "$SRV/data:/src:ro" wick:1 touch /src/sub/mine
	in_engine ls -ln "$SRV/data/sub" | tee "$T/got"
	in_engine umount "$SRV/data/sub"
	sees mine
}

in_engine() { # COMMAND...: where the Engine's mounts are
	local pid
	pid=$(cat "${PLAIN_DIR:-$RIG/engine}/pid")
	[ "$MODE" = plain ] || pid=$(cat "$RIG/engine/pid")
	nsenter --mount --target "$pid" -- "$@"
}

bare() { # NAME IMAGE COMMAND...: a container with the caller's own ids, nothing else
	local name=$1 ids
	shift
	ids=$ALICE:$(gid_of alice)
	d run -d --name "$name" --user "$ids" --cap-drop ALL \
		--security-opt no-new-privileges "$@"
}

attack_proc_root() {
	bare cc devs:1 sleep 100 || return
	reads_through "$(pid_of cc)" /devs/disk
}

attack_proc_root_volume() {
	bare cc vols:1 sleep 100 || return
	reads_through "$(pid_of cc)" /vol/disk
}

attack_mknod() {
	d run --rm -v "$H:/src" wick:1 sh -c \
		"mknod /src/disk b 7 $DISK_MINOR; chmod 666 /src/disk"
	u "$WICKED" cat "$H/disk" >"$T/got" 2>&1
	sees "$SECTOR"
}

attack_fd() { reads_sent /devs/disk devs:1; }

attack_fd_volume() { reads_sent /vol/disk vols:1; }

attack_build_mknod() {
	d build --no-cache --network none -t "made:$MODE" - <<-D || return
	FROM wick:1
	RUN mknod /disk b 7 $DISK_MINOR && chmod 666 /disk
	D
	bare cc "made:$MODE" sleep 100 || return
	reads_through "$(pid_of cc)" /disk
}

during_build() { # PATH: the build's step runs with alice's ids
	local path=$1 step won i pid=
	"${@:2}" build --network none --no-cache - <<-D >"$T/build" 2>&1 &
	FROM devs:1
	USER $ALICE:$(gid_of alice)
	RUN sleep 4.$DISK_MINOR$$
	D
	step=$!
	for ((i = 0; i < 100; i++)); do
		pid=$(pgrep -x -u "$ALICE" -f "sleep 4.$DISK_MINOR$$" | head -n 1) &&
			[ -n "$pid" ] && break
		sleep 0.05
	done
	reads_through "$pid" "$path"
	won=$?
	kill -KILL "$pid"
	wait "$step"
	return $won
}

attack_build_proc_root() { during_build /devs/disk d; }

# He opens what he may not read, and the container's root reads it: only an Engine
# that remaps is in the way of that.
attack_handed_in() {
	local i giver won
	install -m 0600 "$SRV/root/secret" "$SRV/other/shut"
	(
		for ((i = 0; i < 100; i++)); do [ -S "$H/s" ] && break; sleep 0.05; done
		u "$WICKED" sendfd "$H/s" "$SRV/other/shut"
	) 3>&- &
	giver=$!
	d run --rm -v "$H:/src" wick:1 wicked recvfd /src/s | grep "$SECRET"
	won=$?
	wait "$giver"
	return $won
}
