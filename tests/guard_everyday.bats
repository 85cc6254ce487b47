# guard_everyday.bats: work with one's own files through the guard: whatever a
# container writes is its caller's, with any user of the image, and it goes on
# through restarts of everything.  alice has a range in /etc/subuid, bob has none.

load lib/guard

setup_file() {
	export MODE=guard WHO=alice
	guard_ground || return
	mkdir "$SRV"/{nfs,flat,fast}
	mount -t tmpfs -o mode=1777 tmpfs "$SRV/fast" &&
		mount -t ramfs ramfs "$SRV/nfs" && mount -t ramfs ramfs "$SRV/flat" || return
	guard_policy <<-P
		bind $SRV/flat rw unmapped
		bind $SRV/nfs rw
		bind $SRV/fast rw
	P
	guard_up || return
	echo "alice:300000:65536" | tee "$RIG_ETC/subuid" >"$RIG_ETC/subgid"
	git_image
}

teardown_file() {
	guard_down
	umount "$SRV/nfs" "$SRV/flat" "$SRV/fast" && rm -rf --one-file-system "$SRV"
}

setup() {
	touch "$T/dirty."
	fresh
	R="run --rm"
}

# busybox with git and make of this machine
git_image() {
	local t=$SRV/root/tree f
	base_tree "$t"
	mkdir -p "$t"/usr/{bin,lib/git-core} "$t/lib64"
	cp /usr/bin/{git,make} "$t/usr/bin/"
	ln -s git "$t/usr/bin/git-upload-pack"
	for f in $(ldd /usr/bin/git /usr/bin/make | grep -o '/[^ :]*lib[^ :]*'); do
		mkdir -p "$t/$(dirname "$f")"
		cp -L "$f" "$t/$f"
	done
	image_of "$RIG_ENGINE_SOCK" "$t" git:1 -c 'ENV PATH=/usr/bin:/bin'
	rm -rf "$t"
}

# All below DIR is of the caller's, and he can remove it.
hers() { # DIR
	local other
	other=$(find "$1" ! -user "$(stat -c %u "$RIG_HOME/$WHO")" -printf '%p of %U\n')
	[ -z "$other" ] || fail "another's: $other"
	u rm -r "$1" || fail "cannot be removed"
}
files() { d $R -v "$H/src:/src" "$@"; }	# a container that writes there

@test "root, a number, a name: files are the caller's" {
	local user
	for user in 0 root 1000 1000:1000 app postgres 4242 70:1000; do
		u mkdir -p "$H/src"
		u sh -c "echo mine >$H/src/f; chmod 600 $H/src/f"
		run files -u "$user" wick:1 sh -c \
			'cat /src/f && mkdir /src/d && touch /src/d/x && echo more >>/src/f
			[ "$(stat -c %u /src/f)" = "$(id -u)" ] || echo not his inside'
		is 0 mine
		[ "$(stat -c %g "$H/src/d/x")" = "$(gid_of alice)" ] || fail "group: $user"
		hers "$H/src"
		WHO=bob fresh
		WHO=bob run files -u "$user" wick:1 sh -c 'mkdir /src/d; touch /src/d/x'
		is 0 ''
		WHO=bob H=$RIG_HOME/bob/w hers "$RIG_HOME/bob/w/src"
		H=$RIG_HOME/alice/w
	done
}

@test "the container's other users: with a range as on any host, without an error" {
	u mkdir "$H/src"
	run files wick:1 sh -c 'mkdir /src/db && chown 70:70 /src/db && chmod 700 /src/db &&
		su postgres -c "touch /src/db/file; stat -c %u:%g /src/db/file"'
	is 0 70:70
	[ "$(stat -c %u "$H/src/db")" -ge 300000 ] &&
		[ "$(stat -c %u "$H/src/db")" -lt 365536 ] || fail 'not of her range'
	run files wick:1 su postgres -c 'cat /src/db/file'
	is 0 ''
	run files wick:1 rm -r /src/db
	is 0 ''
	hers "$H/src"
	WHO=bob fresh
	WHO=bob run files wick:1 sh -c 'mkdir /src/db && chown 70:70 /src/db'
	ends 1 'Value too large'
	# and so it works for him: as that user from the beginning
	WHO=bob run files -u 70:70 wick:1 sh -c 'mkdir /src/my && touch /src/my/f'
	is 0 ''
}

@test "git clone, git status of the host's checkout, make" {
	u git init -q "$H/origin"
	u sh -c "cd $H/origin && echo 'all: ; echo built >out' >Makefile && git add . &&
		git -c user.name=a -c user.email=a@b commit -q -m one"
	run d $R -v "$H:/src" git:1 sh -c 'cd /src && git -C origin status --short &&
		git clone -q --template= /src/origin work && make -s -C work && cat work/out'
	is 0 built
	run u git -C "$H/work" status --short
	is 0 '?? out'
	hers "$H/work"
}

# In memory, so that it is about the guard and not about a disk.
@test "a tree of 50,000 files: hers, and about as quick as without the guard" {
	local t0 t1 t2
	[ "$(printf '%s\n' 6.3 "$(uname -r)" | sort -V | head -n 1)" = 6.3 ] ||
		skip 'tmpfs cannot be mapped before Linux 6.3'
	u mkdir "$SRV/fast/src" && mkdir "$SRV/fast/plain"
	t0=$(date +%s%3N)
	d $R -v "$SRV/fast/src:/src" wick:1 wicked tree /src 50000
	t1=$(date +%s%3N)
	engine run --rm --network none --runtime runc -v "$SRV/fast/plain:/src" \
		wick:1 wicked tree /src 50000
	t2=$(date +%s%3N)
	echo "# 50,000 files: $((t1 - t0)) ms, by runc alone $((t2 - t1)) ms" >&3
	[ $((t1 - t0)) -lt $((2 * (t2 - t1) + 1000)) ]
	[ "$(u find "$SRV/fast/src" -type f | wc -l)" = 50000 ]
	hers "$SRV/fast/src"
}

@test "-v makes a directory as the caller, --mount wants it there" {
	run d $R -v "$H/a/b/c:/src" wick:1 touch /src/f
	is 0 ''
	hers "$H/a"
	run d $R --mount "type=bind,source=$H/not,target=/src" wick:1 true
	[ "$status" != 0 ]
	[[ $output == *"$H/not"* ]] || fail 'the path is not named'
	[ ! -e "$H/not" ]
	chmod 0755 "$RIG_HOME"
	run d $R -v "$H/../../eve/new:/src" wick:1 true
	[ "$status" != 0 ]
}

@test "single files, also replaced by editors; read-only; binds in binds" {
	u sh -c "echo one >$H/f"
	d run -d --name cc -v "$H/f:/etc/f" wick:1 sleep 100
	u sh -c "echo two >$H/new; mv $H/new $H/f"
	d restart -t 0 cc
	run d exec cc cat /etc/f
	is 0 two
	d exec cc sh -c 'echo three >/etc/f'
	[ "$(cat "$H/f")" = three ]
	run d $R -v "$H:/src:ro" wick:1 sh -c 'cat /src/f; touch /src/g; rm /src/f'
	[[ $output == three*Read-only*Read-only* ]]
	run d $R --mount "type=bind,source=$H,target=/src,readonly" wick:1 touch /src/g
	ends 1 'Read-only'
	u mkdir "$H/a" "$H/b"
	for WHO in alice bob; do
		H=$RIG_HOME/$WHO/w
		u mkdir -p "$H/a" "$H/b"
		for user in 0 1000 70:70; do
			run d $R -u "$user" -v "$H/a:/a" -v "$H/b:/a/b/deep" -v "$WHO${user%:*}:/a/node_modules" \
				-v "$H/a:/a/ro:ro" wick:1 sh -c 'touch /a/b/deep/f && ls -d /a/b /a/node_modules'
			is 0 $'/a/b\n/a/node_modules'
			[ -e "$H/b/f" ]
			hers "$H/b/f"
		done
		hers "$H/a"
	done
}

# The directory is root's and the group's: the container is in his groups.
# Whose owner has no place in the map is read-only, whatever its mode says.
@test "two colleagues in a directory of their group: each in what is his" {
	u mkdir -m 2775 "$SRV/team/a"
	o mkdir -m 2775 "$SRV/team/b"
	d $R -v "$SRV/team:/src" wick:1 sh -c 'umask 002; mkdir /src/a/d; echo a >/src/a/d/f'
	[ "$(stat -c %u:%g "$SRV/team/a/d/f")" = "$ALICE:$(gid_team)" ]
	run o sh -c "echo b >>$SRV/team/a/d/f; cat $SRV/team/a/d/f"
	is 0 $'a\nb'
	WHO=bob run d $R -v "$SRV/team:/src" wick:1 sh -c 'cat /src/a/d/f; touch /src/b/g /src/a/g'
	ends 1 $'a\nb'
	[[ $output == *"/src/a/g: Permission denied"* ]]
	[ "$(stat -c %u:%g "$SRV/team/b/g")" = "$BOB:$(gid_team)" ]
	run d $R -u 1000 -v "$SRV/team/a:/src" wick:1 sh -c 'echo c >>/src/d/f; rm /src/d/f'
	is 0 ''
}

@test "ps, inspect and df say what was asked for" {
	u mkdir "$H/src"
	d create --name cc -v "$H/src:/src:ro" --mount "type=bind,source=$H,target=/h" \
		-v named:/n wick:1
	run d inspect -f '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.RW}} {{.Mode}}{{"\n"}}{{end}}' cc
	[[ $output == *"bind $H/src /src false ro"* ]] || fail "-v"
	[[ $output == *"bind $H /h true"* ]] || fail "--mount"
	run d inspect -f '{{.HostConfig.Binds}}' cc
	[[ $output == *"$H/src:/src:ro"* ]] || fail 'Binds'
	run d ps -a --no-trunc --format '{{.Mounts}}'
	[[ $output == *"$H/src"* ]] || fail 'ps'
	[[ $output != *"$RIG_BIND_DIR"* ]] || fail 'ps shows the directory of binds'
	run d ps -aq --filter "volume=$H/src"
	[ -n "$output" ]
	run d inspect cc
	[[ $output != *"$RIG_BIND_DIR"* ]] || fail 'inspect shows the directory of binds'
}

@test "docker cp does not reach binds, and harms nothing" {
	d create --name cc -v "$H:/src" wick:1
	run d cp "$WICKED" cc:/src/x
	[ "$status" != 0 ]
	[ ! -e "$H/x" ]
	[ -z "$(ls -A "$RIG_BIND_DIR")" ]
	run d cp "$WICKED" cc:/tmp/x
	[ "$status" = 0 ]
}

@test "compose with binds" {
	command -v docker-compose >/dev/null || skip 'no docker-compose'
	u mkdir "$H/src"
	u tee "$H/docker-compose.yml" >/dev/null <<-'Y'
	version: "3.7"
	services:
	  web:
	    image: wick:1
	    command: sh -c 'echo built >/src/out; sleep 100'
	    network_mode: none
	    volumes:
	      - ./src:/src
	      - ./conf:/conf:ro
	      - data:/data
	      - /src/node_modules
	volumes:
	  data:
	Y
	run as alice docker-compose -f "$H/docker-compose.yml" up -d
	[ "$status" = 0 ] || fail 'up'
	soon test -s "$H/src/out"
	# nothing has changed: nothing is made anew
	run as alice docker-compose -f "$H/docker-compose.yml" up -d
	ends 0 'up-to-date'
	run as alice docker-compose -f "$H/docker-compose.yml" down -v -t 0
	[ "$status" = 0 ] || fail 'down'
	hers "$H/src"
	hers "$H/conf"
}

restarts() { [ "$(engine inspect -f '{{.RestartCount}}' "$1")" -ge "$2" ]; }

@test "restart policies, also while the broker is down" {
	u mkdir "$H/src"
	d run -d --name cc --restart always -v "$H/src:/src" wick:1 \
		sh -c 'echo x >>/src/n; sleep 0.2; exit 1'
	soon restarts cc 2
	"$rig" stop "$RIG" broker
	local n
	n=$(engine inspect -f '{{.RestartCount}}' cc)
	soon restarts cc $((n + 1))
	"$rig" start "$RIG" broker 3>&-
	soon d version
	run d ps -q --filter name=cc
	[ -n "$output" ]
	d rm -f cc
	[ "$(wc -l <"$H/src/n")" -ge 3 ]
	hers "$H/src"
}

@test "the Engine is started again, before the broker is there; live-restore" {
	u mkdir "$H/src"
	d run -d --name cc --restart always -v "$H/src:/src" wick:1 \
		sh -c 'echo x >>/src/n; sleep 1000'
	soon test -s "$H/src/n"
	"$rig" stop "$RIG" broker
	"$rig" stop "$RIG" engine
	"$rig" start "$RIG" engine 3>&-
	soon test "$(wc -l <"$H/src/n")" = 2
	"$rig" start "$RIG" broker 3>&-
	soon d version
	run d exec cc stat -c %u /src/n
	is 0 0
	# live-restore: the container outlives its Engine
	local pid
	pid=$(pid_of cc)
	echo '{"live-restore":true}' >"$RIG/engine/daemon.json"
	kill -HUP "$(cat "$RIG/engine/pid")"
	soon sh -c "docker -H unix://$RIG_ENGINE_SOCK info | grep -q 'Live Restore Enabled: true'"
	kill -TERM "$(cat "$RIG/engine/pid")"
	soon test ! -S "$RIG_ENGINE_SOCK"
	[ -d "/proc/$pid" ] || fail 'it did not live'
	"$rig" start "$RIG" engine 3>&-
	soon d version
	[ "$(pid_of cc)" = "$pid" ]
	run d ps --format '{{.Names}} {{.Mounts}}' --no-trunc
	is 0 "cc $H/src"
	d rm -f cc
	hers "$H/src"
}

@test "volumes: nosuid, nodev, also of an image; own ones work as ever" {
	run d $R -v vol:/v -v /anon -v ro:/ro:ro wick:1 grep -E ' /(v|anon|ro) ' /proc/mounts
	[ "$(grep -c 'nosuid,nodev' <<<"$output")" = 3 ] || fail 'flags'
	run d $R -v vol:/v wick:1 sh -c 'echo kept >/v/f; chown 70 /v/f'
	is 0 ''
	run d $R -v vol:/v:ro wick:1 cat /v/f
	is 0 kept
	run d $R wick:1 sh -c 'echo x >/dev/null && head -c 1 /dev/zero | wc -c; grep " / " /proc/mounts'
	ends 0 nodev
}

@test "a file system without maps: refused by name, or by the line with unmapped" {
	chmod 0777 "$SRV/nfs" "$SRV/flat"
	run d $R -v "$SRV/nfs:/src" wick:1 true
	ends 125 "dockbroker: $SRV/nfs"
	[[ $output == *ramfs*unmapped* ]] || fail 'neither what nor what to do'
	u mkdir "$SRV/flat/alice"
	run d $R -v "$SRV/flat/alice:/src" wick:1 sh -c 'id -u; touch /src/f; grep CapBnd /proc/self/status'
	ends 0 "$ALICE"
	[[ $output == *0000000000000000* ]] || fail 'capabilities'
	[ "$(stat -c %u "$SRV/flat/alice/f")" = "$ALICE" ]
	run d $R -v "$SRV/flat/alice:/src" -u 0 wick:1 true
	ends 125 'dockbroker: '
	run d $R -v "$SRV/flat/alice:/src" --group-add 0 wick:1 true
	ends 125 'dockbroker: '
	d run -d --name cc -v "$SRV/flat/alice:/src" wick:1 sleep 100
	run d exec cc id -u
	is 0 "$ALICE"
	run d exec -u 0 cc id -u
	[ "$status" != 0 ] || is 0 "$ALICE"
	run d exec cc sh -c 'cp /bin/wicked /src/x; chmod 4755 /src/x; chown 0 /src/x'
	[[ $output == *'not permitted'* ]]
	# of another's: there is no map to stand between
	WHO=bob run d $R -v "$SRV/flat/alice:/src" wick:1 true
	ends 125 'dockbroker: '
}

@test "services, groups and limits: refusals say what to do" {
	local mode
	run d $R --mount "type=bind,source=$H,target=/src,bind-propagation=rshared" wick:1 true
	ends 125 'dockbroker: '
	run d $R -v "$H:/src:z" wick:1 true
	ends 125 'dockbroker: '
	run d $R -v "$SRV/data:/src" wick:1 true
	ends 125 "bind $SRV/data rw"
	run d $R -v "$SRV/data:/src:ro" wick:1 true
	is 0 ''
}
