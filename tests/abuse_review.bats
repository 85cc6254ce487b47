# abuse_review.bats: what an attacker with an account found: names while they
# are on their way, labels that images hand down, the host's images by their ids.

load lib/abuse

setup_file() {
	abuse_policy </dev/null
	abuse_up || return
	as alice docker network create anet >/dev/null
}

teardown_file() { rig_down; }

# Runs something in the background that takes a while, and waits until it is
# under way: a container of the build runs.
slow_build() { # NAME TAG DOCKERFILE
	printf '%b' "$3" | as "$1" docker build --no-cache -t "$2" - \
		>"$BATS_TEST_TMPDIR/build" 2>&1 3>&- &
	slow=$!
	local i
	for ((i = 0; i < 100; i++)); do
		running=$(engine ps -q --no-trunc --filter ancestor=box:1 | head -n 1)
		[ -z "$running" ] || return 0
		sleep 0.1
	done
	bad "the build does not run: $(cat "$BATS_TEST_TMPDIR/build")"
}

@test "a name that a build is about to give is nobody else's, however often it is looked at" {
	slow_build alice soon:1 'FROM box:1\nRUN echo secret >/s; sleep 5\n'
	allowed 404 GET "$V/images/soon:1/json"
	allowed 403 POST "$V/images/box:1/tag?repo=soon&tag=1"
	allowed 403 POST "$V/images/create?fromImage=soon&tag=1"
	allowed 404 GET "$V/images/soon:1/json"
	ok wait "$slow"
	allowed 404 GET "$V/images/soon:1/json"
	allowed 403 POST "$V/images/box:1/tag?repo=soon&tag=1"
	WHO=alice allowed 200 GET "$V/images/soon:1/json"
	# and it is free as soon as it is gone, or never came
	WHO=alice allowed 200 DELETE "$V/images/soon:1"
	allowed 201 POST "$V/images/box:1/tag?repo=soon&tag=1"
	slow_build alice never:1 'FROM box:1\nRUN sleep 2; false\n'
	wait "$slow" || :
	allowed 201 POST "$V/images/box:1/tag?repo=never&tag=1"
}

@test "a build that is cancelled keeps its name for a while, for its user alone" {
	slow_build alice later:1 'FROM box:1\nRUN sleep 60\n'
	kill "$slow" && wait "$slow" || :
	pkill -P "$slow" 2>/dev/null || :
	allowed 404 GET "$V/images/later:1/json"
	allowed 403 POST "$V/images/box:1/tag?repo=later&tag=1"
	WHO=alice allowed 201 POST "$V/images/box:1/tag?repo=later&tag=1"
}

@test "a pull that failed makes nobody a holder" {
	slow_build alice mine.example/a:1 'FROM box:1\nRUN sleep 3\n'
	WHO=bob api ask - - POST \
		"$V/images/create?fromImage=mine.example/a&tag=1" >/dev/null 2>&1 || :
	ok wait "$slow"
	allowed 404 GET "$V/images/mine.example/a:1/json"
	WHO=alice allowed 200 GET "$V/images/mine.example/a:1/json"
}

@test "whose a container is its image does not say" {
	local id
	printf 'FROM box:1\nLABEL x=y\n' | as bob docker build -q -t bob/trap:1 - >/dev/null
	engine tag bob/trap:1 public:1
	# as root starts one past the broker, or swarm a task
	id=$(engine run -d public:1 sleep 100)
	allowed 404 GET "$V/containers/$id/json"
	allowed 404 POST "$V/containers/$id/exec" '{"Cmd":["id"]}'
	allowed 200 GET "$V/containers/json?all=1"
	hides "$id"
	# the containers of a build
	slow_build alice alice/fell:1 'FROM public:1\nRUN sleep 4\n'
	allowed 200 GET "$V/containers/json?all=1"
	hides "${running:0:12}"
	allowed 404 POST "$V/containers/$running/exec" '{"Cmd":["id"]}'
	ok wait "$slow"
	# nor after everything was read anew
	"$rig" stop "$RIG" broker && "$rig" start "$RIG" broker
	allowed 404 GET "$V/containers/$id/json"
	sleep 1
	allowed 404 GET "$V/containers/$id/json"
	engine rm -f "$id" >/dev/null
}

@test "a container that the broker made is its user's, also when the record is lost" {
	local id
	id=$(as bob docker run -d box:1 sleep 100)
	"$rig" stop "$RIG" broker
	find "$RIG" -name objects -path '*broker*' -delete 2>/dev/null
	find "$RIG" -name objects -delete
	"$rig" start "$RIG" broker
	sleep 1
	allowed 200 GET "$V/containers/$id/json"
	WHO=alice allowed 404 GET "$V/containers/$id/json"
	as bob docker rm -f "$id" >/dev/null
}

@test "an image that has a name of the host's is not removed by its id" {
	local id
	printf 'FROM scratch\nLABEL c=%s\n' "$RANDOM" | engine build -q -t host:1 - >/dev/null
	id=$(engine image inspect -f '{{.Id}}' host:1)
	allowed 201 POST "$V/images/host:1/tag?repo=bob/host&tag=1"
	allowed 409 DELETE "$V/images/$id?force=1"
	allowed 409 DELETE "$V/images/${id:7:12}?force=1"
	allowed 200 DELETE "$V/images/bob/host:1"
	ok engine image inspect host:1
}
