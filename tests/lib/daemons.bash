# shellcheck shell=bash
# daemons.bash: what the tests of the daemons share, beside common.bash.
# A stub Engine, requests by uid with status and message, edits of the rig.

stub_up() { # [AUDIT_LOG]: exports STUB, STUB_SOCK, STUB_LOG
	STUB=$(mktemp -d /tmp/stub.XXXXXX)
	chmod 0755 "$STUB"
	export STUB STUB_SOCK=$STUB/engine.sock STUB_LOG=$STUB/requests STUB_AUDIT=${1:-}
	echo 1.41 >"$STUB/version"
	stub_start
}

stub_start() {
	local i
	setsid "$PYTHON" "$lib/stub_engine.py" "$STUB_SOCK" "$STUB_LOG" \
		"$STUB/version" ${STUB_AUDIT:+"$STUB_AUDIT"} \
		>>"$STUB/out" 2>&1 </dev/null 3>&- &
	echo $! >"$STUB/pid"
	disown
	for ((i = 0; i < 100; i++)); do
		curl -fsS --max-time 1 --unix-socket "$STUB_SOCK" http://d/_ping \
			>/dev/null 2>&1 && return 0
		sleep 0.05
	done
	cat "$STUB/out" >&2
	return 1
}

stub_stop() {
	kill -KILL "$(cat "$STUB/pid")" 2>/dev/null || true
	rm -f "$STUB_SOCK"
}

stub_down() {
	[ -n "${STUB:-}" ] || return 0
	stub_stop
	rm -rf "$STUB"
}

# An include line of the presets for who makes more than a preset allows.
roles_unlimited() {
	sed '/^\tlimit /d' "$top/conf/roles.conf" >"$STUB/unlimited.conf"
	echo "include \"$STUB/unlimited.conf\""
}

# One request as UID on a connection of its own.  status is that of HTTP, 000
# when there was no answer; output is the message of an error, else the body.
ask() { # UID SOCKET METHOD TARGET [JSON]
	local who=() more=() got
	[ "$1" = 0 ] || who=(setpriv --reuid "$1" --regid "$1" --clear-groups)
	[ $# -lt 5 ] || more=(-H 'Content-Type: application/json' -d "$5")
	got=$("${who[@]}" curl -sS --max-time 20 --unix-socket "$2" -X "$3" \
		"${more[@]}" -w '\n%{http_code}' "http://docker$4" 2>&1) || true
	answer "$got"
}

answer() { # what curl wrote: body, newline, status
	# shellcheck disable=SC2034
	status=${1##*$'\n'}
	output=${1%$'\n'*}
	output=${output%$'\n'}
	[[ $output != '{"message":"'* ]] || output=$(sed 's/^{"message":"//; s/"}$//' <<<"$output")
}

asked() { # STATUS UID SOCKET METHOD TARGET [JSON]: answered so; for soon
	local want=$1
	shift
	ask "$@"
	[ "$status" = "$want" ]
}

pid_of() { cat "$RIG/pid/$1"; }	# PART
part() { "$rig" "$1" "$RIG" "$2" 3>&-; }	# stop|start PART

# Puts text from standard input in a file's place, keeping the file.
rewrite() { # FILE
	local text
	text=$(cat)
	printf '%s\n' "$text" >"$1"
}

member_add() { # GROUP NAME, in the rig's own /etc
	sed -E "s/^($1:[^:]*:[^:]*:)(.+)\$/\\1\\2,$2/; s/^($1:[^:]*:[^:]*:)\$/\\1$2/" \
		"$RIG_ETC/group" | rewrite "$RIG_ETC/group"
}

member_remove() { # GROUP NAME
	sed -E "/^$1:/{s/([:,])$2(,|\$)/\\1/;s/,\$//}" "$RIG_ETC/group" |
		rewrite "$RIG_ETC/group"
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }

gone() { [ ! -e "$1" ]; }
there() { [ -e "$1" ]; }
