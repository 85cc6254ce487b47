# guard_answers.bats: with the guard in front the Engine knows one directory as the
# source of all binds, and has volumes as Mounts.  Clients are told what they asked
# for: the same calls go straight to an Engine and through the broker, and what
# tools conclude from the answers (is it up to date? whence is /src?) has to hold.

bats_require_minimum_version 1.5.0
load lib/common

setup_file() {
	cat >"$BATS_FILE_TMPDIR/policy.conf" <<-'P'
	role worker {
		allow version info ping events images history search
		allow run create ps logs inspect top stats diff port wait start stop
		      restart kill pause unpause rename update rm exec attach cp
		      commit export on own
		allow volume network system df container prune on own
		bind ~ rw
	}
	role auditor {
		allow version info ping ps inspect system df on any
	}
	grant worker to group dev
	grant auditor to group ops
	P
}

setup() {
	local version=${BATS_TEST_DESCRIPTION%%:*}
	case $version in
	26.1|28.5) have "$version" || skip "no Engine $version" ;;
	*) version=20.10 ;;
	esac
	[ "${UP:-}" = "$version" ] || up "$version"
	rm -rf "$HERE"
	mkdir -p "$HERE"/{a,b}
	echo f >"$HERE/f"
	chown -R "$ALICE:$GROUP" "$HERE"
}

teardown() {
	{
		engine ps -aq | xargs -r docker -H "unix://$RIG_ENGINE_SOCK" rm -fv
		engine network prune -f
		engine volume ls -q |
			xargs -r docker -H "unix://$RIG_ENGINE_SOCK" volume rm
	} >/dev/null 2>&1 || :
	[ "$VERSION" = 20.10 ] || down
}

teardown_file() {
	local RIG
	for RIG in $(cat "$BATS_FILE_TMPDIR/rigs" 2>/dev/null); do rig_down; done
}

# Can such an Engine be had here?  Sets what engine_client needs.
have() { # VERSION
	local tools
	# shellcheck source=tests/lib/engine.sh
	. "$lib/engine.sh"
	tools=$(engine_tools 2>/dev/null) || return 1
	# shellcheck disable=SC1090
	. "$tools"
	(set +eu; engine_chroot "$1") >/dev/null 2>&1
}

# One rig serves all tests of a version, each of which is a process of its own.
up() { # VERSION
	local env=$BATS_FILE_TMPDIR/$1.env
	VERSION=$1
	if [ ! -s "$env" ]; then
		rig_up --engine-version "$1" --policy "$BATS_FILE_TMPDIR/policy.conf" \
			--user alice:2001:dev --user bob:2002:ops
		rig_image box:1
		declare -p | grep '^declare -x RIG' >"$env"
		echo "$RIG" >>"$BATS_FILE_TMPDIR/rigs"
	else
		eval "$(sed 's/^declare -x/declare -gx/' "$env")"
	fi
	ALICE=$(as alice id -u) GROUP=$(as alice id -g) HERE=$RIG_HOME/alice/here
}

down() {
	rig_down
	rm -f "$BATS_FILE_TMPDIR/$VERSION.env"
}

same() { # SCENE: straight and through the broker
	local out=$BATS_TEST_TMPDIR
	export CMP_BINDS=$HERE
	CMP_RUNTIME=runc "$PYTHON" -I "$lib/compare.py" run "$RIG_ENGINE_SOCK" "$1" >"$out/one"
	VERSION=20.10 teardown
	"$PYTHON" -I "$lib/compare.py" --as "$(as alice sh -c \
		'echo "$(id -u):$(id -G | tr " " ,)"')" \
		run "$RIG_USER_SOCK_alice" "$1" >"$out/two"
	"$PYTHON" -I "$lib/compare.py" diff "$out/one" "$out/two"
	! grep -q '"broken off"' "$out/two" || fail "the scene was not played to its end"
	! grep -qF "$RIG_BIND_DIR" "$out/two" || fail "the guard's directory is told"
}

@test "20.10: what there is about binds, call by call" { same binds; }
@test "26.1: what there is about binds, call by call" { same binds; }
@test "28.5: what there is about binds, call by call" { same binds; }

@test "who sees everything sees the paths; who sees nothing, none" {
	alice run -d --name cc -v "$HERE/a:/src:ro" box:1 sleep 1000
	for who in bob root; do
		run $who inspect -f '{{range .Mounts}}{{.Source}} {{.Mode}} {{.RW}}{{end}} {{.HostConfig.Binds}} {{len .HostConfig.Mounts}}' cc
		is 0 "$HERE/a ro false [$HERE/a:/src:ro] 0"
		run $who ps --no-trunc --format '{{.Mounts}}'
		is 0 "$HERE/a"
		run $who ps -q --filter "volume=$HERE/a"
		ends 0
		[ -n "$output" ]
		run $who ps -q --filter "volume=$HERE/b"
		is 0 ''
	done
	# A container of root's own, which has the path itself.
	engine run -d --name roots -v "$HERE/a:/src" box:1 sleep 1000
	run root ps --filter "volume=$HERE/a" --format '{{.Names}}'
	is 0 $'roots\ncc'
	run alice ps --filter "volume=$HERE/a" --format '{{.Names}}'
	is 0 'cc'
	run -0 root ps -n 1 --filter "volume=$HERE/a" --format '{{.Names}}'
	is 0 'roots'
}

@test "how tools ask whence a directory is" {
	# dev containers, Testcontainers, scripts that look for their own mounts
	alice run -d --name cc -v "$HERE/a:/workspaces/a" -v "$HERE/f:/etc/f:ro" \
		--mount "type=bind,source=$HERE/b,target=/b,readonly" -v data:/data \
		--label devcontainer.local_folder="$HERE/a" box:1 sleep 1000
	for CLI in $(clis); do
		run alice inspect -f '{{range .Mounts}}{{if eq .Destination "/workspaces/a"}}{{.Type}} {{.Source}} {{.RW}}{{end}}{{end}}' cc
		is 0 "bind $HERE/a true"
		run alice inspect -f '{{range .Mounts}}{{if eq .Type "bind"}}{{.Source}}:{{.Destination}}{{println}}{{end}}{{end}}' cc
		output=$(sort <<<"$output" | sed '/^$/d')
		is 0 "$HERE/a:/workspaces/a
$HERE/b:/b
$HERE/f:/etc/f"
		# docker's command line sends them in any order
		run alice inspect -f '{{range .HostConfig.Binds}}{{println .}}{{end}}' cc
		output=$(sort <<<"$output" | sed '/^$/d')
		is 0 "$HERE/a:/workspaces/a
$HERE/f:/etc/f:ro
data:/data"
		run alice inspect -f '{{json .HostConfig.Mounts}}' cc
		is 0 "[{\"Type\":\"bind\",\"Source\":\"$HERE/b\",\"Target\":\"/b\",\"ReadOnly\":true}]"
		run alice ps --filter label=devcontainer.local_folder="$HERE/a" \
			--filter "volume=$HERE/f" --no-trunc --format '{{.Mounts}}'
		[ "$(tr , '\n' <<<"$output" | sort | tr '\n' ' ')" = \
			"$(printf '%s\n' "$HERE/a" "$HERE/b" "$HERE/f" data | sort | tr '\n' ' ')" ] ||
			fail "not its mounts"
		run alice system df -v --format '{{json .Containers}}'
		[ "$status" != 0 ] || [[ $output != *"$RIG_BIND_DIR"* ]]
	done
}

@test "what could not be mounted is named by its path" {
	run alice create --name cc -v "$HERE/a:/bin/busybox" box:1 true
	run alice start cc
	ends 1 "error mounting \"$HERE/a\" to rootfs at \"/bin/busybox\""
	[[ $output != *"$RIG_BIND_DIR"* ]] || fail "the guard's directory is told"
	run alice run --rm -v "$HERE/a:/bin/busybox" box:1 true
	[ "$status" != 0 ]
	ends "$status" "error mounting \"$HERE/a\" to rootfs at \"/bin/busybox\""
	run alice inspect -f '{{.State.Error}}' cc
	ends 0 "error mounting \"$HERE/a\" to rootfs"
}

@test "docker-py: a container made anew from what inspect says of it" {
	[ -z "$("$PYTHON" -c 'import docker' 2>&1)" ] || skip "no python3-docker"
	echo here >"$HERE/a/x"
	run -0 as alice "$PYTHON" -I - "$HERE" <<-'P'
	import docker, sys
	here = sys.argv[1]
	c = docker.from_env()
	c.containers.run("box:1", "sleep 1000", name="cc", detach=True,
	    volumes={here + "/a": {"bind": "/src", "mode": "rw"},
	             here + "/f": {"bind": "/f", "mode": "ro"},
	             "data": {"bind": "/data", "mode": "rw"}},
	    mounts=[docker.types.Mount("/b", here + "/b", type="bind",
	                               read_only=True)])
	was = c.api.inspect_container("cc")
	host = {k: was["HostConfig"][k] for k in ("Binds", "Mounts", "NetworkMode")}
	c.api.remove_container("cc", force=True)
	new = c.api.create_container(was["Config"]["Image"], was["Config"]["Cmd"],
	    name="cc", host_config=host)
	c.api.start(new)
	now = c.api.inspect_container("cc")
	by = lambda l: sorted(l, key=lambda m: m["Destination"])
	print(by(was["Mounts"]) == by(now["Mounts"]))
	print({k: now["HostConfig"][k] for k in host} == host)
	print(c.containers.get("cc").exec_run("cat /src/x /f").output.decode())
	print(c.containers.get("cc").exec_run("touch /f /b/x").exit_code)
	P
	[ "$output" = $'True\nTrue\nhere\nf\n\n1' ] || fail "not so"
}

# ---- compose ----

compose_file() {
	mkdir -p "$HERE/proj/src"
	cat >"$HERE/proj/compose.yml" <<-Y
	version: "3"
	services:
	  web:
	    image: box:1
	    command: sleep 1000
	    init: true
	    volumes: ["./src:/src", "../f:/etc/f:ro", "data:/data", "/anon"]
	volumes: {data: {}}
	Y
	chown -R "$ALICE:$GROUP" "$HERE/proj"
}

# Brought up twice it is the same container; anew it has the same mounts.
compose_holds() { # COMMAND...: compose
	local first again
	compose_file
	"$@" up -d
	"$@" exec -T web sh -c 'echo kept >/anon/k; echo mine >/src/m'
	[ "$(stat -c %u "$HERE/proj/src/m")" = "$ALICE" ]
	first=$("$@" ps -q)
	is_id "$first"
	run "$@" up -d
	ends 0
	[ "$("$@" ps -q)" = "$first" ] || fail "made anew without a reason"
	"$@" up -d --force-recreate
	again=$("$@" ps -q)
	[ "$again" != "$first" ]
	[ "$("$@" exec -T web cat /anon/k /src/m /etc/f)" = $'kept\nmine\nf' ]
	run alice inspect -f '{{range .Mounts}}{{if eq .Type "bind"}}{{.Source}}:{{.RW}} {{end}}{{end}}' "$again"
	[ "$(tr ' ' '\n' <<<"$output" | sort | xargs)" = "$HERE/f:false $HERE/proj/src:true" ] ||
		fail "other mounts"
	"$@" down -v
}

@test "compose v1: up again is up to date, made anew it has the same mounts" {
	command -v docker-compose >/dev/null || skip "no docker-compose"
	old() { as alice docker-compose -p old -f "$HERE/proj/compose.yml" "$@"; }
	compose_holds old
}

@test "compose v2: up again is up to date, made anew it has the same mounts" {
	have 28.5 || skip "no chroot of engines.sh with compose v2"
	local gids
	gids=$(as alice id -G | tr ' ' ,)
	new() {
		engine_client 28.5 env "DOCKER_HOST=unix://$RIG_USER_SOCK_alice" \
			HOME="$RIG_HOME/alice" setpriv --reuid "$ALICE" \
			--regid "$GROUP" --groups "$gids" timeout 50 \
			docker compose -p new -f "$HERE/proj/compose.yml" "$@"
	}
	compose_holds new
}
