# guard_broker.bats: what the broker does for the guard: the record is there or the
# container is not, records go with their containers, what the guard refused is in
# the audit log, containers without a map are powerless, and an Engine without
# the guard is told of.

load lib/common

setup_file() {
	export DOCKER_BUILDKIT=0 P=$BATS_FILE_TMPDIR/policy.conf GROUND
	GROUND=$(mktemp -d /tmp/ground.XXXXXX) || return
	export OPEN=$GROUND/open CLOSED=$GROUND/closed
	chmod 0755 "$GROUND"
	mkdir "$OPEN" "$CLOSED"
	chown 2001:2001 "$OPEN" "$CLOSED"
	cat >"$P" <<-END
	role worker {
		allow version info ping events images
		allow run create ps logs inspect wait start stop restart rm exec on own
		allow volume network on own
		bind $OPEN rw
		bind $CLOSED rw unmapped
		bind / rw
		capability NET_ADMIN
		privileged exec
		runtime runc kata
	}
	role boss {
		allow all on any
		allow privileged everything
	}
	grant worker to user alice
	grant worker to user bob
	grant boss to user oscar
	grant worker to user root
	END
	rig_up --policy "$P" --user alice:2001:alice --user bob:2002:bob --user oscar:2003:oscar ||
		return
	rig_image box:1
	export RECORDS=$RIG_STATE_DIR/containers
}

teardown_file() {
	rig_down
	rm -rf "$GROUND"
}

oscar() { as oscar docker "$@"; }
id_for() { engine inspect -f '{{.Id}}' "$1"; }
record() { cat "$RECORDS/$(id_for "$1")"; }
restart() { "$rig" stop "$RIG" broker; "$@"; "$rig" start "$RIG" broker 3>&-; soon alice version; }

@test "the runtime is the guard's, whatever is asked; privileged roles have runc" {
	alice create --name plain box:1 true
	alice create --name named --runtime dockbroker box:1 true
	alice create --name same --runtime runc box:1 true
	local n
	for n in plain named same; do
		[ "$(engine inspect -f '{{.HostConfig.Runtime}}' $n)" = dockbroker ]
		[ -s "$RECORDS/$(id_for $n)" ]
	done
	run alice create --runtime kata box:1 true
	ends 1 'the runtime kata cannot have the guard in front'
	oscar create --name bosses box:1 true
	oscar create --name bossed --runtime dockbroker box:1 true
	for n in bosses bossed; do
		[ "$(engine inspect -f '{{.HostConfig.Runtime}}' $n)" = runc ]
		[ ! -e "$RECORDS/$(id_for $n)" ]
	done
	engine rm plain named same bosses bossed
}

@test "what nobody may bind, though the line says / rw" {
	local path
	for path in /proc /sys/kernel /dev /run/x /var/run "$RIG_STATE_DIR" "$RIG_STATE_DIR/containers" \
	    "$RIG_RUN_DIR" "$RIG_BIND_DIR" "$(dirname "$RIG_AUDIT_LOG")" "$RIG/engine/data/volumes" \
	    "$RIG_ENGINE_SOCK" "$RIG_SHARED_SOCK"; do
		run alice create -v "$path:/x" box:1 true
		ends 1 "$path may not be bound"
		run alice create --mount "type=bind,source=$path/../${path##*/},target=/x" box:1 true
		ends 1 "$path may not be bound"
	done
	# next to it
	alice create --name near -v "$RIG_STATE_DIR-near:/x" -v /procs:/y box:1 true
	engine rm near
	run root create -v "$OPEN:/x" box:1 true
	ends 1 "root's rights are for roles with"
	root create --name roots box:1 true
	engine rm roots
}

@test "no record, no container: the client is told, and others go on" {
	alice create --name before box:1 true
	mount -t tmpfs -o size=4k,nr_inodes=1,mode=0700,uid=64990 none "$RECORDS"
	restart true
	run alice create --name never -v of-never:/v box:1 true
	umount -l "$RECORDS"
	ends 1 'the record of the container could not be written (No space left on device), so it was removed again'
	run engine inspect never
	ends 1
	recorded event=result action=container.create status=503 user=alice
	restart true
	alice create --name never box:1 true
	[ -s "$RECORDS/$(id_for never)" ]
	engine rm never before
	engine volume rm of-never
}

@test "records go with their containers, also with those that went unseen" {
	alice create --name one box:1 true
	alice create --name two box:1 true
	alice create --name three box:1 true
	alice create --name four box:1 true
	local one two three four
	one=$(id_for one) two=$(id_for two) three=$(id_for three) four=$(id_for four)
	alice rm one
	engine rm two
	soon test ! -e "$RECORDS/$one"
	soon test ! -e "$RECORDS/$two"
	unseen() {
		engine rm three
		echo torn >"$RECORDS/$four"
		cp "$RECORDS/$four" "$RECORDS/${four:1}${four:0:1}"
		echo >"$RECORDS/.new-$four"
		echo >"$RECORDS/README"
	}
	restart unseen
	soon test ! -e "$RECORDS/$three"
	soon test ! -e "$RECORDS/${four:1}${four:0:1}"
	[ ! -e "$RECORDS/.new-$four" ]
	# what cannot be used is kept, and told
	[ "$(cat "$RECORDS/$four")" = torn ]
	grep -q "$four is not used: the record is torn" "$RIG_LOG_broker"
	recorded event=guard-record
	soon grep -q "the container $four (four) of alice has no record: it will not start" "$RIG_LOG_broker"
	recorded event=guard-missing "detail=container $four (four) of alice has no record"
	run alice start four
	ends 1 'dockbroker: '
	alice rm four
	soon test ! -e "$RECORDS/$four"
	rm "$RECORDS/README"
}

@test "what the guard refused is in the audit log" {
	local spool=$RIG_STATE_DIR/refused id
	alice create --name lost -v "$OPEN:/x" box:1 true
	id=$(id_for lost)
	rm "$RECORDS/$id"
	run alice start lost
	ends 1 'dockbroker: there is no record of this container'
	recorded event=guard-refused "object_id=$id" owner=alice
	soon test -z "$(ls "$spool")"
	# junk beside it
	echo junk >"$spool/junk"
	mkfifo "$spool/pipe"
	ln -s /etc/shadow "$spool/link"
	head -c 100000 /dev/zero >"$spool/long"
	printf '{"container":"%s","uid":2002,"user":"bob","reason":"of a test","time":1}\n' "$id" >"$spool/good"
	recorded event=guard-refused "object_id=$id" owner=alice "reason=of a test"
	gone() { [ -z "$(ls "$spool")" ]; }
	soon gone
	engine rm lost
}

@test "volumes from others: with the rights and the places that those have" {
	alice create --name giver -v "$OPEN:/x" -v given:/v box:1 true
	alice create --name taker --volumes-from giver box:1 true
	record taker | grep -q '"target":"/x","source":"'"$OPEN"'","read_only":false'
	alice create --name reader --volumes-from giver:ro -v "$OPEN/of-reader:/v" box:1 true
	record reader | grep -q '"target":"/x","source":"'"$OPEN"'","read_only":true'
	record reader | grep -q '"target":"/v","source":"'"$OPEN"'/of-reader","read_only":false'
	[ "$(record reader | grep -c given)" = 0 ]
	oscar create --name old -v "$OPEN:/x" box:1 true
	dockbroker chown container old alice
	run alice create --volumes-from old box:1 true
	ends 1 'the container old has no record of what may be mounted'
	run bob create --volumes-from giver box:1 true
	ends 1 'No such container: giver'
	engine rm giver taker reader old
	engine volume rm given
}

@test "a bind without a map: powerless, also what is executed in it" {
	alice run -d --name weak -v "$CLOSED:/x" box:1 sleep 1000
	[ "$(engine inspect -f '{{.Config.User}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}' weak)" = \
		"$(id_of) [ALL] [no-new-privileges]" ]
	[ "$(alice exec weak id -u)" = 2001 ]
	[ "$(alice exec -u 2001 weak id -u)" = 2001 ]
	[ "$(alice exec weak sed -n 's/^CapBnd:\t//p' /proc/self/status)" = 0000000000000000 ]
	run alice exec -u 0 weak id
	ends 1 "runs as $(id_of) and nobody else"
	run alice exec --privileged weak id
	ends 1 'nothing in it may be privileged'
	local with
	for with in '-u 0' '-u root' '-u 2001:0'; do
		# shellcheck disable=SC2086
		run alice create $with -v "$CLOSED:/x" box:1 true
		ends 1 "runs as $(id_of) and nobody else"
	done
	run alice create --cap-add NET_ADMIN -v "$CLOSED:/x" box:1 true
	ends 1 'cannot'
	run alice create --group-add 5 -v "$CLOSED:/x" box:1 true
	ends 1 'cannot'
	# another bind is another matter
	alice create --name strong -u 0 --cap-add NET_ADMIN --group-add 5 -v "$OPEN:/x" box:1 true
	engine rm -f weak strong
}

id_of() { awk -F: '$1 == "alice" { print $3 ":" $4 }' "$RIG_ETC/passwd"; }

@test "without the runtime nothing is made, and it is said what to do" {
	sed -i 's/^guard-runtime .*/guard-runtime nonesuch/' "$RIG_CONFIG"
	dockbroker reload
	run alice create box:1 true
	ends 1 'dockbroker: the Docker Engine has no runtime "nonesuch"'
	[[ $output == *daemon.json*guard-runtime\ to\ none* ]] || fail "no advice"
	grep -q 'the Engine has no runtime "nonesuch"' "$RIG_LOG_broker"
	oscar create --name free box:1 true
	sed -i 's/^guard-runtime .*/guard-runtime none/' "$RIG_CONFIG"
	dockbroker reload
	alice create --name bare box:1 true
	[ "$(engine inspect -f '{{.HostConfig.Runtime}}' bare)" = dockbroker-default ]
	run alice create -v "$OPEN:/x" box:1 true
	ends 1 'binds need the guard in front of runc'
	sed -i 's/^guard-runtime .*/guard-runtime dockbroker/' "$RIG_CONFIG"
	dockbroker reload
	alice create --name again -v "$OPEN:/x" box:1 true
	engine rm free bare again
}
