#!/usr/bin/env bats
# The daemons: in which order they start, what they may, what they refuse to
# start with, reload, the end.  A rig with a stub Engine.

load lib/common
load lib/daemons

ALICE=64801 BOB=64802 DAVE=64804

NO_AUDITD="dockbroker: dockbroker-auditd is not running, so nothing can be recorded; nothing was done, try again"
NO_AUTHD="dockbroker: dockbroker-authd is not running, so accounts cannot be checked; nothing was done, try again"
NO_ENGINE="dockbroker: the Docker Engine is not running"

setup_file() {
	export STUB_CONTAINERS="mine:alice exec-$ALICE:alice slow-1:alice his:bob x:bob watched"
	stub_up
	printf '%s\n' 'drain-time 3s' 'account-time 2s' >"$STUB/config"
	cat >"$STUB/policy.conf" <<-'END'
		include "roles.conf"
		grant developer to user alice
		grant developer to user bob
		grant viewer to group watchers
	END
	chmod 0600 "$STUB/policy.conf"
	rig_up --engine "$STUB_SOCK" --config "$STUB/config" \
		--policy "$STUB/policy.conf" --user alice:$ALICE:alice \
		--user bob:$BOB:bob --user dave:$DAVE:watchers || return 1
	cp "$RIG_POLICY" "$STUB/policy.first"
	cp "$RIG_CONFIG" "$STUB/config.first"
	cp "$RIG_ETC/passwd" "$STUB/passwd.first"
}

teardown_file() {
	rig_down
	stub_down
}

setup() {
	bats_require_minimum_version 1.5.0
	SHARED=$RIG_SHARED_SOCK
	users=$RIG_RUN_DIR/users
	build=$(cat "$RIG/build")
	streams=()
}

teardown() {
	local p
	for p in "${streams[@]}"; do kill "$p" 2>/dev/null || true; done
	[ ! -d "${DIR2:-/nonexistent}/pid" ] || "$rig" down "$DIR2"
	chmod 0644 "$RIG_POLICY"
	chown 0:0 "$RIG_POLICY"
	cat "$STUB/policy.first" >"$RIG_POLICY"
	cat "$STUB/config.first" >"$RIG_CONFIG"
	cmp -s "$STUB/passwd.first" "$RIG_ETC/passwd" ||
		cat "$STUB/passwd.first" >"$RIG_ETC/passwd"
	chmod 0644 "$RIG/roles.conf"
	for p in auditd authd broker; do
		running $p || part start $p
	done
	soon dockbroker status
	run dockbroker reload
	soon asked 200 $ALICE "$SHARED" GET /containers/json
}

alive() { kill -0 "$1" 2>/dev/null; }
running() { readlink "/proc/$(pid_of "$1" 2>/dev/null)/exe" >/dev/null; }

# A stream of alice's or bob's in the background; sets stream to its pid.
stream() { # UID OUT TARGET [CURL ARGUMENT]...
	local uid=$1 out=$2 target=$3
	shift 3
	: >"$out"
	setpriv --reuid "$uid" --regid "$uid" --clear-groups curl -sS -N \
		--max-time 60 --unix-socket "$SHARED" "$@" \
		"http://docker$target" >"$out" 2>&1 </dev/null 3>&- &
	stream=$!
	streams+=("$stream")
	flows() { [ "$(wc -c <"$out")" -gt 20 ]; }
	soon flows
}

# exec -it: a hijacked stream that says `hello' once a while; ends with it.
cat_stream() { # UID OUT
	"$PYTHON" -I - "$1" "$SHARED" >"$2" 3>&- <<-'END' &
		import os, socket, sys, time
		uid = int(sys.argv[1])
		os.setgroups([]); os.setgid(uid); os.setuid(uid)
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[2])
		s.sendall(b"POST /exec/%064x/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\n"
		          b"Upgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n"
		          b'{"Detach":false,"Tty":false}' % uid)
		print(s.recv(65536).split(b"\r\n")[0].decode(), flush=True)
		while True:
		    try:
		        s.sendall(b"hello\n")
		        data = s.recv(65536)
		    except OSError:
		        data = b""
		    if not data:
		        break
		    print(data.decode(), end="", flush=True)
		    time.sleep(0.1)
		print("cut", flush=True)
	END
	stream=$!
	streams+=("$stream")
	soon grep -q hello "$2"
}

# ---- starting ----

@test "each order of starting: refused with the reason, then served" {
	local order p have
	for order in "broker authd auditd" "broker auditd authd" "authd broker auditd" \
		"authd auditd broker" "auditd broker authd" "auditd authd broker"; do
		for p in broker authd auditd; do part stop $p; done
		ask $ALICE "$SHARED" GET /containers/json
		[ "$status" = 000 ] || fail "$order: something listens"
		have=
		for p in $order; do
			have="$have $p"
			part start $p
			[[ $have == *broker* ]] || continue
			answers() { ask $ALICE "$SHARED" GET /containers/json; [ "$status" != 000 ]; }
			soon answers
			case $have in
			*auditd*authd*|*authd*auditd*)
				soon asked 200 $ALICE "$SHARED" GET /containers/json
				is 200 "[]"
				;;
			*auditd*)
				soon asked 503 $ALICE "$SHARED" GET /containers/json
				without_authd() {
					ask $ALICE "$SHARED" GET /containers/json
					[ "$output" = "$NO_AUTHD" ]
				}
				soon without_authd
				ask $ALICE "$SHARED" POST /containers/create?name=early '{"Image":"x"}'
				is 503 "$NO_AUTHD"
				;;
			*)
				is 503 "$NO_AUDITD"
				ask $ALICE "$SHARED" POST /containers/create?name=early '{"Image":"x"}'
				is 503 "$NO_AUDITD"
				run dockbroker status
				[ "$status" = 3 ]
				;;
			esac
		done
		broker=$(pid_of broker)
		soon there "$users/alice.sock"
		ask $ALICE "$users/alice.sock" POST "/containers/create?name=late" '{"Image":"x"}'
		[ "$status" = 201 ] || fail "$order"
		[ "$(pid_of broker)" = "$broker" ]
		alive "$broker"
		run dockbroker status
		[ "$status" = 0 ] || fail "$order"
	done
	run ! grep -q ' early' "$STUB_LOG"
	[ "$(grep -c ' late$' "$STUB_LOG")" = 6 ]
	tool verify_log "$RIG_AUDIT_LOG"
}

@test "the Engine stopped and started: refused, then healed; its version followed" {
	local broker
	broker=$(pid_of broker)
	stub_stop
	soon asked 503 $ALICE "$SHARED" GET /containers/json
	ends 503 "$NO_ENGINE"
	ask $ALICE "$SHARED" POST /containers/create?name=no-engine '{"Image":"x"}'
	ends 503 "$NO_ENGINE"
	run dockbroker status
	[ "$status" = 3 ] || fail status
	[[ $output == *"Engine    not running"* ]] || fail text
	stub_start
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	run dockbroker status
	ends 0 "API 1.41"
	ask $ALICE "$SHARED" GET /v1.42/containers/json
	ends 400 "1.41"
	# a newer Engine
	stub_stop
	echo 1.43 >"$STUB/version"
	stub_start
	soon asked 200 $ALICE "$SHARED" GET /v1.42/containers/json
	run dockbroker status
	ends 0 "API 1.43"
	stub_stop
	echo 1.41 >"$STUB/version"
	stub_start
	soon asked 400 $ALICE "$SHARED" GET /v1.42/containers/json
	[ "$(pid_of broker)" = "$broker" ]
	run ! grep -q ' no-engine' "$STUB_LOG"
}

# ---- privileges ----

status_of() { # PART KEY
	awk -F: -v k="$2" '$1 == k { sub(/^[ \t]+/, "", $2); gsub(/[ \t]+/, " ", $2); print $2 }' \
		"/proc/$(pid_of "$1")/status"
}

@test "privileges as the kernel shows them" {
	local p uid
	for p in broker:64990 auditd:64991; do
		uid=${p#*:} p=${p%:*}
		[ "$(status_of $p Uid)" = "$uid $uid $uid $uid" ]
		[ "$(status_of $p Gid)" = "$uid $uid $uid $uid" ]
		[[ "$(status_of $p Groups)" =~ ^($uid)?\ ?$ ]]
		for set in CapInh CapPrm CapEff CapBnd CapAmb; do
			[ "$(status_of $p $set)" = 0000000000000000 ] || fail "$p $set"
		done
	done
	[ "$(status_of authd Uid)" = "0 0 0 0" ]
	[ "$(status_of authd Gid)" = "0 0 0 0" ]
	# CHOWN DAC_OVERRIDE FOWNER AUDIT_WRITE, as far as the test itself has them
	want=$(printf '%016x' $((0x2000000b & 0x$(awk '/^CapBnd/ { print $2 }' /proc/$$/status))))
	for set in CapPrm CapEff CapBnd; do
		[ "$(status_of authd $set)" = "$want" ] || fail "authd $set $(status_of authd $set)"
	done
	[ "$(status_of authd CapInh)" = 0000000000000000 ]
	[ "$(status_of authd CapAmb)" = 0000000000000000 ]
	for p in broker authd auditd; do
		[ "$(status_of $p NoNewPrivs)" = 1 ]
		[ "$(status_of $p Seccomp)" = 2 ]
	done
}

@test "inside the broker no socket but AF_UNIX can be made" {
	[ "$(uname -m)" = x86_64 ] || skip "the tool speaks x86-64"
	run tool inject "$(pid_of broker)" socket:2:1:0 socket:10:1:0 socket:16:3:0 \
		socket:1:1:0 socketpair:2:1:0
	is 0 "socket:2:1:0 EPERM
socket:10:1:0 EPERM
socket:16:3:0 EPERM
socket:1:1:0 done
socketpair:2:1:0 EPERM"
	run tool inject "$(pid_of auditd)" socket:2:1:0 socket:1:1:0
	is 0 "socket:2:1:0 EPERM
socket:1:1:0 done"
	# and it works on
	ask $ALICE "$SHARED" GET /containers/json
	is 200 "[]"
}

@test "a daemon that cannot drop its privileges does not start" {
	part stop broker
	run setpriv --bounding-set -setuid,-setgid "$build/dockbrokerd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail broker
	[[ $output == *"dockbrokerd: "*"privileges could not be dropped: "* ]] || fail broker
	ask $ALICE "$SHARED" GET /containers/json
	[ "$status" = 000 ]
	part stop auditd
	run setpriv --bounding-set -setuid,-setgid "$build/dockbroker-auditd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail auditd
	[[ $output == *"dockbroker-auditd: "*"privileges: "* ]] || fail auditd
	part stop authd
	run setpriv --reuid $ALICE --regid $ALICE --clear-groups "$build/dockbroker-authd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail authd
	[[ $output == *"must be started as root"* ]] || fail authd
	run setpriv --reuid $ALICE --regid $ALICE --clear-groups "$build/dockbroker-auditd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail auditd
	[[ $output == *"must be started as root or as 64991"* ]] || fail auditd
	run setpriv --reuid $ALICE --regid $ALICE --clear-groups "$build/dockbrokerd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail broker
	gone "$users/alice.sock"
}

# ---- files that are not to be trusted, files with faults ----

starts_not() { # TEXT: dockbrokerd ends with 1, and its output holds TEXT
	run timeout 10 "$build/dockbrokerd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail "it started"
	[[ $output == *"$1"* ]] || fail "not said: $1"
}

@test "a policy that others may write is not used" {
	part stop broker
	chmod 0664 "$RIG_POLICY"
	starts_not "policy.conf: is writable for group or others"
	chmod 0646 "$RIG_POLICY"
	starts_not "policy.conf: is writable for group or others"
	chmod 0644 "$RIG_POLICY"
	chown $ALICE "$RIG_POLICY"
	starts_not "policy.conf: belongs neither to root nor to us"
	chown 0 "$RIG_POLICY"
	chmod 0664 "$RIG/roles.conf"
	starts_not "roles.conf: is writable for group or others"
	chmod 0644 "$RIG/roles.conf"
	part start broker
	soon dockbroker status
	# nor at a reload
	chmod 0666 "$RIG_POLICY"
	run dockbroker reload
	ends 1 "writable for group or others"
	ask $ALICE "$SHARED" GET /containers/json
	is 200 "[]"
}

@test "faults in dockbroker.conf: each with its place, the same for all" {
	local p
	for p in broker authd auditd; do part stop $p; done
	cat "$top/tests/config/faults.conf" >"$RIG_CONFIG"
	for p in dockbrokerd dockbroker-authd dockbroker-auditd; do
		run timeout 10 "$build/$p" -c "$RIG_CONFIG"
		[ "$status" = 1 ] || fail "$p started"
		got=$(grep -v "faults$" <<<"$output" | sed "s|$RIG_CONFIG|faults.conf|; s/^[^ ]* dockbrokerd: fatal: //")
		diff -u "$top/tests/config/faults.err" - <<<"$got" || fail "$p"
	done
	run dockbroker check --conf "$RIG_CONFIG"
	[ "$status" = 1 ]
	diff -u "$top/tests/config/faults.err" - <<<"${output//$RIG_CONFIG/faults.conf}"
}

# ---- reload ----

@test "a policy with faults changes nothing, by command and by SIGHUP" {
	local hash
	hash=$(dockbroker status --json | jq -r .policy_hash)
	[ ${#hash} = 64 ]
	echo 'grant viewr to user dave' >>"$RIG_POLICY"
	run dockbroker reload
	[ "$status" = 1 ] || fail code
	[[ $output == *"policy.conf:5:7: "*"viewr"*"viewer"* ]] || fail text
	[[ $output == *"grant viewr to user dave"* ]] || fail caret
	kill -HUP "$(pid_of broker)"
	failures() { [ "$(dockbroker status --json | jq .policy_failed_reloads)" -ge 2 ]; }
	soon failures
	grep -q "nothing was reloaded, the old policy stays" "$RIG_LOG_broker"
	[ "$(dockbroker status --json | jq -r .policy_hash)" = "$hash" ]
	recorded event=reload-failed
	ask $ALICE "$SHARED" GET /containers/json
	is 200 "[]"
	ask $ALICE "$SHARED" POST /containers/create?name=after-fault '{"Image":"x"}'
	[ "$status" = 201 ]
	# settings with a fault leave a good policy out as well: both or none
	cat "$STUB/policy.first" >"$RIG_POLICY"
	echo 'grant viewer to user erin' >>"$RIG_POLICY"
	echo 'max-haed 1k' >>"$RIG_CONFIG"
	run dockbroker reload
	ends 1 "max-head"
	[ "$(dockbroker status --json | jq -r .policy_hash)" = "$hash" ]
	cat "$STUB/config.first" >"$RIG_CONFIG"
	kill -HUP "$(pid_of broker)"
	changed() { [ "$(dockbroker status --json | jq -r .policy_hash)" != "$hash" ]; }
	soon changed
}

@test "a stream whose right is gone is cut within 2 s, another's lives" {
	local cut=$STUB/cut.a tail=$STUB/cut.b exec=$STUB/cut.c began took
	stream $ALICE "$cut" "/containers/mine/logs?follow=1&stdout=1"
	a=$stream
	cat_stream $ALICE "$exec"
	c=$stream
	stream $BOB "$tail" "/containers/his/logs?follow=1&stdout=1"
	b=$stream
	sed -i '/user alice/d' "$RIG_POLICY"
	began=$(now_ms)
	run dockbroker reload
	is 0 "reloaded"
	dead() { ! alive "$1"; }
	soon dead "$a"
	soon dead "$c"
	took=$(($(now_ms) - began))
	echo "# cut after $took ms" >&3
	[ "$took" -lt 2000 ]
	[ "$(tail -n 1 "$exec")" = cut ]
	recorded event=stream-cut user=alice action=container.logs object=mine \
		"reason=the right that opened it has ended"
	recorded event=stream-cut user=alice action=exec.start "reason=the right that opened it has ended"
	not_recorded event=stream-cut user=bob
	[ "$(dockbroker status --json | jq .streams_cut)" = 2 ]
	alive "$b"
	before=$(wc -c <"$tail")
	grows() { [ "$(wc -c <"$tail")" -gt "$before" ]; }
	soon grows
	soon gone "$users/alice.sock"
	ask $ALICE "$SHARED" GET /containers/json
	[ "$status" = 403 ]
}

@test "a stream is cut when its group is left, without a reload" {
	local out=$STUB/left began took
	stream $DAVE "$out" "/containers/watched/logs?follow=1&stdout=1"
	began=$(now_ms)
	sed -E "s/^(dave:x:$DAVE):[0-9]+:/\\1:65534:/" "$RIG_ETC/passwd" | rewrite "$RIG_ETC/passwd"
	dead() { ! alive "$1"; }
	soon dead "$stream"
	took=$(($(now_ms) - began))
	echo "# cut after $took ms" >&3
	[ "$took" -lt 5000 ]
	recorded event=stream-cut user=dave action=container.logs object=watched
	ask $DAVE "$SHARED" GET /containers/json
	[ "$status" = 403 ]
}

# ---- the end ----

@test "SIGTERM: short requests finish, streams have their grace, exit code 0" {
	local pid began took code seen
	part stop broker
	# ours to wait for
	setsid "$build/dockbrokerd" -c "$RIG_CONFIG" >>"$RIG_LOG_broker" 2>&1 </dev/null 3>&- &
	pid=$!
	echo $pid >"$RIG/pid/broker"
	soon dockbroker status
	soon there "$users/alice.sock"
	stream $BOB "$STUB/drain.b" "/containers/x/logs?follow=1&stdout=1"
	# the broker looks at all containers when it starts
	seen=$(grep -c slow-1 "$STUB_LOG") || :
	more() { [ "$(grep -c slow-1 "$STUB_LOG")" -gt "$seen" ]; }
	setpriv --reuid $ALICE --regid $ALICE --clear-groups curl -sS --unix-socket "$SHARED" \
		-w '\n%{http_code}' http://d/containers/slow-1/json >"$STUB/drain.a" 2>&1 3>&- &
	slow=$!
	soon more
	began=$(now_ms)
	kill -TERM $pid
	# nobody new, at once
	refuses() { ask $ALICE "$SHARED" GET /containers/json; [ "$status" = 000 ]; }
	soon refuses
	soon gone "$users/alice.sock"
	gone "$users/bob.sock"
	alive "$stream"
	wait $slow
	answer "$(cat "$STUB/drain.a")"
	[ "$status" = 200 ] || fail "the short request did not finish"
	alive "$stream"
	took=$(($(now_ms) - began))
	[ "$took" -lt 2900 ] || fail "too late to see the grace: $took"
	code=0
	wait $pid || code=$?
	took=$(($(now_ms) - began))
	echo "# drain-time 3s: ended after $took ms" >&3
	[ "$code" = 0 ]
	[ "$took" -ge 2900 ]
	[ "$took" -lt 6000 ]
	dead() { ! alive "$1"; }
	soon dead "$stream"
	recorded event=stop "detail=dockbrokerd ends"
	recorded event=access action=container.inspect object=slow-1 status=200
	# what it left does not hinder the next
	part start broker
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	soon there "$users/alice.sock"
}

@test "SIGTERM without streams ends at once; all three with code 0" {
	local p prog pid began
	for p in broker authd auditd; do
		part stop $p
		prog=dockbrokerd
		[ $p = broker ] || prog=dockbroker-$p
		setsid "$build/$prog" -c "$RIG_CONFIG" >"$STUB/term.$p" 2>&1 </dev/null 3>&- &
		pid=$!
		if [ $p = broker ]; then
			soon asked 403 64899 "$SHARED" GET /containers/json
		else
			soon grep -q ' info: ready' "$STUB/term.$p"
		fi
		began=$(now_ms)
		kill -TERM $pid
		code=0
		wait $pid || code=$?
		[ "$code" = 0 ] || fail "$p ended with $code"
		[ $(($(now_ms) - began)) -lt 2500 ]
		part start $p
	done
}

@test "a second broker in the same run-dir does not start, the first serves on" {
	run timeout 10 "$build/dockbrokerd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail "it started"
	[[ $output == *"$RIG_RUN_DIR/control.sock: "* ]] || fail text
	run timeout 10 "$build/dockbroker-auditd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail "it started"
	run timeout 10 "$build/dockbroker-authd" -c "$RIG_CONFIG"
	[ "$status" = 1 ] || fail "it started"
	ask $ALICE "$users/alice.sock" GET /containers/json
	is 200 "[]"
	ask $ALICE "$SHARED" POST /containers/create?name=first '{"Image":"x"}'
	[ "$status" = 201 ]
}

@test "two rigs side by side do not touch one another" {
	DIR2=$STUB/r2
	"$rig" up "$DIR2" --engine "$STUB_SOCK" --user carol:64803:carol >"$STUB/env2" 3>&-
	shared2=$(sed -n s/^SHARED_SOCK=//p "$STUB/env2")
	ask 64803 "$shared2" GET /containers/json
	is 200 "[]"
	ask 64803 "$SHARED" GET /containers/json
	is 403 "dockbroker: uid 64803 has no account on this host"
	ask $ALICE "$shared2" GET /containers/json
	is 403 "dockbroker: uid $ALICE has no account on this host"
	"$rig" stop "$DIR2" broker
	ask $ALICE "$SHARED" GET /containers/json
	is 200 "[]"
	"$rig" start "$DIR2" broker 3>&-
	soon asked 200 64803 "$shared2" GET /containers/json
	"$rig" down "$DIR2"
	gone "$DIR2"
	ask $ALICE "$SHARED" GET /containers/json
	is 200 "[]"
}

# ---- the command line ----

@test "exit codes of status, list, check, reload" {
	run dockbroker status
	ends 0 "auditd    good"
	run dockbroker list -U bob
	ends 0 "developer"
	run dockbroker list -U dave
	ends 0 "viewer"
	run dockbroker list -U nobody-of-us
	is 1 "dockbroker: the policy names no such user"
	run as alice "$RIG_DOCKBROKER" list
	ends 0 "developer"
	run as alice "$RIG_DOCKBROKER" list -U bob
	is 1 "dockbroker: only root may ask about others"
	run as alice "$RIG_DOCKBROKER" reload
	is 1 "only root may reload the policy"
	run dockbroker reload
	is 0 "reloaded"
	run dockbroker check
	ends 0 "policy.conf: no faults"
	echo 'grant developer' >>"$RIG_POLICY"
	run dockbroker check
	ends 1 "policy.conf:5:"
	cat "$STUB/policy.first" >"$RIG_POLICY"
	run dockbroker stauts
	is 64 "dockbroker: unknown command stauts, did you mean status?
Try \`dockbroker --help'."
	run dockbroker status extra
	ends 64 "usage: dockbroker status"
	part stop auditd
	run dockbroker status
	ends 3 "not running"
	part start auditd
	soon dockbroker status
	part stop broker
	run dockbroker status
	ends 3 "the broker cannot be reached at $RIG_CONTROL_SOCK"
	run dockbroker reload
	ends 3 "the broker cannot be reached"
}
