# abuse_permits.bats: what a role must say before a container may reach beyond
# itself.  bob's role says nothing of the kind; carol's says each of these words, and
# the nearest thing beside each is still refused to her.

load lib/abuse

setup_file() {
	abuse_policy <<-'P'
	role reacher {
		allow build exec inspect on own
		allow run create rm volume network exec on own
		capability NET_ADMIN
		device /dev/null rw
		gpu 1
		host network pid
		security seccomp=unconfined
		sysctl net.core.somaxconn
		sysctl net.ipv4.ip_forward=0
		logdriver syslog
		logdriver option gelf-address
		publish 8080 127.0.0.1:9000-9010 random
		network driver macvlan
		network option parent=eth7
		network subnet 10.66.0.0/16
		network address 10.66.1.0/24
		network host-gateway
		driver other
		driver option type=tmpfs device=tmpfs
		driver storage size
		runtime other
		privileged exec
		bind /srv/shared ro
		remote https://example.com/**
	}
	role runner {	# commands and users in exec
		allow run rm exec inspect on own
		command ls "echo ..." "sh -c 'exit 3'"
		exec as nobody 65534
	}
	role picky {	# images
		allow run rm pull push login search tag build on own
		allow image.distribution on own
		image box:* docker.io/acme/** reg.example/**
		tag acme/%u/**
	}
	grant reacher to user carol
	grant runner to user eve
	grant picky to user ian
	P
	sed -i '/grant worker to group ops/d' "$BATS_FILE_TMPDIR/policy.conf"
	abuse_up --user eve:2005:lab --user ian:2006:lab || return
	rig_image other:1
	equip bob b || return
	teardown
}

teardown_file() { rig_down; }

host() { echo "{\"Image\":\"box:1\",\"HostConfig\":{$1}}"; }

# bob may not, carol may; carol may not what stands beside it.
may() { # HOSTCONFIG [BESIDE]...
	local beside
	refused - 403 POST "$V/containers/create" "$(host "$1")"
	says 'bob may not use'
	# the Engine may have its own objections
	WHO=carol allowed '201|400|404|500' POST "$V/containers/create?name=creach" "$(host "$1")"
	hides 'may not use'
	engine rm -v creach >/dev/null 2>&1 || :
	shift
	for beside; do
		WHO=carol refused - 403 POST "$V/containers/create" "$(host "$beside")"
		says 'carol may not use'
	done
}

@test "capability, device, gpu" {
	may '"CapAdd":["NET_ADMIN"]' '"CapAdd":["SYS_ADMIN"]' '"CapAdd":["ALL"]' \
		'"CapAdd":["MKNOD"]' '"CapAdd":["NET_ADMIN","SYS_PTRACE"]'
	may '"CapAdd":["CAP_NET_ADMIN"]'
	may '"Devices":[{"PathOnHost":"/dev/null","PathInContainer":"/dev/x","CgroupPermissions":"rw"}]' \
		'"Devices":[{"PathOnHost":"/dev/null","PathInContainer":"/dev/x","CgroupPermissions":"rwm"}]' \
		'"Devices":[{"PathOnHost":"/dev/sda","PathInContainer":"/dev/x","CgroupPermissions":"r"}]' \
		'"Devices":[{"PathOnHost":"/dev/../dev/null/../sda","PathInContainer":"/dev/x","CgroupPermissions":"r"}]' \
		'"DeviceCgroupRules":["c 1:3 rwm"]' \
		'"BlkioDeviceReadBps":[{"Path":"/dev/null","Rate":1}]'
	may '"DeviceRequests":[{"Driver":"","Count":1,"Capabilities":[["gpu"]]}]' \
		'"DeviceRequests":[{"Driver":"","Count":-1,"Capabilities":[["gpu"]]}]' \
		'"DeviceRequests":[{"DeviceIDs":["0","1"],"Capabilities":[["gpu"]]}]'
	refused - 403 POST "$V/containers/create" \
		'{"Image":"box:1","Env":["NVIDIA_VISIBLE_DEVICES=all"]}'
	refused - 403 POST "$V/containers/create" \
		'{"Image":"box:1","Env":["NVIDIA_VISIBLE_DEVICES=0"]}'
	allowed 201 POST "$V/containers/create?name=bcap" \
		'{"Image":"box:1","Env":["NVIDIA_VISIBLE_DEVICES=none"],"HostConfig":{"CapDrop":["NET_RAW"]}}'
	engine rm bcap >/dev/null
}

@test "host namespaces, security, sysctls, privileged" {
	may '"NetworkMode":"host"' '"IpcMode":"host"' '"UTSMode":"host"'
	may '"PidMode":"host"' '"UsernsMode":"host"' '"CgroupnsMode":"host"'
	may '"SecurityOpt":["seccomp=unconfined"]' '"SecurityOpt":["apparmor=unconfined"]' \
		'"SecurityOpt":["label=disable"]' '"SecurityOpt":["seccomp={}"]' \
		'"SecurityOpt":["no-new-privileges=false"]' '"SecurityOpt":["systempaths=unconfined"]' \
		'"MaskedPaths":[]' '"ReadonlyPaths":[]'
	may '"Sysctls":{"net.core.somaxconn":"100"}' '"Sysctls":{"kernel.shmmax":"1"}' \
		'"Sysctls":{"net.core.somaxconn":"100","net.core.rmem_max":"1"}'
	may '"Sysctls":{"net.ipv4.ip_forward":"0"}' '"Sysctls":{"net.ipv4.ip_forward":"1"}'
	refused - 403 POST "$V/containers/create" "$(host '"Privileged":true')"
	WHO=carol refused - 403 POST "$V/containers/create" "$(host '"Privileged":true')"
	refused - 403 POST "$V/containers/bweb/exec" '{"Cmd":["id"],"Privileged":true}'
	WHO=carol allowed 201 POST "$V/containers/create?name=cexec" \
		'{"Image":"box:1","Cmd":["sleep","1000"],"HostConfig":{"SecurityOpt":["no-new-privileges"]}}'
	WHO=carol allowed 204 POST "$V/containers/cexec/start"
	WHO=carol allowed 201 POST "$V/containers/cexec/exec" '{"Cmd":["id"],"Privileged":true}'
	WHO=oscar allowed 201 POST "$V/containers/create?name=opriv" "$(host '"Privileged":true')"
	engine rm opriv >/dev/null
}

@test "what no word permits: only allow privileged everything does" {
	local f
	while read -r f; do
		refused - '400|403' POST "$V/containers/create" "$(host "$f")"
		WHO=carol refused - '400|403' POST "$V/containers/create" "$(host "$f")"
	done <<-'T'
	"CgroupParent":"/x"
	"CgroupParent":"/dockbroker/0"
	"OomScoreAdj":-500
	"OomKillDisable":true
	"CpuRealtimeRuntime":1000
	"Cgroup":"host"
	"Mounts":[{"Type":"bind","Source":"/srv/shared","Target":"/x","ReadOnly":true,"BindOptions":{"Propagation":"rshared"}}]
	"Mounts":[{"Type":"npipe","Source":"x","Target":"/x"}]
	"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"Mode":448}},{"Type":"bind","Source":"/","Target":"/y"}]
	"Binds":["bvol:/x:shared"]
	"Binds":["bvol:/x:ro,slave"]
	T
	allowed 201 POST "$V/containers/create?name=bfine" \
		"$(host '"Mounts":[{"Type":"tmpfs","Target":"/x"}],"OomScoreAdj":500,"ShmSize":1048576')"
	engine rm bfine >/dev/null
	WHO=oscar allowed 201 POST "$V/containers/create?name=ofine" "$(host '"CgroupParent":"/x","Binds":["/srv:/x"]')"
	engine rm ofine >/dev/null
}

@test "binds: the path of the line and what is below it, read-only" {
	refused - 403 POST "$V/containers/create" "$(host '"Binds":["/srv/shared:/x:ro"]')"
	may '"Binds":["/srv/shared:/x:ro"]' '"Binds":["/srv/shared:/x"]'
	may '"Binds":["/srv/shared/below:/x:ro"]' '"Binds":["/srv:/x:ro"]'
	WHO=carol refused - 403 POST "$V/containers/create" \
		"$(host '"Mounts":[{"Type":"bind","Source":"/srv/shared/../../etc","Target":"/x","ReadOnly":true}]')"
	WHO=carol refused - 403 POST "$V/containers/create" "$(host '"Binds":["/srv/sharedx:/x:ro"]')"
	WHO=carol refused - 403 POST "$V/containers/create" "$(host '"Binds":["/:/x:ro"]')"
	WHO=carol refused - 403 POST "$V/containers/create" "$(host '"Binds":["/var/run/docker.sock:/s"]')"
	WHO=carol allowed 201 POST "$V/containers/create?name=cvol" "$(host '"Binds":["cvol:/x:ro"]')"
	engine rm -v cvol >/dev/null
}

@test "publish, log drivers, hosts, drivers, runtimes" {
	local p='"PortBindings":{"80/tcp":[{"HostPort":'
	may "$p\"8080\"}]}" "$p\"8081\"}]}" "$p\"22\"}]}" "$p\"8080-8090\"}]}" \
		'"PortBindings":{"80/tcp":[{"HostPort":"8080"}],"81/tcp":[{"HostPort":"80"}]}'
	may '"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"9000"}]}' \
		'"PortBindings":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"9000"}]}' \
		'"PortBindings":{"80/tcp":[{"HostPort":"9000"}]}'
	may '"PublishAllPorts":true'
	may "$p\"\"}]}"
	allowed 201 POST "$V/containers/create?name=bport" "$(host "$p\"20001\"}]}")"
	engine rm bport >/dev/null
	may '"LogConfig":{"Type":"syslog","Config":{}}' '"LogConfig":{"Type":"fluentd","Config":{}}' \
		'"LogConfig":{"Type":"syslog","Config":{"syslog-address":"tcp://10.0.0.1:514"}}'
	may '"LogConfig":{"Type":"json-file","Config":{"gelf-address":"udp://10.0.0.1:1"}}' \
		'"LogConfig":{"Type":"json-file","Config":{"syslog-address":"udp://10.0.0.1:1"}}'
	may '"ExtraHosts":["h:host-gateway"]'
	may '"VolumeDriver":"other","Binds":["v:/x"]' '"VolumeDriver":"third","Binds":["v:/x"]'
	may '"StorageOpt":{"size":"1G"}' '"StorageOpt":{"other":"1G"}'
	# the line is not enough: another one has no guard in front
	WHO=carol refused - 403 POST "$V/containers/create" "$(host '"Runtime":"other"')"
	says 'cannot have the guard in front'
	WHO=carol refused - 403 POST "$V/containers/create" "$(host '"Runtime":"third"')"
	refused - 403 POST "$V/containers/create" "$(host '"Runtime":"other"')"
	allowed 201 POST "$V/containers/create?name=blog" \
		"$(host '"LogConfig":{"Type":"json-file","Config":{"max-size":"1m","tag":"x","env":"A"}},"ExtraHosts":["a:10.0.0.1"]')"
	engine rm blog >/dev/null
}

@test "networks and volumes: drivers, options, subnets" {
	local b
	mayn() { # BODY BESIDE...
		local beside
		refused - 403 POST "$V/networks/create" "{\"Name\":\"creach\",$1}"
		WHO=carol allowed '201|400|403|500' POST "$V/networks/create" "{\"Name\":\"creach\",$1}"
		hides 'may not use'
		engine network rm creach >/dev/null 2>&1 || :
		shift
		for beside; do
			WHO=carol refused - 403 POST "$V/networks/create" "{\"Name\":\"creach\",$beside}"
		done
	}
	mayn '"Driver":"macvlan"' '"Driver":"ipvlan"' '"Driver":"overlay"'
	mayn '"Driver":"macvlan","Options":{"parent":"eth7"}' \
		'"Driver":"macvlan","Options":{"parent":"eth0"}' \
		'"Options":{"com.docker.network.bridge.name":"docker0"}'
	mayn '"IPAM":{"Config":[{"Subnet":"10.66.3.0/24"}]}' \
		'"IPAM":{"Config":[{"Subnet":"10.67.0.0/24"}]}' '"IPAM":{"Config":[{"Subnet":"10.0.0.0/8"}]}' \
		'"IPAM":{"Config":[{"Subnet":"10.66.3.0/24"},{"Subnet":"192.168.0.0/24"}]}' \
		'"IPAM":{"Config":[{"Subnet":"10.66.3.0/24","Gateway":"10.98.0.1"}]}'
	refused - 403 POST "$V/volumes/create" '{"Name":"v","DriverOpts":{"type":"tmpfs","device":"tmpfs"}}'
	WHO=carol allowed 201 POST "$V/volumes/create" \
		'{"Name":"cv","DriverOpts":{"type":"tmpfs","device":"tmpfs"}}'
	for b in '"type":"none","device":"/etc","o":"bind"' '"type":"tmpfs","device":"tmpfs","o":"size=1m"' \
		'"type":"nfs","device":":/x"'; do
		WHO=carol refused - 403 POST "$V/volumes/create" "{\"Name\":\"cw\",\"DriverOpts\":{$b}}"
	done
	WHO=carol allowed 204 DELETE "$V/volumes/cv"
}

@test "MKNOD is dropped, and the volumes' owner is his" {
	run bob run --rm box:1 mknod /tmp/d b 7 0
	ends 1 'Operation not permitted'
	run bob run --rm --cap-drop ALL box:1 mknod /tmp/d b 7 0
	ends 1 'Operation not permitted'
	run carol run --rm --cap-add NET_ADMIN box:1 mknod /tmp/d b 7 0
	ends 1 'Operation not permitted'
	run bob exec bweb mknod /tmp/d b 7 0
	ends 1 'Operation not permitted'
	run oscar run --rm box:1 mknod /tmp/d b 7 0
	is 0 ""
	run bob run --rm box:1 mkfifo /tmp/d
	is 0 ""
	refused - 403 POST "$V/containers/create" "$(host '"CapAdd":["MKNOD"],"CapDrop":[]')"
}

@test "exec: which commands, and as whom" {
	local b
	WHO=eve allowed 201 POST "$V/containers/create?name=eweb" \
		'{"Image":"box:1","Cmd":["sleep","1000"]}'
	WHO=eve allowed 204 POST "$V/containers/eweb/start"
	for b in '"Cmd":["sh"],"User":"nobody"' '"Cmd":["ls","/"],"User":"nobody"' '"Cmd":["ls"]' \
		'"Cmd":["ls"],"User":"root"' '"Cmd":["ls"],"User":"0"' '"Cmd":["ls"],"User":"nobody:root"' \
		'"Cmd":["/bin/ls"],"User":"nobody"' '"Cmd":["sh","-c","exit 4"],"User":"nobody"' \
		'"Cmd":["sh -c exit","3"],"User":"nobody"' '"Cmd":["echo x;","sh"],"User":"65535"'; do
		WHO=eve refused - 403 POST "$V/containers/eweb/exec" "{$b}"
	done
	for b in '"Cmd":["ls"],"User":"nobody"' '"Cmd":["echo","a","b"],"User":"65534"' \
		'"Cmd":["sh","-c","exit 3"],"User":"nobody"'; do
		WHO=eve allowed 201 POST "$V/containers/eweb/exec" "{$b}"
	done
	# what the container runs at its start is not exec
	WHO=eve allowed 204 DELETE "$V/containers/eweb?force=1"
}

@test "image and tag: what may be run, and which names may be given" {
	local i id
	id=$(engine image inspect -f '{{.Id}}' other:1)
	for i in other:1 "$id" "${id:7:12}" docker.io/library/other:1; do
		WHO=ian refused - 403 POST "$V/containers/create" "{\"Image\":\"$i\"}"
	done
	WHO=ian allowed 201 POST "$V/containers/create?name=ibox" '{"Image":"box:1"}'
	WHO=ian allowed 204 DELETE "$V/containers/ibox"
	for i in evil.example/x other 127.0.0.1:5000/box acme.evil/x; do
		WHO=ian refused - 403 POST "$V/images/create?fromImage=$i&tag=1"
	done
	# there is no way out of here, but it is tried
	WHO=ian allowed '404|500' POST "$V/images/create?fromImage=acme/x&tag=1"
	for i in 'repo=box&tag=9' 'repo=ian/x&tag=1' 'repo=acme/bob/x&tag=1' 'repo=acme/x&tag=1' \
		'repo=reg.example/x&tag=1'; do
		WHO=ian refused - 403 POST "$V/images/box:1/tag?$i"
	done
	WHO=ian allowed 201 POST "$V/images/box:1/tag?repo=acme/ian/x&tag=1"
	tool tars context "$BATS_TEST_TMPDIR/c" $'Dockerfile=FROM other:1'
	WHO=ian refused - 403 POST "$V/build?t=acme/ian/y:1" "@$BATS_TEST_TMPDIR/c" "$TAR"
	tool tars context "$BATS_TEST_TMPDIR/c" $'Dockerfile=FROM box:1'
	WHO=ian allowed 200 POST "$V/build?t=acme/ian/y:1" "@$BATS_TEST_TMPDIR/c" "$TAR"
}

@test "registries: only those that images may come from" {
	local hits=$BATS_TEST_TMPDIR/hits
	: >"$hits"
	# whoever listens on the loopback of the Engine
	nsenter --net --target "$RIG_PID_engine" -- "$PYTHON" -I -c '
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open(sys.argv[1], "a").write(self.path + "\n")
        self.send_response(404)
        self.end_headers()
    do_HEAD = do_POST = do_GET
    def log_message(self, *a):
        pass
http.server.HTTPServer(("127.0.0.1", 5000), H).serve_forever()' "$hits" >/dev/null 2>&1 3>&- &
	local pid=$!
	sleep 0.5
	WHO=ian refused - 403 POST "$V/auth" '{"serveraddress":"127.0.0.1:5000","username":"u","password":"p"}'
	WHO=ian refused - 403 POST "$V/auth" '{"serveraddress":"http://127.0.0.1:5000/v1/","username":"u","password":"p"}'
	WHO=ian refused - 403 GET "$V/images/search?term=127.0.0.1:5000/x"
	WHO=ian refused - 403 GET "$V/distribution/127.0.0.1:5000/x/json"
	WHO=ian refused - 403 POST "$V/images/create?fromImage=127.0.0.1:5000/x&tag=1"
	engine tag box:1 127.0.0.1:5000/acme/x:1
	HEADER='X-Registry-Auth: e30=' WHO=ian refused - '403|404' POST \
		"$V/images/127.0.0.1:5000/acme/x/push?tag=1"
	tool tars context "$BATS_TEST_TMPDIR/c" $'Dockerfile=FROM 127.0.0.1:5000/x'
	WHO=ian refused - 403 POST "$V/build?t=acme/ian/z:1" "@$BATS_TEST_TMPDIR/c" "$TAR"
	tool tars context "$BATS_TEST_TMPDIR/c" $'Dockerfile=FROM box:1\nADD http://127.0.0.1:5000/x /x'
	WHO=ian refused - 403 POST "$V/build?t=acme/ian/z:1" "@$BATS_TEST_TMPDIR/c" "$TAR"
	WHO=ian refused - '400|403' POST "$V/build?remote=$(encoded http://127.0.0.1:5000/Dockerfile)"
	[ ! -s "$hits" ] || bad "it was reached: $(cat "$hits")"
	# the Engine would have gone there
	truth - GET "/v1.41/distribution/127.0.0.1:5000/x/json"
	[ -s "$hits" ] || bad "nobody can be reached at all: $answer"
	# carol may fetch from one place only
	WHO=carol refused - 403 POST "$V/build?remote=$(encoded https://example.org/x)"
	WHO=carol refused - 403 POST "$V/build?remote=$(encoded https://example.com.evil/x)"
	WHO=carol refused - 403 POST "$V/build?remote=$(encoded https://example.com@evil/x)"
	WHO=carol allowed '400|404|500' POST "$V/build?remote=$(encoded https://example.com/x)"
	hides 'may not use'
	kill $pid
	wait $pid || :
}

@test "at least 130 refusals" { at_least 130; }
