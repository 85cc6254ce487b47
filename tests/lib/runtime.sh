# shellcheck shell=bash
# runtime.sh: dockbroker-oci before runc in a rig (tests/rig, which has DIR, BUILD,
# ENGINE, VERSION, CONFIG and GUARD, and starts the Engine).
#
#   DIR/guard                      the word for guard-runtime, or none
#   DIR/guard.d/dockbroker-oci...  links into the build: the name is what counts
#   DIR/bin/dockbroker-oci...      these with the rig's conf and /etc: runtimes
#   DIR/guard.d/path/runc          runc as BuildKit finds it, where it has only
#                                  the PATH to look at
#   DIR/mnt                        the directory that all binds come from

GUARD_NAMES="dockbroker-oci dockbroker-oci-default dockbroker-oci-build"

# A given Engine has its runtimes already; a private one gets ours.
guard_choose() {
	if [ "$GUARD" != none ] && [ -n "$ENGINE" ]; then
		curl -fsS --max-time 2 --unix-socket "$ENGINE" http://d/info 2>/dev/null |
			grep -q '"Runtimes":{[^}]*"dockbroker":' || GUARD=none
	fi
	if [ "$GUARD" != none ] && [ -z "$ENGINE" ] && [ ! -x "$BUILD/dockbroker-oci" ]; then
		die "no dockbroker-oci in $BUILD: build there first, or --no-guard"
	fi
	echo "$GUARD" >"$DIR/guard"
}

# For dockbroker.conf; lines of --config stand first.
guard_conf() {
	local key value
	while read -r key value; do
		[ -n "$CONFIG" ] && grep -qE "^[[:space:]]*${key}[[:space:]]" "$CONFIG" ||
			echo "$key $value"
	done <<-END
	guard-runtime $GUARD
	bind-directory $DIR/mnt
	END
}

guard_engine_args() {
	[ "$GUARD" != none ] || return 0
	printf '%s\n' --add-runtime "dockbroker=$DIR/bin/dockbroker-oci" \
		--add-runtime "dockbroker-default=$DIR/bin/dockbroker-oci-default" \
		--default-runtime dockbroker-default
}

# BuildKit inside of dockerd runs this in runc's place; before 23 it looked at
# nothing but the PATH.
guard_environment() {
	[ -e "$DIR/guard.d" ] || return 0
	export DOCKER_BUILDKIT_RUNC_COMMAND=$DIR/bin/dockbroker-oci-build
	[ ! -e "$DIR/guard.d/path" ] || export PATH=$DIR/guard.d/path:$PATH
}

# Another Engine comes with a /usr of its own, which may lack libraries.
guard_libraries() {
	local root tools lib
	tools=$(engine_tools) || return 0
	# shellcheck disable=SC1090
	root=$(set +eu; . "$tools" && engine_chroot "$VERSION") || return 0
	mkdir -p "$DIR/guard.d/lib"
	while read -r lib; do
		[ -n "$(find "$root/usr/lib" -name "$(basename "$lib")" -print -quit)" ] ||
			cp -L "$lib" "$DIR/guard.d/lib/"
	done < <(ldd "$BUILD/dockbroker-oci" 2>/dev/null | awk '$2 == "=>" && $3 ~ "^/" { print $3 }')
}

guard_script() { # NAME
	local run="$DIR/guard.d/$1 -c $DIR/dockbroker.conf"
	echo '#!/bin/sh'
	[ ! -d "$DIR/guard.d/lib" ] ||
		echo "LD_LIBRARY_PATH=$DIR/guard.d/lib; export LD_LIBRARY_PATH"
	# Who the users are matters only where a container is made.  A slave, so
	# that the Engine's mounts arrive.
	[ ! -d "$DIR/etc" ] || cat <<-END
	for word; do
		case \$word in create|run)
			exec unshare --mount --propagation slave sh -c \\
				'mount --bind $DIR/etc /etc && exec "\$@"' rig $run "\$@" ;;
		esac
	done
	END
	echo "exec $run \"\$@\""
}

guard_scripts() {
	local name
	# Without an Engine of our own there is nobody to start it.
	[ "$GUARD" != none ] && [ -z "$ENGINE" ] || return 0
	mkdir -p "$DIR/guard.d"
	[ "$VERSION" = 20.10 ] || guard_libraries
	for name in $GUARD_NAMES; do
		ln -s "$BUILD/dockbroker-oci" "$DIR/guard.d/$name"
		guard_script "$name" >"$DIR/bin/$name"
		chmod 0755 "$DIR/bin/$name"
	done
	if [ "$VERSION" = 20.10 ]; then
		mkdir "$DIR/guard.d/path"
		# shellcheck disable=SC2154 # top is the rig's
		sed -e "s,@oci@,$DIR/bin/dockbroker-oci-build,g" \
			"$top/packaging/buildkit-runc.in" >"$DIR/guard.d/path/runc"
		chmod 0755 "$DIR/guard.d/path/runc"
	fi
	"$DIR/bin/dockbroker-oci" setup || die "dockbroker-oci setup failed"
}

# Nobody can remove what is immutable.
guard_remove() {
	[ -e "$DIR/mnt" ] || return 0
	[ ! -x "$DIR/bin/dockbroker-oci" ] || "$DIR/bin/dockbroker-oci" setup --undo 2>/dev/null || true
	[ ! -e "$DIR/mnt" ] || {
		umount "$DIR/mnt" 2>/dev/null || true
		chattr -i "$DIR/mnt" 2>/dev/null || true
	}
}
