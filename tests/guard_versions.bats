# guard_versions.bats: the main attacks on Engines 26.1 and 28.5, and on 26.1 with
# userns-remap; the plain Engine is the same one with runc.

load lib/guard
load lib/guard_ways

setup_file() { guard_ground; }

teardown_file() { guard_down; }

teardown() {
	[ ! -s "$T/env" ] || eval "$(sed 's/^/RIG_/' "$T/env")"
	RIG=${RIG_DIR:-}
	rig_down
	rm -f "$T"/env "$T"/dirty*
}

version_up() { # VERSION ARG...
	local version=$1 why
	shift
	why=$(have "$version" 2>&1) || skip "${why##*$'\n'}"
	guard_up --engine-version "$version" "$@"
}

# Can such an Engine be had here?
have() { # VERSION
	local tools
	# shellcheck source=tests/lib/engine.sh
	. "$lib/engine.sh"
	tools=$(engine_tools) || { echo "no ../shared/tools/engines.sh" >&2; return 1; }
	# shellcheck disable=SC1090
	(set +eu; . "$tools" && engine_chroot "$1" >/dev/null)
}

# A container that works in alice's directory, whose files are hers.
everyday() {
	local MODE=guard WHO=alice H
	fresh
	u mkdir "$H/src"
	u sh -c "echo mine >$H/src/f"
	run d run --rm -v "$H/src:/src" wick:1 sh -c \
		'cat /src/f; touch /src/new; stat -c %u /src/f'
	is 0 $'mine\n0'
	[ "$(stat -c %u "$H/src/new")" = "$ALICE" ] || fail "another's"
	u rm -r "$H/src"
	run d run --rm -v "$H/src:/src" wick:1 touch /src/f
	[ "$(stat -c %u "$H/src")" = "$ALICE" ] || fail "made as another"
	run d run --rm -v "$H/src:/src:ro" wick:1 touch /src/g
	ends 1 'Read-only file system'
	run d run --rm -v "$H/src:/src" -u 1000 wick:1 touch /src/g
	is 0 ''
	[ "$(stat -c %u "$H/src/g")" = "$ALICE" ] || fail "another's"
}

attack_exec_privileged() {
	d run -d --name cc --cap-drop ALL -v "$H:/src" wick:1 sleep 100 || return
	d exec --privileged cc sh -c "mknod -m 666 /src/disk b 7 $DISK_MINOR"
	u "$WICKED" cat "$H/disk" >"$T/got" 2>&1
	sees "$SECTOR"
}

main_attacks() {
	everyday
	beaten swap_reads "$REFUSED"
	beaten setuid "euid=$ALICE"
	beaten capability 'CapEff:.*0000000000000000'
	beaten proc_root 'devs/disk: Permission denied'
	beaten proc_root_volume 'vol/disk: Permission denied'
	beaten fd 'reopen: Permission denied'
	beaten restart "$REFUSED"
	beaten build_mknod 'mknod: .*Operation not permitted'
	beaten exec_privileged 'privileged exec'
}

@test "26.1" { version_up 26.1; main_attacks; }
@test "28.5" { version_up 28.5; main_attacks; }

# The Engine and the guard see another /etc/subuid than the machine has.
@test "26.1 with userns-remap" {
	[ -e /etc/subuid ] && [ -e /etc/subgid ] || skip 'no /etc/subuid'
	printf '%s:400000:65536\n' nobody nogroup >"$T/subids"
	cat >"$T/rig" <<-END
	#!/bin/sh
	exec unshare --mount --propagation private sh -c '
		mount --bind $T/subids /etc/subuid
		mount --bind $T/subids /etc/subgid
		exec $rig "\$@"' rig "\$@"
	END
	chmod 0755 "$T/rig"
	rig=$T/rig
	version_up 26.1 --engine-arg --userns-remap=nobody:nogroup
	everyday
	beaten fd 'reopen: Permission denied'
	beaten fd_volume 'reopen: Permission denied'
	local WHO=alice MODE=guard H
	! try handed_in || fail 'a descriptor that was handed in'
	grep 'reopen: Permission denied' <<<"$out"
}
