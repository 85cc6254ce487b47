# abuse_versions.bats: what is different on newer Engines: their words for what
# does not exist, fields and parameters that the API got since 1.41, names that
# they take once only, labels of anonymous volumes.  Both Engines run at once.

load lib/abuse

versions='26.1 28.5'

setup_file() {
	local v
	abuse_policy <<-'P'
	role debugger {
		allow builder prune system df on own
	}
	grant debugger to user carol
	P
	: >"$BATS_FILE_TMPDIR/refused"
	for v in $versions; do
		if ! have "$v" 2>"$BATS_FILE_TMPDIR/no.$v"; then
			tail -n 1 "$BATS_FILE_TMPDIR/no.$v" >"$BATS_FILE_TMPDIR/missing.$v"
			continue
		fi
		mkdir "$BATS_FILE_TMPDIR/$v"
		cp "$BATS_FILE_TMPDIR/policy.conf" "$BATS_FILE_TMPDIR/$v/"
		(
			export BATS_FILE_TMPDIR=$BATS_FILE_TMPDIR/$v
			# rigs beside one another: a uid has one control group on a host
			export ABUSE_UID=21${v%%.*}
			abuse_up --engine-version "$v" && abuse_equip && teardown
			echo $? >"$BATS_FILE_TMPDIR/status"
			# shellcheck disable=SC2046
			declare -p $(compgen -v | grep -E '^(RIG.*|ABUSE_.*|GUARD|[ab](web|old|net|app)_id|anon_[ab]|[ab]exec)$') \
				>"$BATS_FILE_TMPDIR/vars"
		) >"$BATS_FILE_TMPDIR/$v.log" 2>&1 3>&- &
	done
	wait
	for v in $versions; do
		[ -e "$BATS_FILE_TMPDIR/missing.$v" ] || [ "$(cat "$BATS_FILE_TMPDIR/$v/status")" = 0 ] ||
			{ cat "$BATS_FILE_TMPDIR/$v.log" >&2; return 1; }
	done
}

teardown_file() {
	local v
	for v in $versions; do
		[ ! -e "$BATS_FILE_TMPDIR/$v/vars" ] || (use "$v" && rig_down)
	done
}

# Can such an Engine be had here?
have() { # VERSION
	local tools
	# shellcheck source=tests/lib/engine.sh
	. "$lib/engine.sh"
	tools=$(engine_tools) || { echo "no ../shared/tools/engines.sh" >&2; return 1; }
	# shellcheck disable=SC1090
	(set +eu; . "$tools" && engine_chroot "$1" >/dev/null)
}

use() { # VERSION
	[ ! -e "$BATS_FILE_TMPDIR/missing.$1" ] || skip "$1: $(cat "$BATS_FILE_TMPDIR/missing.$1")"
	eval "$(sed 's/^declare -[a-z]* /export /; s/^declare -- /export /' "$BATS_FILE_TMPDIR/$1/vars")"
	case $1 in
	26.1) V=/v1.45 ;;
	28.5) V=/v1.51 ;;
	esac
}

# ---- one after the other, on each ----

missing_texts() {
	local c
	use "$1"
	for c in aweb "$aweb_id" "${aweb_id:0:12}"; do
		refused "$c" 404 GET "$V/containers/$c/json"
		refused "$c" 404 GET "$V/containers/$c/logs?stdout=1"
		refused "$c" 404 POST "$V/containers/$c/kill"
		refused "$c" 404 POST "$V/containers/$c/exec" '{"Cmd":["id"]}'
		refused "$c" 404 GET "$V/containers/$c/archive?path=/"
		refused "$c" 404 DELETE "$V/containers/$c?force=1"
		refused "$c" 404 POST "$V/commit?container=$c&repo=bob/x"
		refused "$c" '400|404' POST "$V/containers/create" \
			"{\"Image\":\"box:1\",\"HostConfig\":{\"VolumesFrom\":[\"$c\"]}}"
		refused "$c" '400|404' POST "$V/containers/create" \
			"{\"Image\":\"box:1\",\"HostConfig\":{\"PidMode\":\"container:$c\"}}"
		refused "$c" 404 POST "$V/networks/bnet/connect" "{\"Container\":\"$c\"}"
	done
	refused "$aexec" 404 GET "$V/exec/$aexec/json"
	refused "$aexec" 404 POST "$V/exec/$aexec/start" '{"Detach":true}'
	for c in alice/app:1 "$aapp_id" "${aapp_id:7:12}"; do
		refused "$c" 404 GET "$V/images/$c/json"
		refused "$c" 404 GET "$V/images/$c/history"
		refused "$c" 404 POST "$V/images/$c/tag?repo=bob/x&tag=1"
		refused "$c" 404 DELETE "$V/images/$c"
		# of an id they say where they looked for the file
		refused "~$c" '404|500' GET "$V/images/$c/get"
		refused "$c" 404 POST "$V/containers/create" "{\"Image\":\"$c\"}"
	done
	for c in anet "$anet_id" "${anet_id:0:12}"; do
		refused "$c" 404 GET "$V/networks/$c"
		refused "$c" 404 DELETE "$V/networks/$c"
		refused "$c" 404 POST "$V/networks/$c/connect" '{"Container":"bweb"}'
	done
	for c in adata "$anon_a"; do
		refused "$c" 404 GET "$V/volumes/$c"
		refused "$c" 404 DELETE "$V/volumes/$c"
	done
	allowed 200 GET "$V/containers/bweb/json"
	allowed 200 GET "$V/images/bob/app:1/json"
	allowed 200 GET "$V/networks/bnet"
	allowed 200 GET "$V/volumes/bdata"
	allowed 200 GET "$V/exec/$bexec/json"
}

@test "26.1: what is hers is answered in its words for what does not exist" { missing_texts 26.1; }
@test "28.5: what is hers is answered in its words for what does not exist" { missing_texts 28.5; }

since_142() {
	local b
	use "$1"
	host() { echo "{\"Image\":\"box:1\",\"HostConfig\":{$1}}"; }
	refused - '403|404' PUT "$V/volumes/adata?version=1" '{"Spec":{"Availability":"drain"}}'
	refused - '400|403' POST "$V/volumes/create" \
		'{"Name":"bx","ClusterVolumeSpec":{"Group":"g","AccessMode":{"Scope":"multi"}}}'
	refused - '403' POST "$V/containers/create" \
		"$(host '"Annotations":{"run.oci.keep_original_groups":"1"}')"
	refused - '403' POST "$V/containers/create" \
		"$(host '"Mounts":[{"Type":"bind","Source":"/srv","Target":"/x","BindOptions":{"CreateMountpoint":true}}]')"
	refused - '403' POST "$V/containers/create" \
		"$(host '"Mounts":[{"Type":"bind","Source":"/srv","Target":"/x","ReadOnly":true,"BindOptions":{"ReadOnlyNonRecursive":true}}]')"
	refused - '403|404|409' POST "$V/containers/create" \
		"$(host '"Mounts":[{"Type":"volume","Source":"adata","Target":"/x","VolumeOptions":{"Subpath":"f"}}]')"
	for b in '"VolumeOptions":{"Subpath":"../.."}' '"VolumeOptions":{"Subpath":"/etc"}'; do
		refused - '400|403' POST "$V/containers/create" \
			"$(host "\"Mounts\":[{\"Type\":\"volume\",\"Source\":\"bdata\",\"Target\":\"/x\",$b}]")"
	done
	# several networks at once, of which one is hers
	refused - '400|403|404' POST "$V/containers/create" \
		"{\"Image\":\"box:1\",\"HostConfig\":{\"NetworkMode\":\"bnet\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"bnet\":{},\"anet\":{}}}}"
	refused - '400|403|404' POST "$V/containers/create" \
		"{\"Image\":\"box:1\",\"HostConfig\":{\"NetworkMode\":\"bnet\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"bnet\":{},\"bridge\":{\"NetworkID\":\"$anet_id\"}}}}"
	refused - '400|403' POST "$V/containers/create" \
		'{"Image":"box:1","HostConfig":{"KernelMemory":1}}'
	allowed 201 POST "$V/containers/create?name=btwo" \
		'{"Image":"box:1","HostConfig":{"NetworkMode":"bnet"},"NetworkingConfig":{"EndpointsConfig":{"bnet":{},"bridge":{}}}}'
	allowed 204 DELETE "$V/containers/btwo"
	allowed 201 POST "$V/containers/create?name=bsub" \
		"$(host '"Mounts":[{"Type":"volume","Source":"bdata","Target":"/x","VolumeOptions":{"Subpath":"f"}}]')"
	allowed 204 DELETE "$V/containers/bsub"
	allowed 200 GET "$V/system/df?type=container&type=volume"
	says bweb
	hides aweb
	hides adata
	allowed 200 GET "$V/system/df"
	hides alice
	allowed 200 GET "$V/images/json?shared-size=1"
	hides alice
	refused aweb 404 POST "$V/containers/aweb/stop?signal=KILL&t=0"
	refused aweb 404 POST "$V/containers/aweb/restart?signal=KILL"
	allowed 204 POST "$V/containers/bweb/restart?signal=KILL&t=0"
	refused - '403' POST "$V/build/prune?keep-storage=0"
	WHO=carol refused - '403' POST "$V/build/prune?filters=$(encoded '{"label":["a=b"]}')"
}

@test "26.1: fields and parameters since 1.42" { since_142 26.1; }
@test "28.5: fields and parameters since 1.42" { since_142 28.5; }

@test "28.5: fields and parameters since 1.46" {
	local p
	use 28.5
	host() { echo "{\"Image\":\"box:1\",\"HostConfig\":{$1}}"; }
	for p in alice/app:1 "$aapp_id" "${aapp_id:7:12}"; do
		refused - '403|404' POST "$V/containers/create" \
			"$(host "\"Mounts\":[{\"Type\":\"image\",\"Source\":\"$p\",\"Target\":\"/x\"}]")"
		refused - '403|404' POST "$V/containers/create" \
			"$(host "\"Mounts\":[{\"Type\":\"image\",\"Source\":\"$p\",\"Target\":\"/x\",\"ImageOptions\":{\"Subpath\":\"etc\"}}]")"
		refused "$p" 404 GET "$V/images/$p/json?manifests=1"
		refused "$p" 404 GET "$V/images/$p/history?platform=$(encoded '{"os":"linux","architecture":"amd64"}')"
		refused "$p" 404 DELETE "$V/images/$p?platforms=$(encoded '{"os":"linux","architecture":"amd64"}')"
	done
	refused - '400|403' POST "$V/containers/create" \
		"$(host '"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"Options":[["suid"],["dev"]]}}]')"
	refused - '400|403|404' POST "$V/containers/create" \
		'{"Image":"box:1","HostConfig":{"NetworkMode":"anet"},"NetworkingConfig":{"EndpointsConfig":{"anet":{"GwPriority":1}}}}'
	refused - 403 POST "$V/build/prune?reserved-space=0&max-used-space=0"
	allowed 200 GET "$V/images/json?manifests=1"
	hides alice
	allowed 201 POST "$V/containers/create?name=bmnt" \
		"$(host '"Mounts":[{"Type":"tmpfs","Target":"/x"}]')"
	allowed 204 DELETE "$V/containers/bmnt"
	# with an older version of the API they are no parameters at all
	refused - 400 GET "/v1.41/images/json?manifests=1"
	refused - '400|404' PUT "/v1.41/volumes/bdata?version=1" '{"Spec":{}}'
}

quirks() {
	local n v
	use "$1"
	# 4
	for n in '{"Image":"box:1"} trailing' '{"Image":"box:1","image":"alice/app:1"}' \
		'{"Image":"box:1","HostConfig":{},"HostConfig":{"Privileged":true}}' \
		'{"Image":"box:1","hostconfig":{"privileged":true}}'; do
		refused - 400 POST "$V/containers/create" "$n"
	done
	# 10
	for n in "${aweb_id:0:12}" "$aweb_id"; do
		refused - '400|403|409' POST "$V/containers/create?name=$n" '{"Image":"box:1"}'
		refused - '400|403|409' POST "$V/containers/bold/rename?name=$n"
	done
	refused - '400|403|409' POST "$V/networks/create" "{\"Name\":\"${anet_id:0:12}\"}"
	refused - '400|403|409' POST "$V/images/bob/app:1/tag?repo=${aapp_id:7:12}"
	engine create --name "${bweb_id:0:12}" box:1 true >/dev/null
	allowed 200 GET "$V/containers/${bweb_id:0:12}/json"
	says '"Name":"/bweb"'
	engine rm "${bweb_id:0:12}" >/dev/null
	# 12
	allowed 201 POST "$V/containers/create?name=bvols" \
		'{"Image":"box:1","Volumes":{"/anon":{}},"HostConfig":{"Binds":["bnamed:/named"]}}'
	for v in $(engine inspect -f '{{range .Mounts}}{{.Name}} {{end}}' bvols); do
		ok test "$(engine volume inspect -f '{{index .Labels "dockbroker.owner"}}' "$v")" = bob
		WHO=alice refused "$v" 404 GET "$V/volumes/$v"
	done
	allowed 204 DELETE "$V/containers/bvols?v=1"
	# 14
	refused - '403|409' POST "$V/networks/create" '{"Name":"anet"}'
	hides "$anet_id"
	refused - '403|409' POST "$V/networks/create" '{"Name":"bnet"}'
	allowed 201 POST "$V/networks/create" '{"Name":"bother"}'
	allowed 204 DELETE "$V/networks/bother"
	# versions
	refused - 400 GET "/v1.23/containers/aweb/json"
	refused - 400 GET "/v1.52/containers/bweb/json"
	allowed 200 GET "/v1.24/containers/bweb/json"
	allowed 200 GET "/containers/bweb/json"
}

@test "26.1: the quirks that differ" { quirks 26.1; }
@test "28.5: the quirks that differ" { quirks 28.5; }

lists() {
	local p
	use "$1"
	for p in 'containers/json?all=1' images/json 'images/json?all=1' volumes networks \
		networks/bridge system/df; do
		allowed 200 GET "$V/$p"
		hides aweb
		hides adata
		hides anet
		hides alice
	done
	allowed 200 GET "$V/info"
	says "\"Containers\":$(bob ps -aq | wc -l),"
	alice volume create aspare >/dev/null
	guard volume aspare
	for p in volumes/prune "volumes/prune?filters=$(encoded '{"all":["1"]}')" \
		"volumes/prune?filters=$(encoded '{"all":{"true":true}}')" networks/prune images/prune \
		"images/prune?filters=$(encoded '{"dangling":["false"]}')"; do
		allowed '200|400|403' POST "$V/$p"
		hides aspare
		hides alice
	done
	alice volume rm aspare >/dev/null 2>&1 || bad "aspare is gone"
	sed -i '/aspare/d' "$GUARD"
	# the builder that command lines take there
	HOLD=1 refused - '403|501' POST /session
	HOLD=1 refused - '403|501' POST /grpc
	tool tars context "$BATS_TEST_TMPDIR/c" 'Dockerfile=FROM alice/app:1'
	refused - '400|403|404' POST "$V/build?t=bob/x:1" "@$BATS_TEST_TMPDIR/c" "$TAR"
	refused - '400|501' POST "$V/build?t=bob/x:1&version=2" "@$BATS_TEST_TMPDIR/c" "$TAR"
	tool tars context "$BATS_TEST_TMPDIR/c" 'Dockerfile=FROM box:1'
	allowed 200 POST "$V/build?t=bob/x:1&version=1" "@$BATS_TEST_TMPDIR/c" "$TAR"
	says 'Successfully tagged bob/x:1'
	refused - '403|409' POST "$V/images/bob/x:1/tag?repo=alice/app&tag=1"
	allowed 200 DELETE "$V/images/bob/x:1"
}

@test "26.1: lists, prunes, builds" { lists 26.1; }
@test "28.5: lists, prunes, builds" { lists 28.5; }

@test "at least 140 refusals" {
	[ ! -e "$BATS_FILE_TMPDIR/missing.26.1" ] && [ ! -e "$BATS_FILE_TMPDIR/missing.28.5" ] ||
		skip "not all Engines are here"
	at_least 140
}
