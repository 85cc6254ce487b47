# http.bats: HTTP in both directions, attacked.  Behind the broker stands a fake
# Engine (http/engine.py) that records each byte it gets and answers as no real
# one does; the cases are in http/front.py, flow.py and load.py.

PYTHON=/usr/bin/python3

setup_file() {
	cd "$BATS_TEST_DIRNAME" || return 1
	export T=$BATS_FILE_TMPDIR
	export RIG_A RIG_LOW FAKE_CONTROL=$T/control SANITIZED=0
	RIG_A=$(mktemp -d /tmp/http.XXXXXX)
	RIG_LOW=$(mktemp -d /tmp/http.XXXXXX)
	ulimit -n 8192
	chmod 0711 "$RIG_A" "$RIG_LOW"
	ENGINE_DIR=$(mktemp -d /tmp/http.XXXXXX)
	export ENGINE_DIR
	chmod 0711 "$ENGINE_DIR"
	setsid "$PYTHON" http/engine.py "$ENGINE_DIR/engine.sock" "$FAKE_CONTROL" \
		>"$T/engine.log" 2>&1 3>&- </dev/null &
	echo $! >"$T/engine.pid"
	cat >"$T/policy.conf" <<-'P'
	role tester {
		allow all on any
		deny volume prune
	}
	role looker {
		allow ping version info events ps inspect logs on any
	}
	grant tester to user alice
	grant looker to user bob
	P
	cat >"$T/low.conf" <<-'C'
	head-time 500ms
	body-time 500ms
	idle-time 1s
	write-time 1s
	max-head 4096
	max-body 4096
	max-parameters 8
	max-connections-per-user 8
	C
	local i users=(--user alice:65001:dev --user bob:65002:ops)
	for ((i = 0; i < 100; i++)); do [ -S "$FAKE_CONTROL" ] && break; sleep 0.05; done
	./rig up "$RIG_A" --engine "$ENGINE_DIR/engine.sock" --policy "$T/policy.conf" \
		"${users[@]}" >"$RIG_A.env" 3>&- || return 1
	./rig up "$RIG_LOW" --engine "$ENGINE_DIR/engine.sock" --policy "$T/policy.conf" \
		--config "$T/low.conf" "${users[@]}" >"$RIG_LOW.env" 3>&- || return 1
	grep -q libasan "/proc/$(sed -n 's/^PID_broker=//p' "$RIG_A.env")/maps" && SANITIZED=1
	return 0
}

teardown_file() {
	cd "$BATS_TEST_DIRNAME" || return 1
	[ -z "${RIG_LOW:-}" ] || ./rig down "$RIG_LOW"
	[ -z "${RIG_A:-}" ] || ./rig down "$RIG_A"
	kill "$(cat "$T/engine.pid")" 2>/dev/null || true
	rm -rf "$ENGINE_DIR" "$RIG_A" "$RIG_LOW" "$RIG_A.env" "$RIG_LOW.env"
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || tail -qn 4 "$RIG_A/log/broker.log" "$RIG_LOW/log/broker.log"
}

case_() { timeout 100 "$PYTHON" -B "$BATS_TEST_DIRNAME/http/run.py" "$RIG_A" "$1"; }
low() { timeout 100 "$PYTHON" -B "$BATS_TEST_DIRNAME/http/run.py" "$RIG_LOW" "$1"; }

@test "heads that could be read in two ways are refused, and what follows them dies" { case_ heads; }
@test "a refused request leaves no byte that is read as the next one" { case_ refusals; }
@test "refused for its body: read to its end, so the connection lives" { case_ facts; }
@test "bodies that are too large: 413, and nothing of them is a request" { case_ too_large; }
@test "the Engine's quirks are no way around the policy" { case_ quirks; }
@test "only known header fields go on, and registry secrets among them" { case_ fields_dropped; }
@test "Expect: 100-continue is answered only to who may go on" { case_ expect; }
@test "keep-alive, pipelines, HEAD, HTTP/1.0, Connection: close, half-close" { case_ connection; }
@test "chunks: odd ones are read once and written anew, bad ones refused" { case_ chunks; }
@test "an upload that was cut is never whole to the Engine" { case_ cut_uploads; }
@test "lowered limits: 408, 413, 414, 431, too many parameters, idle" { low limits; }
@test "429 for the connection too many, and nobody else notices" { low connections; }
@test "hijacks by 101 and by 200: after other requests, bytes behind the heads" { case_ hijacks; }
@test "half-close: each direction ends by itself, also at once" { case_ half_closes; }
@test "websocket: handshake, frames, and no other way in" { case_ websocket; }
@test "a stream that is refused: what was written of it is no request" { case_ hijack_refused; }
@test "answers that cannot be read are a 502; slow and interim ones pass" { case_ answers; }
@test "bytes that the Engine sends unasked reach nobody" { case_ surplus; }
@test "an Engine that goes in the middle: the client sees a cut" { case_ cuts; }
@test "an Engine that answers before the body is read" { case_ early_answers; }
@test "heads and pieces are passed on at once" { case_ at_once; }
@test "the client goes: the Engine's side ends within a second" { case_ gone; }
@test "the Engine goes, or takes nothing" { case_ engine_gone; }
@test "a slow reader blocks himself alone, and gets everything" { case_ slow_reader; }
@test "who takes nothing for too long is cut, who is slow is not" { low stalled; }
@test "what waits does not keep the broker awake" { case_ idle; }
@test "1 GiB up, sized and chunked, in flat memory" { case_ up; }
@test "1 GiB down, sized, chunked and raw, in flat memory" { case_ down; }
@test "500 streams at once, and no descriptor is left" { case_ streams; }
@test "2000 connections of one user do not stop another" { case_ crowd; }

@test "what is dear to read is paid by who sends it" { case_ flood; }

@test "without auditd nothing passes, nor what follows it" {
	cd "$BATS_TEST_DIRNAME"
	./rig stop "$RIG_A" auditd
	run timeout 60 "$PYTHON" -B -c 'import sys; sys.path.insert(0, "http"); import lib, front
lib.rig(sys.argv[1]); front.no_audit(lib.Engine())' "$RIG_A"
	./rig start "$RIG_A" auditd 3>&-
	echo "$output"
	[ "$status" = 0 ]
	for _ in $(seq 50); do case_ fields_dropped && return 0; sleep 0.1; done
	return 1
}

@test "no sanitizer and no assertion has spoken" {
	run grep -hE 'ERROR: [A-Z][a-z]+Sanitizer|runtime error:|ssertion' "$RIG_A/log/"*.log "$RIG_LOW/log/"*.log
	echo "$output"
	[ "$status" = 1 ]
}
