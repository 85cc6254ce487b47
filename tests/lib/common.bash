# shellcheck shell=bash
# common.bash: what the whole-program tests share.  One rig serves a file:
#
#   load lib/common
#   setup_file() { rig_up --user alice:2001:dev; rig_image box:1; }
#   teardown_file() { rig_down; }
#
# The lines that `rig up' prints are RIG_<KEY>; RIG_HOME holds the homes.
# Every command has a time limit, so that a test fails where it would hang.

top=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
lib=$top/tests/lib
rig=$top/tests/rig
PYTHON=/usr/bin/python3

rig_up() { # ARG...: as for `rig up', without DIR
	local key value
	[ "$(id -u)" = 0 ] || { echo "these tests need root" >&2; return 1; }
	RIG=$(mktemp -d /tmp/rig.XXXXXX)
	"$rig" up "$RIG" "$@" >"$BATS_FILE_TMPDIR/env" || return 1
	while IFS='=' read -r key value; do
		export "RIG_$key=$value"
	done <"$BATS_FILE_TMPDIR/env"
	export RIG RIG_HOME=$RIG/home
}

rig_down() {
	[ -n "${RIG:-}" ] || return 0
	"$rig" down "$RIG"
	rmdir "$RIG" 2>/dev/null || :	# left by one that did not come up
}

rig_image() { "$rig" image "$RIG" "$@"; }

as() { # NAME COMMAND...
	local name=$1
	shift
	"$rig" as "$RIG" "$name" timeout --foreground -k 5 60 "$@"
}

# The command line under test is $CLI, else the docker of the PATH.
alice() { as alice "${CLI:-docker}" "$@"; }
bob() { as bob "${CLI:-docker}" "$@"; }
root() { # by the shared socket, as root's docker comes without DOCKER_HOST
	DOCKER_HOST=unix://$RIG_SHARED_SOCK timeout --foreground -k 5 60 \
		"${CLI:-docker}" "$@"
}
engine() { # past the broker: the truth
	timeout --foreground -k 5 60 docker -H "unix://$RIG_ENGINE_SOCK" "$@"
}
dockbroker() { timeout 20 "$RIG_DOCKBROKER" "$@"; }
tool() { # NAME ARG...: tests/lib/NAME.py
	local name=$1
	shift
	timeout --foreground -k 5 60 "$PYTHON" -I "$lib/$name.py" "$@"
}

# A client of tests/lib/client.py as NAME on NAME's socket.  It goes in by
# stdin: users need not be able to read the source tree.
client() { # NAME VERB ARG...
	local name=$1 verb=$2 sock=RIG_USER_SOCK_$1
	shift 2
	as "$name" "$PYTHON" -I - "$verb" "${!sock}" "$@" <"$lib/client.py"
}

# docker 28 and Debian's 20.10 where the machine has both.
clis() {
	local c
	for c in "$(command -v docker)" /usr/bin/docker; do
		[ -x "$c" ] && realpath "$c"
	done | sort -u
}

# ---- what came out of `run' ----

fail() {
	{
		printf '%s\n' "$*"
		printf 'status: %s\noutput: %s\n' "${status:-}" "${output:-}"
	} >&2
	return 1
}

is() { # STATUS OUTPUT: ended so, with exactly this
	[ "$status" = "$1" ] || fail "not status $1"
	[ "$output" = "$2" ] || fail "not the output: $2"
}

ends() { # STATUS [PART]: ended so, and the output holds PART
	[ "$status" = "$1" ] || fail "not status $1"
	[[ $output == *"${2:-}"* ]] || fail "not in the output: $2"
}

# Refused by the policy with this sentence, in which lines of files are N.
# Sets $why to the number of the request.
denied() { # STATUS SENTENCE
	local got
	[ "$status" = "$1" ] || fail "not status $1"
	got=$(grep -o 'Error response from daemon: dockbroker: .*' <<<"$output") ||
		fail "not refused by dockbroker"
	[[ $got =~ \(dockbroker\ why\ ([0-9]+)\)\.?$ ]] || fail "no number"
	why=${BASH_REMATCH[1]}
	got=${got#Error response from daemon: dockbroker: }
	got=$(sed -E 's/\.conf:[0-9]+/.conf:N/g; s/ \(dockbroker why .*//' <<<"$got")
	[ "$got" = "$2" ] || fail "not the sentence: $2"
}

is_id() { [[ $1 =~ ^[0-9a-f]{64}$ ]] || fail "no id: $1"; }

# ---- waiting ----

soon() { # COMMAND...: becomes true within ten seconds
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	fail "did not come true: $*"
}

connections() { # N: so many clients are connected
	[ "$(dockbroker status --json | grep -o '"connections":[0-9]*')" = \
		"\"connections\":$1" ]
}

# ---- the audit log ----

# A line of the log has all of these; lists are JSON without spaces.  Reads
# are recorded behind their answer, so it may take a moment.
recorded() { # KEY=VALUE...
	tool audit find "$RIG_AUDIT_LOG" "$@" >/dev/null ||
		fail "no such record: $*"
}

not_recorded() { # KEY=VALUE...
	! tool audit seen "$RIG_AUDIT_LOG" "$@" || fail "there is a record: $*"
}
