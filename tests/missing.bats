# missing.bats: what is not there, and what is somebody else's, is answered in
# the Engine's own words.  Each request is sent past the broker with a name that
# nothing has, through it as root and as alice, and through it as alice with the
# name of something of bob's: all four answers are the same but for the name.
# Engines other than the machine's come from ../shared/tools/engines.sh.

load lib/common

NONE=nosuch-thing-1
FS=$(printf 'f%.0s' {1..64})

up() { # VERSION
	local tools=${DOCKBROKER_SHARED:-$top/../shared}/tools/engines.sh
	if [ "$1" != 20.10 ]; then
		[ -r "$tools" ] || skip "no $tools for an Engine $1"
		# shellcheck disable=SC1090
		[ -e "${ENGINES_ROOT:-/tmp/engines}/$(. "$tools" && engine__suite "$1")/.engine-ready" ] ||
			skip "no chroot of an Engine $1: see $tools"
	fi
	printf '%s\n' 'role all {' '	allow all on own' '}' \
		'grant all to group dev' >"$BATS_TEST_TMPDIR/policy"
	rig_up --engine-version "$1" --policy "$BATS_TEST_TMPDIR/policy" \
		--user alice:2001:dev --user bob:2002:dev
	rig_image box:1
	alice run -d --name mine box:1 sleep 1000
	alice network create alices
	bob run -d --name bobs-thing-1 box:1 sleep 1000
	bob network create bobs-thing-1
	bob volume create bobs-thing-1
	bob commit bobs-thing-1 bob/bobs-thing-1
}

teardown() { rig_down; }

# STATUS TEXT: without the JSON around the text of an error.
send() { # UID SOCKET METHOD TARGET [JSON]
	local who=() more=() got
	[ "$1" = 0 ] || who=(setpriv --reuid "$1" --regid "$1" --clear-groups)
	[ "$3" != HEAD ] || more=(--head)
	[ $# -lt 5 ] || more+=(-H 'Content-Type: application/json' -d "$5")
	got=$("${who[@]}" curl -sS --max-time 20 --unix-socket "$2" -X "$3" \
		-H 'X-Registry-Auth: e30=' "${more[@]}" -w '\n%{http_code}' \
		"http://docker$4" 2>&1) || true
	printf '%s ' "${got##*$'\n'}"
	[ "$3" = HEAD ] || tr -d '\r' <<<"${got%$'\n'*}" |
		sed -E 's/^\{"message":"(.*)"\}$/\1/; /^$/d'
}

# NAME stands for the object in TARGET and JSON.
told() { # NAME FROM(engine|root|alice) METHOD TARGET [JSON]
	local name=$1 sock=RIG_ENGINE_SOCK uid=0
	case $2 in
	root) sock=RIG_SHARED_SOCK ;;
	alice) sock=RIG_USER_SOCK_alice uid=2001 ;;
	esac
	shift 2
	send "$uid" "${!sock}" "${@//NAME/$name}" |
		sed "s|docker.io/||g; s|$name|NAME|g"
}

# The same for all; THEIRS is something of bob's.
same() { # THEIRS METHOD TARGET [JSON]
	local theirs=$1 truth
	shift
	truth=$(told "$NONE" engine "$@")
	[[ $truth == [345]* || $truth == 204* ]] || fail "the Engine has it: $truth"
	equal "$truth" "$(told "$NONE" root "$@")" "root, $*"
	equal "$truth" "$(told "$NONE" alice "$@")" "alice, $*"
	equal "$truth" "$(told "$theirs" alice "$@")" "alice, $theirs, $*"
}

# Where the Engine notices late, nothing and theirs are the same at least.
alike() { # THEIRS METHOD TARGET [JSON]
	local theirs=$1 truth
	shift
	truth=$(told "$NONE" alice "$@")
	[[ $truth == [45]* ]] || fail "it was not refused: $truth"
	equal "$truth" "$(told "$theirs" alice "$@")" "alice, $theirs, $*"
}

equal() { # WANTED GOT WHAT
	[ "$1" = "$2" ] || fail "$3: wanted \"$1\", got \"$2\""
}

containers() {
	local t=bobs-thing-1 c=/containers/NAME
	same $t GET $c/json
	same $t GET /v1.24$c/json
	same $t DELETE $c
	same $t DELETE "$c?force=1&v=1"
	same $t GET "$c/archive?path=/"
	same $t HEAD "$c/archive?path=/"
	same $t PUT "$c/archive?path=/"
	same $t POST "$c/attach?stream=1&stdout=1"
	same $t GET $c/changes
	same $t POST $c/exec '{"Cmd":["a"]}'
	same $t GET $c/export
	same $t POST $c/kill
	same $t POST "$c/kill?signal=TERM"
	same $t GET "$c/logs?stdout=1"
	same $t POST $c/pause
	same $t POST "$c/rename?name=other"
	same $t POST "$c/resize?h=1&w=1"
	same $t POST $c/restart
	same $t POST $c/start
	same $t GET $c/stats
	same $t GET "$c/stats?stream=0"
	same $t POST $c/stop
	same $t GET $c/top
	same $t POST $c/unpause
	same $t POST $c/update '{"CpuShares":10}'
	same $t POST $c/wait
	same $t POST "$c/wait?condition=removed"
	same $t POST '/commit?container=NAME'
	same $t GET '/containers/json?filters=%7B%22before%22%3A%5B%22NAME%22%5D%7D'
	same $t GET '/containers/json?filters=%7B%22since%22%3A%5B%22NAME%22%5D%7D'
	same $t POST /networks/alices/connect '{"Container":"NAME"}'
	same $t POST /networks/alices/disconnect '{"Container":"NAME"}'
}

execs() {
	local theirs sock=RIG_USER_SOCK_bob
	NONE=$FS
	theirs=$(send 2002 "${!sock}" POST \
		/containers/bobs-thing-1/exec '{"Cmd":["true"]}' |
		sed -E 's/.*"Id":"([0-9a-f]+)".*/\1/')
	[ ${#theirs} = 64 ] || fail "no exec: $theirs"
	same "$theirs" GET /exec/NAME/json
	same "$theirs" POST '/exec/NAME/resize?h=1&w=1'
	same "$theirs" POST /exec/NAME/start '{"Detach":true}'
}

images() {
	local t=bob/bobs-thing-1 i=/images/NAME
	same $t GET $i/json
	same $t GET $i:latest/json
	same $t GET $i/history
	same $t DELETE $i
	same $t DELETE "$i?force=1"
	same $t POST "$i/tag?repo=alice/x"
	same $t GET '/images/json?filters=%7B%22since%22%3A%5B%22NAME%22%5D%7D'
	same $t POST /containers/create '{"Image":"NAME"}'
	same $t POST /containers/create '{"Image":"NAME:latest"}'
	alike $t GET $i/get
	alike $t GET $i:latest/get
	alike $t GET '/images/get?names=box:1&names=NAME'
	alike $t POST "$i/push?tag=latest"
	NONE=$FS
	same $FS GET $i/json
	same $FS GET $i/history
	same $FS DELETE $i
	NONE=sha256:$FS
	same sha256:$FS GET $i/json
	NONE=x@sha256:$FS
	same x@sha256:$FS GET $i/json
}

others() {
	local t=bobs-thing-1
	same $t GET /networks/NAME
	same $t DELETE /networks/NAME
	same $t POST /networks/NAME/connect '{"Container":"mine"}'
	same $t POST /networks/NAME/disconnect '{"Container":"mine"}'
	same $t GET /volumes/NAME
	same $t DELETE /volumes/NAME
	same $t DELETE '/volumes/NAME?force=1'
	engine volume inspect bobs-thing-1
}

# What a create names: nothing and theirs are alike, and never 404, which
# docker run takes for its image and pulls.
creates() {
	local t=bobs-thing-1 body
	for body in '"VolumesFrom":["NAME"]' '"VolumesFrom":["NAME:ro"]' \
		'"PidMode":"container:NAME"' '"IpcMode":"container:NAME"' \
		'"Links":["NAME:a"]'; do
		same $t POST /containers/create \
			"{\"Image\":\"box:1\",\"HostConfig\":{$body}}"
	done
	for body in '"HostConfig":{"NetworkMode":"container:NAME"}' \
		'"HostConfig":{"NetworkMode":"NAME"}' \
		'"NetworkingConfig":{"EndpointsConfig":{"NAME":{}}}'; do
		alike $t POST /containers/create "{\"Image\":\"box:1\",$body}"
	done
	# filters that only narrow say nothing at all
	for body in ancestor volume network; do
		body="/containers/json?all=1&filters=%7B%22$body%22%3A%5B%22NAME%22%5D%7D"
		equal '200 []' "$(told "$NONE" engine GET "$body")" "$body"
		equal '200 []' "$(told "$NONE" alice GET "$body")" "$body"
		equal '200 []' "$(told $t alice GET "$body")" "$body"
	done
}

all() {
	containers
	(execs)
	(images)
	others
	creates
}

@test "nothing and somebody else's are told alike: Engine 20.10" {
	up 20.10
	all
}

@test "nothing and somebody else's are told alike: Engine 26.1" {
	up 26.1
	all
}

@test "nothing and somebody else's are told alike: Engine 28.5" {
	up 28.5
	all
}
