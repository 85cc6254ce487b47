# shellcheck shell=bash
# abuse.bash: what abuse_*.bats share.  alice has things; bob, of the same group,
# tries at them what docker's API offers, and next to it does the same with his
# own.  After each request the Engine itself is asked whether anything of
# alice's is another than before (tests/lib/api.py).
#
#   refused WHAT STATUS METHOD TARGET [BODY [TYPE]]
#       WHAT: the name, id or part of one of something that bob must not know
#       of, as it stands in TARGET or BODY: the answer then has to be the one for
#       a name that does not exist, word by word; "~NAME" where the Engine itself
#       does not look before it acts.  "-": none.  STATUS: "403|404"
#   allowed STATUS METHOD TARGET [BODY [TYPE]]
#   says TEXT, hides TEXT       of the last answer
#
# Before a call: WHO=carol (else bob), HOLD=seconds, HEADER='Name: value'.
# A test goes on after a fault; teardown fails it with all that was found.

export DOCKER_BUILDKIT=0

# shellcheck source=tests/lib/common.bash
. "$BATS_TEST_DIRNAME/lib/common.bash"

V=/v1.41
FORM=application/x-www-form-urlencoded
TAR=application/x-tar

faults() { echo "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/bad"; }

teardown() {
	[ ! -s "$(faults)" ] || { cat "$(faults)" >&2; return 1; }
}

# UID:GID,GID of a user of the rig.
abuse_user() { # NAME
	local known=ABUSE_$1
	[ -z "${!known:-}" ] || { echo "${!known}"; return 0; }
	awk -F: -v n="$1" 'FNR == NR { if ($1 == n) printf "%s:%s", $3, $4; next }
		("," $4 ",") ~ ("," n ",") { printf ",%s", $3 }' \
		"$RIG_ETC/passwd" "$RIG_ETC/group"
}

api() { # VERB WHAT STATUS METHOD TARGET [BODY [TYPE]]
	local verb=$1 what=$2 status=$3 who=${WHO:-bob} args=()
	local sock=RIG_USER_SOCK_$who
	shift 3
	[ "$what" = - ] || args+=(--what "$what")
	[ "$status" = - ] || args+=(--status "$status")
	[ -z "${HOLD:-}" ] || args+=(--hold "$HOLD")
	[ -z "${HEADER:-}" ] || args+=(--header "$HEADER")
	[ "$verb" != ask ] || args+=(--guard "$GUARD")
	[ "$verb" != refuse ] || args+=(--guard "$GUARD")
	"$PYTHON" -I -S "$lib/api.py" "$verb" --as "$(abuse_user "$who")" \
		--sock "${!sock}" --engine "$RIG_ENGINE_SOCK" "${args[@]}" "$@"
}

# The same on the Engine's own socket: the truth.
truth() { # STATUS METHOD TARGET [BODY [TYPE]]
	local status=$1
	shift
	[ "$status" = - ] && set -- "$@" || set -- --status "$status" "$@"
	answer=$("$PYTHON" -I -S "$lib/api.py" ask --engine "$RIG_ENGINE_SOCK" \
		--sock "$RIG_ENGINE_SOCK" "$@" 2>>"$(faults)") || :
	touch "$GUARD"	# whatever that did is meant
}

bad() { printf '%s: %s\n' "${asked:-}" "$*" >>"$(faults)"; }

refused() { # WHAT STATUS METHOD TARGET [BODY [TYPE]]
	asked="${WHO:-bob} refused $3 $4 ${5:0:300}"
	answer=$(api refuse "$@" 2>>"$(faults)") || :
	echo "$asked" >>"$BATS_FILE_TMPDIR/refused"
}

allowed() { # STATUS METHOD TARGET [BODY [TYPE]]
	asked="${WHO:-bob} allowed $2 $3 ${4:0:300}"
	answer=$(api ask - "$@" 2>>"$(faults)") || :
}

says() { [[ $answer == *"$1"* ]] || bad "not in the answer: $1: ${answer:0:900}"; }
hides() { [[ $answer != *"$1"* ]] || bad "in the answer: $1: ${answer:0:900}"; }
ok() { "$@" >/dev/null || bad "not so: $*"; }	# a command has to be true
not() { ! "$@" 2>/dev/null; }

# A text in the last answer: the first "KEY":"...".
json() { grep -o "\"$1\":\"[^\"]*" <<<"$answer" | head -n 1 | cut -d'"' -f4; }

# Nothing may change of these from now on.
guard() { # KIND ID...
	local kind=$1 id
	shift
	for id; do echo "$kind $id" >>"$GUARD"; done
}

# A percent-encoded JSON text for ?filters=.
encoded() {
	"$PYTHON" -I -S -c 'import sys
print("".join(chr(b) if chr(b).isalnum() or b in b"-._~" else "%%%02X" % b
    for b in sys.argv[1].encode()))' "$1"
}

# How many refusals this file holds; the last test of each.
at_least() { # N
	local n
	n=$(wc -l <"$BATS_FILE_TMPDIR/refused")
	echo "# refusals: $n" >&3
	[ "$n" -ge "$1" ] || fail "only $n refusals"
}

# ---- what everybody has ----

abuse_policy() { # more lines from stdin
	cat >"$BATS_FILE_TMPDIR/policy.conf" <<-'P'
	role worker {
		allow version info ping events images history search
		allow run create ps logs inspect top stats diff port wait start stop
		      restart kill pause unpause rename update rm exec attach cp
		      commit export   on own
		allow volume network on own
		allow build pull push tag save load import rmi image prune
		      container prune system df on own
		publish 20000-20999
		network link
	}
	role operator {
		allow all on any
		allow privileged everything
	}
	grant worker to group dev
	grant worker to group ops
	grant operator to group admin
	P
	cat >>"$BATS_FILE_TMPDIR/policy.conf"
}

# A rig with alice and bob in one group, carol in another, oscar an operator.
abuse_up() { # ARG...: more for `rig up'
	GUARD=$BATS_FILE_TMPDIR/guard
	export GUARD
	: >"$GUARD"
	touch "$BATS_FILE_TMPDIR/refused"
	rig_up --policy "$BATS_FILE_TMPDIR/policy.conf" \
		--user "alice:${ABUSE_UID:-200}1:dev" --user "bob:${ABUSE_UID:-200}2:dev" \
		--user "carol:${ABUSE_UID:-200}3:ops" \
		--user "oscar:${ABUSE_UID:-200}4:admin" "$@" || return
	rig_image box:1
	local who
	while IFS=: read -r who _; do
		export "ABUSE_$who=$(abuse_user "$who")"
	done <"$RIG/users"
}

oscar() { as oscar docker "$@"; }
carol() { as carol docker "$@"; }

# What one user gets: NAME's container Xweb runs, on his network Xnet, with his
# volume Xdata and an anonymous one; Xold is stopped; NAME/app:1 is his image.
equip() { # NAME X
	local who=$1 x=$2 dir=$RIG_HOME/$1/app
	as "$who" docker network create "${x}net" >/dev/null || return
	as "$who" docker volume create "${x}data" >/dev/null || return
	as "$who" docker run -di --name "${x}web" --network "${x}net" \
		-e SECRET="of-$who" -v "${x}data:/data" -v /anon \
		--label "mark=$who" box:1 \
		sh -c "echo said-by-$who; exec cat" >/dev/null || return
	as "$who" docker create --name "${x}old" box:1 true >/dev/null || return
	mkdir -p "$dir"
	printf '%s\n' 'FROM box:1' "LABEL of=$who" "RUN echo $who >/who" \
		>"$dir/Dockerfile"
	chown -R "$(abuse_user "$who" | cut -d: -f1)" "$dir"
	as "$who" docker build -q -t "$who/app:1" "$dir" >/dev/null || return
	engine exec "${x}web" sh -c "echo data-of-$who >/data/f; echo $who >/anon/f"
}

# alice's things are guarded; their ids are exported, and those of bob's.
abuse_equip() {
	equip alice a && equip bob b || return
	abuse_ids a alice && abuse_ids b bob || return
	guard container "$aweb_id" "$aold_id"
	guard network "$anet_id"
	guard volume adata "$anon_a"
	guard image "$aapp_id"
	guard tag alice/app:1 box:1
	guard exec "$aexec"
}

abuse_ids() { # X NAME
	local x=$1
	export "${x}web_id=$(engine inspect -f '{{.Id}}' "${x}web")"
	export "${x}old_id=$(engine inspect -f '{{.Id}}' "${x}old")"
	export "${x}net_id=$(engine network inspect -f '{{.Id}}' "${x}net")"
	export "${x}app_id=$(engine image inspect -f '{{.Id}}' "$2/app:1")"
	export "anon_$x=$(engine inspect -f \
		'{{range .Mounts}}{{if eq .Destination "/anon"}}{{.Name}}{{end}}{{end}}' \
		"${x}web")"
	WHO=$2 allowed 201 POST "$V/containers/${x}web/exec" \
		'{"Cmd":["sleep","1000"],"Env":["KEY=secret-of-exec"]}'
	export "${x}exec=$(json Id)"
}
