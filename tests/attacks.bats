# attacks.bats: what a developer with a shell and a compiler tries.  Each attack
# is first shown to work on the Engine's own socket, so that it is known to be
# one; then it is refused by the broker, and its nearest harmless neighbour
# passes.  Options of the command line are in reach.bats, HTTP is in http.bats.

load lib/common

setup_file() {
	cat >"$BATS_FILE_TMPDIR/policy.conf" <<-'P'
	include "roles.conf"
	grant developer to group dev
	P
	cp "$BATS_TEST_DIRNAME/../conf/roles.conf" "$BATS_FILE_TMPDIR/"
	rig_up --policy "$BATS_FILE_TMPDIR/policy.conf" --user alice:2001:dev
	rig_image box:1
	alice run -d --name work box:1 sleep 1000
}

teardown_file() { rig_down; }

# On the Engine's socket, as root; `api' the same as alice through the broker.
truth() { # METHOD TARGET [BODY [TYPE]]
	tool client request "$RIG_ENGINE_SOCK" "$@"
}
api() { client alice request "$@"; }
json() { # KEY: its text in the last answer
	grep -o "\"$1\":\"[^\"]*" <<<"$output" | head -n 1 | cut -d'"' -f4
}

@test "a form body that overrides the query" {
	engine tag box:1 victim:1
	run truth POST '/v1.41/images/box:1/tag?repo=good&tag=1' 'repo=victim&tag=2' \
		application/x-www-form-urlencoded
	ends 0 201
	run engine image inspect victim:2
	[ "$status" = 0 ] || fail "no attack on this Engine"
	engine rmi victim:2

	run api POST '/v1.41/images/box:1/tag?repo=good&tag=1' 'repo=victim&tag=2' \
		application/x-www-form-urlencoded
	ends 0 'forms are not accepted'
	run engine image inspect victim:2
	[ "$status" = 1 ] || fail "victim was tagged"
	run api POST '/v1.41/images/box:1/tag?repo=good&tag=2'
	ends 0 201
}

@test "keys in another case, and twice" {
	local evil='{"Image":"box:1","hostconfig":{"privileged":true}}'
	local twice='{"Image":"box:1","HostConfig":{},"HostConfig":{"Privileged":true}}'
	local body
	for body in "$evil" "$twice"; do
		run truth POST /v1.41/containers/create "$body"
		ends 0 201
		run engine inspect -f '{{.HostConfig.Privileged}}' "$(json Id)"
		is 0 true
		run api POST /v1.41/containers/create "$body"
		ends 0 400
	done
	run api POST /v1.41/containers/create '{"Image":"box:1","HostConfig":{"Privileged":false}}'
	ends 0 201
}

@test "a HostConfig at start, by an old version of the API" {
	local evil='{"Binds":["/etc:/stolen:ro"]}'
	engine create --name old box:1 true
	run truth POST /v1.23/containers/old/start "$evil"
	ends 0 204
	run engine inspect -f '{{.HostConfig.Binds}}' old
	is 0 '[/etc:/stolen:ro]'
	engine rm -f old

	alice create --name old box:1 true
	run api POST /v1.23/containers/old/start "$evil"
	ends 0 'version 1.23 is too old'
	run api POST /v1.41/containers/old/start "$evil"
	ends 0 400
	run engine inspect -f '{{.HostConfig.Binds}} {{.State.Status}}' old
	is 0 '[] created'
	run api POST /v1.41/containers/old/start '{}'
	ends 0 204
}

@test "lists that are there but empty, and unmask the kernel" {
	local evil='{"Image":"box:1","HostConfig":{"MaskedPaths":[],"ReadonlyPaths":[]}}'
	run truth POST /v1.41/containers/create "$evil"
	ends 0 201
	run engine inspect -f '{{len .HostConfig.MaskedPaths}}' "$(json Id)"
	is 0 0
	run api POST /v1.41/containers/create "$evil"
	ends 0 403
	run api POST /v1.41/containers/create '{"Image":"box:1","HostConfig":{"MaskedPaths":null}}'
	ends 0 201
	run engine inspect -f '{{len .HostConfig.MaskedPaths}}' "$(json Id)"
	[ "$output" -gt 5 ]
}

@test "a volume that is the host's root, in its three forms" {
	local options='{"type":"none","o":"bind","device":"/"}'
	local evil="{\"Image\":\"box:1\",\"Cmd\":[\"cat\",\"/m/etc/hostname\"],\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"VOL\",\"Target\":\"/m\",\"VolumeOptions\":{\"DriverConfig\":{\"Name\":\"local\",\"Options\":$options}}}]}}"
	run truth POST /v1.41/volumes/create "{\"Name\":\"root1\",\"DriverOpts\":$options}"
	ends 0 201
	run engine run --rm -v root1:/m box:1 cat /m/etc/hostname
	is 0 "$(cat /etc/hostname)"
	run truth POST /v1.41/containers/create "${evil/VOL/root2}"
	ends 0 201
	run engine start -a "$(json Id)"
	is 0 "$(cat /etc/hostname)"

	run api POST /v1.41/volumes/create "{\"Name\":\"root3\",\"DriverOpts\":$options}"
	ends 0 403
	run api POST /v1.41/containers/create "${evil/VOL/root4}"
	ends 0 403
	run api POST /v1.41/containers/create '{"Image":"box:1","HostConfig":{"Mounts":[{"Type":"bind","Source":"/","Target":"/m"}]}}'
	ends 0 403
	run engine volume ls -q
	[[ $output != *root3* && $output != *root4* ]]
	run api POST /v1.41/volumes/create '{"Name":"root5","Labels":{"a":"b"}}'
	ends 0 201
}

@test "another's short id as one's own name" {
	local id short
	id=$(engine network create target)
	short=${id:0:12}
	run truth POST /v1.41/networks/create "{\"Name\":\"$short\",\"Driver\":\"bridge\"}"
	ends 0 201
	run engine network inspect -f '{{.Id}}' "$short"
	[ "$output" != "$id" ] || fail "no attack on this Engine"
	engine network rm "$(json Id)" || engine network rm "$output"

	run api POST /v1.41/networks/create "{\"Name\":\"$short\",\"Driver\":\"bridge\"}"
	ends 0 'must not look like an id'
	run engine network inspect -f '{{.Id}}' "$short"
	is 0 "$id"
	run api POST /v1.41/networks/create '{"Name":"deadbeef","Driver":"bridge"}'
	ends 0 201

	id=$(engine inspect -f '{{.Id}}' work)
	run truth POST "/v1.41/containers/create?name=${id:0:12}" '{"Image":"box:1"}'
	ends 0 201
	run engine inspect -f '{{.Id}}' "${id:0:12}"
	[ "$output" != "$id" ] || fail "no attack on this Engine"
	engine rm "$output"
	run api POST "/v1.41/containers/create?name=${id:0:12}" '{"Image":"box:1"}'
	ends 0 400
	run api POST "/v1.41/containers/work/rename?name=${id:0:12}"
	ends 0 400
	run api POST "/v1.41/images/box:1/tag?repo=${id:0:12}"
	ends 0 400
}

# The route of the Engine's host to this address.
route() { nsenter -t "$RIG_PID_engine" -n ip -o route get "$1"; }

@test "a subnet that takes the host's neighbours away" {
	local evil='{"Name":"thief","IPAM":{"Config":[{"Subnet":"10.98.0.0/28"}]}}'
	[[ $(route 10.98.0.9) == *"dev eth0"* ]]
	run truth POST /v1.41/networks/create "$evil"
	ends 0 201
	[[ $(route 10.98.0.9) == *"dev br-"* ]] || fail "no attack on this Engine"
	engine network rm thief

	run api POST /v1.41/networks/create "$evil"
	ends 0 403
	[[ $(route 10.98.0.9) == *"dev eth0"* ]]
	run api POST /v1.41/networks/create '{"Name":"mine","IPAM":{"Config":[]}}'
	ends 0 201
	[[ $(route 10.98.0.9) == *"dev eth0"* ]]
}

@test "a column of ps that is called PID, to look at the host's processes" {
	local evil='-ouid=PID%20-A%20f%20-oargs' pid host seen
	pid=$(engine inspect -f '{{.State.Pid}}' work)
	# Of another user on the host, whose number is a pid inside.  "f" makes the
	# Engine forget that it asked for processes inside alone.
	setpriv --reuid "$pid" --clear-groups sh -c 'sleep 60; :' secret-of-the-host 3>&- &
	host=$!
	sleep 0.5
	run truth GET "/v1.41/containers/work/top?ps_args=$evil"
	seen=$output
	run api GET "/v1.41/containers/work/top?ps_args=$evil"
	kill "$host"
	wait "$host" || true
	[[ $seen == *secret-of-the-host* ]] || fail "no attack on this Engine: $seen"
	ends 0 400
	ends 0 'ps_args'
	run api GET '/v1.41/containers/work/top?ps_args=-o%20pid,args'
	ends 0 'sleep 1000'
}

@test "limits of a build that the host would have to keep" {
	local dir=$RIG_HOME/alice/context
	mkdir -p "$dir"
	printf 'FROM box:1\nRUN true\n' >"$dir/Dockerfile"
	chown -R 2001 "$dir"
	run env DOCKER_BUILDKIT=0 docker -H "unix://$RIG_ENGINE_SOCK" build --ulimit rtprio=50 "$dir"
	[[ $output == *"Successfully built"* || $output == *rlimit* ]] ||
		fail "no attack on this Engine"
	run as alice env DOCKER_BUILDKIT=0 docker build --ulimit rtprio=50 context
	ends 1 'has no line "allow privileged everything" for ?ulimits'
	run as alice env DOCKER_BUILDKIT=0 docker build --ulimit nofile=64 context
	ends 0 'Successfully built'
}

# ---- rights that end while a request is on its way ----

policy() { # ROLE: what alice's group is from now on
	printf 'include "roles.conf"\ngrant %s to group dev\n' "$1" >"$RIG_POLICY"
	dockbroker reload
}

# alice begins, her role ends, alice ends.
slow() { # VERB ARG...
	as alice "$PYTHON" -I - "$@" <"$lib/slow.py" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local job=$!
	soon grep -q begun "$BATS_TEST_TMPDIR/out"
	policy viewer
	touch "$RIG_HOME/alice/go" 2>/dev/null
	wait "$job" || true
	rm -f "$RIG_HOME/alice/go"
	policy developer
	output=$(cat "$BATS_TEST_TMPDIR/out") status=0
}

@test "a body whose last byte comes when the right has ended" {
	slow create "$RIG_USER_SOCK_alice" late
	ends 0 403
	run engine inspect late
	[ "$status" = 1 ] || fail "it was created"
	recorded event=refused user=alice action=container.create role=viewer
	run api POST '/v1.41/containers/create?name=late' '{"Image":"box:1"}'
	ends 0 201
}

@test "an upload that goes on when the right has ended" {
	slow upload "$RIG_USER_SOCK_alice" work
	ends 0 'cut'
	run engine exec work ls /tmp
	is 0 ""
	recorded event=stream-cut user=alice action=container.upload
}

# ---- keeping others out ----

# N connections of this uid to the rig's shared socket, for a while.
crowd() { # UID DIR N
	setpriv --reuid "$1" --clear-groups "$PYTHON" -I -c 'import socket, sys, time
kept = []
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    kept.append(s)
time.sleep(8)' "$2/docker.sock" "$3" 3>&- &
}

@test "many uids without an account, as a range of subordinate ones is" {
	local dir uid pids=()
	dir=$(mktemp -d /tmp/rig.XXXXXX)
	printf '%s\n' 'max-connections 64' 'max-connections-per-user 16' \
		>"$BATS_TEST_TMPDIR/conf"
	"$rig" up "$dir" --engine "$RIG_ENGINE_SOCK" --user alice:2001:dev \
		--config "$BATS_TEST_TMPDIR/conf" >"$BATS_TEST_TMPDIR/env"
	for uid in 300001 300002 300003 300004 300005 300006; do
		crowd "$uid" "$dir" 16
		pids+=($!)
	done
	sleep 2
	run "$rig" as "$dir" alice docker version -f '{{.Client.Version}}'
	local own=$output
	run "$rig" as "$dir" alice docker -H "unix://$dir/docker.sock" ps -q
	kill "${pids[@]}"
	wait "${pids[@]}" || true
	"$rig" down "$dir"
	ends 0
	[[ $own != *"too many"* ]]
}

# ---- what stands behind a long body ----

@test "a request behind a body that the Engine takes slowly is judged as any" {
	local dir size pid
	dir=$(mktemp -d /tmp/rig.XXXXXX)
	chmod 0711 "$dir"
	"$PYTHON" -I "$lib/stall.py" engine "$dir/stub.sock" "$dir/log" 3>&- &
	pid=$!
	soon test -S "$dir/stub.sock"
	"$rig" up "$dir/rig" --engine "$dir/stub.sock" --user alice:2001:dev \
		>"$BATS_TEST_TMPDIR/env"
	local bad=
	for size in 99840 200192 262144 300032 400384 499712 1000448; do
		run "$rig" as "$dir/rig" alice "$PYTHON" -I - client \
			"$dir/rig/run/users/alice.sock" "$size" <"$lib/stall.py"
		[ "$output" = '200 403' ] || bad="$bad $size: $output;"
		grep -q "^$size PUT" "$dir/log" || bad="$bad no $size;"
	done
	output=$(cat "$dir/log")
	kill "$pid"
	wait "$pid" || true
	"$rig" down "$dir/rig"
	rm -r "$dir"
	[ -z "$bad" ] || fail "$bad"
	[[ $output != *swarm* ]] || fail "it was smuggled"
}
