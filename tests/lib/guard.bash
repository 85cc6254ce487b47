# shellcheck shell=bash
# guard.bash: what guard_*.bats share.  An attack is one function, attack_NAME, that
# succeeds when the attacker got what he wanted.  beaten NAME WHY runs it
#
#   first on a plain Engine, behind what socket proxies do: they look at the text
#   of a create and forward it.  There it has to succeed, which proves the test;
#   then through the broker and the guard.  There it has to fail, and what was
#   said meanwhile has to hold WHY (an ERE), so that it failed for this reason.
#
# Attacks use only:
#   d ARG...       docker, as the attacker may use it; $WHO is he (alice)
#   u COMMAND...   him on the host; o COMMAND: bob; everything else is root's work
#   rd ARG...      root's docker
#   $H             a fresh directory in his home; $SRV/{team,data,other}; $SRV/root is
#                  root's alone and has the file `secret'; $DISK a disk, root's alone
#   $P             the way to d's option -v is `-v $H:/src'; images wick:1 devs:1 vols:1
# $SECRET and $SECTOR are what root's file and the disk begin with.

# shellcheck source=tests/lib/common.bash
. "$BATS_TEST_DIRNAME/lib/common.bash"

export DOCKER_BUILDKIT=0
SECRET=secret-of-root
SECTOR=sector-of-disk
ALICE=2401 BOB=2402 EVE=2403
# The guard could not open it as him, or it is not where the policy says.
REFUSED="dockbroker: .*(Permission denied|leads to|not inside)"

# ---- the two Engines ----

guard_ground() { # what both have: places, programs, the disk
	SRV=$(mktemp -d /tmp/guard.XXXXXX) || return
	export SRV T=$BATS_FILE_TMPDIR WICKED=$SRV/wicked
	chmod 0755 "$SRV"
	gcc -static -O1 -o "$WICKED" "$lib/wicked.c" || return
	mkdir "$SRV"/{team,data,other,root,root/dir}
	chmod 0700 "$SRV/root"
	echo "$SECRET" >"$SRV/root/secret"
	chmod 0600 "$SRV/root/secret"
	head -c 1M /dev/zero >"$SRV/root/image"
	printf %s "$SECTOR" | dd of="$SRV/root/image" conv=notrunc status=none
	DISK=$(losetup --find --show "$SRV/root/image") || return
	chmod 0600 "$DISK"
	export DISK DISK_MINOR=${DISK#/dev/loop}
}

guard_policy() { # more lines of the workers' role from stdin
	cat >"$T/policy.conf" <<-P
	role worker {
		allow version info ping events images history search
		allow run create ps logs inspect top stats diff port wait start stop
		      restart kill pause unpause rename update rm exec attach cp
		      commit export  on own
		allow volume network build tag save load import rmi  on own
		bind ~ rw
		bind $SRV/team rw
		bind $SRV/data ro
	$(cat)
	}
	role careless {
		allow run create ps logs inspect start rm exec wait cp on own
		bind / rw
	}
	grant worker to group dev
	grant careless to group lab
	P
}

# The rig, and a plain Engine beside it unless the rig's Engine serves as one.
guard_up() { # RIG-ARG...
	[ -s "$T/policy.conf" ] || guard_policy </dev/null
	[ -z "${GUARD_PROVE_ONLY:-}" ] || set -- --no-guard "$@"
	rig_up --policy "$T/policy.conf" --user "alice:$ALICE:dev,team" \
		--user "bob:$BOB:dev,team" --user "eve:$EVE:lab" "$@" || return
	local who
	for who in alice bob eve; do export "IDS_$who=$(ids_of "$who")"; done
	chgrp "$(cut -d: -f3 < <(grep ^team: "$RIG_ETC/group"))" "$SRV/team" "$SRV/data"
	chmod 2770 "$SRV/team"
	chmod 0777 "$SRV/other"
	export PLAIN_SOCK=$RIG_ENGINE_SOCK PLAIN_RUNTIME=runc PLAIN_DIR=
	[ -z "${GUARD_PLAIN:-}" ] || plain_up || return
	guard_images
}

plain_up() {
	# shellcheck source=tests/lib/engine.sh
	. "$lib/engine.sh"
	PLAIN_DIR=$(mktemp -d /tmp/plain.XXXXXX) || return
	export PLAIN_DIR PLAIN_SOCK=$PLAIN_DIR/docker.sock PLAIN_RUNTIME=
	chmod 0711 "$PLAIN_DIR"
	plain_begin
}
plain_begin() { (. "$lib/engine.sh"; engine_begin 20.10 "$PLAIN_DIR" >/dev/null 3>&-); }
plain_end() { (. "$lib/engine.sh"; engine_end "$PLAIN_DIR" 20.10); }

guard_down() {
	[ -z "${PLAIN_DIR:-}" ] || { plain_end; rm -rf --one-file-system "$PLAIN_DIR"; }
	rig_down
	[ -z "${DISK:-}" ] || losetup -d "$DISK"
	[ -z "${SRV:-}" ] || rm -rf --one-file-system "$SRV"
}

ids_of() { # NAME: "UID GID GID,GID..."
	local uid gid
	IFS=: read -r _ _ uid gid _ < <(grep "^$1:" "$RIG_ETC/passwd")
	echo "$uid $gid $gid$(awk -F: -v n="$1" \
		'("," $4 ",") ~ ("," n ",") { printf ",%s", $3 }' "$RIG_ETC/group")"
}

# wick:1 busybox and wicked; devs:1 with a node of the disk; vols:1 hands it down to
# a volume.  Into both Engines: images are what anybody can bring along.
guard_images() {
	local t=$SRV/root/tree socks=("$RIG_ENGINE_SOCK") s
	[ "$PLAIN_SOCK" = "$RIG_ENGINE_SOCK" ] || socks+=("$PLAIN_SOCK")
	base_tree "$t"
	for s in "${socks[@]}"; do image_of "$s" "$t" wick:1 || return; done
	mkdir "$t"/{devs,vol}
	mknod -m 0666 "$t/devs/disk" b 7 "$DISK_MINOR"
	mknod -m 0666 "$t/vol/disk" b 7 "$DISK_MINOR"
	for s in "${socks[@]}"; do
		image_of "$s" "$t" devs:1 &&
			image_of "$s" "$t" vols:1 -c 'VOLUME /vol' || return
	done
	rm -rf "$t"
}

base_tree() { # DIR
	local t=$1 a
	mkdir -p "$t"/{bin,etc,tmp,root,home,src,var,data}
	chmod 1777 "$t/tmp"
	cp "$(command -v busybox)" "$t/bin/busybox"
	cp "$WICKED" "$t/bin/wicked"
	for a in $(busybox --list); do
		[ "$a" = busybox ] || ln -sf busybox "$t/bin/$a"
	done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh app:x:1000:1000:app:/home:/bin/sh \
		postgres:x:70:70:postgres:/var:/bin/sh >"$t/etc/passwd"
	printf '%s\n' root:x:0: app:x:1000: postgres:x:70: >"$t/etc/group"
}

image_of() { # SOCK TREE NAME ARG...
	local s=$1 t=$2 n=$3
	shift 3
	tar -C "$t" -c . | docker -H "unix://$s" import -c 'CMD ["/bin/sh"]' \
		-c 'ENV PATH=/bin' "$@" - "$n" >/dev/null
}

# ---- who does what ----

on_host() { # NAME COMMAND...
	local name=$1 ids=IDS_$1 uid gid groups
	read -r uid gid groups <<<"${!ids}"
	shift
	HOME=$RIG_HOME/$name setpriv --reuid "$uid" --regid "$gid" \
		--groups "$groups" timeout --foreground -k 2 120 "$@"
}
u() { on_host "$WHO" "$@"; }
o() { on_host bob "$@"; }
gid_of() { local ids=IDS_$1; cut -d' ' -f2 <<<"${!ids}"; }
gid_team() { stat -c %g "$SRV/team"; }

# What proxies that filter by text let pass; $WHO's lines in the policy.
proxy_lets() {
	local a was=''
	for a; do
		case $was in
		-v|--volume) a=source=${a%%:*} ;;
		--mount) a=${a#*type=bind,} ;;
		esac
		case $a in
		--privileged|--cap-add*|--device*|--pid=host|--network=host) return 1 ;;
		*seccomp=unconfined|--userns*) return 1 ;;
		source=/*) [ "$WHO" = eve ] || [[ $a == source=$RIG_HOME/$WHO/* ]] ||
			[[ $a == source=$SRV/team* ]] || [[ $a == source=$SRV/data* ]] ||
			return 1 ;;
		esac
		was=$a
	done
}

d() {
	local verb=$1 more=()
	shift
	case $verb in
	run|create)
		[[ " $* " == *' --rm '* ]] || touch "$T/dirty.${PLAIN_DIR:+$MODE}"
		[[ " $* " == *' --net'* ]] || more+=(--network none)
		if [ "$MODE" = plain ]; then
			proxy_lets "$@" || { echo 'the proxy says no'; return 125; }
			[ -z "$PLAIN_RUNTIME" ] || more+=(--runtime "$PLAIN_RUNTIME")
		fi ;;
	esac
	if [ "$MODE" = plain ]; then
		timeout --foreground -k 5 60 docker -H "unix://$PLAIN_SOCK" \
			"$verb" "${more[@]}" "$@"
	else
		as "$WHO" "${CLI:-docker}" "$verb" "${more[@]}" "$@"
	fi
}

sock() { [ "$MODE" = plain ] && echo "$PLAIN_SOCK" || echo "$RIG_ENGINE_SOCK"; }
rd() {
	timeout --foreground -k 5 60 "${RCLI:-docker}" -H "unix://$(sock)" "$@"
}

engine_again() { # the Engine of this mode is stopped, SCRIPT is run, and started
	if [ "$MODE" = plain ]; then
		plain_end; "$@"; plain_begin
	else
		"$rig" stop "$RIG" engine; "$@"; "$rig" start "$RIG" engine 3>&-
		soon d version
	fi
}

# ---- each attack begins like this ----

fresh() {
	local dirty=$T/dirty.${PLAIN_DIR:+$MODE}
	if [ -e "$dirty" ]; then
		rd ps -aq | xargs -r timeout 60 docker -H "unix://$(sock)" \
			rm -f -v >/dev/null 2>&1
		rm "$dirty"
	fi
	H=$RIG_HOME/$WHO/w
	rm -rf --one-file-system "$H" "$SRV"/{team,data,other,root/dir}/*
	rm -f "$T/got"
	u mkdir "$H"
	echo public >"$SRV/other/file"
	chmod 0644 "$SRV/other/file"
}

try() { # NAME: $out is what was said
	local st
	fresh
	"attack_$1" >"$T/out" 2>&1 </dev/null
	st=$?
	[ ! -s "$T/got" ] || cat "$T/got" >>"$T/out"
	out=$(tr -d '\0' <"$T/out")
	return $st
}

beaten() { # NAME WHY
	local WHO=${WHO:-alice} MODE=plain H out begin=$SECONDS
	if ! try "$1"; then
		output=$out fail "proves nothing: it fails on a plain Engine too: $1"
		return 1
	fi
	MODE=guard
	if [ -z "${GUARD_PROVE_ONLY:-}" ]; then
		if try "$1"; then
			output=$out fail "the attacker won: $1"
			return 1
		fi
		grep -qE -- "$2" <<<"$out" || {
			output=$out fail "it failed, but not by this: $2"
			return 1
		}
	fi
	[ -z "${GUARD_TIMES:-}" ] || echo "# $1: $((SECONDS - begin)) s" >&3
}

# ---- how attackers win ----

sees() { grep -aq -- "$1" "$T/got"; }	# $1 is in what was got
# He runs a program that somebody left to him, and reads what is root's.
gains_by() { # PROGRAM
	u "$1" id
	u "$1" cat "$SRV/root/secret" | grep -q "$SECRET"
}
pid_of() { d inspect -f '{{.State.Pid}}' "$1"; }
# He opens a node that lies in the root directory of a process with his uid.
reads_through() { # PID PATH
	[ "${1:-0}" -gt 1 ] && u "$WICKED" cat "/proc/$1/root$2" >"$T/got" 2>&1
	sees "$SECTOR"
}
# He lets `docker run ARG...' send him a file descriptor of PATH.
reads_sent() { # PATH ARG... IMAGE
	local path=$1 i catcher
	shift
	u "$WICKED" recvfd "$H/s" >"$T/got" 2>&1 3>&- &
	catcher=$!
	for ((i = 0; i < 100; i++)); do [ -S "$H/s" ] && break; sleep 0.02; done
	d run --rm -v "$H:/src" "$@" sh -c "${PREPARE:-:}; wicked sendfd /src/s $path" ||
		{ sleep 0.2; kill "$catcher" 2>/dev/null; }	# nothing will come
	wait "$catcher"
	sees "$SECTOR"
}
