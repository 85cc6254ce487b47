# work.bats: people at work with docker through the broker: a developer (alice)
# and a viewer (bob), on a real Engine, with each command line there is.

bats_require_minimum_version 1.5.0
load lib/common

setup_file() {
	cat >"$BATS_FILE_TMPDIR/policy.conf" <<-'P'
	include "roles.conf"

	# What developers do not have, so that each word of docker is used here.
	role shelf {
		allow rmi save load import container prune image prune
	}

	grant developer to group dev
	grant viewer to group ops
	grant shelf to user alice
	P
	cp "$BATS_TEST_DIRNAME/../conf/roles.conf" "$BATS_FILE_TMPDIR/"
	rig_up --policy "$BATS_FILE_TMPDIR/policy.conf" \
		--user alice:2001:dev --user bob:2002:ops
	rig_image box:1
}

teardown_file() { rig_down; }

# A container of alice's that lives on.
sleeper() { # NAME [OPTION]...
	local name=$1
	shift
	alice run -d --name "$name" "$@" box:1 sleep 1000 >/dev/null
}

state() { engine inspect -f '{{.State.Status}}' "$1"; }
in_state() { [ "$(state "$1")" = "$2" ]; }

@test "version and info: what the Engine says, for both users and both CLIs" {
	local want
	want=$(engine version -f '{{.Server.Version}}')
	for CLI in $(clis); do
		for user in alice bob; do
			run $user version -f '{{.Server.Version}} {{.Server.APIVersion}}'
			is 0 "$want 1.41"
			run $user info -f '{{.ServerVersion}} {{.Driver}}'
			is 0 "$want $(engine info -f '{{.Driver}}')"
		done
	done
	recorded event=access user=bob word=version action=system.version \
		status=200 role=viewer 'grant=group ops' socket=user
}

@test "ps and images: both see what there is" {
	sleeper seen
	for CLI in $(clis); do
		for user in alice bob; do
			run $user ps -a --no-trunc --format '{{.ID}} {{.Names}}'
			is 0 "$(engine ps -a --no-trunc --format '{{.ID}} {{.Names}}')"
			[[ $output == *" seen"* ]]
			run $user images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}'
			is 0 "$(engine images --no-trunc \
				--format '{{.Repository}}:{{.Tag}} {{.ID}}')"
		done
	done
}

@test "run: output, both streams and exit codes" {
	for CLI in $(clis); do
		run alice run --rm box:1 echo hello
		is 0 hello
		alice run --rm box:1 sh -c 'echo out; echo err >&2' \
			>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
		[ "$(cat "$BATS_TEST_TMPDIR/out")" = out ]
		[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
		run alice run --rm box:1 sh -c 'exit 42'
		is 42 ""
		run -127 alice run --rm box:1 nosuchcommand
		ends 127 'executable file not found'
	done
	[ -z "$(engine ps -aq --filter ancestor=box:1 --filter status=exited)" ]
	recorded event=request user=alice word=run action=container.create \
		image=box:1 'argv=["sh","-c","exit 42"]' role=developer \
		'grant=group dev' verdict=allowed
	recorded event=result user=alice action=container.create status=201
}

@test "run -d: the id, and the container runs" {
	run alice run -d --name bg box:1 sleep 1000
	[ "$status" = 0 ]
	is_id "$output"
	[ "$(engine inspect -f '{{.Id}} {{.State.Status}}' bg)" = \
		"$output running" ]
	run alice rm -f bg
	is 0 bg
	recorded event=request action=container.create name=bg kind=container
	recorded event=request word=rm action=container.remove object=bg
}

@test "run -i: stdin ends, with nothing, little and much in it" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/much"
	for CLI in $(clis); do
		run alice run -i --rm box:1 cat </dev/null
		is 0 ""
		run alice run -i --rm box:1 wc -c <<<"abc"
		is 0 4
		alice run -i --rm box:1 cat <"$BATS_TEST_TMPDIR/much" |
			cmp - "$BATS_TEST_TMPDIR/much"
		# Without -i stdin is not attached: half-closed at once.
		run alice run --rm box:1 sh -c 'cat; echo end' </dev/null
		is 0 end
	done
}

@test "run -it: a terminal with its size, resize, ^C and exit code" {
	for CLI in $(clis); do
		run tool term size=30x100 'expect=# ' \
			'send=until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo si\zed\r' \
			'expect=sized' \
			size=41x123 \
			'send=until [ "$(stty size)" = "41 123" ]; do sleep 0.1; done; echo re\sized\r' \
			'expect=resized' \
			'send=echo wai\ting; sleep 100\r' 'expect=waiting' 'send=^C' \
			'expect=# ' 'send=echo code $? is\r' 'expect=code 130 is' \
			'send=exit 5\r' -- \
			"$rig" as "$RIG" alice "${CLI}" run -it --rm box:1 sh
		[ "$status" = 5 ] || fail "not 5"
	done
	recorded event=access action=container.resize user=alice status=200
}

@test "run: a signal to the client reaches the container" {
	alice run --name term --init box:1 sh -c \
		'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.1; done' \
		>"$BATS_TEST_TMPDIR/out" &
	soon grep -q ready "$BATS_TEST_TMPDIR/out"
	# What `as' started is the only docker of alice's that names it.
	kill -TERM "$(pgrep -u 2001 -f 'docker run --name term' | tail -n 1)"
	status=0
	wait $! || status=$?
	[ "$status" = 3 ]
	grep -q bye "$BATS_TEST_TMPDIR/out"
	[ "$(engine inspect -f '{{.State.ExitCode}}' term)" = 3 ]
	recorded event=request action=container.kill user=alice
}

@test "run: the client is killed, the container goes on, nothing stays open" {
	soon connections 0
	alice run --name orphan box:1 sh -c 'echo ready; sleep 1000' \
		>"$BATS_TEST_TMPDIR/out" &
	soon grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -KILL "$(pgrep -u 2001 -f 'docker run --name orphan' | tail -n 1)"
	wait $! || :
	soon connections 0
	[ "$(state orphan)" = running ]
}

@test "exec: output, exit code, stdin, environment, user, terminal, detached" {
	sleeper ex
	for CLI in $(clis); do
		run alice exec ex echo hi
		is 0 hi
		run alice exec ex sh -c 'exit 7'
		is 7 ""
		run alice exec -i ex wc -c <<<"abc"
		is 0 4
		run alice exec -i ex cat </dev/null
		is 0 ""
		run alice exec -e A=B -w /tmp -u 65534 ex sh -c 'echo $A $PWD; id -u'
		is 0 $'B /tmp\n65534'
		run alice exec ex nosuchcommand
		[[ $status = 12[67] ]]
		run alice exec -d ex touch /tmp/made
		is 0 ""
		soon engine exec ex rm /tmp/made
		run tool term size=25x90 'expect=# ' 'send=stty size; exit 9\r' \
			'expect=25 90' -- "$rig" as "$RIG" alice "$CLI" exec -it ex sh
		[ "$status" = 9 ] || fail "not 9"
	done
	recorded event=request word=exec action=container.exec object=ex \
		'argv=["sh","-c","exit 7"]' user=alice
	recorded event=request action=exec.start
	recorded event=access action=exec.inspect
}

@test "logs: all, the tail, times; a viewer reads them too" {
	alice run --name said box:1 sh -c 'echo one; echo two; echo bad >&2' 2>&1
	for user in alice bob; do
		run $user logs said	# two streams, in any order
		is 0 "$output"
		[ "$(sort <<<"$output")" = $'bad\none\ntwo' ]
		[ "$($user logs said 2>/dev/null)" = $'one\ntwo' ]
		[ "$($user logs said 2>&1 >/dev/null)" = bad ]
		[ "$($user logs -n 1 said 2>&1 | wc -l)" = 1 ]
		run $user logs -t --since 2001-01-01T00:00:00 said
		[[ $output =~ 20[0-9-]+T[0-9:.]+Z\ one ]]
	done
	recorded event=result user=bob word=logs action=container.logs \
		"object=$(engine inspect -f '{{.Id}}' said)" status=200
}

@test "logs -f: begins at once and ends with the container" {
	for CLI in $(clis); do
		alice run -d --name talk box:1 sh -c \
			'echo first; until [ -e /go ]; do sleep 0.1; done; echo last'
		alice logs -f talk >"$BATS_TEST_TMPDIR/out" &
		soon grep -q first "$BATS_TEST_TMPDIR/out"
		engine exec talk touch /go
		wait $!
		[ "$(cat "$BATS_TEST_TMPDIR/out")" = $'first\nlast' ]
		alice rm talk
	done
}

# Files of logs that the Engine has open.
log_files() {
	find "/proc/$RIG_PID_engine/fd" -lname "*$1-json.log" 2>/dev/null | wc -l
}
has_log_files() { [ "$(log_files "$1")" = "$2" ]; }

@test "logs -f: ^C ends the Engine's stream as well" {
	local id before
	id=$(alice run -d box:1 sh -c 'echo first; sleep 1000')
	soon connections 0
	before=$(log_files "$id")
	run tool term 'expect=first' 'send=^C' -- \
		"$rig" as "$RIG" alice docker logs -f "$id"
	[[ $status != 99 ]] || fail "it did not end"
	soon connections 0
	soon has_log_files "$id" "$before"
	# The same with a client that just dies, and looked at while it lives.
	alice logs -f "$id" >"$BATS_TEST_TMPDIR/out" &
	soon grep -q first "$BATS_TEST_TMPDIR/out"
	soon has_log_files "$id" $((before + 1))
	connections 1
	kill -KILL "$(pgrep -u 2001 -f "docker logs -f $id" | tail -n 1)"
	soon connections 0
	soon has_log_files "$id" "$before"
}

@test "cp: file, directory and tar, in and out" {
	local h=$RIG_HOME/alice
	sleeper box
	mkdir -p "$h/in/deep"
	echo content >"$h/in/f"
	head -c 2000000 /dev/urandom >"$h/in/deep/much"
	chown -R 2001 "$h/in"
	for CLI in $(clis); do
		run alice cp "$h/in/f" box:/tmp/f
		[ "$status" = 0 ]
		run engine exec box cat /tmp/f
		is 0 content
		run alice cp "$h/in" box:/tmp/dir
		[ "$status" = 0 ]
		run alice cp box:/tmp/dir "$h/back"
		[ "$status" = 0 ]
		diff -r "$h/in" "$h/back"
		tar -C "$h/in" -c . | alice cp - box:/root
		alice cp box:/root/deep/much - | tar -x -O | cmp - "$h/in/deep/much"
		run alice cp box:/nothere "$h/"
		[ "$status" = 1 ]
		[[ $output == *'Could not find the file /nothere'* || \
			$output == *'No such container:path: box:/nothere'* ]]
		run alice cp "$h/in/f" box:/no/such/place
		ends 1 ""
		engine exec box rm -rf /tmp/f /tmp/dir /root/f /root/deep
		rm -rf "$h/back"
	done
	recorded event=request word=cp action=container.upload object=box \
		method=PUT
	recorded event=access action=container.download object=box status=200
}

@test "build: the classic builder, from a directory and from stdin" {
	local h=$RIG_HOME/alice
	mkdir -p "$h/ctx"
	echo content >"$h/ctx/f"
	printf '%s\n' 'FROM box:1' 'ARG WORD' 'RUN echo "$WORD" >/word' \
		'COPY f /f' 'CMD ["cat", "/f", "/word"]' >"$h/ctx/Dockerfile"
	chown -R 2001 "$h/ctx"
	export DOCKER_BUILDKIT=0
	for CLI in $(clis); do
		run alice build -t made:1 --build-arg WORD=spoken \
			--label who=alice "$h/ctx"
		ends 0 'Successfully tagged made:1'
		run alice run --rm made:1
		is 0 $'content\nspoken'
		[ "$(engine inspect -f '{{.Config.Labels.who}}' made:1)" = alice ]
		tar -C "$h/ctx" -c . | alice build -q -t made:2 - | grep -q ^sha256:
		run alice build - <<<$'FROM box:1\nRUN exit 6'
		[[ $status = [16] && $output == *'returned a non-zero code: 6'* ]]
		run bob build "$h/../bob" -f /dev/null
		[ "$status" = 1 ]
		run bob build - <<<'FROM box:1'
		denied 1 'bob may not use "docker build" (image.build): role viewer (roles.conf:N) does not allow it'
		engine rmi -f made:1 made:2 >/dev/null
	done
	recorded event=request word=build action=image.build user=alice kind=image
}

@test "build: BuildKit is refused, with what to do instead" {
	for target in /session /grpc; do
		run client alice upgrade $target
		[[ $output == $'501\n'*'builds with BuildKit (/session and /grpc) are not available through the broker yet; build with DOCKER_BUILDKIT=0'* ]]
	done
	# Only CLIs before 23 speak BuildKit without the buildx plugin.
	for CLI in $(clis); do
		run "$CLI" version -f '{{.Client.Version}}'
		[[ $output == 20.* ]] || continue
		DOCKER_BUILDKIT=1 run alice build - <<<'FROM box:1'
		ends 1 "is BuildKit's, which comes later: use DOCKER_BUILDKIT=0"
		[ "$(grep -o 'comes later' <<<"$output" | wc -l)" = 1 ]
	done
}

@test "commit, tag, history, rmi" {
	sleeper com
	engine exec com sh -c 'echo new >/made'
	run alice commit -m why -a alice -c 'ENV A=B' com com:1
	ends 0 sha256:
	run alice run --rm com:1 sh -c 'cat /made; echo $A'
	is 0 $'new\nB'
	run alice tag com:1 other/name:2
	is 0 ""
	[ "$(engine inspect -f '{{.Id}}' com:1)" = \
		"$(engine inspect -f '{{.Id}}' other/name:2)" ]
	run bob history --no-trunc --format '{{.Comment}}' com:1
	ends 0 why
	run alice rmi other/name:2
	is 0 'Untagged: other/name:2'
	run alice rmi com:1
	ends 0 'Deleted: sha256:'
	recorded event=request word=commit action=container.commit user=alice
	recorded event=request word=tag action=image.tag object=com:1
	recorded event=request word=rmi action=image.remove object=other/name:2
}

@test "save, load, import and export" {
	local h=$RIG_HOME/alice id
	alice tag box:1 pack:1
	id=$(engine inspect -f '{{.Id}}' pack:1)
	run alice save -o "$h/pack.tar" pack:1
	is 0 ""
	alice save pack:1 | cmp - "$h/pack.tar"
	alice rmi pack:1 >/dev/null
	run alice load -i "$h/pack.tar"
	is 0 'Loaded image: pack:1'
	[ "$(engine inspect -f '{{.Id}}' pack:1)" = "$id" ]
	alice create --name pack pack:1 >/dev/null
	alice export pack >"$h/pack.fs"
	run alice import -c 'CMD ["echo","imported"]' - pack:2 <"$h/pack.fs"
	ends 0 sha256:
	run alice run --rm pack:2
	is 0 imported
	alice rm pack
	alice rmi pack:1 pack:2 >/dev/null
	rm -f "$h/pack.tar" "$h/pack.fs"
	recorded event=access word=save action=image.save user=alice
	recorded event=request word=load action=image.load role=shelf
	recorded event=request word=import action=image.import role=shelf
}

@test "events: arrive at once, and end with the client" {
	soon connections 0
	for user in alice bob; do
		client $user events >"$BATS_TEST_TMPDIR/out" &
		soon grep -q 200 "$BATS_TEST_TMPDIR/out"
		for i in 0 1 2; do
			alice volume create $user$i
		done
		wait $!
		run tail -n 1 "$BATS_TEST_TMPDIR/out"
		[ "$output" -lt 500 ] || fail "too late"
	done
	run bob events --since 1000000000 --until $(($(date +%s) + 1)) \
		--filter type=volume --filter event=create \
		--format '{{.Actor.ID}}'
	ends 0 bob2
	# a developer hears of what is his
	engine volume create hidden
	run alice events --since 1000000000 --until $(($(date +%s) + 1)) \
		--filter type=volume --filter event=create \
		--format '{{.Actor.ID}}'
	ends 0 bob2
	[[ $output != *hidden* ]] || fail "another's event"
	run bob events --since 1000000000 --until $(($(date +%s) + 1)) \
		--filter type=volume --filter event=create \
		--format '{{.Actor.ID}}'
	ends 0 hidden
	soon connections 0
}

@test "stats, top, diff, port and inspect" {
	sleeper look
	engine exec look touch /tmp/made
	run bob stats --no-stream --format '{{.Name}} {{.PIDs}}' look
	is 0 'look 1'
	run alice stats --no-stream --format '{{.Name}}'
	ends 0 look
	for user in alice bob; do
		run $user top look -o pid,args
		ends 0 'sleep 1000'
		run $user diff look
		is 0 $'C /tmp\nA /tmp/made'
		run $user port look
		is 0 ""
		run $user inspect -f '{{.Name}} {{.Config.Image}}' look
		is 0 '/look box:1'
		run $user image inspect -f '{{.RepoTags}}' box:1
		is 0 '[box:1]'
	done
}

@test "inspect and others of what does not exist: the Engine's own words" {
	for user in alice bob; do
		run $user inspect nothere
		ends 1 'No such object: nothere'
		run $user logs nothere
		ends 1 'No such container: nothere'
		run $user volume inspect nothere
		[ "$status" = 1 ]
		[[ ${output,,} == *'no such volume'* ]]
		run $user network inspect nothere
		[ "$status" = 1 ]
		[[ $output == *'nothere not found'* || \
			$output == *'No such network: nothere'* ]]
		run $user image inspect nothere
		ends 1 'o such image: nothere'
	done
	run alice stop nothere
	ends 1 'No such container: nothere'
	run alice rm nothere
	ends 1 'No such container: nothere'
	run alice exec nothere true
	ends 1 'No such container: nothere'
}

@test "rename, update, pause, kill, wait, start, stop, restart, rm" {
	sleeper life
	run alice rename life life2
	is 0 ""
	run alice update --memory 64m --memory-swap 64m life2
	is 0 life2
	[ "$(engine inspect -f '{{.HostConfig.Memory}}' life2)" = 67108864 ]
	run alice pause life2
	is 0 life2
	[ "$(state life2)" = paused ]
	run alice unpause life2
	is 0 life2
	alice wait life2 >"$BATS_TEST_TMPDIR/out" &
	soon connections 1
	run alice kill -s KILL life2
	is 0 life2
	wait $!
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = 137 ]
	run alice start life2
	is 0 life2
	[ "$(state life2)" = running ]
	run alice restart -t 0 life2
	is 0 life2
	run alice stop -t 0 life2
	is 0 life2
	[ "$(state life2)" = exited ]
	run alice rm life2
	is 0 life2
	run engine inspect life2
	[ "$status" = 1 ]
	for word in rename update pause unpause kill start restart stop rm; do
		recorded event=request word=$word user=alice verdict=allowed
	done
}

@test "attach: detach keys, what is typed, and the exit code" {
	for CLI in $(clis); do
		alice run -dit --name att box:1 sh >/dev/null
		run tool term 'send=echo a\bc\r' 'expect=abc' 'send=^X' 'send=^Y' \
			-- "$rig" as "$RIG" alice "$CLI" attach \
			--detach-keys ctrl-x,ctrl-y att
		[[ $status != 99 ]] || fail "it did not detach"
		[[ $output == *'read escape sequence'* ]]
		[ "$(state att)" = running ]
		run tool term 'send=exit 4\r' -- \
			"$rig" as "$RIG" alice "$CLI" attach att
		[ "$status" = 4 ]
		alice rm -f att
	done
	recorded event=request word=attach action=container.attach user=alice
	soon connections 0
}

@test "start -ai: stdin ends, output comes after it" {
	alice create -i --name sai box:1 sh -c 'wc -c; echo after; exit 6' \
		>/dev/null
	run alice start -ai sai <<<"abc"
	is 6 $'4\nafter'
	alice rm sai
}

@test "attach without Upgrade: half-close, then the output" {
	alice create -i --name raw box:1 sh -c 'cat; echo end; echo bad >&2' \
		>/dev/null
	alice start raw >/dev/null
	run client alice attach raw
	is 0 $'200\nstdout: [\'one\', \'two\', \'end\']\nstderr: [\'bad\']'
	soon connections 0
}

@test "attach by websocket" {
	alice run -di --name ws box:1 cat >/dev/null
	run client alice websocket ws
	is 0 $'101 True\n[\'by\', \'websocket\']\nclosed'
	soon connections 0
	recorded event=request action=container.attach object=ws method=GET
	run client bob websocket ws
	ends 1 403
}

@test "many requests on one connection, and in the end a hijack" {
	alice create -i --name keep box:1 cat >/dev/null
	run client alice keepalive keep
	is 0 $'[200, 400, 404] 1\n101\n204\nstdout: [\'one\', \'two\']\nstderr: []'
	soon connections 0
}

@test "volume: create, ls, inspect, rm; data stays" {
	run alice volume create --label a=b vol
	is 0 vol
	for user in alice bob; do
		run $user volume ls -q --filter name=vol
		ends 0 vol
		run $user volume inspect -f '{{.Name}} {{.Labels.a}}' vol
		is 0 'vol b'
	done
	run alice run --rm -v vol:/x box:1 sh -c 'echo kept >/x/f'
	is 0 ""
	run alice run --rm -v vol:/x:ro box:1 cat /x/f
	is 0 kept
	run bob volume create mine
	denied 1 'bob may not use "docker volume create" (volume.create): role viewer (roles.conf:N) does not allow it'
	run bob volume rm vol
	denied 1 'bob may not use "docker volume rm" (volume.remove): role viewer (roles.conf:N) does not allow it'
	run alice volume rm vol
	is 0 vol
	recorded event=request word='volume create' action=volume.create name=vol
	recorded event=request word='volume rm' action=volume.remove object=vol
}

@test "network: create, ls, connect, disconnect, inspect, rm" {
	sleeper netted
	run alice network create --label a=b net
	[ "$status" = 0 ]
	is_id "$output"
	for user in alice bob; do
		run $user network ls --filter name=net --format '{{.Name}}'
		is 0 net
		run $user network inspect -f '{{.Name}} {{.Labels.a}}' net
		is 0 'net b'
	done
	run alice network connect --alias other net netted
	is 0 ""
	[ "$(engine inspect -f '{{.NetworkSettings.Networks.net.Aliases}}' \
		netted | cut -c1-6)" = '[other' ]
	run alice network disconnect net netted
	is 0 ""
	run bob network connect net netted
	denied 1 'bob may not use "docker network connect" (network.connect): role viewer (roles.conf:N) does not allow it'
	run bob network rm net
	denied 1 'bob may not use "docker network rm" (network.remove): role viewer (roles.conf:N) does not allow it'
	run alice run --rm --network net --name innet box:1 \
		sh -c 'ip -4 -o addr show eth0'
	ends 0 "inet $(engine network inspect \
		-f '{{(index .IPAM.Config 0).Gateway}}' net | cut -d. -f1,2)."
	run alice network rm net
	is 0 net
	recorded event=request word='network connect' object=net other=netted
}

@test "search and pull: the Engine's own error is passed on" {
	run alice search nothing
	ends 1 'index.docker.io'
	run alice pull nothing
	ends 1 'registry-1.docker.io'
	run alice run --rm nosuchimage:1 true
	ends 125 'registry-1.docker.io'
	run bob pull nothing
	denied 1 'bob may not use "docker pull" (image.pull): role viewer (roles.conf:N) does not allow it'
	recorded event=result action=image.pull user=alice
}

@test "prune: by what the roles say" {
	alice create --name old --label doomed box:1 >/dev/null
	run alice container prune -f --filter label=doomed
	ends 0 'Total reclaimed space'
	run engine inspect old
	[ "$status" = 1 ]
	run alice image prune -f
	ends 0 'Total reclaimed space'
	alice volume create doomed >/dev/null
	engine volume create kept >/dev/null
	run bob volume prune -f
	denied 1 'bob may not use "docker volume prune" (volume.prune): role viewer (roles.conf:N) does not allow it'
	run alice volume prune -f
	ends 0 doomed
	[[ $output != *kept* ]] || fail "another's volume"
	alice network create doomed >/dev/null
	engine network create kept >/dev/null
	run bob network prune -f
	denied 1 'bob may not use "docker network prune" (network.prune): role viewer (roles.conf:N) does not allow it'
	run alice network prune -f
	ends 0 doomed
	[[ $output != *kept* ]] || fail "another's network"
	run alice system prune -f
	denied 1 'alice may not use "docker builder prune" (builder.prune): role shelf (policy.conf:N) does not allow it, nor does 1 other role'
	engine network inspect kept >/dev/null
	run root volume prune -f
	ends 0 kept
	run root system df
	ends 0 'Local Volumes'
}
