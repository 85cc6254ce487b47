# clients.bats: what unmodified clients ask and get.  The same calls go straight
# to an Engine and through the broker, as somebody who works with what is his
# own; what comes back has to be the same, but for what is changed on purpose.

bats_require_minimum_version 1.5.0
load lib/common

setup_file() {
	cat >"$BATS_FILE_TMPDIR/policy.conf" <<-'P'
	role worker {
		allow ping version info events images history search
		allow run create ps logs inspect top stats diff port wait start stop
		      restart kill pause unpause rename update rm exec attach cp
		      commit export on own
		allow volume network system df container prune image prune on own
		allow build pull tag push rmi login save load import on own
		publish 1024-65535 random
		network address
		sysctl net.ipv4.ip_forward
	}
	grant worker to group dev
	P
	rig_up --policy "$BATS_FILE_TMPDIR/policy.conf" --user alice:2001:dev
	rig_image box:1
}

teardown_file() { rig_down; }

teardown() {
	{
		engine ps -aq | xargs -r docker -H "unix://$RIG_ENGINE_SOCK" rm -fv
		engine network prune -f
		engine volume ls -q |
			xargs -r docker -H "unix://$RIG_ENGINE_SOCK" volume rm
	} >/dev/null 2>&1 || :
}

# The numbers by which the kernel knows alice.
alice_ids() {
	as alice sh -c 'echo "$(id -u):$(id -G | tr " " ,)"'
}

same() { # SCENE...
	local out=$BATS_TEST_TMPDIR
	"$PYTHON" -I "$lib/compare.py" run "$RIG_ENGINE_SOCK" "$@" >"$out/one"
	teardown
	"$PYTHON" -I "$lib/compare.py" --as "$(alice_ids)" \
		run "$RIG_USER_SOCK_alice" "$@" >"$out/two"
	"$PYTHON" -I "$lib/compare.py" diff "$out/one" "$out/two"
}

@test "the Engine itself: ping, version, info, what there is not" {
	same system
}

@test "containers: all that may be set, and how inspect says it" {
	same create_inspect
}

@test "containers: lists and their filters" { same listing; }

@test "containers: published ports" { same ports; }

@test "containers: files in and out" { same files; }

@test "attach, logs, wait: what comes at once, and what ends when" {
	same streams
}

@test "exec: both ways of hijacking, exit codes, errors" { same execs; }

@test "images: tags, lists, save and load" { same images; }

@test "hijack: what follows the head does not come along with it" {
	[ -z "$("$PYTHON" -c 'import docker' 2>&1)" ] || skip "no python3-docker"
	run -0 as alice "$PYTHON" -I - <<-'P'
	import docker
	c = docker.from_env()
	x = c.containers.run("box:1", "echo at", detach=True)
	x.wait()
	print(sum(x.attach(logs=True, stream=False) == b"at\n"
	          for i in range(30)))
	P
	[ "${lines[-1]}" -ge 10 ]	# the Engine itself: 3 to 6; busy machines have fewer
}

@test "docker-py: tag, push without a login, and pages that there are not" {
	[ -z "$("$PYTHON" -c 'import docker' 2>&1)" ] || skip "no python3-docker"
	run -0 as alice "$PYTHON" -I - <<-'P'
	import docker
	c = docker.from_env()
	print(c.api.tag("box:1", "127.0.0.1:1/alice/x", "1", force=True))
	print("connection refused" in c.images.push("127.0.0.1:1/alice/x", "1"))
	c.images.remove("127.0.0.1:1/alice/x:1")
	P
	[ "$output" = $'True\nTrue' ] || fail "not so"
}

@test "compose v2: up, scale, a changed environment, down" {
	local dir=$RIG_HOME/alice/proj A=1 uid gids
	[ -x "${ENGINES_ROOT:-/tmp/engines}/sid/usr/bin/docker" ] ||
		skip "no chroot of engines.sh with compose v2"
	# shellcheck source=/dev/null
	. "$top/../shared/tools/engines.sh" || skip "no engines.sh"
	IFS=: read -r uid gids < <(alice_ids)
	mkdir -p "$dir"
	cat >"$dir/compose.yml" <<-'Y'
	services:
	  web:
	    image: box:1
	    command: sleep 1000
	    init: true
	    environment: {A: "${A}"}
	    volumes: ["data:/data", "/anon"]
	    networks: {back: {aliases: [www]}}
	    ports: ["18100-18110:80"]
	    depends_on: [db]
	  db: {image: "box:1", command: sleep 1000, init: true, networks: [back]}
	volumes: {data: {labels: {x: y}}}
	networks: {back: {}}
	Y
	compose() {
		engine_client 28.5 env "DOCKER_HOST=unix://$RIG_USER_SOCK_alice" \
			HOME="$RIG_HOME/alice" A="$A" setpriv --reuid "$uid" \
			--regid "${gids%%,*}" --groups "$gids" timeout 50 \
			docker compose -p prj -f "$dir/compose.yml" "$@"
	}
	compose up -d
	compose exec -T web sh -c 'echo kept >/data/f'
	A=2
	compose up -d --scale web=2
	[ "$(compose exec -T web sh -c 'echo $A; cat /data/f')" = $'2\nkept' ]
	[ "$(compose ps -q | wc -l)" = 3 ]
	compose down -v
	[ -z "$(engine ps -aq)$(engine volume ls -q -f name=prj_)" ]
}
