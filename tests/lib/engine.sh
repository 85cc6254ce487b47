# shellcheck shell=bash
# engine.sh: private Docker Engines for the rig.  20.10 is Debian's docker.io on
# this machine; others come from ../shared/tools/engines.sh where that is there.
#
#   engine_begin VERSION DIR [dockerd args]   DIR/docker.sock, DIR/pid, DIR/log
#   engine_end DIR VERSION
#   engine_import SOCKET NAME[:TAG]...        a busybox image under each name

engine_tools() { # where the other versions come from, or nothing
	local d
	for d in "${DOCKBROKER_SHARED:-}" "$(dirname "${BASH_SOURCE[0]}")/../../../shared"; do
		[ -n "$d" ] && [ -r "$d/tools/engines.sh" ] && { echo "$d/tools/engines.sh"; return 0; }
	done
	return 1
}

engine_answers() { curl -fsS --max-time 2 --unix-socket "$1" http://d/_ping >/dev/null 2>&1; }

engine_begin() {
	local version=$1 d=$2 i tools
	shift 2
	if [ "$version" != 20.10 ]; then
		tools=$(engine_tools) || { echo "engine: $version needs ../shared/tools/engines.sh" >&2; return 1; }
		# shellcheck disable=SC1090
		(set +eu; . "$tools" && engine_start "$version" "$d" "$@")
		return
	fi
	command -v dockerd >/dev/null || { echo "engine: no dockerd: apt-get install docker.io" >&2; return 1; }
	mkdir -p "$d/data" "$d/exec"
	rm -f "$d/docker.sock" "$d/pid"
	[ -e "$d/daemon.json" ] || echo '{}' >"$d/daemon.json"
	# A mount and a network namespace of its own: neither docker0 nor iptables
	# nor mounts of the machine are touched.
	setsid unshare --mount --net --propagation private -- bash -c '
		d=$1; shift
		ip link set lo up || exit 1
		ip link add eth0 type veth peer name eth0p && ip link set eth0p up &&
			ip addr add 10.98.0.2/24 dev eth0 && ip link set eth0 up
		mount --make-rshared /
		unset DOCKER_HOST LISTEN_PID LISTEN_FDS NOTIFY_SOCKET
		exec dockerd -H "unix://$d/docker.sock" --config-file "$d/daemon.json" \
			--data-root "$d/data" --exec-root "$d/exec" --pidfile "$d/pid" "$@"
	' engine "$d" "$@" >>"$d/log" 2>&1 </dev/null &
	for ((i = 0; i < 300; i++)); do
		engine_answers "$d/docker.sock" && return 0
		sleep 0.1
	done
	echo "engine: it did not start:" >&2
	tail -n 5 "$d/log" >&2
	return 1
}

engine_pid_ours() { # DIR: prints the pid when it is alive and ours
	local p
	p=$(cat "$1/pid" 2>/dev/null) && [ -n "$p" ] && [ -d "/proc/$p" ] &&
		tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -qF -- "$1/docker.sock" && echo "$p"
}

engine_end() { # DIR VERSION
	local d=$1 p c i
	if p=$(engine_pid_ours "$d"); then
		for c in $(curl -fsS --max-time 5 --unix-socket "$d/docker.sock" http://d/containers/json 2>/dev/null |
			grep -o '"Id":"[0-9a-f]\{64\}"' | cut -d'"' -f4); do
			curl -fsS --max-time 10 -X POST --unix-socket "$d/docker.sock" "http://d/containers/$c/kill" >/dev/null 2>&1 || true
		done
		kill -TERM "$p" 2>/dev/null || true
		# A dead one may stay in /proc until init sees it.
		for ((i = 0; i < 200; i++)); do readlink "/proc/$p/exe" >/dev/null || break; sleep 0.1; done
		readlink "/proc/$p/exe" >/dev/null && kill -KILL "$p"
	fi
	# Its containerd, and shims of containers that outlived it.
	for p in $(pgrep -f -- "$d/exec" || true); do
		[ "$p" != $$ ] && kill -KILL "$p" 2>/dev/null
	done
	sleep 0.1
	# Mounts of containers die with the Engine's namespace; none is ours.
	rm -f "$d/docker.sock" "$d/pid"
	return 0
}

engine_import() { # SOCKET NAME...
	local sock=$1 t n a b
	shift
	t=$(mktemp -d) || return 1
	b=$(command -v busybox) || { echo "engine: no busybox: apt-get install busybox-static" >&2; return 1; }
	mkdir -p "$t/bin" "$t/etc" "$t/tmp" "$t/root" "$t/var" "$t/usr/bin" "$t/home"
	cp "$b" "$t/bin/busybox"
	chmod 755 "$t/bin/busybox"
	chmod 1777 "$t/tmp"
	for a in $("$b" --list); do [ "$a" = busybox ] || ln -sf busybox "$t/bin/$a"; done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/home:/bin/false >"$t/etc/passwd"
	printf '%s\n' root:x:0: nobody:x:65534: >"$t/etc/group"
	for n in "$@"; do
		tar -C "$t" -c . | docker -H "unix://$sock" import -c 'CMD ["/bin/sh"]' \
			-c 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin' - "$n" >/dev/null || { rm -rf "$t"; return 1; }
	done
	rm -rf "$t"
}
