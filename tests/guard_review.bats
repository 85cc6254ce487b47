# guard_review.bats: what a reading as an attacker found.  Each was root's, or more
# than the policy says, before it was mended.

load lib/guard
load lib/guard_ways

setup_file() {
	guard_ground
	guard_policy <<<"device $DISK r"
	guard_up
}

teardown_file() { guard_down; }

# The runtime makes the nodes of devices with mknod, wherever they are to be: in a
# bind they would be the user's, on his own file system, for reading and writing.
@test "a device is in the container's /dev, and never in a bind" {
	local WHO=alice MODE=guard H place
	fresh
	for place in /src/disk /dev/../src/disk; do
		rd run --rm --network none --runtime runc -v "$H:/src" \
			--device "$DISK:$place:r" wick:1 true
		[ -b "$H/disk" ]	# that is how it is without us
		rm "$H/disk"
		run d run --rm -v "$H:/src" --device "$DISK:$place:r" wick:1 true
		[[ $output == *'for HostConfig.Devices[0].PathInContainer'* ]]
		[ ! -e "$H/disk" ]
	done
	d run --rm --device "$DISK:/dev/disk:r" wick:1 head -c 14 /dev/disk |
		grep "$SECTOR"
}

# /dev/null covers what is masked: where there is none, runc masks nothing.
over() { # PLACE: what is mounted there, bind and volume
	local how
	for how in "$RIG_HOME/alice:$1" "over:$1"; do
		run d run --rm -v "$how" wick:1 true
		[[ $status != 0 && $output == *"$1 cannot be mounted over"* ]] || {
			fail "mounted: $how"
			return 1
		}
	done
}
@test "nothing lies over /dev, /proc and /sys but what is shared memory" {
	local WHO=alice MODE=guard
	over /dev
	over /dev/pts
	over /proc/self
	over /sys/kernel
	as alice docker build -q -t over:1 - <<<$'FROM wick:1\nVOLUME /dev' >/dev/null 2>&1
	run d run --rm over:1 true
	[[ $status != 0 && $output == *'/dev cannot be mounted over'* ]]
	d run --rm -v shm:/dev/shm wick:1 touch /dev/shm/x
	d run --rm --tmpfs /dev/shm:size=64k wick:1 touch /dev/shm/x
	d run --rm -v shm:/device -v shm:/system wick:1 touch /device/x /system/y
}

# What no guard in front of runc can be in the way of has to be said.
@test "the log says what an Engine that does not remap user ids leaves open" {
	local WHO=alice MODE=guard H
	try handed_in	# fails: then it is not open any more
	grep 'does not remap user ids: .* set userns-remap' "$RIG_LOG_broker"
}
