# shellcheck shell=bash
# build.sh: packages, a copy of the sources, and builds of it, for tests/check
# and packaging/quickstart.  Nothing is ever written into the source tree.
#
#   deps_install TOP SECTION...    what is missing of packaging/dependencies
#   source_copy TOP DIR            DIR/dockbroker, and DIR/shared beside it
#   source_build SRC DIR [ARG]...  configures with ARGs and makes all

deps_missing() { # TOP SECTION...
	local file=$1/packaging/dependencies package
	shift
	awk -v want=" $* " '
		{ sub(/#.*/, "") }
		/^\[/ { gsub(/[][ \t]/, ""); on = index(want, " " $0 " "); next }
		on && NF { print $1 }' "$file" |
	while read -r package; do
		# A machine with an Engine keeps its own.
		[ "$package" != docker.io ] || ! command -v dockerd >/dev/null || continue
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null |
			grep -qx installed || echo "$package"
	done
}

deps_install() { # TOP SECTION...
	local packages ours=''
	mapfile -t packages < <(deps_missing "$@")
	[ ${#packages[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || {
		echo "these are missing, and there is no apt-get: ${packages[*]}" >&2
		return 1
	}
	echo "installing ${packages[*]}"
	# Daemons that come along (docker.io, nginx) must not be started.
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod 0755 /usr/sbin/policy-rc.d
		ours=1
	fi
	local st=0
	{
		apt-get update -qq &&
		DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
			--no-install-recommends "${packages[@]}"
	} >/tmp/dockbroker-apt.$$ 2>&1 </dev/null || st=1
	[ -z "$ours" ] || rm -f /usr/sbin/policy-rc.d
	[ $st = 0 ] || tail -n 20 /tmp/dockbroker-apt.$$ >&2
	rm -f /tmp/dockbroker-apt.$$
	return $st
}

source_copy() { # TOP DIR
	local top=$1 to=$2/dockbroker
	mkdir -p "$to"
	if git -c safe.directory='*' -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
		git -c safe.directory='*' -C "$top" ls-files -z --cached --others --exclude-standard |
			(cd "$top" && while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done) |
			tar -C "$top" --null -T - -c | tar -C "$to" -x
	else
		tar -C "$top" --exclude=./build -c . | tar -C "$to" -x
	fi || return 1
	if [ -d "$top/../shared" ]; then ln -s "$(realpath "$top/../shared")" "$2/shared"; fi
}

source_build() { # SRC DIR [CONFIGURE ARGUMENT]...
	local src=$1 dir=$2
	shift 2
	[ -x "$src/configure" ] || "$src/autogen.sh" || return 1
	mkdir -p "$dir" && cd "$dir" || return 1
	"$src/configure" --prefix=/usr --sysconfdir=/etc "$@" &&
		make -j"$(nproc)" all
}
