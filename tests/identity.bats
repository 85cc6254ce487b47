#!/usr/bin/env bats
# Who is calling: the kernel's word for the uid, NSS for the groups, PAM for
# whether the account may.  A rig with a stub Engine and users of its own; and
# one with a real Engine, for containers, and users of this machine.
#
# A connected descriptor speaks for him who connected it.  Who hands it on, by
# inheritance or SCM_RIGHTS, lends his own rights; that is the kernel's design
# (SO_PEERCRED) and ours.

load lib/common
load lib/daemons

ALICE=64801 BOB=64802 CAROL=64803 DAVE=64804 ERIN=64805 QUINN=64810
ANN=64871 BEN=64872		# of the machine

setup_file() {
	local devs
	export STUB_CONTAINERS="lent:alice whose-1:alice userns-1:alice quiet:quinn
		whose-2 whose-3 primary"
	stub_up
	mkdir -p "$STUB/lib"
	"${CC:-cc}" -shared -fPIC -O1 -o "$STUB/lib/libnss_quiet.so.2" "$lib/nss_quiet.c"
	cat >"$STUB/config" <<-'END'
		account-age 2s
		account-time 2s
		service monitor mode=0666 containers=yes
		service ci mode=0666 uid=64802
		service closed mode=0666
	END
	roles_unlimited >"$STUB/policy.conf"
	cat >>"$STUB/policy.conf" <<-'END'
		grant developer to group devs
		grant viewer to group primaries
		grant viewer to user erin
		grant viewer to service monitor
		grant viewer to service ci
		grant viewer to service closed
	END
	chmod 0600 "$STUB/policy.conf"	# so that the rig takes a copy
	# The first group that the rig makes has gid 66000.
	rig_up --engine "$STUB_SOCK" --config "$STUB/config" \
		--policy "$STUB/policy.conf" \
		--user alice:$ALICE:devs --user bob:$BOB:bob,devs \
		--user carol:$CAROL:primaries --user dave:$DAVE:dave \
		--user erin:$ERIN:erin \
		--wrap "authd=env LD_LIBRARY_PATH=$STUB/lib NSS_QUIET_GROUP=66000" || return 1
	devs=$(awk -F: '$1 == "devs" { print $3 }' "$RIG_ETC/group")
	[ "$devs" = 66000 ]
	cp -a "$RIG_ETC" "$STUB/etc"
	cp -a "$RIG_PAM_D" "$STUB/pam.d"
	cp "$RIG_POLICY" "$STUB/policy.first"
	machine_up
}

teardown_file() {
	machine_down
	rig_down
	stub_down
}

# Users of this machine, changed by its own tools.
machine_users_gone() {
	local n
	for n in dbtest-ann dbtest-ben; do
		! getent passwd $n >/dev/null || userdel $n
	done
	! getent group dbtest-dev >/dev/null || groupdel dbtest-dev
}

machine_up() { # exports REAL and REAL_<KEY>
	local key value
	machine_users_gone
	groupadd -g 64879 dbtest-dev
	useradd -M -U -u $ANN -G dbtest-dev dbtest-ann
	useradd -M -U -u $BEN dbtest-ben
	REAL=$(mktemp -d /tmp/rig.XXXXXX)
	export REAL
	printf '%s\n' 'service inside mode=0666 containers=yes' \
		"service one mode=0666 containers=yes uid=$ANN" >"$STUB/config.real"
	printf '%s\n' 'include "roles.conf"' 'grant developer to group dbtest-dev' \
		'grant viewer to service inside' 'grant viewer to service one' >"$STUB/policy.real"
	chmod 0600 "$STUB/policy.real"
	"$rig" up "$REAL" --config "$STUB/config.real" --policy "$STUB/policy.real" \
		--user dbtest-ann:$ANN:dbtest-dev --user dbtest-ben:$BEN:dbtest-ben \
		>"$STUB/env.real" 3>&- || return 1
	while IFS='=' read -r key value; do
		export "REAL_${key//-/_}=$value"
	done <"$STUB/env.real"
	"$rig" image "$REAL" box:1
}

machine_down() {
	[ -z "${REAL:-}" ] || "$rig" down "$REAL"
	machine_users_gone
}

setup() {
	bats_require_minimum_version 1.5.0
	SHARED=$RIG_SHARED_SOCK
	users=$RIG_RUN_DIR/users
}

# Whatever a test changed is as before, and the daemons have seen it.
teardown() {
	local f
	for f in passwd group shadow nsswitch.conf; do
		cmp -s "$STUB/etc/$f" "$RIG_ETC/$f" || cat "$STUB/etc/$f" >"$RIG_ETC/$f"
	done
	rm -f "$RIG_ETC/nologin"
	cp "$STUB/pam.d/dockbroker" "$RIG_PAM_D/dockbroker"
	if ! cmp -s "$STUB/policy.first" "$RIG_POLICY"; then
		cat "$STUB/policy.first" >"$RIG_POLICY"
		dockbroker reload
	fi
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	soon asked 200 $BOB "$SHARED" GET /containers/json
	soon there "$users/alice.sock"
	soon there "$users/bob.sock"
	soon gone "$users/dave.sock"
}

# ---- sockets ----

@test "a user's socket is his by mode and ACL" {
	[ "$(stat -c %a:%u "$users/alice.sock")" = 660:64990 ]
	run getfacl -cnp "$users/alice.sock"
	is 0 "user::rw-
user:64801:rw-
group::---
mask::rw-
other::---"
	[ "$(stat -c %a:%u "$users")" = 711:64990 ]
	ask $ALICE "$users/alice.sock" GET /containers/json
	is 200 "[]"
	ask $BOB "$users/alice.sock" GET /containers/json
	[ "$status" = 000 ]
	ask $BOB "$users/bob.sock" GET /containers/json
	is 200 "[]"
}

@test "behind the ACL the uid is asked once more" {
	setfacl -m "u:$BOB:rw" "$users/alice.sock"
	ask $BOB "$users/alice.sock" GET /containers/json
	setfacl -x "u:$BOB" "$users/alice.sock"
	is 403 "dockbroker: this socket belongs to another user"
	recorded event=refused uid=$BOB socket=user \
		"reason=this socket belongs to another user"
	# root passes every ACL, and is not alice either
	ask 0 "$users/alice.sock" GET /containers/json
	is 403 "dockbroker: this socket belongs to another user"
	recorded event=refused uid=0 socket=user \
		"reason=this socket belongs to another user"
}

@test "a descriptor that alice connected speaks for alice in bob's hands" {
	run "$PYTHON" -I - "$SHARED" $ALICE $BOB <<-'END'
		import os, socket, sys
		path, alice, bob = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		s = socket.socket(socket.AF_UNIX)
		os.setresuid(alice, alice, 0)
		s.connect(path)
		os.setresuid(0, 0, 0)
		a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
		if os.fork() == 0:
		    os.setgroups([]); os.setgid(bob); os.setuid(bob)
		    fd = socket.recv_fds(b, 1, 1)[1][0]
		    t = socket.socket(fileno=fd)
		    t.sendall(b"GET /containers/lent/json HTTP/1.1\r\nHost: d\r\n\r\n")
		    print(t.recv(65536).split(b" ")[1].decode(), os.getuid(), flush=True)
		    os._exit(0)
		socket.send_fds(a, [b"x"], [s.fileno()])
		s.close()
		os.wait()
	END
	is 0 "200 $BOB"
	recorded event=access action=container.inspect object=lent user=alice uid=$ALICE
	not_recorded event=access action=container.inspect object=lent user=bob
}

@test "on the shared socket the uid decides" {
	ask $ALICE "$SHARED" GET /containers/whose-1/json
	[ "$status" = 200 ]
	ask $ERIN "$SHARED" GET /containers/whose-2/json
	[ "$status" = 200 ]
	ask 0 "$SHARED" GET /containers/whose-3/json
	[ "$status" = 200 ]
	recorded action=container.inspect object=whose-1 user=alice uid=$ALICE role=developer "grant=group devs"
	recorded action=container.inspect object=whose-2 user=erin uid=$ERIN role=viewer "grant=user erin"
	recorded action=container.inspect object=whose-3 user=root uid=0 role=admin
	# and what the one may, the other may not
	ask $ALICE "$SHARED" POST /containers/create?name=by-alice '{"Image":"x"}'
	[ "$status" = 201 ]
	ask $ERIN "$SHARED" POST /containers/create?name=by-erin '{"Image":"x"}'
	[ "$status" = 403 ]
	grep -q ' by-alice' "$STUB_LOG"
	run ! grep -q ' by-erin' "$STUB_LOG"
}

@test "a primary group is a group" {
	there "$users/carol.sock"
	ask $CAROL "$users/carol.sock" GET /containers/primary/json
	[ "$status" = 200 ]
	recorded action=container.inspect object=primary user=carol role=viewer "grant=group primaries"
}

@test "a stranger has no socket, no role and a sentence" {
	gone "$users/dave.sock"
	ask $DAVE "$SHARED" GET /containers/json
	ends 403 "dockbroker: "
	ends 403 "dave"
	recorded event=refused user=dave uid=$DAVE action=container.list
	run as dave "$RIG_DOCKBROKER" open
	is 1 "dockbroker: the policy grants you no role"
	gone "$users/dave.sock"
}

@test "a uid without an account is refused" {
	ask 64899 "$SHARED" GET /containers/json
	is 403 "dockbroker: uid 64899 has no account on this host"
	recorded event=refused uid=64899 "reason=uid 64899 has no account on this host"
}

# ---- namespaces ----

@test "uid 65534 is everybody who is not mapped, thus nobody" {
	ask 65534 "$SHARED" GET /containers/json
	is 403 "dockbroker: the caller's uid is not mapped on this host"
	recorded event=refused uid=65534 "reason=the caller's uid is not mapped on this host"
}

@test "a user namespace changes nothing: the kernel knows alice in it" {
	answer "$(setpriv --reuid $ALICE --regid $ALICE --clear-groups unshare -U \
		curl -sS --unix-socket "$SHARED" -w '\n%{http_code}' \
		http://d/containers/userns-1/json)"
	[ "$status" = 200 ]
	recorded action=container.inspect object=userns-1 user=alice uid=$ALICE role=developer
	# root of her own namespace is not root
	answer "$(setpriv --reuid $ALICE --regid $ALICE --clear-groups unshare -Ur \
		sh -c 'test "$(id -u)" = 0 && exec "$@"' - \
		curl -sS --unix-socket "$SHARED" -w '\n%{http_code}' -X POST \
		-H 'Content-Type: application/json' -d '{"Image":"x","HostConfig":{"Privileged":true}}' \
		"http://d/containers/create?name=fakeroot")"
	[ "$status" = 403 ]
	recorded event=refused name=fakeroot user=alice uid=$ALICE
	run ! grep -q ' fakeroot' "$STUB_LOG"
}

@test "another pid namespace is refused, but where a service welcomes it" {
	local why="requests from a container or another pid namespace are not accepted on this socket"
	inside() { # UID SOCKET
		answer "$(unshare -pf setpriv --reuid "$1" --regid "$1" --clear-groups \
			curl -sS --unix-socket "$2" -w '\n%{http_code}' http://d/containers/json)"
	}
	inside $ALICE "$SHARED"
	is 403 "dockbroker: $why"
	recorded event=refused uid=$ALICE container_peer=true socket=shared "reason=$why"
	inside $ALICE "$users/alice.sock"
	is 403 "dockbroker: $why"
	recorded event=refused uid=$ALICE container_peer=true socket=user "reason=$why"
	inside 0 "$SHARED"
	is 403 "dockbroker: $why"
	recorded event=refused uid=0 container_peer=true "reason=$why"
	inside 0 "$RIG_RUN_DIR/services/closed.sock"
	is 403 "dockbroker: $why"
	recorded event=refused service=closed container_peer=true "reason=$why"
	inside 0 "$RIG_RUN_DIR/services/monitor.sock"
	is 200 "[]"
	recorded event=access service=monitor container_peer=true uid=0 role=viewer \
		"grant=service monitor"
}

@test "a service has its own role, and no other for whoever calls" {
	local s=$RIG_RUN_DIR/services
	ask 0 "$s/monitor.sock" GET /containers/json
	is 200 "[]"
	ask 0 "$s/monitor.sock" POST /containers/create?name=by-service '{"Image":"x"}'
	[ "$status" = 403 ]
	ask $ALICE "$s/monitor.sock" POST /containers/create?name=by-service '{"Image":"x"}'
	[ "$status" = 403 ]
	recorded event=refused name=by-service service=monitor uid=0
	recorded event=refused name=by-service service=monitor uid=$ALICE
	run ! grep -q ' by-service' "$STUB_LOG"
}

@test "a service with uid= serves this uid alone" {
	local s=$RIG_RUN_DIR/services/ci.sock
	ask $BOB "$s" GET /containers/json
	is 200 "[]"
	recorded event=access service=ci uid=$BOB role=viewer
	ask $ALICE "$s" GET /containers/json
	is 403 "dockbroker: this service socket belongs to another uid"
	ask 0 "$s" GET /containers/json
	is 403 "dockbroker: this service socket belongs to another uid"
	recorded event=refused service=ci uid=$ALICE "reason=this service socket belongs to another uid"
	recorded event=refused service=ci uid=0 "reason=this service socket belongs to another uid"
}

# ---- groups ----

@test "a group that is left or joined counts within 5 s on the same connection" {
	run tool keep $BOB "$SHARED" /containers/json 200 403 5 \
		bash -c "RIG_ETC=$RIG_ETC; . $lib/daemons.bash; member_remove devs bob"
	echo "# removal seen after $output" >&3
	ends 0 "bob"
	soon gone "$users/bob.sock"
	ask $BOB "$SHARED" GET /containers/json
	[ "$status" = 403 ]
	there "$users/alice.sock"

	run tool keep $BOB "$SHARED" /containers/json 403 200 5 \
		bash -c "RIG_ETC=$RIG_ETC; . $lib/daemons.bash; member_add devs bob"
	echo "# joining seen after $output" >&3
	[ "$status" = 0 ]
	soon there "$users/bob.sock"
	ask $BOB "$users/bob.sock" GET /containers/json
	is 200 "[]"
}

@test "a user's socket comes and goes with his membership" {
	gone "$users/dave.sock"
	member_add devs dave
	soon there "$users/dave.sock"
	ask $DAVE "$users/dave.sock" GET /containers/json
	is 200 "[]"
	member_remove devs dave
	soon gone "$users/dave.sock"
	soon asked 403 $DAVE "$SHARED" GET /containers/json
}

@test "a user's socket comes and goes with the policy" {
	gone "$users/dave.sock"
	echo 'grant viewer to user dave' >>"$RIG_POLICY"
	sleep 0.3
	gone "$users/dave.sock"		# nothing before the reload
	run dockbroker reload
	is 0 "reloaded"
	soon there "$users/dave.sock"
	ask $DAVE "$users/dave.sock" GET /containers/json
	is 200 "[]"
	cat "$STUB/policy.first" >"$RIG_POLICY"
	run dockbroker reload
	is 0 "reloaded"
	soon gone "$users/dave.sock"
	ask $DAVE "$SHARED" GET /containers/json
	[ "$status" = 403 ]
	there "$users/alice.sock"
}

@test "an account that goes is gone, on the same connection" {
	run tool keep $BOB "$SHARED" /containers/json 200 403 5 \
		sed -i /^bob:/d "$RIG_ETC/passwd"
	[ "$status" = 0 ] || fail keep
	[[ $output == *"uid $BOB has no account on this host" ]] || fail text
}

@test "whom the directory does not list opens his socket himself" {
	gone "$users/quinn.sock"
	ask $QUINN "$SHARED" GET /containers/json
	is 403 "dockbroker: uid $QUINN has no account on this host"
	sed -E 's/^(passwd|group):.*/& quiet/' "$RIG_ETC/nsswitch.conf" |
		rewrite "$RIG_ETC/nsswitch.conf"
	soon asked 200 $QUINN "$SHARED" GET /containers/json
	gone "$users/quinn.sock"
	run setpriv --reuid $QUINN --regid $QUINN --clear-groups timeout 20 "$RIG_DOCKBROKER" open
	is 0 "$users/quinn.sock"
	ask $QUINN "$users/quinn.sock" GET /containers/quiet/json
	[ "$status" = 200 ]
	recorded action=container.inspect object=quiet user=quinn socket=user role=developer "grant=group devs"
	# it survives an enumeration that does not see him
	run dockbroker reload
	is 0 "reloaded"
	sleep 0.5
	ask $QUINN "$users/quinn.sock" GET /containers/json
	is 200 "[]"
}

# ---- PAM ----

pam() { # text from standard input is the service
	cat >"$RIG_PAM_D/dockbroker"
}

@test "PAM says no: 403 with its words, and yes again" {
	pam <<-'END'
		account	required	pam_echo.so	closed for the harvest
		account	required	pam_deny.so
	END
	soon asked 403 $ALICE "$SHARED" GET /containers/json
	is 403 "dockbroker: PAM does not let alice in (closed for the harvest)"
	recorded event=refused user=alice "reason=PAM does not let alice in (closed for the harvest)"
	ask $ALICE "$users/alice.sock" POST /containers/create?name=denied '{"Image":"x"}'
	[ "$status" = 403 ]
	run ! grep -q ' denied' "$STUB_LOG"
	run as alice "$RIG_DOCKBROKER" list
	is 1 "dockbroker: PAM does not let alice in (closed for the harvest)"
	cp "$STUB/pam.d/dockbroker" "$RIG_PAM_D/dockbroker"
	soon asked 200 $ALICE "$SHARED" GET /containers/json
}

@test "PAM's verdict is believed no longer than account-age" {
	run tool keep $ALICE "$SHARED" /containers/json 200 403 4 \
		bash -c "echo 'account required pam_deny.so' >'$RIG_PAM_D/dockbroker'"
	echo "# account-age 2s: seen after $output" >&3
	ends 0 "PAM does not let alice in"
}

@test "PAM is not asked for every request" {
	cat >"$STUB/count" <<-END
		#!/bin/sh
		echo \$PAM_USER >>$STUB/asked
	END
	chmod 0755 "$STUB/count"
	pam <<<"account required pam_exec.so $STUB/count"
	: >"$STUB/asked"
	run timeout 30 "$PYTHON" -I "$lib/load.py" $ERIN "$SHARED" 3 "$STUB/asked.load" 2
	[ "$status" = 0 ] || fail load
	# Two seconds of age, asked ahead: at least once, and hardly more often
	# than seconds went by, for hundreds of requests.
	requests=$(grep -c '^read .* 200 ' "$STUB/asked.load")
	asked=$(grep -c '^erin$' "$STUB/asked")
	echo "# $asked questions for $requests reads" >&3
	[ "$requests" -gt 50 ]
	[ "$asked" -ge 1 ]
	[ "$asked" -le 5 ]
}

@test "a hung module is 503 for him, and nobody else waits" {
	local authd began took
	authd=$(pid_of authd)
	pam <<-'END'
		account	[success=1 default=ignore]	pam_succeed_if.so quiet user != bob
		account	required	pam_exec.so /bin/sleep 60
		account	required	pam_unix.so
	END
	sleep 2.1			# older than account-age
	timeout 30 "$PYTHON" -I "$lib/load.py" $ALICE "$SHARED" 5 "$STUB/hung.load" 2 3>&- &
	began=$(now_ms)
	ask $BOB "$SHARED" GET /containers/json
	took=$(($(now_ms) - began))
	wait $!
	is 503 "dockbroker: the account of uid $BOB could not be checked (NSS or PAM did not answer in time), try again"
	echo "# account-time 2s: answered after $took ms" >&3
	[ "$took" -ge 1900 ]
	[ "$took" -lt 5000 ]
	recorded event=refused uid=$BOB "reason=the account of uid $BOB could not be checked (NSS or PAM did not answer in time), try again"
	run bash -c "cut -d' ' -f1,3 '$STUB/hung.load' | sort -u"
	is 0 "create 201
nonsense 404
privileged 403
read 200"
	[ "$(wc -l <"$STUB/hung.load")" -gt 100 ]
	slowest=$(awk '{ print $4 }' "$STUB/hung.load" | sort -n | tail -n 1)
	echo "# the slowest request of alice meanwhile: $slowest ms" >&3
	[ "$slowest" -lt 1500 ]
	# what the module started is killed with it
	no_children() { [ -z "$(cat "/proc/$authd"/task/*/children)" ]; }
	soon no_children
	run ! pgrep -f -x '/bin/sleep 60'
}

@test "pam_nologin: the file's text, but root works on" {
	echo "the cellar is flooded" >"$RIG_ETC/nologin"
	soon asked 403 $ALICE "$SHARED" GET /containers/json
	is 403 "dockbroker: PAM does not let alice in (the cellar is flooded)"
	ask 0 "$SHARED" GET /containers/json
	is 200 "[]"
	rm "$RIG_ETC/nologin"
	soon asked 200 $ALICE "$SHARED" GET /containers/json
}

@test "an expired account is refused, others are not" {
	sed -E 's/^(alice:.*:)[^:]*(:[^:]*)$/\11\2/' "$RIG_ETC/shadow" | rewrite "$RIG_ETC/shadow"
	grep -q '^alice:.*:1:$' "$RIG_ETC/shadow"
	soon asked 403 $ALICE "$SHARED" GET /containers/json
	ends 403 "dockbroker: PAM does not let alice in (Your account has expired"
	ask $BOB "$SHARED" GET /containers/json
	is 200 "[]"
}

# ---- users of the machine ----

@test "gpasswd -d and usermod -aG count within 5 s on the same connection" {
	local users=$REAL_RUN_DIR/users
	there "$users/dbtest-ann.sock"
	gone "$users/dbtest-ben.sock"
	run tool keep $ANN "$REAL_SHARED_SOCK" /containers/json 200 403 5 \
		gpasswd -d dbtest-ann dbtest-dev
	echo "# gpasswd -d seen after $output" >&3
	ends 0 "dbtest-ann"
	soon gone "$users/dbtest-ann.sock"
	run tool keep $BEN "$REAL_SHARED_SOCK" /containers/json 403 200 5 \
		usermod -aG dbtest-dev dbtest-ben
	echo "# usermod -aG seen after $output" >&3
	[ "$status" = 0 ] || fail keep
	soon there "$users/dbtest-ben.sock"
	ask $BEN "$users/dbtest-ben.sock" GET /containers/json
	is 200 "[]"
	gpasswd -d dbtest-ben dbtest-dev
	usermod -aG dbtest-dev dbtest-ann
	soon there "$users/dbtest-ann.sock"
	soon gone "$users/dbtest-ben.sock"
}

# ---- containers ----

# A request from a container that got the socket by a bind mount.
inside() { # SOCKET METHOD TARGET [DOCKER ARGUMENT]...
	local sock=$1 method=$2 target=$3
	shift 3
	answer "$(RIG_ENGINE_SOCK=$REAL_ENGINE_SOCK engine run --rm -v "$sock:/s" \
		-v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro "$@" box:1 \
		/usr/bin/curl -sS --max-time 10 --unix-socket /s -X "$method" \
		-H 'Content-Type: application/json' -d '' \
		-w '\n%{http_code}' "http://d$target" 2>&1)"
}

@test "a container that got a socket is refused: root, others, in the host's pid namespace" {
	local why="requests from a container or another pid namespace are not accepted on this socket"
	local RIG_AUDIT_LOG=$REAL_AUDIT_LOG
	inside "$REAL_SHARED_SOCK" GET /containers/json
	is 403 "dockbroker: $why"
	recorded event=refused uid=0 container_peer=true socket=shared status=403 "reason=$why"
	not_recorded event=access uid=0 container_peer=true
	# who a user's name or uid is in there means nothing
	inside "$REAL_SHARED_SOCK" GET /containers/json -u $ANN:$ANN
	is 403 "dockbroker: $why"
	recorded event=refused uid=$ANN container_peer=true socket=shared "reason=$why"
	inside "$REAL_RUN_DIR/users/dbtest-ann.sock" GET /containers/json -u $ANN:$ANN
	is 403 "dockbroker: $why"
	recorded event=refused uid=$ANN container_peer=true socket=user "reason=$why"
	# the cgroup tells, where the pid namespace does not
	inside "$REAL_SHARED_SOCK" GET /containers/json --pid=host
	is 403 "dockbroker: $why"
	[ "$(jq -s 'map(select(.event=="refused" and .uid==0 and .container_peer)) | length' \
		"$REAL_AUDIT_LOG")" = 2 ]
	# while the same uids outside are served
	ask $ANN "$REAL_SHARED_SOCK" GET /containers/json
	is 200 "[]"
	ask 0 "$REAL_SHARED_SOCK" GET /containers/json
	is 200 "[]"
}

@test "a service socket with containers=yes serves containers, with its role alone" {
	local RIG_AUDIT_LOG=$REAL_AUDIT_LOG s=$REAL_RUN_DIR/services
	inside "$s/inside.sock" GET /version
	[ "$status" = 200 ] || fail version
	[[ $output == *'"ApiVersion"'* ]]
	recorded event=access service=inside uid=0 container_peer=true action=system.version \
		"grant=service inside" role=viewer
	# root in there is not root: the role of the service and nothing else
	inside "$s/inside.sock" POST /containers/prune
	[ "$status" = 403 ] || fail prune
	recorded event=refused service=inside uid=0 container_peer=true action=container.prune
	# and not ann either, though she is a developer outside
	inside "$s/inside.sock" POST /containers/prune -u $ANN:$ANN
	[ "$status" = 403 ] || fail prune
	ask $ANN "$REAL_SHARED_SOCK" GET /containers/json
	is 200 "[]"
	inside "$s/one.sock" GET /version -u $ANN:$ANN
	[ "$status" = 200 ] || fail one
	inside "$s/one.sock" GET /version
	is 403 "dockbroker: this service socket belongs to another uid"
}
