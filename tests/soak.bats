#!/usr/bin/env bats
# Two users in everything that docker and compose do, at the same time.  An
# hour of it by hand: SOAK_SECONDS=3600 tests/soak

load lib/common

@test "two users for two minutes: each has exactly his own, and nothing grows" {
	run timeout --kill-after=20 500 \
		"$top/tests/soak" --seconds "${SOAK_SECONDS:-120}"
	sed 's/^/# /' <<<"$output" >&3
	[ "$status" = 0 ] || fail "tests/soak"
}
