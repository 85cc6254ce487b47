# abuse_swarm.bats: services, tasks, secrets, configs, nodes and the swarm itself:
# a service's create is a second way to root, so none of it is a worker's.

load lib/abuse

setup_file() {
	abuse_policy <<-'P'
	role watcher {
		allow version info ping
		allow service ls service inspect service logs service ps secret ls
		      secret inspect config ls config inspect on own
	}
	grant watcher to user carol
	P
	abuse_up && abuse_equip || return
	engine swarm init --advertise-addr 10.98.0.2 >/dev/null || return
	oscar service create -q --detach --name osvc --env SECRET=of-oscar box:1 \
		sleep 1000 >/dev/null
	echo hidden | oscar secret create osec - >/dev/null
	echo hidden-config | oscar config create ocfg - >/dev/null
	soon service_runs
	osvc=$(engine service inspect -f '{{.ID}}' osvc)
	osec=$(engine secret inspect -f '{{.ID}}' osec)
	ocfg=$(engine config inspect -f '{{.ID}}' ocfg)
	onode=$(engine node ls -q)
	otask=$(engine service ps -q osvc | head -n 1)
	export osvc osec ocfg onode otask
	teardown
}

teardown_file() { rig_down; }

service_runs() { [[ $(engine service ps --format '{{.CurrentState}}' osvc) == Running* ]]; }

@test "nothing of the swarm is bob's" {
	local r
	while read -r r; do
		r=${r//OSVC/$osvc} r=${r//OSEC/$osec} r=${r//OCFG/$ocfg}
		r=${r//NODE/$onode} r=${r//TASK/$otask}
		# shellcheck disable=SC2086
		refused - '403|404' $r
		hides of-oscar
		hides osvc
		hides hidden
	done <<-'T'
	GET /v1.41/swarm
	GET /v1.41/swarm/unlockkey
	POST /v1.41/swarm/init {"ListenAddr":"0.0.0.0:2377"}
	POST /v1.41/swarm/join {"RemoteAddrs":["10.0.0.1"],"JoinToken":"x"}
	POST /v1.41/swarm/leave?force=1
	POST /v1.41/swarm/unlock {"UnlockKey":"x"}
	POST /v1.41/swarm/update?version=1&rotateWorkerToken=1 {"Name":"default"}
	GET /v1.41/nodes
	GET /v1.41/nodes/NODE
	DELETE /v1.41/nodes/NODE?force=1
	POST /v1.41/nodes/NODE/update?version=1 {"Role":"worker","Availability":"drain"}
	GET /v1.41/services
	GET /v1.41/services/OSVC
	GET /v1.41/services/osvc
	GET /v1.41/services/osvc/logs?stdout=1
	DELETE /v1.41/services/osvc
	POST /v1.41/services/osvc/update?version=1 {"Name":"osvc"}
	POST /v1.41/services/create {"Name":"bsvc","TaskTemplate":{"ContainerSpec":{"Image":"box:1","Mounts":[{"Type":"bind","Source":"/","Target":"/h"}]}}}
	POST /v1.41/services/create {"Name":"bsvc","TaskTemplate":{"ContainerSpec":{"Image":"box:1"}}}
	GET /v1.41/tasks
	GET /v1.41/tasks/TASK
	GET /v1.41/tasks/TASK/logs?stdout=1
	GET /v1.41/secrets
	GET /v1.41/secrets/OSEC
	DELETE /v1.41/secrets/osec
	POST /v1.41/secrets/create {"Name":"bsec","Data":"eA=="}
	POST /v1.41/secrets/OSEC/update?version=1 {"Name":"osec"}
	GET /v1.41/configs
	GET /v1.41/configs/OCFG
	DELETE /v1.41/configs/ocfg
	POST /v1.41/configs/create {"Name":"bcfg","Data":"eA=="}
	POST /v1.41/configs/OCFG/update?version=1 {"Name":"ocfg"}
	T
	ok engine service inspect osvc
	ok test "$(engine service ls -q | wc -l)" = 1
}

@test "the same as an operator" {
	WHO=oscar allowed 200 GET "$V/swarm"
	WHO=oscar allowed 200 GET "$V/nodes/$onode"
	WHO=oscar allowed 200 GET "$V/services/osvc"
	says of-oscar
	WHO=oscar allowed 200 GET "$V/tasks/$otask"
	WHO=oscar allowed 200 GET "$V/secrets/$osec"
	WHO=oscar allowed 200 GET "$V/configs/$ocfg"
	WHO=oscar allowed 201 POST "$V/configs/create" '{"Name":"onew","Data":"eA=="}'
	WHO=oscar allowed 204 DELETE "$V/configs/onew"
}

@test "who may look at his own sees nothing of others" {
	local p
	for p in services secrets configs tasks; do
		WHO=carol allowed '200|403' GET "$V/$p"
		hides osvc
		hides osec
		hides ocfg
		hides of-oscar
	done
	for p in "services/osvc" "services/$osvc" "secrets/osec" "secrets/$osec" \
		"configs/ocfg" "configs/$ocfg" "services/osvc/logs?stdout=1"; do
		WHO=carol refused - '403|404' GET "$V/$p"
		hides of-oscar
		hides hidden
	done
}

@test "containers and networks of a service are the operator's" {
	local c
	c=$(engine ps -q --no-trunc --filter name=osvc)
	refused "$c" 404 GET "$V/containers/$c/json"
	refused "$c" 404 POST "$V/containers/$c/exec" '{"Cmd":["id"]}'
	refused "$c" 404 DELETE "$V/containers/$c?force=1"
	refused - '403|404' DELETE "$V/networks/ingress"
	refused - '403|404' POST "$V/networks/ingress/connect" '{"Container":"bweb"}'
	allowed 200 GET "$V/containers/json"
	hides osvc
	WHO=oscar allowed 200 GET "$V/containers/$c/json"
}

@test "at least 40 refusals" { at_least 40; }
