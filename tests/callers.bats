# callers.bats: who comes, by which socket, with which rights, and what the log
# says of it.

load lib/common

setup_file() {
	cat >"$BATS_FILE_TMPDIR/policy.conf" <<-'P'
	include "roles.conf"
	grant developer to group dev
	grant viewer to group ops
	grant viewer to service traefik
	P
	cp "$BATS_TEST_DIRNAME/../conf/roles.conf" "$BATS_FILE_TMPDIR/"
	echo 'service traefik mode=0666 containers=yes' >"$BATS_FILE_TMPDIR/more"
	rig_up --policy "$BATS_FILE_TMPDIR/policy.conf" \
		--config "$BATS_FILE_TMPDIR/more" \
		--user alice:2001:dev --user bob:2002:ops
	rig_image box:1
}

teardown_file() { rig_down; }

@test "what a viewer may not do is refused, and nothing happens" {
	local line word action before viewer_line
	viewer_line=$(grep -n '^role viewer' "$top/conf/roles.conf" | cut -d: -f1)
	alice run -d --name target box:1 sleep 1000
	before=$(engine inspect -f '{{json .State}}{{.Name}}' target)
	while IFS='|' read -r line word action; do
		[ -n "$line" ] || continue
		# shellcheck disable=SC2086
		run bob $line
		[[ $status != 0 ]] || fail "allowed: $line"
		denied "$status" "bob may not use \"docker $word\" ($action): role viewer (roles.conf:N) does not allow it"
		recorded event=refused id="$why" user=bob verdict=refused status=403 \
			action="$action" role=viewer "policy=roles.conf:$viewer_line"
	done <<-'T'
	run box:1 true|run|container.create
	create box:1|run|container.create
	start target|start|container.start
	stop target|stop|container.stop
	restart target|restart|container.restart
	kill target|kill|container.kill
	pause target|pause|container.pause
	unpause target|unpause|container.unpause
	rename target other|rename|container.rename
	update --cpus 1 target|update|container.update
	rm -f target|rm|container.remove
	wait target|wait|container.wait
	exec target true|exec|container.exec
	cp target:/etc/passwd -|cp|container.download
	export target|export|container.export
	commit target stolen|commit|container.commit
	tag box:1 stolen|tag|image.tag
	rmi box:1|rmi|image.remove
	save box:1|save|image.save
	import http://127.0.0.1/x|import|image.import
	push box:1|push|image.push
	login -u u -p p 127.0.0.1:1|login|registry.login
	container prune -f|container prune|container.prune
	image prune -f|image prune|image.prune
	volume prune -f|volume prune|volume.prune
	network prune -f|network prune|network.prune
	system prune -f|container prune|container.prune
	swarm init|swarm init|swarm.init
	plugin ls|plugin ls|plugin.list
	T
	# Of a refused hijack the command line shows the status only.
	for CLI in $(clis); do
		run bob attach --no-stdin target
		ends 1 'unable to upgrade to tcp, received 403'
	done
	recorded event=refused user=bob action=container.attach object=target
	[ "$(engine inspect -f '{{json .State}}{{.Name}}' target)" = "$before" ]
}

@test "the shared socket: the kernel says who comes" {
	for CLI in $(clis); do
		run as alice "$CLI" -H "unix://$RIG_SHARED_SOCK" run --rm box:1 id -u
		is 0 0
		run as bob "$CLI" -H "unix://$RIG_SHARED_SOCK" ps -q
		[ "$status" = 0 ]
		run as bob "$CLI" -H "unix://$RIG_SHARED_SOCK" run --rm box:1 true
		denied 125 'bob may not use "docker run" (container.create): role viewer (roles.conf:N) does not allow it'
	done
	recorded event=request user=alice uid=2001 socket=shared \
		action=container.create
	# uid 2003 has an account nowhere, and `nobody' has no role.
	run setpriv --reuid 2003 --regid 2003 --clear-groups \
		curl -s --unix-socket "$RIG_SHARED_SOCK" http://d/_ping
	ends 0 '{"message":"dockbroker: '
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
		curl -s --unix-socket "$RIG_SHARED_SOCK" http://d/containers/json
	ends 0 '{"message":"dockbroker: '
}

@test "root: all of it, and recorded" {
	for CLI in $(clis); do
		run root run --rm --network host -v /etc:/host:ro box:1 \
			sh -c '[ -e /host/passwd ] && echo reached'
		is 0 reached
		# Created only: not every machine that tests may run it.
		run root create --privileged --name mighty box:1
		[ "$status" = 0 ]
		[ "$(engine inspect -f '{{.HostConfig.Privileged}}' mighty)" = true ]
		root rm mighty
	done
	recorded event=request user=root uid=0 role=admin socket=shared \
		action=container.create verdict=allowed \
		'reach=["HostConfig.Binds[0]","HostConfig.NetworkMode"]'
	recorded event=request user=root action=container.create name=mighty \
		'reach=["HostConfig.Privileged"]' 'grant=user root'
}

@test "a service socket: the service's role, whoever comes" {
	local s=unix://$RIG_RUN_DIR/services/traefik.sock
	run as alice docker -H "$s" ps -q
	[ "$status" = 0 ]
	run as alice docker -H "$s" run --rm box:1 true
	denied 125 'service traefik may not use "docker run" (container.create): role viewer (roles.conf:N) does not allow it'
	recorded event=refused id="$why" socket=service service=traefik \
		'grant=service traefik' uid=2001
}

@test "another one's socket is closed by its file's mode" {
	run as bob docker -H "unix://$RIG_USER_SOCK_alice" ps
	ends 1 'permission denied'
	run as alice docker -H "unix://$RIG_USER_SOCK_bob" ps
	ends 1 'permission denied'
	run as alice docker -H "unix://$RIG_ENGINE_SOCK" ps
	ends 1 'permission denied'
	run as bob docker ps -q
	[ "$status" = 0 ]
}

@test "the log: whole, chained, each request with its result, no secrets" {
	alice run --rm -e TOKEN=seCretEnv box:1 true
	alice exec -e TOKEN=seCretExec "$(alice run -d box:1 sleep 1000)" true
	alice create -e TOKEN=seCretReach --privileged box:1 || :
	alice login -u u -p seCretPass 127.0.0.1:1 || :
	bob login -u u -p seCretBob 127.0.0.1:1 || :
	DOCKER_BUILDKIT=0 alice build --build-arg T=seCretArg - <<<'FROM box:1'
	recorded event=request user=alice word=login other=127.0.0.1:1
	# Streams of killed clients end, and with them their records.
	engine ps -q | xargs -r docker -H "unix://$RIG_ENGINE_SOCK" kill >/dev/null
	soon connections 0
	soon tool audit verify "$RIG_AUDIT_LOG"
	printf '%s\n' seCretEnv seCretExec seCretReach seCretPass seCretBob \
		seCretArg | tool audit absent "$RIG_AUDIT_LOG" "$RIG_LOG_broker" \
		"$RIG_LOG_authd" "$RIG_LOG_auditd"
	# The tool that says so finds what is there, and a line that was changed.
	run tool audit absent "$RIG_AUDIT_LOG" <<<'container.create'
	ends 1 'container.create is in'
	sed '5s/"uid":[0-9]*/"uid":7/' "$RIG_AUDIT_LOG" >"$BATS_TEST_TMPDIR/log"
	run tool audit verify "$BATS_TEST_TMPDIR/log"
	ends 1 'line 6 does not fit'
}
