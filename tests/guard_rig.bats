# guard_rig.bats: that the guard is where it has to be.  A rig has it, on each Engine;
# without it there are no binds; packaging/guard puts it into a host's daemon.json
# and takes it out again, with all else as it was.

bats_require_minimum_version 1.5.0
load lib/common
load lib/disk

setup_file() {
	disk_up home 64
	rig_up --user alice:2101:dev --user bob:2102:dev
	rig_image box:1
	DIR_alice=$(disk_home home alice) DIR_bob=$(disk_home home bob)
	export DIR_alice DIR_bob
}

teardown_file() { rig_down; disks_down; }

runtime_of() { engine inspect -f '{{.HostConfig.Runtime}}' "$1"; }

# A tree like that of a host, with its own dockbroker-oci; $guard is the script
# for it.
host() {
	HOST=$BATS_TEST_TMPDIR/host json=$HOST/etc/docker/daemon.json
	mkdir -p "$HOST/etc/docker" "$HOST/etc/dockbroker" "$HOST/libexec" "$HOST/bin"
	echo "bind-directory $HOST/mnt" >"$HOST/etc/dockbroker/dockbroker.conf"
	ln -s "$(readlink "$RIG/guard.d/dockbroker-oci")" "$HOST/libexec/dockbroker-oci"
	oci=$HOST/libexec/dockbroker-oci
}
guard() { "$top/packaging/guard" --root "$HOST" --libexec "$HOST/libexec" "$@"; }
gone_guard() { # nothing of it is left but what it shall leave
	[ ! -e "$HOST/mnt" ] && [ ! -e "$json.before-dockbroker" ] &&
		[ -z "$(find "$HOST" -name '*.conf' ! -name dockbroker.conf)" ] ||
		fail "left: $(find "$HOST")"
}

@test "the Engine of a rig: runtimes, default, the directory of binds" {
	[ "$RIG_GUARD" = dockbroker ]
	run engine info -f "{{.DefaultRuntime}} {{.Runtimes}}"
	[[ $output == "dockbroker-default "* ]]
	ends 0 "$RIG_GUARD_OCI "
	run touch "$RIG_BIND_DIR/x"
	ends 1 'Operation not permitted'
	run "$RIG_GUARD_OCI" --version
	ends 0 'runc version'
}

@test "a container of a user runs through it; root's by the default" {
	alice run -d --name through box:1 sleep 100
	[ "$(runtime_of through)" = dockbroker ]
	engine exec through sh -c 'grep " / / " /proc/self/mountinfo | grep -q nodev'
	alice rm -f through
	engine run -d --name past box:1 sleep 100
	[ "$(runtime_of past)" = dockbroker-default ]
	engine rm -f past
}

@test "a bind: what a container's root makes is the user's, on any disk" {
	alice run --rm -v "$RIG_HOME/alice/w:/w" box:1 sh -c 'id -u >/w/f; chmod 4755 /w/f'
	[ "$(stat -c '%u %a' "$RIG_HOME/alice/w/f")" = '2101 4755' ]
	[ "$(stat -c %u "$RIG_HOME/alice/w")" = 2101 ]
	run alice run --rm -v "$DIR_alice:/w" box:1 touch /w/f
	denied 125 "alice may not use \"docker run\" (container.create): role developer (roles.conf:N) has no line \"bind $DIR_alice rw\" for HostConfig.Binds[0]"
	cp "$RIG_POLICY" "$BATS_TEST_TMPDIR/was"
	printf 'role disk {\n\tallow run create rm on own\n\tbind %s/%%u rw\n}\ngrant disk to group dev\n' \
		"$DISK_home" >>"$RIG_POLICY"
	dockbroker reload
	alice run --rm -v "$DIR_alice:/w" box:1 touch /w/f
	[ "$(stat -c %u "$DIR_alice/f")" = 2101 ]
	ln -s "$DIR_bob" "$DIR_alice/detour"
	run alice run --rm -v "$DIR_alice/detour:/w" box:1 ls /w
	ends 125 'Permission denied'
	recorded event=guard-refused owner=alice
	cat "$BATS_TEST_TMPDIR/was" >"$RIG_POLICY"
	dockbroker reload
}

@test "a range of ids: chown in the container, ids of the range on the host" {
	run alice run --rm -v "$RIG_HOME/alice/w:/w" box:1 chown 70 /w/f
	ends 1 'too large'
	subuid alice 3000000
	alice run --rm -v "$RIG_HOME/alice/w:/w" box:1 sh -c 'touch /w/g; chown 70 /w/g'
	[ "$(stat -c %u "$RIG_HOME/alice/w/g")" = 3000070 ]
}

@test "the Engine restarts: containers go on through the guard" {
	alice run -d --name again --restart always -v "$RIG_HOME/alice/w:/w" box:1 \
		sh -c 'date >>/w/starts; sleep 100'
	"$rig" stop "$RIG" engine
	"$rig" start "$RIG" engine 3>&-
	soon alice ps
	soon test "$(wc -l <"$RIG_HOME/alice/w/starts")" -ge 2
	alice rm -f again
}

@test "without the guard: a plain Engine, and no binds" {
	local dir
	dir=$(mktemp -d /tmp/rig.XXXXXX)
	"$rig" up "$dir" --no-guard --user alice:2101:dev >"$BATS_TEST_TMPDIR/env" 3>&-
	grep -qx GUARD=none "$BATS_TEST_TMPDIR/env"
	"$rig" image "$dir" box:1
	run docker -H "unix://$dir/engine/docker.sock" info -f '{{.DefaultRuntime}} {{len .Runtimes}}'
	is 0 'runc 3'
	run timeout 60 "$rig" as "$dir" alice docker run --rm box:1 echo hi
	is 0 hi
	run timeout 60 "$rig" as "$dir" alice docker run --rm -v "$dir/home/alice:/x" box:1 true
	ends 125 'dockbroker: '
	"$rig" down "$dir"
	[ ! -e "$dir" ]
}

@test "packaging/guard: in, again, and out; the file as it was" {
	host
	printf '{\n  "mtu": 1400,\n  "labels": ["a"]\n}\n' >"$json"
	cp "$json" "$BATS_TEST_TMPDIR/was"
	run -3 guard status
	guard --print enable >"$BATS_TEST_TMPDIR/print"
	grep -q '"default-runtime": "dockbroker-default"' "$BATS_TEST_TMPDIR/print"
	cmp "$json" "$BATS_TEST_TMPDIR/was"
	gone_guard
	guard enable
	guard enable
	run guard status
	ends 0 yes
	[ "$("$PYTHON" -c 'import json, sys; d = json.load(open(sys.argv[1]))
print(d["mtu"], d["labels"], d["default-runtime"], *(r["path"] for r in d["runtimes"].values()))' "$json")" = \
		"1400 ['a'] dockbroker-default $oci $oci-default" ]
	grep -qx "Environment=DOCKER_BUILDKIT_RUNC_COMMAND=$oci-build" \
		"$HOST/etc/systemd/system/docker.service.d/50-dockbroker-guard.conf"
	run touch "$HOST/mnt/x"
	ends 1 'Operation not permitted'
	guard disable
	cmp "$json" "$BATS_TEST_TMPDIR/was"
	gone_guard
}

@test "packaging/guard: no daemon.json, other runtimes, one that cannot be read" {
	host
	guard enable
	guard disable
	[ ! -e "$json" ]
	gone_guard
	echo '{"default-runtime": "nvidia", "runtimes": {"nvidia": {"path": "/n"}}}' >"$json"
	cp "$json" "$BATS_TEST_TMPDIR/was"
	run guard enable
	ends 1 'has default-runtime nvidia: --keep-default leaves it'
	cmp "$json" "$BATS_TEST_TMPDIR/was"
	gone_guard
	guard --keep-default enable
	grep -q '"default-runtime": "nvidia"' "$json"
	run guard --keep-default status
	ends 0
	run -1 guard status
	echo '{"mtu": 1, "runtimes": {"dockbroker": {}}, "default-runtime": "nvidia"}' >"$json"
	guard disable	# what was changed meanwhile stays
	[ "$(tr -d ' \n\t' <"$json")" = '{"mtu":1,"default-runtime":"nvidia"}' ]
	gone_guard
	local bad
	for bad in '{"a":1,"a":2}' '{' '[]' '{"runtimes":[]}'; do
		echo "$bad" >"$json"
		run guard enable
		ends 1 'mend it first'
		[ "$(cat "$json")" = "$bad" ]
		gone_guard
	done
}

@test "runc on the PATH of an old dockerd: BuildKit's is the guard, others' runc" {
	local path=$RIG/guard.d/path
	tr '\0' '\n' <"/proc/$(cat "$RIG/engine/pid")/environ" | grep -q "^PATH=$path:"
	run "$path/runc" --version
	ends 0 'runc version'
	cp "$(command -v bash)" "$BATS_TEST_TMPDIR/dockerd"
	printf '#!/bin/sh\necho "build: $*"\n' >"$BATS_TEST_TMPDIR/oci"
	chmod 0755 "$BATS_TEST_TMPDIR/oci"
	sed "s,@oci@,$BATS_TEST_TMPDIR/oci," "$top/packaging/buildkit-runc.in" >"$BATS_TEST_TMPDIR/runc"
	chmod 0755 "$BATS_TEST_TMPDIR/runc"
	run "$BATS_TEST_TMPDIR/dockerd" -c "$BATS_TEST_TMPDIR/runc run x; :"
	is 0 'build: run x'
}
