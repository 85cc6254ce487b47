# activation.bats: the daemons under a service manager: sockets that are passed
# to them by name, notifications, and the unit files.

load lib/common

setup_file() {
	RIG=$(mktemp -d /tmp/rig.XXXXXX)
	local activate=$DOCKBROKER_BUILD/tests/lib/activate
	mkdir -p "$RIG/heard" "$RIG/run"
	chmod 0755 "$RIG/heard"
	chmod 0711 "$RIG" "$RIG/run"
	"$rig" up "$RIG" --user alice:2001:dev \
		--wrap "broker=$activate -n $RIG/heard/broker shared=stream:666:0:$RIG/docker.sock control=seqpacket:666:0:$RIG/run/control.sock --" \
		--wrap "authd=$activate -n $RIG/heard/authd authd=seqpacket:600:64990:$RIG/run/authd.sock --" \
		--wrap "auditd=$activate -n $RIG/heard/auditd auditd=seqpacket:600:64990:$RIG/run/auditd.sock --" \
		>"$BATS_FILE_TMPDIR/env"
	while IFS='=' read -r key value; do export "RIG_$key=$value"; done <"$BATS_FILE_TMPDIR/env"
	export RIG
}

teardown_file() { rig_down; }

inode() { stat -c %i "$1"; }
heard() { grep -qx -- "$2" "$RIG/heard/$1"; }

@test "each daemon serves on the socket that it was passed" {
	run alice version -f '{{.Server.Version}}'
	ends 0
	DOCKER_HOST=unix://$RIG_SHARED_SOCK run docker ps
	ends 0
	run dockbroker status
	ends 0 "authd     good"
	[[ $output == *"auditd    good"* ]]
}

@test "nobody made the sockets anew" {
	local s
	for s in docker.sock run/control.sock run/authd.sock run/auditd.sock; do
		# A socket that was bound twice would be listed with two inodes.
		run grep -c " $RIG/$s\$" /proc/net/unix
		[ "$output" -ge 1 ] || fail "$s"
	done
	[ "$(stat -c '%u %a' "$RIG/run/authd.sock")" = "64990 600" ]
	[ "$(stat -c '%u %a' "$RIG/docker.sock")" = "0 666" ]
}

@test "each says READY=1, and the broker how it is" {
	for part in broker authd auditd; do
		soon heard $part READY=1
	done
	soon heard broker STATUS=serving
}

@test "a descriptor of another name is not taken, and the log says why it is missing" {
	local activate=$DOCKBROKER_BUILD/tests/lib/activate
	# auditd with a socket called otherwise makes its own, at the usual place:
	# there the first still listens, so it refuses to start.
	run timeout 10 "$activate" wrong=seqpacket:600:0:"$RIG/run/wrong.sock" -- \
		"$DOCKBROKER_BUILD/dockbroker-auditd" -c "$RIG_CONFIG"
	ends 1 auditd.sock
}

@test "a reload is told: RELOADING, then READY again" {
	: >"$RIG/heard/broker"
	kill -HUP "$RIG_PID_broker"
	soon heard broker RELOADING=1
	soon heard broker READY=1
}

@test "while auditd is gone the status line says so, and the socket is kept" {
	"$rig" stop "$RIG" auditd
	[ -S "$RIG/run/auditd.sock" ]
	soon heard broker 'STATUS=waiting for dockbroker-auditd'
	"$rig" start "$RIG" auditd
	soon dockbroker status
}

@test "the end is told, and passed sockets stay for the next start" {
	"$rig" stop "$RIG" broker
	heard broker STOPPING=1
	[ -S "$RIG_CONTROL_SOCK" ]
	[ -S "$RIG_SHARED_SOCK" ]
	"$rig" start "$RIG" broker
	soon dockbroker status
	run alice ps
	ends 0
}

@test "a login after the stop is served: connections wait in the passed socket" {
	"$rig" stop "$RIG" authd
	"$rig" start "$RIG" authd
	soon dockbroker status
	run alice ps
	ends 0
}

@test "LISTEN_FDS meant for another process is not used" {
	LISTEN_PID=1 LISTEN_FDS=1 LISTEN_FDNAMES=auditd run timeout 10 \
		"$DOCKBROKER_BUILD/dockbroker-auditd" -c "$RIG_CONFIG"
	# Not passed to it, so it tries its own, which is taken.
	ends 1 auditd.sock
}
