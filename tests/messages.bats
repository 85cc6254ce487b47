# messages.bats: what people read, word for word: refusals, explanations,
# status, lists, faults of policies and settings, help.  The words stand in
# tests/messages/*.golden; what differs from machine to machine is in capitals
# there.  After a change that is meant: GOLDEN_UPDATE=1 bats tests/messages.bats
# and read the difference.

load lib/common

setup_file() {
	echo 'service watch mode=0666' >"$BATS_FILE_TMPDIR/more"
	cp "$BATS_TEST_DIRNAME/messages/policy.conf" "$BATS_FILE_TMPDIR/"
	rig_up --policy "$BATS_FILE_TMPDIR/policy.conf" \
		--config "$BATS_FILE_TMPDIR/more" --user alice:2001:dev \
		--user bob:2002:ops --user carol:2003:dev --user dave:2004:other
	rig_image box:1
	engine run -d --name other box:1 sleep 1000
}

teardown_file() { rig_down; }

setup() {
	export DOCKBROKER_CONF=$RIG_CONFIG DOCKBROKER_CONTROL=$RIG_CONTROL_SOCK
	build=$(cat "$RIG/build")
	PATH=$build:$PATH
	cd "$BATS_TEST_DIRNAME/messages" || return 1
}

normal() {
	sed -E -e "s,$RIG,RIG,g; s,$build,BUILD,g; s,$BATS_FILE_TMPDIR,DIR,g" \
		-e 's/why [0-9]+\)/why N)/; s/^request [0-9]+$/request N/' \
		-e 's/"id":[0-9]+/"id":N/g' \
		-e 's/[0-9a-f]{64}/HASH/g' \
		-e 's/[0-9]{4}-[0-9-]+T[0-9:.]+Z/TIME/g' \
		-e 's/^(broker +|[a-z-]+ )[0-9]+\.[0-9]+\.[0-9]+/\1VERSION/' \
		-e 's/[0-9]+ (lines|sockets|connections|refused|streams)/N \1/g' \
		-e '/^policy /s/, failed reloads.*//' \
		-e 's/^(requests +)[0-9]+/\1N/' \
		-e 's,/[a-z/]*/dockbroker/dockbroker.conf,CONF,'
}

# What a command prints and how it ends, below the command.
t() {
	local code=0
	echo "\$ $*"
	"$@" </dev/null 2>&1 || code=$?
	echo "[$code]"
}

# Standard input is what the golden file holds.
same_as() { # NAME
	local golden=$BATS_TEST_DIRNAME/messages/$1.golden
	normal >"$BATS_TEST_TMPDIR/got"
	if [ -n "${GOLDEN_UPDATE:-}" ]; then
		cp "$BATS_TEST_TMPDIR/got" "$golden"
	fi
	diff -u "$golden" "$BATS_TEST_TMPDIR/got" >&2
}

# As a user by his socket: "ask alice GET /target [BODY [TYPE]]".
ask() { client "$1" request "${@:2}"; }
db() { as "$1" env DOCKBROKER_CONTROL="$RIG_CONTROL_SOCK" dockbroker "${@:2}"; }
shared() { # UID METHOD TARGET
	setpriv --reuid "$1" --regid "$1" --clear-groups curl -sS -w '\n' \
		-X "$2" --unix-socket "$RIG_SHARED_SOCK" "http://docker$3"
}

@test "refusals by the policy" {
	{
		t ask bob POST /v1.41/containers/create '{"Image":"box:1"}'
		t ask bob GET /v1.41/containers/other/top
		t ask alice POST /v1.41/volumes/prune
		t ask alice POST /v1.41/swarm/init '{}'
		t ask alice POST /v1.41/containers/other/rename?name=x
		t ask alice POST /v1.41/containers/create \
			'{"Image":"box:1","HostConfig":{"Privileged":true}}'
		t ask alice POST /v1.41/containers/create \
			'{"Image":"box:1","HostConfig":{"Privileged":true,"PidMode":"host","Binds":["/:/host","vol:/x"],"CapAdd":["ALL"]}}'
		t ask alice POST /v1.41/containers/create \
			'{"Image":"box:1","HostConfig":{"Binds":["/a\"b\n\u001b[31m:/x"]}}'
		t ask alice POST /v1.41/containers/create "{\"Image\":\"box:1\",\"HostConfig\":{\"Binds\":[\"/$(printf 'a%.0s' {1..300}):/x\"]}}"
		t ask alice POST /v1.41/containers/other/exec \
			'{"Cmd":["id"],"Privileged":true}'
		t ask carol POST /v1.41/containers/other/exec '{"Cmd":["id"]}'
		t ask carol GET /v1.41/containers/other/changes
		t ask alice GET /v1.41/plugins/nothere/json
		t ask bob GET /v1.41/plugins
	} | same_as refusals
}

@test "refusals on docker's own command line" {
	{
		t as bob docker rm -f other
		t as alice docker volume prune -f
		t as alice docker exec --privileged other true
		t as carol docker exec other true
		t as bob docker -H "unix://$RIG_RUN_DIR/services/watch.sock" \
			stop other
	} | same_as docker
}

@test "requests that nobody may send" {
	local c=/v1.41/containers
	{
		t ask alice GET /v1.41/nonsense
		t ask alice DELETE /v1.41/version
		t ask alice GET /v1.23/version
		t ask alice GET /v1.99/version
		t ask alice GET /v2.0/version
		t ask alice GET "$c/json?al=1"
		t ask alice GET "$c/json?all=1&all=0"
		t ask alice GET "$c/json?limit=many"
		t ask alice GET "$c/json?filters=nonsense"
		t ask alice GET '/v1.41/containers/a%2Fb/json'
		t ask alice GET '/v1.41/containers/../json'
		t ask alice POST "$c/create" nonsense
		t ask alice POST "$c/create" '{"Image":"a","Image":"b"}'
		t ask alice POST "$c/create" '{"image":"a"}'
		t ask alice POST "$c/create" '{"Imag":"a","Nonsense":{"a":1}}'
		t ask alice POST "$c/create" '{"Image":7}'
		t ask alice POST "$c/create" '{"HostConfig":{"Memory":"all"}}'
		t ask alice POST "$c/create" '{"Labels":{"dockbroker.owner":"x"}}'
		t ask alice POST "$c/create" \
			"$(printf '[%.0s' {1..200})$(printf ']%.0s' {1..200})"
		t ask alice POST "$c/create" 'a=b' application/x-www-form-urlencoded
		t ask alice POST "$c/other/start" '{"HostConfig":{"Privileged":true}}'
		t ask alice POST /session
		t ask alice POST /grpc
		t ask alice GET "$c/other/attach/ws?stream=1"
	} | same_as requests
}

@test "people without rights" {
	{
		t shared 2004 GET /v1.41/containers/json
		t shared 2999 GET /_ping
		t shared 65534 GET /_ping
		t db dave list
		t db dave open
		t setpriv --reuid 2999 --regid 2999 --clear-groups \
			dockbroker list
	} | same_as strangers
}

@test "why: at length, and only one's own" {
	number() {
		"$@" 2>&1 | sed -nE 's/.*dockbroker why ([0-9]+).*/\1/p'
	}
	local role deny none reach far
	role=$(number ask bob POST /v1.41/containers/other/kill)
	deny=$(number ask alice POST /v1.41/volumes/prune)
	none=$(number ask alice POST /v1.41/containers/other/rename?name=x)
	reach=$(number ask alice POST /v1.41/containers/create \
		'{"Image":"box:1","HostConfig":{"Privileged":true,"Binds":["/:/x"]}}')
	far=$(number ask alice POST /v1.41/swarm/init '{}')
	{
		t db bob why "$role"
		t db alice why "$deny"
		t db alice why "$none"
		t db alice why "$reach"
		t db alice why "$far"
		t dockbroker why "$reach"
		t db bob why "$reach"
		t db bob why 999999
		t db bob why x
		t db bob why | tail -n 12	# of his last ones the last
	} | sed -E 's/^(\$ .* why )[0-9]{1,5}$/\1N/' | same_as why
}

@test "list" {
	{
		t db alice list
		t db bob list
		t db bob list --json
		t dockbroker list
		t dockbroker list -U alice
		t dockbroker list -U 2002
		t dockbroker list -U nobody-of-that-name
		t db bob list -U alice
		t db bob list --nonsense
	} | same_as list
}

@test "open: one's socket" {
	{
		t db alice open
		t db bob open surplus
		t dockbroker open
	} | same_as open
}

@test "reload: by root, and never with a fault" {
	{
		t db alice reload
		t dockbroker reload
		sed -i 's/^role boss/rule boss/' "$RIG_POLICY"
		t dockbroker reload
		t dockbroker status
		sed -i 's/^rule boss/role boss/' "$RIG_POLICY"
		chmod 666 "$RIG_POLICY"
		t dockbroker reload
		chmod 644 "$RIG_POLICY"
		t dockbroker reload
	} | grep -v '^ *sha256' | same_as reload
}

@test "status, and what users read while a part is missing" {
	{
		t dockbroker status
		t db dave status
		t dockbroker status surplus
		"$rig" stop "$RIG" engine
		t ask bob GET /v1.41/containers/json
		t dockbroker status
		"$rig" start "$RIG" engine
		soon dockbroker status	# it looks again in a while
		"$rig" stop "$RIG" authd
		t ask bob GET /v1.41/containers/json
		t dockbroker status
		"$rig" start "$RIG" authd
		soon ask bob GET /v1.41/containers/json
		"$rig" stop "$RIG" auditd
		t ask alice POST /v1.41/volumes/create '{"Name":"x"}'
		t ask bob GET /v1.41/containers/json
		t dockbroker status
		"$rig" start "$RIG" auditd
		soon dockbroker status
		t dockbroker status
		"$rig" stop "$RIG" broker
		t dockbroker status
		"$rig" start "$RIG" broker
		soon dockbroker status
	} | same_as status
}

@test "check: faults of policies and of settings" {
	cp policy.conf faulty.conf open.conf settings.conf "$BATS_TEST_TMPDIR/"
	chmod 644 "$BATS_TEST_TMPDIR"/*
	cd "$BATS_TEST_TMPDIR"
	{
		t dockbroker check policy.conf
		t dockbroker check faulty.conf
		t dockbroker check open.conf
		t dockbroker check missing.conf
		t dockbroker check --conf settings.conf
		t dockbroker check --conf missing.conf
		t dockbroker check
		t dockbroker check --print policy.conf
		t dockbroker check --nonsense
		t dockbroker check one two
	} | same_as check
	dockbroker check --print policy.conf >once
	dockbroker check --print once | diff once -
}

@test "handing over" {
	local name
	name=$(printf 'a%.0s' {1..600})
	{
		t dockbroker chown
		t dockbroker chown contaner other alice
		t dockbroker chown container "$name" alice
		t dockbroker chown container nope alice
		t dockbroker chown container other nosuch
		t dockbroker chown container other 2099
		t dockbroker chown container other service:nosuch
		t dockbroker chown container other ''
		t db alice chown container other alice
		t dockbroker chown container other alice
		t dockbroker chown container other 2002
		t dockbroker chown container other service:watch
		t dockbroker chown tag box:1 alice
		t dockbroker chown tag box:1 -
		t dockbroker chown container other -
	} | same_as chown
}

# Of this machine's own settings and kernel nothing is said here.
guard_lines() {
	grep -E '^([$]|\[|(good|bad|note|unknown) +(runtime|program|binds|builds) )|  -> .* setup'
}

@test "check guard: what is there, and what is not" {
	{
		t dockbroker check guard
		chattr -i "$RIG_BIND_DIR"
		t dockbroker check guard
		touch "$RIG_BIND_DIR/x"
		chattr +i "$RIG_BIND_DIR"
		t dockbroker check guard
		chattr -i "$RIG_BIND_DIR"
		rm "$RIG_BIND_DIR/x"
		chattr +i "$RIG_BIND_DIR"
		t dockbroker check guard
		printf 'guard-runtime none\nbind-directory %s\n' "$RIG_BIND_DIR" \
			>"$BATS_FILE_TMPDIR/none.conf"
		t dockbroker check guard --conf "$BATS_FILE_TMPDIR/none.conf"
		t dockbroker check guard --print
		t dockbroker check --json
	} | guard_lines | same_as guard
	dockbroker check guard --json | python3 -m json.tool >/dev/null
}

@test "help of all programs" {
	local p c
	{
		t dockbroker
		t dockbroker --help
		for c in status list why open check reload chown; do
			t dockbroker $c --help
		done
		t dockbroker --version
		t dockbroker lst
		t dockbroker nonsense
		for p in dockbrokerd dockbroker-authd dockbroker-auditd; do
			t $p --help
			t $p --version
			t $p --nonsense
			t $p surplus
			t $p -c /nonexistent
			t $p -c settings.conf
		done
	} | same_as help
}
