# reach.bats: whatever lets a container reach beyond itself is refused by name
# to a developer, with the line that would permit it, and its nearest neighbour
# that stays inside is allowed.  What such lines permit is in abuse_permits.bats.

load lib/common

setup_file() {
	rig_up --user alice:2001:dev
	rig_image box:1
	alice run -d --name other --ipc shareable -v kept:/x box:1 sleep 1000
	root run -d --name theirs --ipc shareable -v theirs:/x box:1 sleep 1000
	alice network create near
}

teardown_file() { rig_down; }

# `docker create' with these options is refused: no LINE permits the FIELD.
refused() { # "LINE for FIELD" OPTION...
	local line=${1% for *} field=${1##* for }
	shift
	run alice create --name tried "$@" box:1 true
	denied 1 "alice may not use \"docker run\" (container.create): role developer (roles.conf:N) has no line \"$line\" for $field"
	run engine inspect tried
	[ "$status" = 1 ] || fail "it was created: $*"
	recorded event=refused id="$why" user=alice action=container.create \
		verdict=refused role=developer status=403 "reach=[\"$field\"]"
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

# With these it is the container `theirs', which does not exist for alice; the
# Engine's words for what does not exist are in missing.bats.
unseen() { # WORDS OPTION...
	local said=$1
	shift
	run alice create --name tried "$@" box:1 true
	is 1 "Error response from daemon: $said"
	run engine inspect tried
	[ "$status" = 1 ] || fail "it was created: $*"
	recorded event=refused user=alice action=container.create name=tried \
		"reason=no such container for the caller: theirs (root's)"
}

id_of() { engine inspect -f '{{.Id}}' "$1"; }

@test "binds: -v and --mount of the host, but not volumes" {
	refused 'bind /etc rw for HostConfig.Binds[0]' -v /etc:/x
	refused 'bind / ro for HostConfig.Binds[0]' -v /:/x:ro
	refused 'bind /var/run/docker.sock rw for HostConfig.Binds[0]' \
		-v /var/run/docker.sock:/s
	refused 'allow privileged everything for HostConfig.Binds[0]' -v vol:/x:shared
	# what is a volume becomes a mount, because only those get labels
	allowed 'range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{end' \
		'volume vol /x true' -v vol:/x
	allowed 'range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{end' \
		'volume vol /x false' -v vol:/x:ro
	allowed 'range .Mounts}}{{.Type}} {{.Destination}}{{end' 'volume /x' -v /x
	refused 'bind /etc rw for HostConfig.Mounts[0]' \
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
	[[ $output == *'has no line "driver option device" for HostConfig.Mounts[0].VolumeOptions.DriverConfig.Options.devi...; has no line "driver option o" for '* ]] ||
		fail "not by name"
	run engine volume inspect evil
	[ "$status" = 1 ]
	run alice volume create -o type=none -o o=bind -o device=/etc evil
	denied 1 'alice may not use "docker volume create" (volume.create): role developer (roles.conf:N) has no line "driver option device" for DriverOpts.device; has no line "driver option o" for DriverOpts.o; has no line "driver option type" for DriverOpts.type'
	recorded event=refused id="$why" action=volume.create \
		'reach=["DriverOpts.device","DriverOpts.o","DriverOpts.type"]'
	run alice volume create -d other evil
	denied 1 'alice may not use "docker volume create" (volume.create): role developer (roles.conf:N) has no line "driver other" for Driver'
	refused 'driver other for HostConfig.VolumeDriver' --volume-driver other -v vol:/x
	run engine volume inspect evil
	[ "$status" = 1 ]
	run alice volume create -d local good
	is 0 good
}

@test "privileges: --privileged, --cap-add, --security-opt, --userns" {
	refused 'privileged container for HostConfig.Privileged' --privileged
	refused 'capability SYS_ADMIN for HostConfig.CapAdd[0]' --cap-add CAP_SYS_ADMIN
	refused 'capability ALL for HostConfig.CapAdd[0]' --cap-add ALL
	allowed .HostConfig.CapDrop '[CAP_NET_RAW MKNOD]' --cap-drop CAP_NET_RAW
	allowed .HostConfig.CapDrop '[MKNOD]'
	refused 'security seccomp=unconfined for HostConfig.SecurityOpt[0]' \
		--security-opt seccomp=unconfined
	refused 'security apparmor=unconfined for HostConfig.SecurityOpt[0]' \
		--security-opt apparmor=unconfined
	refused 'security label=disable for HostConfig.SecurityOpt[0]' \
		--security-opt label=disable
	refused 'security no-new-privileges=false for HostConfig.SecurityOpt[0]' \
		--security-opt no-new-privileges=false
	allowed .HostConfig.SecurityOpt '[no-new-privileges]' \
		--security-opt no-new-privileges
	refused 'host userns for HostConfig.UsernsMode' --userns host
	allowed .HostConfig.UsernsMode '' --userns ''
}

@test "devices: --device, --device-cgroup-rule, --gpus, block limits" {
	refused 'device /dev/null rwm for HostConfig.Devices[0]' --device /dev/null
	refused 'allow privileged everything for HostConfig.DeviceCgroupRules[0]' \
		--device-cgroup-rule 'c 1:1 r'
	refused 'gpu all for HostConfig.DeviceRequests[0]' --gpus all
	refused 'allow privileged everything for HostConfig.BlkioDeviceReadBps[0]' \
		--device-read-bps /dev/sda:1mb
	refused 'gpu all for Env[0]' -e NVIDIA_VISIBLE_DEVICES=all
	allowed .Config.Env '[NVIDIA_VISIBLE_DEVICES=none PATH=/usr/sbin:/usr/bin:/sbin:/bin]' \
		-e NVIDIA_VISIBLE_DEVICES=none
}

@test "ports: those that need a privilege, but not others and --expose" {
	refused 'publish 80 for HostConfig.PortBindings.80/tcp[0]' -p 80:80
	refused 'publish 1023/udp for HostConfig.PortBindings.80/udp[0]' \
		-p 1023:80/udp
	refused 'publish 127.0.0.1:443 for HostConfig.PortBindings.80/tcp[0]' \
		-p 127.0.0.1:443:80
	allowed .HostConfig.PortBindings 'map[80/tcp:[{ 1024}]]' -p 1024:80
	allowed .HostConfig.PublishAllPorts true -P
	allowed .Config.ExposedPorts 'map[80/tcp:{}]' --expose 80
}

@test "namespaces: of the host and of other containers" {
	refused 'host network for HostConfig.NetworkMode' --network host
	unseen 'No such container: theirs' --network container:theirs
	allowed .HostConfig.NetworkMode "container:$(id_of other)" \
		--network container:other
	allowed .HostConfig.NetworkMode none --network none
	allowed .HostConfig.NetworkMode "$(engine network inspect -f '{{.Id}}' near)" \
		--network near
	# and alice reads what she wrote
	alice create --name tried --network near box:1 >/dev/null
	run alice inspect -f '{{.HostConfig.NetworkMode}}' tried
	is 0 near
	alice rm tried
	refused 'host pid for HostConfig.PidMode' --pid host
	unseen 'No such container: theirs' --pid container:theirs
	allowed .HostConfig.PidMode "container:$(id_of other)" --pid container:other
	refused 'host ipc for HostConfig.IpcMode' --ipc host
	unseen 'No such container: theirs' --ipc container:theirs
	allowed .HostConfig.IpcMode "container:$(id_of other)" --ipc container:other
	allowed .HostConfig.IpcMode private --ipc private
	refused 'host uts for HostConfig.UTSMode' --uts host
	allowed .Config.Hostname foo --hostname foo
	refused 'host cgroup for HostConfig.CgroupnsMode' --cgroupns host
	allowed .HostConfig.CgroupnsMode private --cgroupns private
}

@test "other containers: --volumes-from, --link" {
	unseen 'No such container: theirs' --volumes-from theirs
	allowed .HostConfig.VolumesFrom "[$(id_of other)]" --volumes-from other
	unseen 'could not get container for theirs: No such container: theirs' \
		--link theirs
	allowed .HostConfig.Links '[/other:/tried/other]' --link other
	allowed .HostConfig.ExtraHosts '[a:1.2.3.4]' --add-host a:1.2.3.4
}

@test "the kernel: --sysctl, --cgroup-parent, --runtime, scheduling, OOM" {
	refused 'sysctl net.ipv4.ip_forward for HostConfig.Sysctls.net.ipv4.ip_forward' \
		--sysctl net.ipv4.ip_forward=1
	refused 'sysctl kernel.shmmax for HostConfig.Sysctls.kernel.shmmax' \
		--sysctl kernel.shmmax=1
	refused 'allow privileged everything for HostConfig.CgroupParent' --cgroup-parent /x
	refused 'runtime other for HostConfig.Runtime' --runtime other
	refused 'allow privileged everything for HostConfig.CpuRealtimeRuntime' --cpu-rt-runtime 100
	refused 'allow privileged everything for HostConfig.OomKillDisable' --oom-kill-disable
	refused 'allow privileged everything for HostConfig.OomScoreAdj' --oom-score-adj -500
	allowed .HostConfig.OomScoreAdj 500 --oom-score-adj 500
	allowed .HostConfig.Memory 33554432 --memory 32m
	allowed .HostConfig.NanoCpus 1000000000 --cpus 1
	allowed .HostConfig.PidsLimit 10 --pids-limit 10
	refused 'driver storage size for HostConfig.StorageOpt.size' --storage-opt size=1G
	allowed .HostConfig.ShmSize 33554432 --shm-size 32m
}

@test "log drivers that go elsewhere" {
	refused 'logdriver syslog for HostConfig.LogConfig.Type' --log-driver syslog
	refused 'logdriver fluentd for HostConfig.LogConfig.Type' --log-driver fluentd
	refused 'logdriver option syslog-address for HostConfig.LogConfig.Config.syslog-address' \
		--log-opt syslog-address=udp://1.2.3.4:5
	allowed .HostConfig.LogConfig.Type none --log-driver none
	allowed .HostConfig.LogConfig.Config 'map[max-size:1m]' \
		--log-driver json-file --log-opt max-size=1m
}

@test "what has nothing to do with it passes as it was asked" {
	allowed '.Config.User}} {{.Config.WorkingDir' '65534 /tmp' -u 65534 -w /tmp
	allowed .HostConfig.Init true --init
	allowed .HostConfig.ReadonlyRootfs true --read-only
	allowed .HostConfig.RestartPolicy.Name always --restart always
	allowed .Config.Labels 'map[a:b dockbroker.owner:alice dockbroker.team:]' --label a=b
	allowed .HostConfig.Dns '[1.1.1.1]' --dns 1.1.1.1
	allowed '(index .HostConfig.Ulimits 0).Name' nofile --ulimit nofile=99
	allowed .HostConfig.GroupAdd '[7]' --group-add 7
	allowed .Config.Healthcheck.Test '[CMD-SHELL true]' --health-cmd true
	allowed .Config.StopSignal KILL --stop-signal KILL
}

@test "several at once: all are named, none alone would pass" {
	run alice create --privileged -v /:/h --pid host box:1
	denied 1 'alice may not use "docker run" (container.create): role developer (roles.conf:N) has no line "bind / rw" for HostConfig.Binds[0]; has no line "host pid" for HostConfig.PidMode; has no line "privileged container" for HostConfig.Privileged'
	recorded event=refused id="$why" \
		'reach=["HostConfig.Binds[0]","HostConfig.PidMode","HostConfig.Privileged"]'
}

@test "exec: --privileged, but not a user or an environment" {
	run alice exec --privileged other true
	denied 1 'alice may not use "docker exec" (container.exec): role developer (roles.conf:N) has no line "privileged exec" for Privileged'
	recorded event=refused id="$why" action=container.exec object=other \
		'reach=["Privileged"]'
	run alice exec -u 65534 -e A=B -w /tmp other id -u
	is 0 65534
	recorded event=request action=container.exec object=other as_user=65534
}

@test "networks: drivers, options and scopes, but not names and labels" {
	local option said
	while IFS='|' read -r option said; do
		# shellcheck disable=SC2086
		run alice network create $option made
		denied 1 "alice may not use \"docker network create\" (network.create): role developer (roles.conf:N) has no line $said"
	done <<-'T'
	-d macvlan -o parent=eth0|"network driver macvlan" for Driver; has no line "network option parent" for Options.parent
	-d ipvlan|"network driver ipvlan" for Driver
	-d overlay|"network driver overlay" for Driver
	-o com.docker.network.bridge.name=docker0|"network option com.docker.network.bridge.name" for Options.com.docker.network.bridge.name
	--ipam-driver other|"network driver other" for IPAM.Driver
	--subnet 10.66.0.0/24|"network subnet 10.66.0.0/24" for IPAM.Config[0].Subnet
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
	denied 1 'alice may not use "docker network connect" (network.connect): role developer (roles.conf:N) has no line "network option a" for EndpointConfig.DriverOpts.a'
	run alice network connect --alias nick near other
	is 0 ""
}

@test "update: the scheduler of the host, but not limits and restarts" {
	run alice update --cpu-rt-runtime 100 other
	denied 1 'alice may not use "docker update" (container.update): role developer (roles.conf:N) has no line "allow privileged everything" for CpuRealtimeRuntime'
	run alice update --cpus 1 --pids-limit 100 --restart no other
	is 0 other
}

@test "build: networks, cgroups and security, but not arguments and labels" {
	export DOCKER_BUILDKIT=0
	local option said
	while IFS='|' read -r option said; do
		# shellcheck disable=SC2086
		run alice build $option - <<<'FROM box:1'
		denied 1 "alice may not use \"docker build\" (image.build): role developer (roles.conf:N) has no line $said"
	done <<-'T'
	--network host|"host network" for ?networkmode
	--cgroup-parent /x|"allow privileged everything" for ?cgroupparent
	--security-opt x|"security x" for ?securityopt
	T
	run alice build --network container:theirs - <<<'FROM box:1'
	ends 1 'No such container: theirs'
	run alice build --network container:other - <<<'FROM box:1'
	ends 0 'Successfully built'
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
		denied 1 'alice may not use "docker build" (image.build): role developer (roles.conf:N) has no line "host network" for ?networkmode'
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
