# abuse_containers.bats: every endpoint of containers and execs (facts/clients.md
# 4), tried by bob at what is alice's, and done by him with his own.

load lib/abuse

setup_file() {
	abuse_policy </dev/null
	abuse_up && abuse_equip || return
	engine run -d --name nobodys box:1 sleep 1000 >/dev/null
	guard container "$(engine inspect -f '{{.Id}}' nobodys)"
	teardown
}

teardown_file() { rig_down; }

# The same request at alice's by name, id and short id, then at bob's own.
both() { # STATUS METHOD REST [BODY [TYPE]]: REST behind /containers/NAME
	local status=$1 method=$2 rest=$3
	shift 3
	local c
	for c in aweb "$aweb_id" "${aweb_id:0:12}"; do
		refused "$c" 404 "$method" "$V/containers/$c$rest" "$@"
	done
	allowed "$status" "$method" "$V/containers/bweb$rest" "$@"
}

@test "looking: inspect, logs, top, stats, changes, export" {
	both 200 GET /json
	says '"SECRET=of-bob"'
	both 200 GET '/logs?stdout=1'
	says said-by-bob
	both 200 GET /top
	both 200 GET '/stats?stream=0'
	both 200 GET /changes
	both 200 GET /export
	# with what is found by one letter of the id, and what nobody has
	refused "${aweb_id:0:4}" 404 GET "$V/containers/${aweb_id:0:4}/json"
	refused nobodys 404 GET "$V/containers/nobodys/json"
	refused aold 404 GET "$V/containers/aold/json?size=1"
	WHO=oscar allowed 200 GET "$V/containers/nobodys/json"
	WHO=alice allowed 200 GET "$V/containers/${aweb_id:0:4}/json"
	allowed 200 GET "$V/containers/${bweb_id:0:12}/json"
}

@test "archive: stat, read, write" {
	tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/t" --files-from /dev/null
	echo planted >"$BATS_TEST_TMPDIR/planted"
	tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/t" planted
	both 200 HEAD '/archive?path=/data/f'
	both 200 GET '/archive?path=/data/f'
	says data-of-bob
	both 200 PUT '/archive?path=/tmp' "@$BATS_TEST_TMPDIR/t" "$TAR"
	ok engine exec bweb cat /tmp/planted
}

@test "life: kill, stop, restart, pause, unpause, start, wait, rename, resize, update" {
	both 204 POST '/kill?signal=WINCH'
	both 204 POST /pause
	both 204 POST /unpause
	both 204 POST '/restart?t=0'
	both 204 POST '/stop?t=0'
	both 200 POST /wait
	both 204 POST /start
	refused aold 404 POST "$V/containers/aold/start"
	allowed 204 POST "$V/containers/bold/start"
	both 200 POST /update '{"Memory":134217728,"MemorySwap":-1}'
	both 204 POST '/rename?name=renamed'
	allowed 204 POST "$V/containers/renamed/rename?name=bweb"
	refused aweb 404 POST "$V/containers/aweb/resize?h=10&w=10"
	allowed 200 POST "$V/containers/bweb/resize?h=10&w=10"
	# conflicts tell that there is one, but not whose or which
	refused - 409 POST "$V/containers/bweb/rename?name=aweb"
	hides "$aweb_id"
	refused - 409 POST "$V/containers/create?name=aweb" '{"Image":"box:1"}'
	hides "$aweb_id"
	allowed 201 POST "$V/containers/create?name=bnew" '{"Image":"box:1"}'
	allowed 204 DELETE "$V/containers/bnew"
}

@test "attach: plain, upgraded, by websocket, logs only" {
	local c
	for c in aweb "$aweb_id" "${aweb_id:0:12}"; do
		refused "$c" 404 POST "$V/containers/$c/attach?stream=1&stdin=1&stdout=1"
		HOLD=1 refused "$c" 404 GET \
			"$V/containers/$c/attach/ws?stream=1&stdin=1&stdout=1"
	done
	HEADER='Upgrade: tcp' refused aweb 404 POST \
		"$V/containers/aweb/attach?logs=1&stdout=1"
	HOLD=1 allowed 200 POST "$V/containers/bweb/attach?logs=1&stdout=1"
	says said-by-bob
	HOLD=1 allowed 101 GET \
		"$V/containers/bweb/attach/ws?stream=1&stdin=1&stdout=1"
}

@test "exec: create, inspect, start, resize" {
	both 201 POST /exec '{"Cmd":["id"]}'
	local mine
	mine=$(json Id)
	refused "$aexec" 404 GET "$V/exec/$aexec/json"
	hides secret-of-exec
	refused "$aexec" 404 POST "$V/exec/$aexec/start" '{"Detach":true}'
	refused "$aexec" 404 POST "$V/exec/$aexec/start" '{"Detach":false}'
	refused "$aexec" 404 POST "$V/exec/$aexec/resize?h=1&w=1"
	# no Engine finds an exec by the beginning of its id
	refused "${aexec:0:12}" 404 GET "$V/exec/${aexec:0:12}/json"
	refused "${mine:0:12}" 404 GET "$V/exec/${mine:0:12}/json"
	allowed 200 GET "$V/exec/$mine/json"
	allowed 200 POST "$V/exec/$mine/start" '{"Detach":true}'
	# one that came into being past the broker
	truth 201 POST /v1.41/containers/aweb/exec '{"Cmd":["id"]}'
	local past
	past=$(json Id)
	refused "$past" 404 GET "$V/exec/$past/json"
	truth 201 POST /v1.41/containers/bweb/exec '{"Cmd":["id"]}'
	past=$(json Id)
	allowed 200 GET "$V/exec/$past/json"
}

@test "checkpoints: list, create, remove; their directories are the host's" {
	refused - '403|404' GET "$V/containers/aweb/checkpoints"
	refused - '403|404' GET "$V/containers/bweb/checkpoints?dir=/etc"
	refused - '403|404' POST "$V/containers/aweb/checkpoints" \
		'{"CheckpointID":"c1"}'
	refused - '403|404' POST "$V/containers/bweb/checkpoints" \
		'{"CheckpointID":"c1","CheckpointDir":"/etc"}'
	refused - '403|404' DELETE "$V/containers/aweb/checkpoints/c1"
	refused - '403' POST "$V/containers/bold/start?checkpoint=c1&checkpoint-dir=/etc"
	allowed '204|304' POST "$V/containers/bold/start"
}

@test "commit: of another's container" {
	local c
	for c in aweb "$aweb_id" "${aweb_id:0:12}" nobodys; do
		refused "$c" 404 POST "$V/commit?container=$c&repo=bob/stolen&tag=1"
	done
	allowed 201 POST "$V/commit?container=bweb&repo=bob/snap&tag=1" '{}'
	allowed 200 DELETE "$V/images/bob/snap:1"
}

@test "create: what it refers to" {
	local c f
	create() { echo "{\"Image\":\"box:1\",$1}"; }
	host() { create "\"HostConfig\":{$1}"; }
	for c in aweb "$aweb_id" "${aweb_id:0:12}" nobodys; do
		refused "$c" '400|404' POST "$V/containers/create" \
			"$(host "\"VolumesFrom\":[\"$c\"]")"
		# the Engine finds this out at the start
		refused "~$c" '400|404' POST "$V/containers/create" \
			"$(host "\"NetworkMode\":\"container:$c\"")"
		refused "$c" '400|404' POST "$V/containers/create" \
			"$(host "\"PidMode\":\"container:$c\"")"
		refused "$c" '400|404' POST "$V/containers/create" \
			"$(host "\"IpcMode\":\"container:$c\"")"
	done
	refused aweb '400|404' POST "$V/containers/create" \
		"$(host '"VolumesFrom":["aweb:ro"]')"
	refused - '400|403|404' POST "$V/containers/create" \
		"$(host '"Links":["aweb:x"]')"
	refused - '400|403|404' POST "$V/containers/create" \
		"$(host '"Links":["/aweb:/x/y"]')"
	refused - '400|403|404' POST "$V/containers/create" \
		"$(host '"UTSMode":"container:aweb"')"
	refused - '400|403|404' POST "$V/containers/create" \
		"$(host '"UsernsMode":"container:aweb"')"
	refused - '400|403|404' POST "$V/containers/create" \
		"$(host '"Cgroup":"container:aweb"')"
	for f in '"VolumesFrom":["bweb"]' '"NetworkMode":"container:bweb"' \
		'"VolumesFrom":["bweb:ro"]' '"Links":["bweb:x"],"NetworkMode":"bnet"' \
		'"PidMode":"container:bweb"' '"IpcMode":"container:bweb"'; do
		# an IPC namespace has to be made for sharing
		allowed 201 POST "$V/containers/create?name=bref" "$(host "$f")"
		engine rm -v bref >/dev/null
	done
}

@test "create: volumes and networks of others" {
	local v n
	host() { echo "{\"Image\":\"box:1\",\"HostConfig\":{$1}}"; }
	for v in adata "$anon_a"; do
		refused - '403|404|409' POST "$V/containers/create" \
			"$(host "\"Binds\":[\"$v:/x\"]")"
		refused - '403|404|409' POST "$V/containers/create" \
			"$(host "\"Binds\":[\"$v:/x:ro,nocopy\"]")"
		refused - '403|404|409' POST "$V/containers/create" \
			"$(host "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"$v\",\"Target\":\"/x\"}]")"
		refused - '400|403|404|409' POST "$V/containers/create" \
			"{\"Image\":\"box:1\",\"Volumes\":{\"$v:/x\":{}}}"
	done
	for v in bdata bfresh; do
		allowed 201 POST "$V/containers/create?name=bref" \
			"$(host "\"Binds\":[\"$v:/x\"]")"
		engine rm -v bref >/dev/null
		allowed 201 POST "$V/containers/create?name=bref" \
			"$(host "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"$v\",\"Target\":\"/x\"}]")"
		engine rm -v bref >/dev/null
	done
	for n in anet "$anet_id" "${anet_id:0:12}"; do
		refused "~$n" '400|404' POST "$V/containers/create?name=bref" \
			"$(host "\"NetworkMode\":\"$n\"")"
		refused "~$n" '400|404' POST "$V/containers/create?name=bref" \
			"{\"Image\":\"box:1\",\"NetworkingConfig\":{\"EndpointsConfig\":{\"$n\":{}}}}"
	done
	refused - '400|403|404' POST "$V/containers/create" \
		"{\"Image\":\"box:1\",\"HostConfig\":{\"NetworkMode\":\"bnet\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"bnet\":{\"NetworkID\":\"$anet_id\"}}}}"
	refused - '400|403|404' POST "$V/containers/create" \
		'{"Image":"box:1","HostConfig":{"NetworkMode":"bnet"},"NetworkingConfig":{"EndpointsConfig":{"bnet":{"Links":["aweb:x"]}}}}'
	for n in bnet "$bnet_id" "${bnet_id:0:12}" none bridge default; do
		allowed 201 POST "$V/containers/create?name=bref" \
			"$(host "\"NetworkMode\":\"$n\"")"
		engine rm bref >/dev/null
	done
	allowed 201 POST "$V/containers/create?name=bref" \
		'{"Image":"box:1","HostConfig":{"NetworkMode":"bnet"},"NetworkingConfig":{"EndpointsConfig":{"bnet":{"Aliases":["y"]}}}}'
	engine rm bref >/dev/null
}

@test "create: images of others" {
	local i
	for i in alice/app:1 "$aapp_id" "${aapp_id#sha256:}" \
		"${aapp_id:7:12}" docker.io/alice/app:1; do
		refused "${i#docker.io/}" 404 POST "$V/containers/create" "{\"Image\":\"$i\"}"
	done
	refused - '400|403|404' POST "$V/containers/create" \
		'{"Image":"box:1","HostConfig":{"Mounts":[{"Type":"image","Source":"alice/app:1","Target":"/x"}]}}'
	for i in bob/app:1 "$bapp_id" "${bapp_id:7:12}" box:1; do
		allowed 201 POST "$V/containers/create?name=bref" "{\"Image\":\"$i\"}"
		engine rm bref >/dev/null
	done
}

@test "remove: with force, volumes, links" {
	local c
	for c in aweb "$aweb_id" "${aweb_id:0:12}" aold nobodys; do
		refused "$c" 404 DELETE "$V/containers/$c"
		refused "$c" 404 DELETE "$V/containers/$c?force=1&v=1"
	done
	refused aweb 404 DELETE "$V/containers/aweb?link=1"
	allowed 201 POST "$V/containers/create?name=bgone" \
		'{"Image":"box:1","Volumes":{"/v":{}}}'
	allowed 204 DELETE "$V/containers/bgone?force=1&v=1"
}

@test "lists: only what is his, whatever is asked" {
	local f
	allowed 200 GET "$V/containers/json?all=1"
	says /bweb
	says /bold
	hides aweb
	hides aold
	hides nobodys
	for f in '{"name":["web"]}' '{"status":{"running":true}}' \
		"{\"id\":[\"${aweb_id:0:8}\"]}" '{"ancestor":["box:1"]}' \
		'{"volume":["adata"]}' '{"network":["anet"]}' \
		'{"before":["aweb"]}' '{"since":["aweb"]}' \
		'{"ancestor":["alice/app:1"]}' '{"label":["mark=alice"]}' \
		'{"label":["dockbroker.owner=alice"]}' \
		'{"label":{"dockbroker.owner=alice":true}}' \
		'{"exited":["0"]}' '{"publish":["80"]}' '{"is-task":["false"]}'; do
		allowed - GET "$V/containers/json?all=1&filters=$(encoded "$f")"
		hides /aweb
		hides /aold
		hides nobodys
		hides said-by-alice
	done
	allowed 200 GET "$V/containers/json?all=1&filters=$(encoded '{"volume":["bdata"]}')"
	says /bweb
	allowed 200 GET "$V/containers/json?limit=1"
	hides aold
	says /b
	allowed 200 GET "$V/containers/json?all=1&size=1"
	hides aweb
	WHO=oscar allowed 200 GET "$V/containers/json?all=1"
	says /aweb
	says /bweb
	says /nobodys
	WHO=carol allowed 200 GET "$V/containers/json?all=1"
	hides web
}

@test "lists: filters do not tell what there is" {
	local f n
	# the answer for alice's and for nobody's is the same
	for f in before since; do
		for n in aweb "$aweb_id"; do
			refused "~$n" '200|404|500' GET "$V/containers/json?filters=$(encoded "{\"$f\":[\"$n\"]}")"
			# not looked at since long
			allowed '200|404' GET "$V/containers/json?$f=$n"
			hides nobodys
		done
		allowed 200 GET "$V/containers/json?all=1&filters=$(encoded "{\"$f\":[\"bweb\"]}")"
	done
	refused '~adata' '200|404' GET "$V/containers/json?all=1&filters=$(encoded '{"volume":["adata"]}')"
	refused '~anet' '200|404' GET "$V/containers/json?all=1&filters=$(encoded '{"network":["anet"]}')"
	refused "~$anet_id" '200|404' GET "$V/containers/json?all=1&filters=$(encoded "{\"network\":{\"$anet_id\":true}}")"
	refused '~alice/app:1' '200|404' GET "$V/containers/json?all=1&filters=$(encoded '{"ancestor":["alice/app:1"]}')"
	refused "~${aapp_id:7:12}" '200|404' GET "$V/containers/json?all=1&filters=$(encoded "{\"ancestor\":[\"${aapp_id:7:12}\"]}")"
}

@test "prune: his own only" {
	allowed 201 POST "$V/containers/create?name=bpruned" '{"Image":"box:1"}'
	allowed 200 POST "$V/containers/prune?filters=$(encoded '{"label!":["keep=1"]}')"
	hides "$aold_id"
	ok not engine inspect bpruned
	allowed 200 POST "$V/containers/prune?filters=$(encoded '{"label":["mark=alice"]}')"
	hides "$aold_id"
	allowed 200 POST "$V/containers/prune?filters=$(encoded '{"label":["dockbroker.owner=alice"]}')"
	hides "$aold_id"
	allowed 201 POST "$V/containers/create?name=bold" '{"Image":"box:1"}'
}

@test "names: none that looks like the id of another's" {
	local n
	for n in "${aweb_id:0:12}" "$aweb_id" abcdef012345; do
		refused - '400|403|409' POST "$V/containers/create?name=$n" '{"Image":"box:1"}'
		refused - '400|403|409' POST "$V/containers/bweb/rename?name=$n"
	done
	allowed 201 POST "$V/containers/create?name=x${aweb_id:0:12}" '{"Image":"box:1"}'
	engine rm "x${aweb_id:0:12}" >/dev/null
}

@test "devices in an archive are not made" {
	local t=$BATS_TEST_TMPDIR/t k
	tool tars device "$t.blk" blk
	tool tars device "$t.chr" chr first
	tool tars device "$t.gz" chr
	tool tars device "$t.xz" chr
	tool tars device "$t.bz2" chr
	tool tars device "$t.reg" file
	for k in blk chr gz xz bz2; do
		refused - '400|403' PUT "$V/containers/bold/archive?path=/tmp" "@$t.$k" "$TAR"
	done
	allowed 200 PUT "$V/containers/bold/archive?path=/tmp" "@$t.reg" "$TAR"
	allowed 200 GET "$V/containers/bold/archive?path=/tmp"
	hides made-blk
	hides made-chr
	says made-file
}

@test "at least 130 refusals" { at_least 130; }
