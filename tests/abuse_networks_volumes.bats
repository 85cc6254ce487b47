# abuse_networks_volumes.bats: networks and volumes, tried by bob at what is
# alice's, and done by him with his own.

load lib/abuse

setup_file() {
	abuse_policy </dev/null
	abuse_up && abuse_equip || return
	alice network create aspare >/dev/null
	alice volume create avol >/dev/null
	alice run -d --name abridged box:1 sleep 1000 >/dev/null
	bob run -d --name bbridged box:1 sleep 1000 >/dev/null
	engine network create nobodys >/dev/null
	engine volume create nobodys >/dev/null
	guard network "$(engine network inspect -f '{{.Id}}' aspare)" \
		"$(engine network inspect -f '{{.Id}}' nobodys)"
	guard volume avol nobodys
	guard container "$(engine inspect -f '{{.Id}}' abridged)"
	teardown
}

teardown_file() { rig_down; }

alices() { echo anet "$anet_id" "${anet_id:0:12}" "${anet_id:0:5}" aspare nobodys; }

@test "networks: inspect, remove" {
	local n
	for n in $(alices); do
		refused "$n" 404 GET "$V/networks/$n"
		refused "$n" 404 DELETE "$V/networks/$n"
	done
	refused anet 404 GET "$V/networks/anet?verbose=1"
	refused anet 404 GET "$V/networks/anet?scope=local"
	for n in bnet "$bnet_id" "${bnet_id:0:12}"; do
		allowed 200 GET "$V/networks/$n"
		says '"Name":"bnet"'
	done
	allowed 201 POST "$V/networks/create" '{"Name":"bgone"}'
	allowed 204 DELETE "$V/networks/bgone"
	# predefined ones are everybody's to see and nobody's to remove
	refused - 403 DELETE "$V/networks/bridge"
	refused - 403 DELETE "$V/networks/host"
	allowed 200 GET "$V/networks/host"
}

@test "networks: connect and disconnect, from both ends" {
	local n
	for n in $(alices); do
		refused "$n" 404 POST "$V/networks/$n/connect" '{"Container":"bweb"}'
		refused "$n" 404 POST "$V/networks/$n/disconnect" '{"Container":"bweb"}'
	done
	# the Engine then says which container
	refused '~anet' '404|500' POST "$V/networks/anet/disconnect" \
		'{"Container":"bweb","Force":true}'
	for n in aweb "$aweb_id" "${aweb_id:0:12}"; do
		refused "$n" 404 POST "$V/networks/bnet/connect" "{\"Container\":\"$n\"}"
		refused - '403|404' POST "$V/networks/anet/connect" "{\"Container\":\"$n\"}"
		refused - '403|404' POST "$V/networks/anet/disconnect" "{\"Container\":\"$n\"}"
		# the Engine looks for an endpoint of that name when it is forced
		refused "~$n" '403|404|500' POST "$V/networks/bnet/disconnect" \
			"{\"Container\":\"$n\",\"Force\":true}"
	done
	refused abridged 404 POST "$V/networks/bridge/connect" '{"Container":"abridged"}'
	refused - '403|404|500' POST "$V/networks/bridge/disconnect" \
		'{"Container":"abridged","Force":true}'
	# an endpoint's settings name others as well
	refused - '403|404' POST "$V/networks/bridge/connect" \
		"{\"Container\":\"bweb\",\"EndpointConfig\":{\"NetworkID\":\"$anet_id\"}}"
	refused - '403|404' POST "$V/networks/bnet/connect" \
		'{"Container":"bbridged","EndpointConfig":{"Links":["aweb:x"]}}'
	refused - 403 POST "$V/networks/bnet/connect" \
		'{"Container":"bbridged","EndpointConfig":{"DriverOpts":{"a":"b"}}}'
	refused - 403 POST "$V/networks/bnet/connect" \
		'{"Container":"bbridged","EndpointConfig":{"IPAMConfig":{"IPv4Address":"172.30.0.9"}}}'
	refused - 403 POST "$V/networks/bnet/connect" \
		'{"Container":"bbridged","EndpointConfig":{"MacAddress":"02:42:ac:11:00:99"}}'
	refused - '400|403' POST "$V/networks/host/connect" '{"Container":"bbridged"}'
	allowed 200 POST "$V/networks/bnet/connect" \
		'{"Container":"bbridged","EndpointConfig":{"Aliases":["nick"],"Links":["bweb:x"]}}'
	allowed 200 POST "$V/networks/bnet/disconnect" '{"Container":"bbridged"}'
	allowed 200 POST "$V/networks/bridge/connect" "{\"Container\":\"${bweb_id:0:12}\"}"
	allowed 200 POST "$V/networks/bridge/disconnect" '{"Container":"bweb","Force":true}'
}

@test "networks: create with drivers, options, subnets, labels, names" {
	local b
	while read -r b; do
		refused - '400|403' POST "$V/networks/create" "{\"Name\":\"bevil\",$b}"
	done <<-'T'
	"Driver":"macvlan","Options":{"parent":"eth0"}
	"Driver":"macvlan"
	"Driver":"ipvlan","Options":{"parent":"eth0","ipvlan_mode":"l2"}
	"Driver":"overlay"
	"Driver":"host"
	"Driver":"null"
	"Driver":"someplugin"
	"Options":{"com.docker.network.bridge.name":"docker0"}
	"Options":{"com.docker.network.bridge.host_binding_ipv4":"0.0.0.0"}
	"IPAM":{"Config":[{"Subnet":"10.66.0.0/24"}]}
	"IPAM":{"Config":[{"Gateway":"10.66.0.1"}]}
	"IPAM":{"Driver":"other"}
	"IPAM":{"Options":{"a":"b"}}
	"Ingress":true
	"Scope":"swarm"
	"Attachable":true,"Driver":"overlay"
	"ConfigOnly":true
	"Labels":{"dockbroker.owner":"alice"}
	"Labels":{"dockbroker.team":"dev"}
	"Labels":{"dockbroker.anything":""}
	T
	refused - '400|403|404' POST "$V/networks/create" \
		'{"Name":"bevil","ConfigFrom":{"Network":"anet"}}'
	for b in "${anet_id:0:12}" "$anet_id" abcdef012345; do
		refused - '400|403|409' POST "$V/networks/create" "{\"Name\":\"$b\"}"
	done
	for b in '"Driver":"bridge"' '"Internal":true' '"Labels":{"a":"b"}' \
		'"CheckDuplicate":true' '"IPAM":{"Driver":"default"}'; do
		allowed 201 POST "$V/networks/create" "{\"Name\":\"bfine\",$b}"
		allowed 200 GET "$V/networks/bfine"
		says '"dockbroker.owner":"bob"'
		allowed 204 DELETE "$V/networks/bfine"
	done
}

@test "networks: a second one of her name does not become hers, nor hers his" {
	allowed '201|403|409' POST "$V/networks/create" '{"Name":"anet"}'
	local got=$answer id
	WHO=alice allowed 200 GET "$V/networks/anet"
	says "\"Id\":\"$anet_id\""
	WHO=alice allowed 201 POST "$V/containers/create?name=ahere" \
		'{"Image":"box:1","HostConfig":{"NetworkMode":"anet"}}'
	sed -i "/^network $anet_id/d" "$GUARD"
	WHO=alice allowed 204 POST "$V/containers/ahere/start"
	ok test "$(engine inspect -f '{{.NetworkSettings.Networks.anet.NetworkID}}' ahere)" = "$anet_id"
	WHO=alice allowed 204 DELETE "$V/containers/ahere?force=1"
	if [ "${got%%$'\n'*}" = 201 ]; then
		answer=$got
		id=$(json Id)
		allowed 200 GET "$V/networks/anet"
		says "\"Id\":\"$id\""
		allowed 204 DELETE "$V/networks/anet"
		refused anet 404 GET "$V/networks/anet"
	fi
	ok engine network inspect "$anet_id"
	guard network "$anet_id"
}

@test "networks: lists, and who is on the common one" {
	local f
	for f in '{}' '{"name":["net"]}' "{\"id\":[\"${anet_id:0:6}\"]}" '{"driver":["bridge"]}' \
		'{"scope":{"local":true}}' '{"type":["custom"]}' '{"dangling":["true"]}' \
		'{"label":["dockbroker.owner=alice"]}' '{"label":["dockbroker.owner"]}'; do
		allowed 200 GET "$V/networks?filters=$(encoded "$f")"
		hides anet
		hides aspare
		hides nobodys
	done
	allowed 200 GET "$V/networks/"
	hides aspare
	allowed 200 GET "$V/networks"
	says bnet
	says '"Name":"bridge"'
	allowed 200 GET "$V/networks/bridge"
	says bbridged
	hides abridged
	hides "$(engine inspect -f '{{.NetworkSettings.IPAddress}}' abridged)/"
	allowed 200 GET "$V/networks/bridge?verbose=1"
	hides abridged
	WHO=oscar allowed 200 GET "$V/networks/bridge"
	says abridged
	says bbridged
	WHO=carol allowed 200 GET "$V/networks"
	hides '"anet"'
	hides '"bnet"'
}

@test "networks: prune" {
	local f
	for f in '{}' '{"label!":["keep"]}' '{"until":["1ns"]}' \
		'{"label":["dockbroker.owner=alice"]}'; do
		allowed 201 POST "$V/networks/create" '{"Name":"bspare"}'
		allowed 200 POST "$V/networks/prune?filters=$(encoded "$f")"
		hides aspare
		hides nobodys
		engine network rm bspare >/dev/null 2>&1 || :
	done
	allowed 201 POST "$V/networks/create" '{"Name":"bspare"}'
	allowed 200 POST "$V/networks/prune"
	says bspare
}

@test "volumes: inspect, remove, create again" {
	local v
	for v in adata "$anon_a" avol nobodys; do
		refused "$v" 404 GET "$V/volumes/$v"
		refused "$v" 404 DELETE "$V/volumes/$v"
		# by force it is fine that there is none
		refused "$v" '204|404' DELETE "$V/volumes/$v?force=1"
		refused - '403|404|409' POST "$V/volumes/create" "{\"Name\":\"$v\"}"
		refused - '403|404|409' POST "$V/volumes/create" \
			"{\"Name\":\"$v\",\"Driver\":\"local\",\"Labels\":{\"a\":\"b\"}}"
	done
	# no Engine finds a volume by the beginning of its name
	refused "${anon_a:0:12}" 404 GET "$V/volumes/${anon_a:0:12}"
	for v in bdata "$anon_b"; do
		allowed 200 GET "$V/volumes/$v"
		says '"dockbroker.owner":"bob"'
		allowed 201 POST "$V/volumes/create" "{\"Name\":\"$v\"}"
	done
	allowed 201 POST "$V/volumes/create" '{"Name":"bgone","Labels":{"a":"b"}}'
	says '"a":"b"'
	allowed 204 DELETE "$V/volumes/bgone"
	# of the Swarm, and since 1.42
	refused - '400|403|404|405' PUT "$V/volumes/adata?version=1" '{"Spec":{}}'
}

@test "volumes: create with options and labels" {
	local b
	while read -r b; do
		refused - '400|403' POST "$V/volumes/create" "{\"Name\":\"bevil\",$b}"
		refused - '400|403' POST "$V/containers/create" \
			"{\"Image\":\"box:1\",\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"bevil\",\"Target\":\"/x\",\"VolumeOptions\":{$(
				sed -E 's/"DriverOpts":(.*)/"DriverConfig":{"Name":"local","Options":\1}/; s/"Driver":"([a-z]*)"/"DriverConfig":{"Name":"\1"}/' <<<"$b")}}]}}"
	done <<-'T'
	"DriverOpts":{"type":"none","o":"bind","device":"/"}
	"DriverOpts":{"o":"bind","device":"/etc","type":""}
	"DriverOpts":{"type":"nfs","o":"addr=10.0.0.1","device":":/x"}
	"DriverOpts":{"type":"ext4","device":"/dev/loop0"}
	"DriverOpts":{"type":"overlay","o":"lowerdir=/,upperdir=/u,workdir=/w","device":"overlay"}
	"Driver":"other"
	"Labels":{"dockbroker.owner":"alice"}
	"Labels":{"dockbroker.x":"y"}
	T
	for b in '/etc:/x' '/var/lib/docker/volumes/adata/_data:/x' '/:/x:ro' \
		'adata/../bdata:/x' '../adata:/x'; do
		refused - '400|403' POST "$V/containers/create" \
			"{\"Image\":\"box:1\",\"HostConfig\":{\"Binds\":[\"$b\"]}}"
	done
	for b in '"Labels":{"a":"b"}' '"DriverOpts":{}' '"Driver":"local"' '"Driver":""'; do
		allowed 201 POST "$V/volumes/create" "{\"Name\":\"bfine\",$b}"
		allowed 204 DELETE "$V/volumes/bfine"
	done
	refused - '400|403|404|409' POST "$V/volumes/create" "{\"Name\":\"$anon_a\",\"DriverOpts\":{}}"
}

@test "volumes: lists" {
	local f
	for f in '{}' '{"name":["data"]}' '{"name":{"avol":true}}' '{"driver":["local"]}' \
		'{"dangling":["true"]}' '{"dangling":["1"]}' '{"dangling":["false"]}' \
		'{"label":["dockbroker.owner=alice"]}' '{"label":["dockbroker.owner"]}'; do
		allowed 200 GET "$V/volumes?filters=$(encoded "$f")"
		hides adata
		hides avol
		hides nobodys
		hides "$anon_a"
	done
	allowed 200 GET "$V/volumes"
	says bdata
	says "$anon_b"
	WHO=oscar allowed 200 GET "$V/volumes"
	says avol
	says bdata
	says nobodys
}

@test "volumes: prune" {
	local f
	for f in '{}' '{"label!":["keep"]}' '{"all":["1"]}' \
		'{"label":["dockbroker.owner=alice"]}'; do
		# 20.10 knows no "all"
		allowed 201 POST "$V/volumes/create" '{"Name":"bspare"}'
		allowed '200|400' POST "$V/volumes/prune?filters=$(encoded "$f")"
		hides avol
		hides nobodys
	done
	allowed 201 POST "$V/volumes/create" '{"Name":"bspare"}'
	allowed 200 POST "$V/volumes/prune"
	says bspare
}

@test "at least 110 refusals" { at_least 110; }
