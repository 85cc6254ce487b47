# reach.bats: whatever lets a container reach beyond itself is refused by name
# to who has no "allow privileged everything", and its nearest neighbour that
# stays inside is allowed.

load lib/common

setup_file() {
	rig_up --user alice:2001:dev
	rig_image box:1
	alice run -d --name other -v kept:/x box:1 sleep 1000
	alice network create near
}

teardown_file() { rig_down; }

# `docker create' with these options is refused for these fields.
refused() { # FIELDS OPTION...
	local fields=$1
	shift
	run alice create --name tried "$@" box:1 true
	denied 1 "alice may not use $fields with \"docker run\" (container.create): role developer (roles.conf:N) does not say \"allow privileged everything\""
	run engine inspect tried
	[ "$status" = 1 ] || fail "it was created: $*"
	recorded event=refused id="$why" user=alice action=container.create \
		verdict=refused role=developer status=403 \
		"reach=[\"$(sed -E 's/ \(.*//; s/"//g' <<<"$fields")\"]"
}

# With these it is created, and the Engine has the value.
allowed() { # TEMPLATE VALUE OPTION...
	local template=$1 value=$2
	shift 2
	run alice create --name tried "$@" box:1 true
	[ "$status" = 0 ] || fail "refused: $*"
	run engine inspect -f "{{$template}}" tried
	engine rm -f -v tried >/dev/null
	[ "$output" = "$value" ] || fail "$template is not $value: $*"
}

@test "binds: -v and --mount of the host, but not volumes" {
	refused 'HostConfig.Binds[0] ("/etc:/x")' -v /etc:/x
	refused 'HostConfig.Binds[0] ("/:/x:ro")' -v /:/x:ro
	refused 'HostConfig.Binds[0] ("/var/run/docker.sock:/s")' \
		-v /var/run/docker.sock:/s
	refused 'HostConfig.Binds[0] ("vol:/x:shared")' -v vol:/x:shared
	allowed .HostConfig.Binds '[vol:/x]' -v vol:/x
	allowed .HostConfig.Binds '[vol:/x:ro]' -v vol:/x:ro
	allowed 'range .Mounts}}{{.Type}} {{.Destination}}{{end' 'volume /x' -v /x
	refused 'HostConfig.Mounts[0] ("/etc:/x")' \
		--mount type=bind,source=/etc,target=/x
	allowed 'range .HostConfig.Mounts}}{{.Type}} {{.Source}}{{end' \
		'volume vol' --mount type=volume,source=vol,target=/x
	allowed 'range .HostConfig.Mounts}}{{.Type}} {{.Target}}{{end' \
		'tmpfs /x' --mount type=tmpfs,target=/x
	allowed .HostConfig.Tmpfs 'map[/x:size=1m]' --tmpfs /x:size=1m
}

@test "a volume's driver options: refused in a mount as in volume create" {
	local o='type=volume,source=evil,target=/x'
	o+=',volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc'
	run alice create --mount "$o" box:1
	[ "$status" = 1 ]
	[[ $output == *'alice may not use HostConfig.Mounts[0].VolumeOptions.DriverConfig.Options.device ("/etc"), '*'does not say "allow privileged everything"'* ]] ||
		fail "not by name"
	run engine volume inspect evil
	[ "$status" = 1 ]
	run alice volume create -o type=none -o o=bind -o device=/etc evil
	denied 1 'alice may not use DriverOpts.device ("/etc"), DriverOpts.o, DriverOpts.type ("none") with "docker volume create" (volume.create): role developer (roles.conf:N) does not say "allow privileged everything"'
	recorded event=refused id="$why" action=volume.create \
		'reach=["DriverOpts.device","DriverOpts.o","DriverOpts.type"]'
	run alice volume create -d other evil
	denied 1 'alice may not use Driver ("other") with "docker volume create" (volume.create): role developer (roles.conf:N) does not say "allow privileged everything"'
	refused 'HostConfig.VolumeDriver ("other")' --volume-driver other -v vol:/x
	run engine volume inspect evil
	[ "$status" = 1 ]
	run alice volume create -d local good
	is 0 good
}

@test "privileges: --privileged, --cap-add, --security-opt, --userns" {
	refused HostConfig.Privileged --privileged
	refused 'HostConfig.CapAdd[0] ("CAP_SYS_ADMIN")' --cap-add CAP_SYS_ADMIN
	refused 'HostConfig.CapAdd[0] ("ALL")' --cap-add ALL
	allowed .HostConfig.CapDrop '[CAP_NET_RAW]' --cap-drop CAP_NET_RAW
	refused 'HostConfig.SecurityOpt[0] ("seccomp=unconfined")' \
		--security-opt seccomp=unconfined
	refused 'HostConfig.SecurityOpt[0] ("apparmor=unconfined")' \
		--security-opt apparmor=unconfined
	refused 'HostConfig.SecurityOpt[0] ("label=disable")' \
		--security-opt label=disable
	refused 'HostConfig.SecurityOpt[0] ("no-new-privileges=false")' \
		--security-opt no-new-privileges=false
	allowed .HostConfig.SecurityOpt '[no-new-privileges]' \
		--security-opt no-new-privileges
	refused 'HostConfig.UsernsMode ("host")' --userns host
	allowed .HostConfig.UsernsMode '' --userns ''
}

@test "devices: --device, --device-cgroup-rule, --gpus, block limits" {
	refused 'HostConfig.Devices[0] ("/dev/null")' --device /dev/null
	refused 'HostConfig.DeviceCgroupRules[0] ("c 1:1 r")' \
		--device-cgroup-rule 'c 1:1 r'
	refused 'HostConfig.DeviceRequests[0] ("count=-1")' --gpus all
	refused 'HostConfig.BlkioDeviceReadBps[0] ("/dev/sda")' \
		--device-read-bps /dev/sda:1mb
	refused 'Env[0] ("NVIDIA_VISIBLE_DEVICES")' -e NVIDIA_VISIBLE_DEVICES=all
	allowed .Config.Env '[NVIDIA_VISIBLE_DEVICES=none PATH=/usr/sbin:/usr/bin:/sbin:/bin]' \
		-e NVIDIA_VISIBLE_DEVICES=none
}

@test "ports: -p and -P, but not --expose" {
	refused 'HostConfig.PortBindings.80/tcp[0] (":8080")' -p 8080:80
	refused 'HostConfig.PortBindings.80/tcp[0] ("127.0.0.1:8080")' \
		-p 127.0.0.1:8080:80
	refused HostConfig.PublishAllPorts -P
	allowed .Config.ExposedPorts 'map[80/tcp:{}]' --expose 80
}

@test "namespaces: of the host and of other containers" {
	refused 'HostConfig.NetworkMode ("host")' --network host
	refused 'HostConfig.NetworkMode ("container:other")' \
		--network container:other
	allowed .HostConfig.NetworkMode none --network none
	allowed .HostConfig.NetworkMode near --network near
	refused 'HostConfig.PidMode ("host")' --pid host
	refused 'HostConfig.PidMode ("container:other")' --pid container:other
	refused 'HostConfig.IpcMode ("host")' --ipc host
	refused 'HostConfig.IpcMode ("container:other")' --ipc container:other
	allowed .HostConfig.IpcMode private --ipc private
	refused 'HostConfig.UTSMode ("host")' --uts host
	allowed .Config.Hostname foo --hostname foo
	refused 'HostConfig.CgroupnsMode ("host")' --cgroupns host
	allowed .HostConfig.CgroupnsMode private --cgroupns private
}

@test "other containers: --volumes-from, --link" {
	refused 'HostConfig.VolumesFrom[0] ("other")' --volumes-from other
	refused 'HostConfig.Links[0] ("other")' --link other
	allowed .HostConfig.ExtraHosts '[a:1.2.3.4]' --add-host a:1.2.3.4
}

@test "the kernel: --sysctl, --cgroup-parent, --runtime, scheduling, OOM" {
	refused 'HostConfig.Sysctls.net.ipv4.ip_forward ("1")' \
		--sysctl net.ipv4.ip_forward=1
	refused 'HostConfig.Sysctls.kernel.shmmax ("1")' --sysctl kernel.shmmax=1
	refused 'HostConfig.CgroupParent ("/x")' --cgroup-parent /x
	refused 'HostConfig.Runtime ("other")' --runtime other
	refused 'HostConfig.CpuRealtimeRuntime ("100")' --cpu-rt-runtime 100
	refused HostConfig.OomKillDisable --oom-kill-disable
	refused 'HostConfig.OomScoreAdj ("-500")' --oom-score-adj -500
	allowed .HostConfig.OomScoreAdj 500 --oom-score-adj 500
	allowed .HostConfig.Memory 33554432 --memory 32m
	allowed .HostConfig.NanoCpus 1000000000 --cpus 1
	allowed .HostConfig.PidsLimit 10 --pids-limit 10
	refused 'HostConfig.StorageOpt.size ("1G")' --storage-opt size=1G
	allowed .HostConfig.ShmSize 33554432 --shm-size 32m
}

@test "log drivers that go elsewhere" {
	refused 'HostConfig.LogConfig.Type ("syslog")' --log-driver syslog
	refused 'HostConfig.LogConfig.Type ("fluentd")' --log-driver fluentd
	refused HostConfig.LogConfig.Config.labels --log-opt labels=a
	allowed .HostConfig.LogConfig.Type none --log-driver none
	allowed .HostConfig.LogConfig.Config 'map[max-size:1m]' \
		--log-driver json-file --log-opt max-size=1m
}

@test "what has nothing to do with it passes as it was asked" {
	allowed '.Config.User}} {{.Config.WorkingDir' '65534 /tmp' -u 65534 -w /tmp
	allowed .HostConfig.Init true --init
	allowed .HostConfig.ReadonlyRootfs true --read-only
	allowed .HostConfig.RestartPolicy.Name always --restart always
	allowed .Config.Labels 'map[a:b]' --label a=b
	allowed .HostConfig.Dns '[1.1.1.1]' --dns 1.1.1.1
	allowed '(index .HostConfig.Ulimits 0).Name' nofile --ulimit nofile=99
	allowed .HostConfig.GroupAdd '[7]' --group-add 7
	allowed .Config.Healthcheck.Test '[CMD-SHELL true]' --health-cmd true
	allowed .Config.StopSignal KILL --stop-signal KILL
}

@test "several at once: all are named, none alone would pass" {
	run alice create --privileged -v /:/h --pid host box:1
	denied 1 'alice may not use HostConfig.Binds[0] ("/:/h"), HostConfig.PidMode ("host"), HostConfig.Privileged with "docker run" (container.create): role developer (roles.conf:N) does not say "allow privileged everything"'
	recorded event=refused id="$why" \
		'reach=["HostConfig.Binds[0]","HostConfig.PidMode","HostConfig.Privileged"]'
}

@test "exec: --privileged, but not a user or an environment" {
	run alice exec --privileged other true
	denied 1 'alice may not use Privileged with "docker exec" (container.exec): role developer (roles.conf:N) does not say "allow privileged everything"'
	recorded event=refused id="$why" action=container.exec object=other \
		'reach=["Privileged"]'
	run alice exec -u 65534 -e A=B -w /tmp other id -u
	is 0 65534
	recorded event=request action=container.exec object=other as_user=65534
}

@test "networks: drivers, options and scopes, but not names and labels" {
	local may='role developer (roles.conf:N) does not say "allow privileged everything"'
	local option field
	while IFS='|' read -r option field; do
		# shellcheck disable=SC2086
		run alice network create $option made
		denied 1 "alice may not use $field with \"docker network create\" (network.create): $may"
	done <<-'T'
	-d macvlan -o parent=eth0|Driver ("macvlan"), Options.parent ("eth0")
	-d ipvlan|Driver ("ipvlan")
	-d overlay|Driver ("overlay")
	-o com.docker.network.bridge.name=docker0|Options.com.docker.network.bridge.name ("docker0")
	--attachable|Attachable
	--ipam-driver other|IPAM.Driver ("other")
	--subnet 10.66.0.0/24|IPAM.Config[0].Subnet ("10.66.0.0/24")
	T
	run engine network inspect made
	[ "$status" = 1 ]
	for option in '-d bridge' --internal '--label a=b'; do
		# shellcheck disable=SC2086
		run alice network create $option made
		[ "$status" = 0 ] || fail "refused: $option"
		alice network rm made
	done
	run alice network connect --driver-opt a=b near other
	denied 1 "alice may not use EndpointConfig.DriverOpts.a with \"docker network connect\" (network.connect): $may"
	run alice network connect --alias nick near other
	is 0 ""
}

@test "update: the scheduler of the host, but not limits and restarts" {
	run alice update --cpu-rt-runtime 100 other
	denied 1 'alice may not use CpuRealtimeRuntime ("100") with "docker update" (container.update): role developer (roles.conf:N) does not say "allow privileged everything"'
	run alice update --cpus 1 --pids-limit 100 --restart no other
	is 0 other
}

@test "build: networks, cgroups and security, but not arguments and labels" {
	export DOCKER_BUILDKIT=0
	local may='with "docker build" (image.build): role developer (roles.conf:N) does not say "allow privileged everything"'
	local option field
	while IFS='|' read -r option field; do
		# shellcheck disable=SC2086
		run alice build $option - <<<'FROM box:1'
		denied 1 "alice may not use $field $may"
	done <<-'T'
	--network host|?networkmode ("host")
	--network container:other|?networkmode ("container:other")
	--cgroup-parent /x|?cgroupparent ("/x")
	--security-opt x|?securityopt ("x")
	T
	run alice build --network none --label a=b --memory 64m -t ok - \
		<<<$'FROM box:1\nRUN true'
	ends 0 'Successfully tagged ok:latest'
}

@test "build: a refusal is read although much of the context is not" {
	export DOCKER_BUILDKIT=0
	mkdir -p "$RIG_HOME/alice/much"
	head -c 30000000 /dev/urandom >"$RIG_HOME/alice/much/f"
	echo 'FROM box:1' >"$RIG_HOME/alice/much/Dockerfile"
	chown -R 2001 "$RIG_HOME/alice/much"
	for i in 1 2 3; do
		run alice build --network host "$RIG_HOME/alice/much"
		denied 1 'alice may not use ?networkmode ("host") with "docker build" (image.build): role developer (roles.conf:N) does not say "allow privileged everything"'
	done
}

@test "import: from the daemon's network, but not from one's own stdin" {
	run alice import http://127.0.0.1/x
	denied 1 'alice may not use "docker import" (image.import): role developer (roles.conf:N) does not allow it'
	run alice swarm init
	denied 1 'alice may not use "docker swarm init" (swarm.init): role developer (roles.conf:N) does not allow it'
	run alice plugin install x
	denied 1 'alice may not use "docker plugin install" (plugin.privileges): role developer (roles.conf:N) does not allow it'
}
