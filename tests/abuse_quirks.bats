# abuse_quirks.bats: what the Engine makes of odd requests (facts/clients.md 1),
# one test for each row of its two tables that bob could use against alice.

load lib/abuse

setup_file() {
	abuse_policy </dev/null
	abuse_up && abuse_equip || return
	bob tag bob/app:1 bob/json:1
	bob tag bob/app:1 bob/push:1
	teardown
}

teardown_file() { rig_down; }

# Bytes as they are, on bob's socket: the status of the first answer, or none.
bytes() { # TEXT with backslashes
	as bob "$PYTHON" -I -S -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
data = b""
try:
    while True:
        more = s.recv(65536)
        if not more:
            break
        data += more
except (TimeoutError, ConnectionResetError):
    pass
print(data.decode("latin-1"))' "$RIG_USER_SOCK_bob" "$1"
}

# Bytes of which nothing may come of alice's.
raw_refused() { # TEXT
	asked="bob sends ${1:0:200}"
	answer=$(bytes "$1")
	echo "$asked" >>"$BATS_FILE_TMPDIR/refused"
	hides '"SECRET=of-alice"'
	hides said-by-alice
	[[ $answer != HTTP/1.?\ 2* ]] || bad "it was answered: $answer"
	ok test "$(engine inspect -f '{{.State.Status}}' aweb)" = running
}

@test "1: a form overrides the query" {
	refused - '400|415' POST "$V/images/bob/app:1/tag?repo=bob/x&tag=1" \
		'repo=alice/app&tag=1' $FORM
	refused - '400|415' POST "$V/containers/bweb/rename?name=bweb2" 'name=aweb2' $FORM
	refused - '400|415' POST "$V/containers/bweb/kill?signal=WINCH" 'signal=KILL' $FORM
	refused - '400|415' POST "$V/commit?container=bold&repo=bob/x&tag=1" \
		'container=aweb' $FORM
	refused - '400|415' POST "$V/images/create?fromImage=bob/x" \
		'fromSrc=http://127.0.0.1/x' $FORM
	refused - '400|415' POST "$V/build?t=bob/x" 't=alice/app:1' $FORM
	refused - '400|415' POST "$V/containers/prune" 'filters={}' $FORM
	refused - '400|415' POST "$V/containers/bweb/stop" 't=0' \
		'Application/X-WWW-Form-Urlencoded; charset=utf-8'
	refused - '400|415' POST "$V/containers/bweb/wait" 'x=y' 'multipart/form-data; boundary=b'
	allowed 201 POST "$V/images/bob/app:1/tag?repo=bob/x&tag=1"
	allowed 200 DELETE "$V/images/bob/x:1"
}

@test "2: repeated keys and separators in the query" {
	refused - 400 GET "$V/containers/json?all=0&all=1"
	refused - 400 POST "$V/images/bob/app:1/tag?repo=bob/x&repo=alice/app&tag=1"
	refused - 400 POST "$V/containers/bweb/rename?name=bx&name=aweb"
	refused - 400 GET "$V/containers/json?all=1;filters={}"
	refused - 400 POST "$V/commit?container=bold&container=aweb&repo=bob/x"
	refused - 400 GET "$V/containers/json?%61ll=1&all=0"
	refused - 400 GET "$V/containers/json?ALL=1"
	refused - 400 GET "$V/containers/json?all=1&owner=alice"
	refused - '403|404' GET "$V/images/get?names=bob/app:1&names=alice/app:1"
	allowed 200 GET "$V/images/get?names=bob/app:1&names=bob/json:1"
	allowed 200 GET "$V/containers/json?all=1&limit=5"
}

@test "3: booleans are read as the Engine reads them" {
	local b
	for b in 0 no False NONE %20false%20 ''; do
		# no force: a running one stays
		refused - 409 DELETE "$V/containers/bweb?force=$b"
	done
	for b in 1 True yes x; do
		engine create --name bforce box:1 sleep 100 >/dev/null 2>&1
		refused - 404 DELETE "$V/containers/bforce?force=$b"
		engine rm bforce >/dev/null
		allowed 201 POST "$V/containers/create?name=bforce" \
			'{"Image":"box:1","Cmd":["sleep","100"]}'
		allowed 204 POST "$V/containers/bforce/start"
		allowed 204 DELETE "$V/containers/bforce?force=$b"
	done
}

@test "4: JSON with keys in another case, twice, and bytes behind it" {
	local b
	for b in '{"Image":"box:1","hostconfig":{"Privileged":true}}' \
		'{"Image":"box:1","HostConfig":{"privileged":true}}' \
		'{"Image":"box:1","HostConfig":{},"HostConfig":{"Privileged":true}}' \
		'{"Image":"box:1","Image":"alice/app:1"}' \
		'{"Image":"box:1","image":"alice/app:1"}' \
		'{"Image":"box:1","HostConfig":{"Binds":[],"Binds":["/:/h"]}}' \
		'{"Image":"box:1"}{"Image":"alice/app:1"}' \
		'{"Image":"box:1"} trailing' \
		'{"Image":"box:1","\u0049mage":"alice/app:1"}' \
		'{"Image":"box:1","Foo":"bar"}' \
		'{"Image":"box:1","HostConfig":{"Foo":{"a":1}}}' \
		'[{"Image":"box:1"}]' '{"Image":["box:1"]}'; do
		refused - 400 POST "$V/containers/create" "$b"
	done
	refused - 400 POST "$V/containers/bweb/exec" '{"Cmd":["id"],"privileged":true}'
	refused - 400 POST "$V/volumes/create" \
		'{"Name":"bx","driveropts":{"type":"none","o":"bind","device":"/"}}'
	refused - 400 POST "$V/networks/create" '{"Name":"bx","driver":"macvlan"}'
	refused - 400 POST "$V/networks/bnet/connect" \
		'{"Container":"bold","container":"aweb"}'
	refused - 400 POST "$V/containers/bweb/update" '{"memory":1,"Memory":134217728}'
	# what has no effect is no reason to refuse
	allowed 201 POST "$V/containers/create?name=bjson" \
		'{"Image":"box:1","Foo":"","HostConfig":{"Bar":null,"Privileged":false}}'
	allowed 204 DELETE "$V/containers/bjson"
}

@test "5: paths that are cleaned or decoded" {
	local p
	for p in /containers/aweb%2Fjson /containers/bweb/../aweb/json \
		/containers/bweb%2F..%2Faweb/json /containers//aweb/json \
		/containers/./aweb/json /containers/%2e%2e/containers/aweb/json \
		/containers/bweb/%2e%2e/aweb/json %2Fcontainers/aweb/json \
		/Containers/aweb/json /containers/aweb/JSON /containers/aweb/json/; do
		refused - '301|400|404' GET "$V$p"
	done
	refused - '301|400|404' GET "//v1.41/containers/aweb/json"
	refused - '301|400|404' GET "/v1.41/../v1.41/containers/aweb/json"
	# decoded, it is the same name
	refused - 404 GET "$V/containers/%61web/json"
	refused - '400|404' GET "$V/containers/aweb%00/json"
	refused - '400|404' GET "$V/containers/aweb%0a/json"
	allowed 200 GET "$V/containers/%62web/json"
}

@test "6: greedy names of images" {
	local i
	for i in alice/app:1; do
		refused - 404 GET "$V/images/$i/json/json"
		refused - 404 GET "$V/images/$i/get/json"
		refused - 404 GET "$V/images/$i/history/history"
		refused - 404 POST "$V/images/$i/tag/tag?repo=bob/x"
		refused - '403|404' POST "$V/images/$i/push/push"
		refused - 404 DELETE "$V/images/$i/json"
	done
	allowed 200 GET "$V/images/bob/json:1/json"
	allowed 200 GET "$V/images/bob/push:1/history"
	allowed 201 POST "$V/images/bob/json:1/tag?repo=bob/get&tag=1"
	allowed 200 DELETE "$V/images/bob/get:1"
}

@test "7: HTTP that two readers read differently" {
	local get='GET /v1.41/containers/aweb/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n'
	raw_refused 'GET http://d/v1.41/containers/aweb/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n'
	raw_refused 'GET /v1.41/containers/aweb/json HTTP/1.0\r\n\r\n'
	raw_refused 'GET /v1.41/containers/aweb/json HTTP/1.1\nHost: d\nConnection: close\n\n'
	raw_refused 'GET /v1.41/containers/aweb/json HTTP/1.1\r\nConnection: close\r\n\r\n'
	raw_refused 'GET /v1.41/containers/aweb/json HTTP/1.1\r\nHost: d\r\n folded: x\r\n\r\n'
	raw_refused "POST /v1.41/containers/bweb/pause HTTP/1.1\r\nHost: d\r\nContent-Length: ${#get}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$get"
	raw_refused "POST /v1.41/containers/bweb/pause HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n$get"
	raw_refused "POST /v1.41/containers/bweb/pause HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n$get"
	raw_refused "get /v1.41/containers/aweb/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"
	raw_refused "GET /v1.41/containers/aweb/json HTTP/1.1\r\nHost: d\r\nX-HTTP-Method-Override: DELETE\r\nConnection: close\r\n\r\n"
	raw_refused "HEAD /v1.41/containers/aweb/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"
	raw_refused "GET /v1.41/containers/bweb/../aweb/json HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n"
	# pipelined: each is judged
	answer=$(bytes "GET /v1.41/containers/bweb/json HTTP/1.1\r\nHost: d\r\n\r\n$get")
	says '"SECRET=of-bob"'
	hides '"SECRET=of-alice"'
	ok test "$(engine inspect -f '{{.State.Status}}' bweb)" = running
}

@test "8: filters in both forms, with keys and values that are odd" {
	local f
	for f in '{"label":["dockbroker.owner=alice"]}' '{"label":{"dockbroker.owner=alice":true}}' \
		'{"label":["mark=alice","dockbroker.owner=bob"]}' '{"name":{"aweb":true}}' \
		'{"name":["^/aweb$"]}' '{"name":[".*"]}' '{"label":[""]}' '{"name":[]}' '{}' ''; do
		allowed - GET "$V/containers/json?all=1&filters=$(encoded "$f")"
		hides '/aweb'
		hides '/aold'
	done
	for f in '{"owner":["alice"]}' '{"name":"aweb"}' '{"name":["aweb"],"name":["x"]}' \
		'{"Name":["aweb"]}' '[]' '{"name":{"aweb":1}}' 'x' '{"name":["a"]}{}' \
		'{"name":{"aweb":[true]}}' '{"label":[{"a":"b"}]}'; do
		refused - 400 GET "$V/containers/json?all=1&filters=$(encoded "$f")"
	done
	for f in '{"name":["bweb"]}' '{"name":{"bweb":true}}' \
		'{"label":["mark=bob"],"status":["running"]}'; do
		allowed 200 GET "$V/containers/json?all=1&filters=$(encoded "$f")"
		says /bweb
	done
}

@test "9: versions of the API before 1.24" {
	local v
	for v in 1.12 1.22 1.23; do
		refused - 400 POST "/v$v/containers/bold/start" '{"Binds":["/etc:/stolen"],"Privileged":true}'
		refused - 400 GET "/v$v/containers/aweb/json"
	done
	refused - '400|404' POST "/v1.23/containers/aweb/copy" '{"Resource":"/etc/passwd"}'
	refused - '400|404' POST "$V/containers/bweb/copy" '{"Resource":"/etc/passwd"}'
	refused - '400|403' POST "/v1.24/containers/bold/start" '{"Binds":["/etc:/stolen"]}'
	refused - '400|404' GET "/v1.99/containers/bweb/json"
	refused - '400|404' GET "/v1.41.1/containers/aweb/json"
	refused - '400|404' GET "/v1/containers/aweb/json"
	refused aweb 404 GET "/containers/aweb/json"
	refused aweb 404 GET "/v1.24/containers/aweb/json"
	allowed 200 GET "/v1.24/containers/bweb/json"
	allowed 200 GET "/containers/bweb/json"
	allowed 204 POST "/v1.24/containers/bold/start"
}

@test "10: names that capture ids, in every place where a name is given" {
	local n=${aweb_id:0:12} i=${aapp_id:7:12} w=${anet_id:0:12}
	refused - '400|403|409' POST "$V/containers/create?name=$n" '{"Image":"box:1"}'
	refused - '400|403|409' POST "$V/containers/create?name=/$n" '{"Image":"box:1"}'
	refused - '400|403|409' POST "$V/containers/bold/rename?name=$n"
	refused - '400|403|409' POST "$V/networks/create" "{\"Name\":\"$w\"}"
	refused - '400|403|409' POST "$V/images/bob/app:1/tag?repo=$i"
	refused - '400|403|409' POST "$V/images/bob/app:1/tag?repo=$i&tag=latest"
	refused - '400|403|409' POST "$V/images/bob/app:1/tag?repo=sha256&tag=${aapp_id:7}"
	refused - '400|403|409' POST "$V/commit?container=bold&repo=$i"
	tool tars device "$BATS_TEST_TMPDIR/t" file
	refused - '400|403|409' POST "$V/images/create?fromSrc=-&repo=$i" \
		"@$BATS_TEST_TMPDIR/t" text/plain
	tool tars context "$BATS_TEST_TMPDIR/c" 'Dockerfile=FROM box:1'
	refused - '400|403|409' POST "$V/build?t=$i" "@$BATS_TEST_TMPDIR/c" "$TAR"
	engine save -o "$BATS_TEST_TMPDIR/s" bob/app:1
	tool tars retag "$BATS_TEST_TMPDIR/s" "$BATS_TEST_TMPDIR/l" plain "$i:latest"
	refused - '400|403|409' POST "$V/images/load" "@$BATS_TEST_TMPDIR/l" "$TAR"
	# an alias in a network catches names, so it may look like anything
	allowed 201 POST "$V/containers/create?name=bw$n" '{"Image":"box:1"}'
	WHO=alice allowed 200 GET "$V/containers/$n/json"
	says '"Name":"/aweb"'
	WHO=alice allowed 200 GET "$V/images/$i/json"
	says "$aapp_id"
	WHO=alice allowed 200 GET "$V/networks/$w"
	says '"Name":"anet"'
	allowed 204 DELETE "$V/containers/bw$n"
	# a name that somebody gave past the broker
	engine create --name "${bweb_id:0:12}" box:1 true >/dev/null
	allowed 200 GET "$V/containers/${bweb_id:0:12}/json"
	says '"Name":"/bweb"'
	engine rm "${bweb_id:0:12}" >/dev/null
	# a beginning of several ids, of which one is his
	truth 200 GET "/v1.41/containers/$bweb_id/json"
	says '"Name":"/bweb"'
}

@test "11: creating a volume that there is already" {
	refused - '403|404|409' POST "$V/volumes/create" '{"Name":"adata"}'
	refused - '403|404|409' POST "$V/volumes/create" '{"Name":"adata","Labels":{"x":"y"}}'
	refused - '403|404|409' POST "$V/volumes/create" "{\"Name\":\"$anon_a\"}"
	allowed 201 POST "$V/volumes/create" '{"Name":"bdata"}'
	WHO=alice allowed 200 GET "$V/volumes/adata"
	says '"dockbroker.owner":"alice"'
}

@test "12: volumes that come with a container are labelled as his" {
	local v
	owner_of() { engine volume inspect -f '{{index .Labels "dockbroker.owner"}}' "$1"; }
	allowed 200 POST "$V/build?t=bob/vol:1" "@$(
		tool tars context "$BATS_TEST_TMPDIR/v" $'Dockerfile=FROM box:1\nVOLUME /declared'
		echo "$BATS_TEST_TMPDIR/v")" "$TAR"
	allowed 201 POST "$V/containers/create?name=bvols" \
		'{"Image":"bob/vol:1","Volumes":{"/anon":{}},"HostConfig":{"Binds":["bnamed:/named"],"Mounts":[{"Type":"volume","Target":"/m"}]}}'
	for v in $(engine inspect -f '{{range .Mounts}}{{.Name}} {{end}}' bvols); do
		ok test "$(owner_of "$v")" = bob
		allowed 200 GET "$V/volumes/$v"
		# as a second user of it
		WHO=alice refused "$v" 404 GET "$V/volumes/$v"
	done
	ok test "$(engine inspect -f '{{len .Mounts}}' bvols)" = 4
	allowed 200 GET "$V/containers/bvols/json"
	says '"bnamed"'
	allowed 204 DELETE "$V/containers/bvols?v=1"
	ok test "$(engine volume ls -q | grep -cE '^(bnamed)$')" = 1
	refused - '400|403' POST "$V/containers/create" \
		'{"Image":"box:1","HostConfig":{"Mounts":[{"Type":"volume","Target":"/m","VolumeOptions":{"Labels":{"dockbroker.owner":"alice"}}}]}}'
}

@test "13: labels that say whose something is" {
	local l
	for l in '"dockbroker.owner":"alice"' '"dockbroker.team":"dev"' '"dockbroker.x":""' \
		'"dockbroker.owner":"bob"'; do
		refused - '400|403' POST "$V/containers/create" "{\"Image\":\"box:1\",\"Labels\":{$l}}"
		refused - '400|403' POST "$V/volumes/create" "{\"Name\":\"bx\",\"Labels\":{$l}}"
		refused - '400|403' POST "$V/networks/create" "{\"Name\":\"bx\",\"Labels\":{$l}}"
	done
	# an image of his says that it is hers
	tool tars context "$BATS_TEST_TMPDIR/c" $'Dockerfile=FROM box:1\nLABEL dockbroker.owner=alice dockbroker.team=dev'
	engine build -q -t bob/forged:1 - <"$BATS_TEST_TMPDIR/c" >/dev/null
	engine save -o "$BATS_TEST_TMPDIR/s" bob/forged:1
	engine rmi bob/forged:1 >/dev/null
	allowed '200|400|403' POST "$V/images/load?quiet=1" "@$BATS_TEST_TMPDIR/s" "$TAR"
	if [[ $answer = 200* ]]; then
		allowed 201 POST "$V/containers/create?name=bforged" '{"Image":"bob/forged:1"}'
		ok test "$(engine inspect -f '{{index .Config.Labels "dockbroker.owner"}}' bforged)" = bob
		WHO=alice refused bforged 404 GET "$V/containers/bforged/json"
		WHO=alice allowed 200 GET "$V/containers/json?all=1"
		hides bforged
		allowed 200 GET "$V/containers/bforged/json"
		allowed 204 DELETE "$V/containers/bforged"
		allowed 200 DELETE "$V/images/bob/forged:1"
	fi
}

@test "14: two networks of one name" {
	allowed '201|403|409' POST "$V/networks/create" '{"Name":"anet"}'
	if [[ $answer = 201* ]]; then
		local id
		id=$(json Id)
		refused "$anet_id" 404 GET "$V/networks/$anet_id"
		allowed 200 GET "$V/networks/anet"
		says "$id"
		WHO=alice allowed 200 GET "$V/networks/anet"
		says "$anet_id"
		allowed 204 DELETE "$V/networks/$id"
	fi
	allowed 201 POST "$V/networks/create" '{"Name":"bsecond"}'
	allowed '201|409' POST "$V/networks/create" '{"Name":"bsecond"}'
	bob network rm "$(bob network ls -q --filter name=bsecond | head -n 1)" >/dev/null
	refused - '400|403|404' DELETE "$V/networks/anet"
}

@test "at least 120 refusals" { at_least 120; }
