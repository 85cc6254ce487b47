#!/usr/bin/env bats
# What happens when parts die, hang or the disk is full: work is refused, no
# record is lost or doubled, nothing is done that was not recorded, and all of
# it heals without a hand.  The audit log lies on a small disk of its own; the
# stub Engine looks into it at each create.

load lib/common
load lib/daemons

ALICE=64801 ERIN=64805

NO_AUDITD="dockbroker: dockbroker-auditd is not running, so nothing can be recorded; nothing was done, try again"
NO_AUTHD="dockbroker: dockbroker-authd is not running, so accounts cannot be checked; nothing was done, try again"
SILENT="dockbroker: dockbroker-auditd does not answer, so nothing can be recorded; nothing was done, try again"
LATE="dockbroker: the request could not be recorded in time; nothing was done, try again"
FULL="dockbroker: the audit log cannot be written (the disk may be full), so nothing was done; tell the administrator"

setup_file() {
	local key value
	RIG=$(mktemp -d /tmp/rig.XXXXXX)
	export RIG
	chmod 0711 "$RIG"
	mkdir "$RIG/audit"
	mount -t tmpfs -o size=48m,mode=0700,uid=64991,gid=64991 audit "$RIG/audit"
	stub_up "$RIG/audit/audit.jsonl"
	echo 'audit-time 1s' >"$STUB/config"
	roles_unlimited >"$STUB/policy.conf"
	cat >>"$STUB/policy.conf" <<-'END'
		grant developer to user alice
		grant viewer to user erin
	END
	chmod 0600 "$STUB/policy.conf"
	"$rig" up "$RIG" --engine "$STUB_SOCK" --config "$STUB/config" \
		--policy "$STUB/policy.conf" --user alice:$ALICE:alice \
		--user erin:$ERIN:erin >"$STUB/env" 3>&- || return 1
	while IFS='=' read -r key value; do
		export "RIG_$key=$value"
	done <"$STUB/env"
	cp "$RIG_CONFIG" "$STUB/config.first"
}

teardown_file() {
	local p
	for p in broker authd auditd; do "$rig" stop "$RIG" $p; done
	umount "$RIG/audit"
	"$rig" down "$RIG"
	stub_down
}

# Each test has a log and a list of the Engine's of its own.
setup() {
	bats_require_minimum_version 1.5.0
	SHARED=$RIG_SHARED_SOCK
	AUDIT=$RIG_AUDIT_LOG
	fill=$RIG/audit/fill
	load=
	for p in broker authd auditd; do part stop $p; done
	rm -f "$RIG/audit/"*
	: >"$STUB_LOG"
	for p in auditd authd broker; do part start $p; done
	soon dockbroker status
	soon asked 200 $ALICE "$SHARED" GET /containers/json
}

teardown() {
	local p
	[ -z "$load" ] || wait "$load" || true
	rm -f "$fill"
	cat "$STUB/config.first" >"$RIG_CONFIG"
	for p in auditd authd broker; do
		running $p || part start $p
		kill -CONT "$(pid_of $p)"
	done
}

running() { readlink "/proc/$(pid_of "$1" 2>/dev/null)/exe" >/dev/null; }

begin_load() { # SECONDS
	rm -f "$STUB/load"
	timeout 60 "$PYTHON" -I "$lib/load.py" $ALICE "$SHARED" "$1" "$STUB/load" 6 3>&- &
	load=$!
}

end_load() {
	wait "$load" || fail "the load failed"
	load=
}

strike() { # PART: as the kernel's OOM killer would
	kill -KILL "$(pid_of "$1")"
	part start "$1"
}

# Part by part at random moments, ROUNDS times.
strikes() { # PART ROUNDS
	local i
	for ((i = 0; i < $2; i++)); do
		sleep "0.$((RANDOM % 7 + 2))"
		strike "$1"
	done
}

# Everything that verify_log.py can check, over all files of the log.
verify() { # FILE...
	run tool verify_log --engine "$STUB_LOG" --load "$STUB/load" "$@"
	[ "$status" = 0 ] || fail "the log"
}

value() { sed -n "s/^$1=//p" <<<"$output"; }	# of verify's output

settled() { # all that the broker has is written
	[ "$(dockbroker status --json | jq .audit_waiting)" = 0 ]
}

# The load did what it is there for: not all was refused, not all passed.
worked() { # KIND_STATUS LEAST
	local n
	n=$(value "$1")
	[ "${n:-0}" -ge "$2" ] || fail "only ${n:-0} times $1"
}

# ---- kill -9 under load ----

@test "the broker killed under load: nothing was done without a record" {
	begin_load 9
	strikes broker 7
	end_load
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	soon settled
	verify --killed "$AUDIT"
	echo "# $(tr '\n' ' ' <<<"$output")" >&3
	[ "$(value instances)" -ge 7 ]
	# one a worker and a kill at the most
	[ "$(value unfinished)" -le $((7 * 6)) ]
	worked create_201 200
	worked create_0 1
	worked read_200 200
	worked privileged_403 50
	worked nonsense_404 50
	# what the killed ones had let through, but could not tell the end of
	[ "$(value reached)" -ge "$(value create_201)" ]
	[ "$(value reached)" -le "$(value event_request)" ]
}

@test "auditd killed under load: nothing is lost or doubled" {
	begin_load 9
	strikes auditd 9
	end_load
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	soon settled
	verify "$AUDIT"
	echo "# $(tr '\n' ' ' <<<"$output")" >&3
	[ "$(value instances)" = 1 ]
	worked create_201 200
	worked create_503 1
	worked read_200 200
	# each request has its result: none was lost on the way
	[ "$(value event_request)" = "$(value event_result)" ]
	[ "$(value reached)" = "$(value create_201)" ]
	# what was answered by the Engine is in the log, one line each
	run jq -rs 'map(select(.event=="access" and .action=="container.list")) | length' "$AUDIT"
	reads=$(grep -c '^read .* 200 ' "$STUB/load")
	[ "$output" -ge "$reads" ] || fail "$reads reads"
	run jq -rs 'map(select(.event=="refused" and .status==403)) | length' "$AUDIT"
	[ "$output" = "$(grep -c '^privileged .* 403 ' "$STUB/load")" ] || fail "refusals"
}

@test "authd killed under load: 503 and healed" {
	begin_load 7
	strikes authd 5
	end_load
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	soon settled
	verify "$AUDIT"
	echo "# $(tr '\n' ' ' <<<"$output")" >&3
	worked create_201 100
	worked read_200 100
	[ -z "$(value create_0)$(value read_0)" ]
	run bash -c "grep ' 503 ' '$STUB/load' | cut -d' ' -f5- | sort -u"
	[ "$output" = "$NO_AUTHD" ] || [ -z "$output" ] || fail "other reasons"
	# and gone for longer
	kill -KILL "$(pid_of authd)"
	soon asked 503 $ALICE "$SHARED" GET /containers/json
	is 503 "$NO_AUTHD"
	ask $ALICE "$SHARED" POST "/containers/create?name=no-authd" '{"Image":"x"}'
	is 503 "$NO_AUTHD"
	run dockbroker status
	[ "$status" = 3 ] || fail status
	part start authd
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	ask $ALICE "$SHARED" POST "/containers/create?name=authd-again" '{"Image":"x"}'
	[ "$status" = 201 ]
	run ! grep -q ' no-authd' "$STUB_LOG"
}

@test "all three killed at once, again and again" {
	local i p
	begin_load 6
	for i in 1 2 3; do
		sleep "0.$((RANDOM % 5 + 5))"
		kill -KILL "$(pid_of broker)" "$(pid_of auditd)" "$(pid_of authd)"
		for p in broker authd auditd; do part start $p; done
		soon dockbroker status
	done
	end_load
	soon settled
	verify --killed "$AUDIT"
	echo "# $(tr '\n' ' ' <<<"$output")" >&3
	worked create_201 30
	worked create_0 1
	[ "$(value unfinished)" -le $((3 * 6)) ]
}

# ---- auditd gone, or silent ----

@test "auditd gone: changes and reads are refused, and served when it is back" {
	kill -KILL "$(pid_of auditd)"
	soon asked 503 $ALICE "$SHARED" GET /containers/json
	is 503 "$NO_AUDITD"
	ask $ALICE "$SHARED" POST "/containers/create?name=no-auditd" '{"Image":"x"}'
	is 503 "$NO_AUDITD"
	part start auditd
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	ask $ALICE "$SHARED" POST "/containers/create?name=auditd-again" '{"Image":"x"}'
	[ "$status" = 201 ]
	run ! grep -q ' no-auditd' "$STUB_LOG"
	soon settled
	: >"$STUB/load"
	verify "$AUDIT"
}

@test "auditd stopped: changes 503 within audit-time, then reads, SIGCONT heals" {
	local began took
	kill -STOP "$(pid_of auditd)"
	began=$(now_ms)
	ask $ALICE "$SHARED" POST "/containers/create?name=silent" '{"Image":"x"}'
	took=$(($(now_ms) - began))
	is 503 "$LATE"
	echo "# audit-time 1s: answered after $took ms" >&3
	[ "$took" -ge 950 ]
	[ "$took" -lt 2500 ]
	soon asked 503 $ALICE "$SHARED" GET /containers/json
	is 503 "$SILENT"
	took=$(($(now_ms) - began))
	echo "# reads refused after $took ms" >&3
	[ "$took" -ge 1900 ]
	[ "$took" -lt 6000 ]
	# now at once, not after a wait
	began=$(now_ms)
	ask $ALICE "$SHARED" POST "/containers/create?name=silent-2" '{"Image":"x"}'
	is 503 "$SILENT"
	[ $(($(now_ms) - began)) -lt 900 ]
	kill -CONT "$(pid_of auditd)"
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	ask $ALICE "$SHARED" POST "/containers/create?name=loud" '{"Image":"x"}'
	[ "$status" = 201 ]
	run grep -E '^POST' "$STUB_LOG"
	[[ $output == *" loud recorded" ]]
	[ "$(grep -c ^POST "$STUB_LOG")" = 1 ]
	# the one that waited is in the log, with what became of it
	soon settled
	recorded event=request name=silent
	recorded event=result name=silent status=503 \
		"reason=not forwarded: the record was not on disk in time"
	: >"$STUB/load"
	verify "$AUDIT"
}

# ---- the disk ----

fill_up() { # leaves nothing
	dd if=/dev/zero of="$fill" bs=64k 2>/dev/null || true
	dd if=/dev/zero of="$fill.2" bs=512 2>/dev/null || true
}

@test "the disk full: all is refused with the reason, freed: healed, chain whole" {
	begin_load 9
	sleep 1
	fill_up
	full() { asked 503 $ALICE "$SHARED" GET /containers/json && [ "$output" = "$FULL" ]; }
	soon full
	ask $ALICE "$SHARED" POST "/containers/create?name=full" '{"Image":"x"}'
	is 503 "$FULL"
	run dockbroker status
	[ "$status" = 3 ] || fail status
	[[ $output == *"auditd    full "* ]] || fail text
	sleep 1
	rm -f "$fill" "$fill.2"
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	soon asked 201 $ALICE "$SHARED" POST "/containers/create?name=freed" '{"Image":"x"}'
	end_load
	soon settled
	verify "$AUDIT"
	echo "# $(tr '\n' ' ' <<<"$output")" >&3
	worked create_201 100
	worked create_503 10
	worked read_503 10
	run ! grep -q ' full ' "$STUB_LOG"
	grep -q ' freed recorded' "$STUB_LOG"
}

@test "the disk full, and reads need no record: they pass, changes do not" {
	echo 'audit-required-for-reads no' >>"$RIG_CONFIG"
	run dockbroker reload
	is 0 "reloaded"
	fill_up
	full() { asked 503 $ALICE "$SHARED" POST "/containers/create?name=try-$RANDOM$RANDOM" \
		'{"Image":"x"}' && [ "$output" = "$FULL" ]; }
	soon full
	ask $ALICE "$SHARED" GET /containers/json
	is 200 "[]"
	ask $ERIN "$SHARED" GET /containers/json
	is 200 "[]"
	ask $ALICE "$SHARED" POST "/containers/create?name=full" '{"Image":"x"}'
	is 503 "$FULL"
	rm -f "$fill" "$fill.2"
	soon asked 201 $ALICE "$SHARED" POST "/containers/create?name=freed" '{"Image":"x"}'
	# without auditd the same
	kill -KILL "$(pid_of auditd)"
	gone_now() { asked 503 $ALICE "$SHARED" POST "/containers/create?name=try-$RANDOM$RANDOM" \
		'{"Image":"x"}' && [ "$output" = "$NO_AUDITD" ]; }
	soon gone_now
	ask $ALICE "$SHARED" POST "/containers/create?name=gone" '{"Image":"x"}'
	is 503 "$NO_AUDITD"
	ask $ALICE "$SHARED" GET /containers/json
	is 200 "[]"
	part start auditd
	soon settled
	: >"$STUB/load"
	verify "$AUDIT"
	run ! grep -qE ' (full|gone) ' "$STUB_LOG"
}

# ---- the file ----

@test "a torn end: moved aside, marked, chain whole, nothing doubled" {
	local i size cut lines
	for i in 1 2 3 4 5; do
		begin_load 1
		end_load
		soon settled
		part stop broker
		part stop auditd
		# into the last line, at any byte
		size=$(stat -c %s "$AUDIT")
		lines=$(wc -l <"$AUDIT")
		cut=$(tail -n 1 "$AUDIT" | wc -c)
		truncate -s $((size - 1 - RANDOM % (cut - 1))) "$AUDIT"
		[ "$(wc -l <"$AUDIT")" = $((lines - 1)) ]
		part start auditd
		part start broker
		soon dockbroker status
		[ "$(ls "$RIG/audit/" | grep -c torn)" = $i ] || fail "round $i: $(ls "$RIG/audit")"
	done
	tool verify_log "$AUDIT"
	[ "$(jq -s 'map(select(.event=="log-repaired")) | length' "$AUDIT")" = 5 ]
	run jq -rs 'map(select(.event=="log-repaired"))[0].detail' "$AUDIT"
	[[ $output =~ ^[0-9]+\ bytes\ were\ moved\ into\ audit\.jsonl\.torn- ]]
	ask $ALICE "$SHARED" POST "/containers/create?name=mended" '{"Image":"x"}'
	[ "$status" = 201 ]
}

@test "half a line at the end of a running log's death: the broker sends it again" {
	begin_load 4
	sleep 1
	kill -KILL "$(pid_of auditd)"
	printf '{"seq":99999,"prev":"0000' >>"$AUDIT"
	part start auditd
	end_load
	soon settled
	verify "$AUDIT"
	worked create_201 50
	[ "$(value instances)" = 1 ]
	[ "$(value event_log_repaired)" = 1 ]
	[ "$(value event_request)" = "$(value event_result)" ]
	[ "$(cat "$RIG/audit/"*torn*)" = '{"seq":99999,"prev":"0000' ]
}

@test "the log moved away under load and SIGHUP: the chain goes on in the new file" {
	begin_load 5
	for i in 2 1; do
		sleep 1.2
		mv "$AUDIT" "$AUDIT.$i"
		kill -HUP "$(pid_of auditd)"
		soon test -s "$AUDIT"
	done
	end_load
	soon settled
	verify "$AUDIT.2" "$AUDIT.1" "$AUDIT"
	echo "# $(tr '\n' ' ' <<<"$output")" >&3
	[ "$(value instances)" = 1 ]
	[ "$(value event_reopened)" = 2 ]
	[ -z "$(value create_0)$(value create_503)$(value read_503)" ]
	worked create_201 100
	for f in "$AUDIT.2" "$AUDIT.1" "$AUDIT"; do
		[ "$(wc -l <"$f")" -gt 50 ] || fail "$f"
	done
	# auditd remembers across the files after a kill
	strike auditd
	soon asked 200 $ALICE "$SHARED" GET /containers/json
	soon settled
	verify "$AUDIT.2" "$AUDIT.1" "$AUDIT"
}
