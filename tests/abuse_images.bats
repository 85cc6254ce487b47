# abuse_images.bats: images, their names, builds, and all ways to bring one in,
# tried by bob at what is alice's, and done by him with his own.

load lib/abuse

setup_file() {
	abuse_policy </dev/null
	abuse_up && abuse_equip || return
	alice tag alice/app:1 shop:1	# plain names that she took first
	alice tag alice/app:1 stage:latest
	guard tag shop:1 stage:latest
	# one that has lost its name
	printf 'FROM box:1\nLABEL lost=1\n' | alice build -q -t alice/lost:1 - >/dev/null
	alost_id=$(engine image inspect -f '{{.Id}}' alice/lost:1)
	printf 'FROM box:1\nLABEL lost=2\n' | alice build -q -t alice/lost:1 - >/dev/null
	export alost_id
	guard image "$alost_id"
	engine save -o "$BATS_FILE_TMPDIR/saved.tar" bob/app:1
	teardown
}

teardown_file() { rig_down; }

tars() { tool tars "$@"; }

# Names under which alice's image can be asked for.
alices() {
	echo alice/app:1 "$aapp_id" "${aapp_id#sha256:}" "${aapp_id:7:12}" \
		docker.io/alice/app:1 shop:1 "$alost_id" "${alost_id:7:12}"
}

# Names that bob must not give to anything: her own, one she gave, a common one.
taken='repo=alice/app&tag=1 repo=shop&tag=1 repo=box&tag=1 repo=docker.io/alice/app&tag=1
	repo=index.docker.io/alice/app&tag=1 repo=docker.io/library/shop&tag=1
	repo=library/box&tag=1 repo=docker.io/box&tag=1'

@test "looking: inspect, history" {
	local i
	for i in $(alices); do
		refused "${i#docker.io/}" 404 GET "$V/images/$i/json"
		refused "${i#docker.io/}" 404 GET "$V/images/$i/history"
	done
	for i in bob/app:1 "$bapp_id" "${bapp_id:7:12}" docker.io/bob/app:1 box:1; do
		allowed 200 GET "$V/images/$i/json"
		allowed 200 GET "$V/images/$i/history"
	done
	refused - '400|404' GET "$V/images/alice%2Fapp:1/json"
}

@test "taking out: save, push" {
	local i
	for i in $(alices); do
		# 20.10 says of an id where it looked for the file
		refused "~${i#docker.io/}" '404|500' GET "$V/images/$i/get"
		refused "~${i#docker.io/}" '404|500' GET "$V/images/get?names=$i"
	done
	refused - '404|500' GET "$V/images/get?names=bob/app:1&names=alice/app:1"
	allowed 200 GET "$V/images/bob/app:1/get"
	allowed 200 GET "$V/images/get?names=bob/app:1&names=box:1"
	hides alice
	refused - '403|404|500' POST "$V/images/alice/app/push?tag=1"
	refused - '403|404|500' POST "$V/images/shop/push?tag=1"
	# every tag of a name
	refused - '403|404|500' POST "$V/images/alice/app/push"
}

@test "tag: from hers, and over names that are taken" {
	local i q
	for i in $(alices); do
		refused "${i#docker.io/}" 404 POST "$V/images/$i/tag?repo=bob/stolen&tag=1"
	done
	for q in $taken; do
		refused - '403|409' POST "$V/images/bob/app:1/tag?$q"
	done
	refused - '400|403|409' POST "$V/images/bob/app:1/tag?repo=shop:1"
	refused - '400|403|409' POST "$V/images/bob/app:1/tag?repo=${aapp_id:7:12}&tag=latest"
	refused - '400|403|409' POST "$V/images/bob/app:1/tag?repo=${aapp_id:7}&tag=latest"
	for q in 'repo=bob/app&tag=2' 'repo=docker.io/bob/app&tag=3' \
		'repo=reg.example:5000/bob/app&tag=1' 'repo=stall&tag=1' 'repo=box&tag=2'; do
		allowed 201 POST "$V/images/bob/app:1/tag?$q"
	done
	for q in bob/app:2 bob/app:3 reg.example:5000/bob/app:1 stall:1 box:2; do
		allowed 200 DELETE "$V/images/$q"
	done
}

@test "remove: hers, common ones, by name and id" {
	local i
	for i in $(alices); do
		refused "${i#docker.io/}" 404 DELETE "$V/images/$i"
		refused "${i#docker.io/}" 404 DELETE "$V/images/$i?force=1&noprune=1"
	done
	refused - '403' DELETE "$V/images/box:1"
	refused - '403' DELETE "$V/images/box:1?force=1"
	allowed 201 POST "$V/images/bob/app:1/tag?repo=bob/gone&tag=1"
	allowed 200 DELETE "$V/images/bob/gone:1?force=0"
}

@test "commit: over names, with labels that are ours" {
	local q c
	for q in $taken; do
		refused - '403|409' POST "$V/commit?container=bold&$q"
	done
	for c in 'LABEL dockbroker.owner=alice' 'LABEL a=b dockbroker.owner=alice' \
		'label "dockbroker.owner"=alice' 'LABEL dockbroker.team alice' \
		$'LABEL a=b \\\n dockbroker.owner=alice'; do
		refused - '400|403' POST \
			"$V/commit?container=bold&repo=bob/l&tag=1&changes=$(encoded "$c")"
	done
	refused - '400|403' POST "$V/commit?container=bold&repo=bob/l&tag=1" \
		'{"Labels":{"dockbroker.owner":"alice"}}'
	allowed 201 POST "$V/commit?container=bold&repo=bob/l&tag=1&changes=$(encoded 'LABEL a=b')" \
		'{"Labels":{"c":"d"}}'
	ok test "$(engine image inspect -f '{{.Config.Labels.a}}' bob/l:1)" = b
	allowed 200 DELETE "$V/images/bob/l:1"
}

@test "import: over names, labels, devices, compressed, from an address" {
	local t=$BATS_TEST_TMPDIR q k
	tars device "$t/ok.tar" file
	tars device "$t/ok.gz" file
	for q in $taken; do
		refused - '403|409' POST "$V/images/create?fromSrc=-&$q" "@$t/ok.tar" text/plain
	done
	refused - '400|403' POST \
		"$V/images/create?fromSrc=-&repo=bob/i&tag=1&changes=$(encoded 'LABEL dockbroker.owner=alice')" \
		"@$t/ok.tar" text/plain
	for k in http://127.0.0.1:5000/x http://169.254.169.254/latest file:///etc/passwd \
		https://example.com/x.tar; do
		refused - '400|403' POST "$V/images/create?fromSrc=$(encoded "$k")&repo=bob/i&tag=1"
	done
	for k in dev.tar dev.gz dev.bz2 dev.xz; do
		tars device "$t/$k" blk
		refused - '400|403' POST "$V/images/create?fromSrc=-&repo=bob/i&tag=1" \
			"@$t/$k" text/plain
	done
	for k in ok.tar ok.gz; do
		allowed 200 POST "$V/images/create?fromSrc=-&repo=bob/i&tag=1" "@$t/$k" text/plain
		says '"status":"sha256:'
		allowed 200 DELETE "$V/images/bob/i:1"
	done
}

@test "load: over names, by manifests in every place" {
	local t=$BATS_TEST_TMPDIR/t.tar in=$BATS_FILE_TMPDIR/saved.tar how tag
	for tag in alice/app:1 shop:1 box:1 docker.io/alice/app:1; do
		for how in plain end; do
			tars retag "$in" "$t" $how bob/fine:1 "$tag"
			refused - '400|403|409' POST "$V/images/load?quiet=1" "@$t" "$TAR"
		done
	done
	for how in twice dot symlink hardlink legacy device; do
		tars retag "$in" "$t" $how shop:1
		refused - '400|403|409' POST "$V/images/load?quiet=1" "@$t" "$TAR"
	done
	tars retag "$in" "$t.gz" plain alice/app:1
	refused - '400|403|409' POST "$V/images/load?quiet=1" "@$t.gz" "$TAR"
	tars retag "$in" "$t" device bob/fine:1
	refused - '400|403' POST "$V/images/load?quiet=1" "@$t" "$TAR"
	tars retag "$in" "$t.bz2" plain shop:1
	refused - '400|403|409' POST "$V/images/load?quiet=1" "@$t.bz2" "$TAR"
	for how in plain end; do
		tars retag "$in" "$t" $how bob/fine:1
		allowed 200 POST "$V/images/load?quiet=1" "@$t" "$TAR"
		says 'bob/fine:1'
		allowed 200 DELETE "$V/images/bob/fine:1"
	done
	tars retag "$in" "$t.gz" plain bob/fine:1
	allowed 200 POST "$V/images/load?quiet=1" "@$t.gz" "$TAR"
	allowed 200 DELETE "$V/images/bob/fine:1"
}

@test "pull: over a name that she gave" {
	refused - '403|409' POST "$V/images/create?fromImage=shop&tag=1"
	refused - '403|409' POST "$V/images/create?fromImage=alice/app&tag=1"
	refused - '403|409' POST "$V/images/create?fromImage=alice/app:1"
	# every tag of a name
	refused - '403|409' POST "$V/images/create?fromImage=alice/app"
	# nothing is there to be pulled from, but it is tried
	allowed '404|500' POST "$V/images/create?fromImage=stall&tag=1"
	hides dockbroker
}

build() { # refused WHAT STATUS | allowed STATUS -- QUERY DOCKERFILE [NAME=TEXT]...
	local call=()
	while [ "$1" != -- ]; do call+=("$1"); shift; done
	local query=$2 file=$3
	shift 3
	tars context "$BATS_TEST_TMPDIR/c.tar" "Dockerfile=$file" "$@"
	"${call[@]}" POST "$V/build?$query" "@$BATS_TEST_TMPDIR/c.tar" "$TAR"
}

@test "build: over names, labels that are ours" {
	local q
	for q in alice/app:1 shop:1 box:1 docker.io/library/shop:1 "${aapp_id:7:12}"; do
		build refused - '400|403|409' -- "t=$q" 'FROM box:1'
		build refused - '400|403|409' -- "t=bob/x:1&t=$q" 'FROM box:1'
	done
	build refused - '400|403' -- \
		"t=bob/x:1&labels=$(encoded '{"dockbroker.owner":"alice"}')" 'FROM box:1'
	build allowed 200 -- "t=bob/x:1&t=bob/x:2&labels=$(encoded '{"a":"b"}')" 'FROM box:1'
	says 'Successfully tagged bob/x:2'
	# labels of the Dockerfile do not make it hers
	build allowed 200 -- 't=bob/x:1' $'FROM box:1\nLABEL dockbroker.owner=alice'
	WHO=alice allowed 404 GET "$V/images/bob/x:1/json"
	allowed 200 GET "$V/images/bob/x:1/json"
	says '"dockbroker.owner":"bob"'
}

@test "build: from her images, however they are written" {
	local f from
	for from in alice/app:1 "$aapp_id" "${aapp_id:7:12}" shop:1 docker.io/alice/app:1; do
		build refused - '400|403|404' -- 't=bob/x:1' "FROM $from"
	done
	for f in $'FROM box:1\nCOPY --from=alice/app:1 /who /who' \
		$'FROM box:1\nFROM alice/app:1\nRUN cat /who' \
		$'ARG B=alice/app:1\nFROM $B' $'ARG B=alice\nFROM ${B}/app:1' \
		$'ARG B\nFROM ${B:-alice/app:1}' \
		$'from\talice/app:1 AS x' $'FROM \\\n  alice/app:1' \
		$'# escape=`\nFROM `\n  alice/app:1' \
		$'FROM --platform=linux/amd64 alice/app:1' \
		$'# a comment\n\n  FROM alice/app:1' \
		$'\xef\xbb\xbfFROM alice/app:1' \
		$'FROM box:1 AS alice\nFROM alice/app:1' \
		$'FROM box:1\r\nFROM alice/app:1\r\n' \
		$'FROM box:1\nCOPY \\\n # in between\n --from=alice/app:1 /who /who' \
		$'FROM box:1\ncopy --chown=0:0 --from=alice/app:1 ["/who", "/w"]'; do
		build refused - '400|403|404' -- 't=bob/x:1' "$f"
	done
	build refused - '400|403|404' -- \
		"t=bob/x:1&buildargs=$(encoded '{"B":"alice/app:1"}')" $'ARG B=box:1\nFROM $B'
	# more arguments than somebody may have looked at, and one without a value
	build refused - '400|403|404|413|431' -- "t=bob/x:1&buildargs=$(encoded "{$(
		printf '"A%d":"x",' {1..300})\"B\":\"alice/app:1\"}")" $'ARG B=box:1\nFROM $B'
	build refused - '400|403|404' -- "t=bob/x:1&buildargs=$(encoded '{"B":null}')" \
		$'ARG B=alice/app:1\nFROM $B'
	# stages that come later, or have the name of what they are made from
	for f in $'FROM box:1\nCOPY --from=stage /who /w\nFROM box:1 AS stage' \
		$'FROM stage AS stage\nRUN cat /who' $'FROM box:1 AS one\nFROM stage AS two\nFROM box:1 AS stage' \
		$'FROM box:1 AS stage\nFROM box:1\nCOPY --from=stage:latest /who /w'; do
		build refused - '400|403|404' -- 't=bob/x:1' "$f"
	done
	build allowed 200 -- 't=bob/x:1' $'FROM box:1 AS stage\nFROM stage\nCOPY --from=stage /bin/sh /w'
	says 'Successfully tagged bob/x:1'
	build refused - '400|403|404' -- 't=bob/x:1&dockerfile=d/other' 'FROM box:1' \
		'd/other=FROM alice/app:1'
	build refused - '400|403|404' -- 't=bob/x:1' 'FROM box:1' 'Dockerfile=FROM alice/app:1'
	build refused - '400|403|404' -- 't=bob/x:1' 'FROM box:1' './Dockerfile=FROM alice/app:1'
	build refused - '400|403|404' -- 't=bob/x:1&dockerfile=l' 'FROM box:1' \
		'hidden=FROM alice/app:1' 'l@=hidden'
	build refused - '400|403|404|500' -- 't=bob/x:1&dockerfile=no' 'FROM box:1' \
		'dockerfile=FROM alice/app:1'
	# a case that falls back to another name: there is no Dockerfile
	tars context "$BATS_TEST_TMPDIR/low.tar" 'dockerfile=FROM alice/app:1'
	refused - '400|403|404|500' POST "$V/build?t=bob/x:1" "@$BATS_TEST_TMPDIR/low.tar" "$TAR"
	local z
	for z in gz bz2 xz; do
		tars context "$BATS_TEST_TMPDIR/c.$z" 'Dockerfile=FROM alice/app:1'
		refused - '400|403|404' POST "$V/build?t=bob/x:1" "@$BATS_TEST_TMPDIR/c.$z" "$TAR"
	done
	# a Dockerfile that is no archive: the Engine would take it
	printf 'FROM alice/app:1\n' >"$BATS_TEST_TMPDIR/plain"
	refused - '400|403|404' POST "$V/build?t=bob/x:1" "@$BATS_TEST_TMPDIR/plain" "$TAR"
	for f in 'FROM bob/app:1' "FROM $bapp_id" $'FROM box:1\nCOPY --from=bob/app:1 /who /w' \
		$'ARG B=bob/app:1\nFROM $B' $'FROM box:1 AS one\nFROM one\nCOPY --from=one /bin/sh /s' \
		$'FROM box:1\nRUN echo "FROM alice/app:1" >/f' \
		$'FROM scratch\nCOPY Dockerfile /'; do
		build allowed 200 -- 't=bob/x:1' "$f"
		says 'Successfully tagged bob/x:1'
	done
	tars context "$BATS_TEST_TMPDIR/c.gz" 'Dockerfile=FROM bob/app:1'
	allowed 200 POST "$V/build?t=bob/x:1" "@$BATS_TEST_TMPDIR/c.gz" "$TAR"
	says 'Successfully tagged bob/x:1'
}

@test "build: a trigger in his own image takes hers" {
	build allowed - -- 't=bob/trigger:1' \
		$'FROM box:1\nONBUILD COPY --from=alice/app:1 /who /who'
	build allowed - -- 't=bob/triggered:1' $'FROM bob/trigger:1\nRUN cat /who'
	hides 'Successfully tagged bob/triggered:1'
	ok not engine image inspect bob/triggered:1
}

@test "build: an image that is the same as hers stays hers as well" {
	# the same Dockerfile gives the same id by the build's cache
	build allowed 200 -- 't=bob/same:1' "$(cat "$RIG_HOME/alice/app/Dockerfile")"
	says 'Successfully tagged bob/same:1'
	local id
	id=$(engine image inspect -f '{{.Id}}' bob/same:1)
	# whose names it has besides is not his business
	allowed 200 GET "$V/images/bob/same:1/json"
	hides alice/app
	hides shop:1
	allowed 200 GET "$V/images/json"
	hides alice/app
	hides shop:1
	allowed 200 GET "$V/images/bob/same:1/get"
	hides alice/app
	if [ "$id" = "$aapp_id" ]; then
		# removing by id would take her names away
		refused - '403|404|409' DELETE "$V/images/$id?force=1"
		refused - '403|404|409' DELETE "$V/images/$id"
	fi
	# names that are not his, of an image that is
	refused alice/app:1 404 GET "$V/images/alice/app:1/json"
	refused alice/app:1 404 DELETE "$V/images/alice/app:1"
	# RepoTags of alice's image stay as they were but for this one
	sed -i "/^image $aapp_id/d" "$GUARD"
	allowed 200 DELETE "$V/images/bob/same:1"
	guard image "$aapp_id"
}

@test "build: networks, cgroups, security, hosts, addresses, sessions" {
	local q
	for q in host container:aweb "container:$aweb_id" anet "$anet_id"; do
		build refused - '403|404' -- "networkmode=$q" $'FROM box:1\nRUN true'
	done
	for q in cgroupparent=/x cgroupparent=/dockbroker/2001 securityopt=seccomp=unconfined \
		extrahosts=h:host-gateway; do
		build refused - '400|403' -- "$q" $'FROM box:1\nRUN true'
	done
	# what the Engine would fetch for him
	build refused - '400|403' -- t=bob/x:1 $'FROM box:1\nADD http://127.0.0.1:5000/x /x'
	build refused - '400|403' -- t=bob/x:1 $'FROM box:1\nARG U=http://127.0.0.1/\nADD ${U}x /x'
	build refused - '400|403' -- t=bob/x:1 $'FROM box:1\nadd --chown=0:0 ["https://10.0.0.1/x", "/x"]'
	for q in http://127.0.0.1:5000/Dockerfile https://github.com/x/y.git \
		git://127.0.0.1/x github.com/x/y git@github.com:x/y.git; do
		build refused - '400|403' -- "remote=$(encoded "$q")" 'FROM box:1'
	done
	build refused - '400|501' -- version=2 'FROM box:1'
	build refused - '400|501' -- 'version=2&session=abc' 'FROM box:1'
	HOLD=1 refused - '403|501' POST /session
	HOLD=1 refused - '403|501' POST /grpc
	for q in none bnet "container:bweb" bridge default; do
		build allowed 200 -- "networkmode=$q&t=bob/x:1" $'FROM box:1\nRUN true'
	done
	build allowed 200 -- "extrahosts=h:10.1.1.1&t=bob/x:1" $'FROM box:1\nRUN true'
	build allowed 200 -- 'version=1&t=bob/x:1' 'FROM box:1'
	build allowed 200 -- t=bob/x:1 $'FROM box:1\nADD f Dockerfile /x/' f=g
	says 'Successfully tagged bob/x:1'
}

@test "build: a cache from her image, its steps and its end" {
	# what it may use as a cache is decided by name
	build allowed '200|403|404' -- \
		"t=bob/x:1&cachefrom=$(encoded '["alice/app:1"]')" $'FROM box:1\nRUN echo q'
	hides 'Using cache'
	refused - '403|404' POST "$V/build/cancel?id=someones"
	refused - 403 POST "$V/build/prune"
	refused - 403 POST "$V/build/prune?all=1"
	WHO=oscar allowed 200 POST "$V/build/prune"
}

@test "lists: only his and common ones, whatever is asked" {
	local f
	for f in '{}' '{"reference":["alice/*"]}' '{"reference":["*"]}' '{"dangling":["true"]}' \
		'{"label":["of=alice"]}' '{"label":["lost"]}' '{"since":["box:1"]}' \
		'{"before":["bob/app:1"]}' '{"dangling":{"true":true}}'; do
		allowed - GET "$V/images/json?all=1&filters=$(encoded "$f")"
		hides alice
		hides shop
		hides "$aapp_id"
		hides "$alost_id"
	done
	allowed 200 GET "$V/images/json"
	says bob/app:1
	says box:1
	for f in before since; do
		refused '~alice/app:1' '200|404|500' GET \
			"$V/images/json?filters=$(encoded "{\"$f\":[\"alice/app:1\"]}")"
		allowed 200 GET "$V/images/json?filters=$(encoded "{\"$f\":[\"box:1\"]}")"
	done
	WHO=oscar allowed 200 GET "$V/images/json?all=1"
	says alice/app:1
	says bob/app:1
}

@test "prune: not hers, with or without names" {
	local f
	printf 'FROM box:1\nLABEL blost=1\n' | bob build -q -t bob/lost:1 - >/dev/null 2>&1
	printf 'FROM box:1\nLABEL blost=2\n' | bob build -q -t bob/lost:1 - >/dev/null 2>&1
	for f in '{}' '{"dangling":["false"]}' '{"dangling":["0"],"label":["of=alice"]}' \
		'{"until":["1ns"]}' '{"dangling":{"false":true}}' '{"dangling":["none"]}'; do
		allowed '200|403|400' POST "$V/images/prune?filters=$(encoded "$f")"
		hides "$alost_id"
		hides alice
	done
}

@test "at least 150 refusals" { at_least 150; }
