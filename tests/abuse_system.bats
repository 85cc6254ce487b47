# abuse_system.bats: what is about the whole Engine: events, counts, disk usage,
# registries, plugins, and what only an operator should reach, tried by bob.

load lib/abuse

setup_file() {
	abuse_policy </dev/null
	abuse_up --engine-arg --debug --engine-arg --experimental && abuse_equip || return
	engine create --name nobodys box:1 true >/dev/null
	teardown
}

teardown_file() { rig_down; }

now() { date +%s.%N; }

# What alice did since $1 and until now, as WHO's events.
happened() { # SINCE FILTERS
	allowed '200' GET "$V/events?since=$1&until=$(now)&filters=$(encoded "$2")"
}

# All that alice can do that makes events; the same as bob when called so.
act_as() { # NAME
	local n=$1
	local run=(as "$n" docker) c=${n}act
	"${run[@]}" volume create "${n}actvol"
	"${run[@]}" network create "${n}actnet"
	"${run[@]}" run -d --name "$c" --network "${n}actnet" -v "${n}actvol:/v" \
		--label "actlabel=$n" box:1 sleep 1000
	"${run[@]}" exec "$c" echo "execed-by-$n"
	"${run[@]}" rename "$c" "${c}2"
	"${run[@]}" commit "${c}2" "$n/act:1"
	"${run[@]}" tag "$n/act:1" "$n/act:2"
	"${run[@]}" network connect bridge "${c}2"
	"${run[@]}" kill "${c}2"
	"${run[@]}" rm -f "${c}2"
	"${run[@]}" network rm "${n}actnet"
	"${run[@]}" volume rm "${n}actvol"
	"${run[@]}" rmi "$n/act:1" "$n/act:2"
}

@test "events: of the past, of every type, whatever is asked" {
	local since f id
	since=$(now)
	act_as alice >/dev/null
	act_as bob >/dev/null
	truth 200 GET "/v1.41/events?since=$since&until=$(now)"
	for id in aliceact execed-by-alice aliceactvol aliceactnet alice/act:1; do says "$id"; done
	id=$(grep -o '"Type":"container","Action":"create","Actor":{"ID":"[0-9a-f]*' <<<"$answer" |
		head -n 1 | grep -o '[0-9a-f]*$')
	for f in '{}' '{"type":["container"]}' '{"type":["volume"]}' '{"type":["network"]}' \
		'{"type":["image"]}' '{"container":["aliceact"]}' "{\"container\":[\"$id\"]}" \
		'{"container":["aliceact2"]}' '{"volume":["aliceactvol"]}' '{"network":["aliceactnet"]}' \
		'{"image":["alice/act:1"]}' '{"image":["box:1"]}' '{"label":["actlabel=alice"]}' \
		'{"label":["dockbroker.owner=alice"]}' '{"event":["exec_create: echo execed-by-alice"]}' \
		'{"event":["create"]}' '{"scope":["local"]}' '{"event":{"die":true}}'; do
		happened "$since" "$f"
		hides aliceact
		hides alice/act
		hides execed-by-alice
		hides "$id"
	done
	happened "$since" '{}'
	# nobody knows any more whose the volume and the network were
	for f in bobact execed-by-bob; do says "$f"; done
	happened "$since" '{"container":["bobact2"]}'
	says bobact
	WHO=oscar happened "$since" '{}'
	says aliceact
	says bobact
	WHO=carol happened "$since" '{}'
	hides aliceact
	hides bobact
}

@test "events: as they come" {
	local pid who
	HOLD=6 api ask - 200 GET "$V/events" >"$BATS_TEST_TMPDIR/live" 2>>"$(faults)" &
	pid=$!
	soon connections 1
	sleep 0.3
	for who in alice bob; do
		$who volume create "${who}live" >/dev/null
		$who network create "${who}livenet" >/dev/null
		$who network rm "${who}livenet" >/dev/null
		$who volume rm "${who}live" >/dev/null
	done
	wait $pid || :
	answer=$(cat "$BATS_TEST_TMPDIR/live")
	says boblive
	says boblivenet
	hides alicelive
}

@test "info: counts are of what he has; df: only what he has" {
	allowed 200 GET "$V/info"
	local c
	c=$(bob ps -aq | wc -l)
	says "\"Containers\":$c,"
	says "\"ContainersRunning\":$(bob ps -q | wc -l),"
	allowed 200 GET "$V/system/df"
	says bweb
	says bdata
	hides aweb
	hides adata
	hides "$anon_a"
	hides alice
	hides nobodys
	run bob system df -v
	ends 0 bweb
	[[ $output != *alice* && $output != *adata* ]] || bad "df -v: $output"
	WHO=oscar allowed 200 GET "$V/system/df"
	says aweb
	says nobodys
	WHO=oscar allowed 200 GET "$V/info"
	says "\"Containers\":$(engine ps -aq | wc -l),"
}

@test "what is not his role: login, prune of the cache, plugins, debug" {
	local r
	while read -r r; do
		# shellcheck disable=SC2086
		refused - '403|404' $r
	done <<-'T'
	GET /debug/vars
	GET /debug/pprof/
	GET /debug/pprof/heap
	GET /debug/pprof/cmdline
	OPTIONS /v1.41/info
	OPTIONS /v1.41/containers/aweb
	POST /v1.41/auth {"serveraddress":"127.0.0.1:5000"}
	GET /v1.41/distribution/127.0.0.1:5000/x/json
	GET /v1.41/distribution/alice/app:1/json
	POST /v1.41/build/prune
	POST /v1.41/build/cancel?id=x
	GET /v1.41/plugins
	GET /v1.41/plugins/privileges?remote=x
	POST /v1.41/plugins/pull?remote=x [{"Name":"network","Value":["host"]}]
	POST /v1.41/plugins/create?name=x
	GET /v1.41/plugins/x/json
	POST /v1.41/plugins/x/enable
	POST /v1.41/plugins/x/disable
	POST /v1.41/plugins/x/push
	POST /v1.41/plugins/x/set ["a=b"]
	POST /v1.41/plugins/x/upgrade?remote=y []
	DELETE /v1.41/plugins/x
	T
	WHO=oscar allowed 200 GET /debug/vars
	WHO=oscar allowed 200 GET "$V/plugins"
	WHO=oscar allowed '404' GET "$V/plugins/x/json"
	allowed 200 GET /_ping
	allowed 200 HEAD /_ping
	allowed 200 GET "$V/_ping"
	allowed 200 GET "$V/version"
	# docker inspect X goes through all kinds, and ends with this text
	run bob inspect aweb
	ends 1 'No such object: aweb'
	run bob inspect qweb
	ends 1 'No such object: qweb'
	run bob inspect adata anet alice/app:1
	ends 1 'No such object: adata'
	run bob inspect -f '{{.Name}}' bweb
	is 0 /bweb
}

@test "checkpoints: their directories are the host's" {
	refused - '403|404' GET "$V/containers/aweb/checkpoints"
	refused - 403 GET "$V/containers/bweb/checkpoints?dir=/etc"
	refused - '403|404' POST "$V/containers/aweb/checkpoints" '{"CheckpointID":"c1"}'
	refused - 403 POST "$V/containers/bweb/checkpoints" \
		'{"CheckpointID":"c1","CheckpointDir":"/etc"}'
	refused - '403|404' DELETE "$V/containers/aweb/checkpoints/c1?dir=/etc"
	refused - 403 POST "$V/containers/bold/start?checkpoint=c1&checkpoint-dir=/etc"
	refused - 403 POST "$V/containers/bold/start?checkpoint=c1"
	allowed 204 POST "$V/containers/bold/start"
	WHO=oscar allowed '200' GET "$V/containers/bweb/checkpoints"
}

@test "sessions of BuildKit" {
	HOLD=1 refused - '403|501' POST /session
	HOLD=1 HEADER='X-Docker-Expose-Session-Uuid: abc' refused - '403|501' POST /session
	HOLD=1 refused - '403|501' POST "$V/session"
	HOLD=1 refused - '403|501' POST /grpc
	HOLD=1 refused - '403|404|501' POST "$V/grpc"
	refused - '404' POST "$V/nothing/of/the/kind"
	refused - '404|405' DELETE "$V/info"
	allowed 200 GET "$V/info"
}

@test "the compose command line and docker ps -a see bob's things only" {
	run bob ps -a --format '{{.Names}}'
	ends 0 bweb
	[[ $output != *aweb* && $output != *nobodys* ]] || bad "ps: $output"
	run bob images --format '{{.Repository}}'
	ends 0 bob/app
	[[ $output != *alice* ]] || bad "images: $output"
	run bob volume ls -q
	ends 0 bdata
	[[ $output != *adata* ]] || bad "volumes: $output"
	run bob network ls --format '{{.Name}}'
	ends 0 bnet
	[[ $output != *anet* ]] || bad "networks: $output"
	run bob stats --no-stream --format '{{.Name}}'
	ends 0 bweb
	[[ $output != *aweb* ]] || bad "stats: $output"
}

@test "at least 35 refusals" { at_least 35; }
