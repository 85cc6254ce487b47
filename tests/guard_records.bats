# guard_records.bats: no record, no start; a record that is not the broker's, no
# start; and what the Engine made of a container is not more than its record says
# (I7), shown with an Engine that alters what it was asked (lib/altering.py).

load lib/guard

setup_file() {
	export MODE=guard WHO=alice
	guard_ground && guard_up || return
	export STATE=$RIG_STATE_DIR/containers H=$RIG_HOME/alice/w
	u mkdir "$H" || return
	u sh -c "echo mine >$H/f"
	alter || return
	d create --name cc --network none -v "$H:/src" -v "$H:/ro:ro" wick:1 cat /src/f &&
		d create --name dd --network none wick:1 true || return
	export ID OTHER
	ID=$(id_for cc)
	OTHER=$(id_for dd)
}

teardown_file() {
	[ ! -s "$T/altering" ] || kill "$(cat "$T/altering")"
	[ ! -S "$RIG/engine/real.sock" ] ||
		mv "$RIG/engine/real.sock" "$RIG_ENGINE_SOCK"
	guard_down
}

id_for() { engine inspect -f '{{.Id}}' "$1"; }

# The broker gets to see an Engine that alters.
alter() {
	local i
	"$rig" stop "$RIG" broker
	mv "$RIG_ENGINE_SOCK" "$RIG/engine/real.sock" || return
	ENGINE_SOCK=$RIG_ENGINE_SOCK setsid "$PYTHON" -I "$lib/altering.py" \
		"$RIG_ENGINE_SOCK" "$RIG/engine/real.sock" 64990 \
		>"$T/altering.log" 2>&1 </dev/null 3>&- &
	echo $! >"$T/altering"
	for ((i = 0; i < 100; i++)); do [ -S "$RIG_ENGINE_SOCK" ] && break; sleep 0.05; done
	"$rig" start "$RIG" broker 3>&-
	soon d version
}

@test "a record is one file of the broker's, whole before the client hears" {
	[ "$(stat -c '%U %a %F %h' "$STATE")" = "$(stat -c '%U' "$RIG_STATE_DIR") 700 directory 2" ] ||
		[ "$(stat -c %a "$STATE")" = 700 ]
	[ "$(stat -c '%u %a %F %h' "$STATE/$ID")" = '64990 600 regular file 1' ]
	[ "$(sed -n 2p "$STATE/$ID")" = "sha256 $(head -n 1 "$STATE/$ID" | sha256sum | cut -d' ' -f1)" ]
	d create --name ee wick:1 true
	local id
	id=$(id_for ee)
	[ -s "$STATE/$id" ]
	d rm ee
	soon test ! -e "$STATE/$id"
}

# The record of cc is spoilt by COMMAND in its directory, and then as it was.
spoilt() { # WHY COMMAND...
	local why=$1
	shift
	cp -a "$STATE/$ID" "$SRV/root/kept"
	(cd "$STATE" && "$@")
	run d start -a cc
	rm -rf "${STATE:?}/$ID" "$STATE/away"
	cp -a "$SRV/root/kept" "$STATE/$ID"
	[ "$status" != 0 ] || fail "it started: $*"
	[[ $output != *mine* ]] || fail "it ran: $*"
	grep -qE "OCI runtime create failed: .*dockbroker: .*($why)" <<<"$output" ||
		fail "not by this: $why: $*"
	recorded event=guard-refused "object_id=$ID"
}

summed() { # SED-SCRIPT: changes the text and makes the sum fit
	local text
	text=$(sed -n 1p "$ID" | sed -E "$1")
	[ "$text" != "$(sed -n 1p "$ID")" ] || { echo "nothing changed: $1" >&2; exit 1; }
	{ echo "$text"; echo "sha256 $(echo "$text" | sha256sum | cut -d' ' -f1)"; } >"$ID"
}

@test "missing, torn, edited, of another container: it does not start" {
	run d start -a cc
	is 0 mine
	spoilt 'no record|No such file|made by' mv "$ID" away
	spoilt 'record' truncate -s 0 "$ID"
	spoilt 'record' truncate -s 100 "$ID"
	spoilt 'record' truncate -s -1 "$ID"
	spoilt 'record' sed -i 1q "$ID"
	spoilt 'record' sed -i '1s/"uid":2401/"uid":2402/' "$ID"
	spoilt 'record' sh -c "echo >>$ID"
	spoilt 'record' cp "$OTHER" "$ID"
	run d start -a cc
	is 0 mine
}

@test "with a sum that fits: still only what that user may, and of this container" {
	spoilt 'record|uid' summed 's/"uid":2401/"uid":0/g'
	spoilt 'not inside' summed "s,\"within\":\"[^\"]*\",\"within\":\"$SRV\",g"
	spoilt 'Permission denied' \
		summed "s,\"(source|within)\":\"$RIG_HOME[^\"]*\",\"\1\":\"$SRV/root\",g"
	spoilt 'record|version' summed 's/"version":1/"version":2/'
	spoilt 'record' summed 's/^\{/{"more":1,/'
	spoilt 'record|uid|bob' summed 's/"uid":2401/"uid":2402/g'
}

@test "not a plain file of the broker's or root's: it does not start" {
	spoilt 'record' sh -c "mv $ID away; ln -s away $ID"
	spoilt 'record' sh -c "ln $ID away"
	spoilt 'record' sh -c "mv $ID away; mkfifo $ID; chown 64990 $ID; chmod 600 $ID"
	spoilt 'record' sh -c "mv $ID away; mkdir $ID"
	spoilt 'record' chown 2401 "$ID"
	spoilt 'record' chmod 0666 "$ID"
	spoilt 'record' sh -c "head -c 10000000 /dev/zero >>$ID"
	run d start -a cc
	is 0 mine
	chown 0:0 "$STATE/$ID"
	run d start -a cc
	is 0 mine
}

@test "the directory of binds is used only when it is root's, empty and immutable" {
	[ "$(stat -c '%u %F' "$RIG_BIND_DIR")" = '0 directory' ]
	chattr -i "$RIG_BIND_DIR"
	run d start -a cc
	ends 1 'dockbroker: '
	[[ $output == *setup* ]] || fail 'it does not say what to do'
	mkdir "$RIG_BIND_DIR/x"
	chattr +i "$RIG_BIND_DIR"
	run d start -a cc
	ends 1 'dockbroker: '
	chattr -i "$RIG_BIND_DIR"
	rmdir "$RIG_BIND_DIR/x"
	chattr +i "$RIG_BIND_DIR"
	run d start -a cc
	is 0 mine
}

# The Engine makes CHANGE of it; refused with WHY, told to the client and recorded.
changed() { # CHANGE WHY ARG...
	local change=$1 why=$2 id
	shift 2
	run d create --name "x-$change" --network none -v "$H:/src" "$@" wick:1 \
		sh -c 'echo it runs'
	[ "$status" = 0 ] || fail "it was not created: $change"
	run d start -a "x-$change"
	id=$(id_for "x-$change")
	engine rm -f "x-$change" >/dev/null
	[ "$status" != 0 ] || fail "it started: $change"
	[[ $output != *'it runs'* ]] || fail "it ran: $change"
	grep -qiE "dockbroker: .*($why)" <<<"$output" ||
		fail "the difference is not named: $change: $why"
	recorded event=guard-refused "object_id=$id" owner=alice
}

@test "an Engine that alters nothing: it starts" {
	run d run --name x-nothing --rm --network none -v "$H:/src" wick:1 cat /src/f
	is 0 mine
}

@test "an Engine that adds powers: capabilities, users, privileges" {
	changed caps 'SYS_ADMIN'
	changed undropped 'MKNOD'
	changed privileged 'capabilit|CAP_|privileged'
	changed user 'user' -u 1000
	changed newprivs 'gain privileges' --security-opt no-new-privileges
	changed unconfined 'seccomp' --security-opt no-new-privileges
	changed writable 'root' --read-only
	changed oom 'oom'
}

@test "an Engine that opens the host: namespaces, devices, kernel" {
	changed pid 'pid'
	changed net 'net'
	changed ipc 'ipc'
	changed uts 'uts'
	changed parent 'elsewhere|cgroup'
	changed unmasked 'mask'
	changed unprotected 'read.?only'
	changed sysctl 'ip_forward'
	changed rules 'device'
	changed device 'device'
}

@test "an Engine that mounts more, or elsewhere" {
	rd volume create theirs
	changed root '/more'
	changed oldroot '/more'
	changed socket '/more'
	changed volume '/more'
	changed tmpfs '/more'
	changed source '/src'
	changed target '/elsewhere|/src'
	changed twice '/more'
	changed shared 'shares'
}

@test "what is missing is not more: a bind that the Engine forgot" {
	run d create --name x-lost --network none -v "$H:/src" wick:1 ls /src
	[ "$status" = 0 ]
	run d start -a x-lost
	engine rm -f x-lost
	[[ $output != *root* ]]
}
