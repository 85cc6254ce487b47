# abuse_scopes.bats: whose objects a role is about (own, team, label, name, any),
# what is handed over, and the limits of what one user may have.

load lib/abuse

setup_file() {
	abuse_policy <<-'P'
	role teamer {
		allow run create ps logs inspect stop start kill exec network volume
		      build tag images history on team
		allow rm rmi on own
	}
	role outsider {	# the same words, without a team
		allow run create ps logs inspect stop start kill exec rm network
		      volume build images history tag on own
	}
	role labelled {
		allow run create rm ps on own
		allow ps logs inspect stop start volume on label project=x
	}
	role named {
		allow ps logs inspect stop start on name "web-*"
		allow volume network on name "web-*"
	}
	role small {
		allow run create rm update inspect ps volume network commit on own
		publish 20000-29999
		limit containers 3, memory 128m each 64m default 32m, cpus 1 each 0.5
		limit pids 100 default 20, ports 2, volumes 2, networks 1
	}
	grant teamer to group lab
	grant outsider to user lea
	grant labelled to user lena
	grant named to user nina
	grant small to user sam
	P
	abuse_up --user tina:2010:lab --user tom:2011:lab --user lea:2012:other,lab2 \
		--user lena:2013:other --user nina:2014:other --user sam:2015:other || return
	equip tina t || return
	equip lea l || return
	tweb_id=$(engine inspect -f '{{.Id}}' tweb)
	lweb_id=$(engine inspect -f '{{.Id}}' lweb)
	export tweb_id lweb_id
	guard container "$lweb_id"
	guard volume ldata
	teardown
}

teardown_file() { rig_down; }

@test "team: what was made under a grant to the group, and nothing else" {
	WHO=tom allowed 200 GET "$V/containers/json?all=1"
	says /tweb
	hides lweb
	WHO=tom allowed 200 GET "$V/containers/tweb/json"
	WHO=tom allowed 201 POST "$V/containers/tweb/exec" '{"Cmd":["id"]}'
	WHO=tom allowed 200 GET "$V/exec/$(json Id)/json"
	WHO=tom allowed 200 GET "$V/volumes/tdata"
	WHO=tom allowed 200 GET "$V/networks/tnet"
	WHO=tom allowed 200 GET "$V/images/tina/app:1/json"
	WHO=tom allowed 201 POST "$V/containers/create?name=tomref" \
		'{"Image":"tina/app:1","HostConfig":{"VolumesFrom":["tweb"],"NetworkMode":"tnet","Binds":["tdata:/t"]}}'
	WHO=tom allowed 204 POST "$V/containers/tweb/stop?t=0"
	WHO=tom allowed 204 POST "$V/containers/tweb/start"
	# he sees it, so it is no secret that he may not
	WHO=tom refused - 403 DELETE "$V/containers/tweb?force=1"
	WHO=tom refused - 403 DELETE "$V/images/tina/app:1"
	WHO=tom allowed 204 DELETE "$V/containers/tomref"
	# of no team, or of another
	WHO=tom refused lweb 404 GET "$V/containers/lweb/json"
	WHO=tom refused "$lweb_id" 404 POST "$V/containers/$lweb_id/stop"
	WHO=tom refused ldata 404 GET "$V/volumes/ldata"
	WHO=tom refused lnet 404 GET "$V/networks/lnet"
	WHO=tom refused lea/app:1 404 GET "$V/images/lea/app:1/json"
	WHO=lea refused tweb 404 GET "$V/containers/tweb/json"
	WHO=lea refused tdata 404 GET "$V/volumes/tdata"
	WHO=bob refused tweb 404 GET "$V/containers/tweb/json"
	WHO=lea allowed 200 GET "$V/containers/lweb/json"
	# whose image keeps its name
	WHO=tom refused - '403|409' POST "$V/images/box:1/tag?repo=tina/app&tag=1"
}

@test "label: what carries it, whoever made it" {
	WHO=oscar allowed 201 POST "$V/containers/create?name=px" \
		'{"Image":"box:1","Labels":{"project":"x"}}'
	WHO=oscar allowed 201 POST "$V/containers/create?name=py" \
		'{"Image":"box:1","Labels":{"project":"y"}}'
	WHO=oscar allowed 201 POST "$V/containers/create?name=pz" \
		'{"Image":"box:1","Labels":{"Project":"x","project2":"x"}}'
	WHO=oscar allowed 201 POST "$V/volumes/create" '{"Name":"vx","Labels":{"project":"x"}}'
	WHO=oscar allowed 201 POST "$V/volumes/create" '{"Name":"vy","Labels":{"project":"xx"}}'
	WHO=lena allowed 200 GET "$V/containers/json?all=1"
	says /px
	hides /py
	hides /pz
	hides lweb
	WHO=lena allowed 200 GET "$V/containers/px/json"
	WHO=lena allowed '204|304' POST "$V/containers/px/stop?t=0"
	WHO=lena refused - 403 DELETE "$V/containers/px"
	WHO=lena refused py 404 GET "$V/containers/py/json"
	WHO=lena refused py 404 POST "$V/containers/py/stop"
	WHO=lena refused pz 404 POST "$V/containers/pz/stop"
	WHO=lena refused lweb 404 POST "$V/containers/lweb/stop"
	WHO=lena allowed 200 GET "$V/volumes/vx"
	WHO=lena refused vy 404 GET "$V/volumes/vy"
	WHO=lena refused vy 404 DELETE "$V/volumes/vy"
	WHO=lena allowed 204 DELETE "$V/volumes/vx"
	engine rm px py pz >/dev/null
}

@test "name: what is called so, at the time it is asked" {
	WHO=oscar allowed 201 POST "$V/containers/create?name=web-1" '{"Image":"box:1"}'
	WHO=oscar allowed 201 POST "$V/containers/create?name=xweb-1" '{"Image":"box:1"}'
	WHO=oscar allowed 201 POST "$V/volumes/create" '{"Name":"web-v"}'
	WHO=nina allowed 200 GET "$V/containers/json?all=1"
	says /web-1
	hides xweb-1
	hides lweb
	WHO=nina allowed 200 GET "$V/containers/web-1/json"
	WHO=nina refused xweb-1 404 GET "$V/containers/xweb-1/json"
	WHO=nina refused lweb 404 GET "$V/containers/lweb/json"
	WHO=nina refused - 403 DELETE "$V/containers/web-1"
	WHO=nina allowed 200 GET "$V/volumes/web-v"
	WHO=nina refused ldata 404 GET "$V/volumes/ldata"
	# a new name, another right
	WHO=oscar allowed 204 POST "$V/containers/web-1/rename?name=away-1"
	WHO=nina refused away-1 404 GET "$V/containers/away-1/json"
	engine rm away-1 xweb-1 >/dev/null
}

@test "chown: hands over, by root only" {
	WHO=alice allowed 201 POST "$V/containers/create?name=given" '{"Image":"box:1"}'
	WHO=alice allowed 201 POST "$V/volumes/create" '{"Name":"givenv"}'
	refused given 404 GET "$V/containers/given/json"
	run as bob "$RIG_DOCKBROKER" chown container given bob
	[ "$status" != 0 ] || bad "bob took it: $output"
	refused given 404 GET "$V/containers/given/json"
	run as alice "$RIG_DOCKBROKER" chown container given bob
	[ "$status" != 0 ] || bad "alice gave it away by herself: $output"
	run dockbroker chown container given bob
	is 0 "$output"
	run dockbroker chown volume givenv bob
	is 0 "$output"
	allowed 200 GET "$V/containers/given/json"
	allowed 200 GET "$V/containers/json?all=1"
	says /given
	allowed 200 GET "$V/volumes"
	says givenv
	WHO=alice refused given 404 GET "$V/containers/given/json"
	WHO=alice refused givenv 404 GET "$V/volumes/givenv"
	WHO=alice allowed 200 GET "$V/containers/json?all=1"
	hides /given
	WHO=alice allowed 200 GET "$V/volumes"
	hides givenv
	# the Engine goes by labels, which still say that it is hers
	WHO=alice allowed 201 POST "$V/containers/create?name=hers" '{"Image":"box:1"}'
	WHO=alice allowed 200 POST "$V/containers/prune"
	ok engine inspect given
	run engine inspect hers
	[ "$status" = 1 ] || bad "her prune left her own container"
	WHO=alice allowed 409 POST "$V/containers/prune?filters=%7B%22until%22%3A%5B%221h%22%5D%7D"
	allowed 200 POST "$V/containers/prune"
	run engine inspect given
	[ "$status" = 1 ] || bad "his prune left what was given to him"
	allowed 204 DELETE "$V/volumes/givenv"
	run dockbroker chown container nosuch bob
	[ "$status" != 0 ] || bad "nothing was handed over: $output"
}

@test "owners stay when the broker starts again" {
	WHO=alice allowed 201 POST "$V/containers/create?name=kept" '{"Image":"box:1"}'
	WHO=alice allowed 201 POST "$V/volumes/create" '{"Name":"keptv"}'
	"$rig" stop "$RIG" broker
	# while it is away somebody makes one that looks like alice's
	engine create --name faked --label dockbroker.owner=alice box:1 true >/dev/null
	engine create --name nobody2 box:1 true >/dev/null
	"$rig" start "$RIG" broker
	soon dockbroker status
	soon alice version
	WHO=alice allowed 200 GET "$V/containers/kept/json"
	WHO=alice allowed 200 GET "$V/volumes/keptv"
	WHO=alice refused nobody2 404 GET "$V/containers/nobody2/json"
	refused kept 404 GET "$V/containers/kept/json"
	refused keptv 404 GET "$V/volumes/keptv"
	refused faked 404 GET "$V/containers/faked/json"
	engine rm faked nobody2 >/dev/null
	WHO=alice allowed 204 DELETE "$V/containers/kept"
	WHO=alice allowed 204 DELETE "$V/volumes/keptv"
}

@test "limits: for one container" {
	local f
	host() { echo "{\"Image\":\"box:1\",\"Cmd\":[\"sleep\",\"1000\"],\"HostConfig\":{$1}}"; }
	for f in '"Memory":134217728' '"Memory":67108865' '"NanoCpus":600000000' \
		'"CpuQuota":100000,"CpuPeriod":100000' '"PidsLimit":101' \
		'"PortBindings":{"80/tcp":[{"HostPort":"20001"}],"81/tcp":[{"HostPort":"20002"}],"82/tcp":[{"HostPort":"20003"}]}' \
		'"PortBindings":{"80/tcp":[{"HostPort":"20000-20005"}]}'; do
		WHO=sam refused - 403 POST "$V/containers/create" "$(host "$f")"
		says 'role small ('
	done
	for f in '"Memory":67108864' '"NanoCpus":500000000' '"PidsLimit":50' \
		'"PortBindings":{"80/tcp":[{"HostPort":"20001"}]}'; do
		WHO=sam allowed 201 POST "$V/containers/create?name=sone" "$(host "$f")"
		WHO=sam allowed 204 DELETE "$V/containers/sone"
	done
	# left open, or unlimited: the default is put in
	for f in '' '"Memory":0' '"PidsLimit":-1' '"PidsLimit":0' '"NanoCpus":0'; do
		WHO=sam allowed 201 POST "$V/containers/create?name=sone" "$(host "$f")"
		ok test "$(engine inspect -f '{{.HostConfig.Memory}}' sone)" = 33554432
		ok test "$(engine inspect -f '{{.HostConfig.PidsLimit}}' sone)" = 20
		ok test "$(engine inspect -f '{{.HostConfig.NanoCpus}}' sone)" = 500000000
		WHO=sam allowed 204 DELETE "$V/containers/sone"
	done
}

@test "limits: summed, also when asked at once" {
	local i n
	host() { echo "{\"Image\":\"box:1\",\"Cmd\":[\"sleep\",\"1000\"],\"HostConfig\":{$1}}"; }
	for i in 1 2; do
		WHO=sam allowed 201 POST "$V/containers/create?name=s$i" "$(host '"Memory":67108864,"NanoCpus":500000000')"
		WHO=sam allowed 204 POST "$V/containers/s$i/start"
	done
	WHO=sam refused - 403 POST "$V/containers/create" "$(host '"Memory":33554432')"
	says memory
	WHO=sam refused - 403 POST "$V/containers/create" "$(host '')"
	# more for one that runs
	WHO=sam refused - 403 POST "$V/containers/s1/update" '{"Memory":134217728,"MemorySwap":-1}'
	WHO=sam refused - 403 POST "$V/containers/s1/update" '{"Memory":33554432,"MemorySwap":-1}'
	WHO=sam allowed 200 POST "$V/containers/s1/update" '{"Memory":33554432,"MemorySwap":33554432}'
	WHO=sam refused - 403 POST "$V/containers/s1/update" '{"Memory":134217728,"MemorySwap":-1}'
	WHO=sam refused - 403 POST "$V/containers/s1/update" '{"PidsLimit":1000}'
	WHO=sam refused - 403 POST "$V/containers/s1/update" '{"NanoCpus":2000000000}'
	WHO=sam allowed 204 DELETE "$V/containers/s1?force=1"
	WHO=sam allowed 204 DELETE "$V/containers/s2?force=1"
	# eight at once: three are made
	for ((i = 0; i < 8; i++)); do
		(WHO=sam api ask - - POST "$V/containers/create?name=sp$i" "$(host '"Memory":8388608,"NanoCpus":10000000')" \
			>"$BATS_TEST_TMPDIR/p$i" 2>&1) &
	done
	wait
	n=$(engine ps -aq --filter name=sp | wc -l)
	[ "$n" = 3 ] || bad "$n containers were made: $(cat "$BATS_TEST_TMPDIR"/p*)"
	WHO=sam refused - 403 POST "$V/containers/create?name=spx" "$(host '')"
	says containers
	for ((i = 0; i < 8; i++)); do WHO=sam api ask - - DELETE "$V/containers/sp$i" >/dev/null; done
	WHO=sam allowed 201 POST "$V/containers/create?name=spx" "$(host '"Memory":8388608')"
	WHO=sam allowed 204 DELETE "$V/containers/spx"
}

@test "limits: volumes and networks, however they come" {
	host() { echo "{\"Image\":\"box:1\",\"HostConfig\":{$1}}"; }
	WHO=sam allowed 201 POST "$V/volumes/create" '{"Name":"sv1"}'
	WHO=sam allowed 201 POST "$V/volumes/create" '{"Name":"sv2"}'
	WHO=sam allowed 201 POST "$V/volumes/create" '{"Name":"sv2"}'
	WHO=sam refused - 403 POST "$V/volumes/create" '{"Name":"sv3"}'
	WHO=sam refused - 403 POST "$V/volumes/create" '{}'
	WHO=sam refused - 403 POST "$V/containers/create" "$(host '"Binds":["sv3:/x"]')"
	WHO=sam refused - 403 POST "$V/containers/create" \
		"$(host '"Mounts":[{"Type":"volume","Target":"/x"}]')"
	WHO=sam refused - 403 POST "$V/containers/create" '{"Image":"box:1","Volumes":{"/x":{}}}'
	WHO=sam allowed 201 POST "$V/containers/create?name=sv" "$(host '"Binds":["sv2:/x"]')"
	WHO=sam allowed 204 DELETE "$V/containers/sv"
	WHO=sam allowed 204 DELETE "$V/volumes/sv1"
	WHO=sam allowed 201 POST "$V/containers/create?name=sv" '{"Image":"box:1","Volumes":{"/x":{}}}'
	WHO=sam refused - 403 POST "$V/volumes/create" '{"Name":"sv1"}'
	WHO=sam allowed 204 DELETE "$V/containers/sv?v=1"
	WHO=sam allowed 201 POST "$V/volumes/create" '{"Name":"sv1"}'
	WHO=sam allowed 201 POST "$V/networks/create" '{"Name":"sn1"}'
	WHO=sam refused - 403 POST "$V/networks/create" '{"Name":"sn2"}'
	WHO=sam allowed 204 DELETE "$V/networks/sn1"
	WHO=sam allowed 201 POST "$V/networks/create" '{"Name":"sn2"}'
}

@test "limits: the kernel holds the sum" {
	local pid path
	run as sam docker run -d --name scg --memory 32m box:1 sleep 1000
	[ "$status" = 0 ] || fail "it does not run"
	[[ $(engine inspect -f '{{.HostConfig.CgroupParent}}' scg) == *2015* ]] ||
		bad "the parent is $(engine inspect -f '{{.HostConfig.CgroupParent}}' scg)"
	pid=$(engine inspect -f '{{.State.Pid}}' scg)
	path=$(grep -m 1 -oE '/dockbroker/2015|/.*dockbroker-2015.slice' "/proc/$pid/cgroup") ||
		bad "not in his control group: $(cat "/proc/$pid/cgroup")"
	[ -z "$path" ] || ok test "$(cat /sys/fs/cgroup"$path"/memory.max \
		/sys/fs/cgroup/memory"$path"/memory.limit_in_bytes 2>/dev/null | head -n 1)" = 134217728
	# not another's, not the one above, not by a build
	WHO=sam refused - 403 POST "$V/containers/create" \
		'{"Image":"box:1","HostConfig":{"CgroupParent":"/dockbroker/2001"}}'
	WHO=sam refused - 403 POST "$V/containers/create" \
		'{"Image":"box:1","HostConfig":{"CgroupParent":"/"}}'
	as sam docker rm -f scg >/dev/null
	run oscar run --rm box:1 true
	is 0 ""
}

@test "at least 50 refusals" { at_least 50; }
