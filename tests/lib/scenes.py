"""The scenes of compare.py about containers, volumes, networks and the Engine:
calls as docker-py, dockerode, compose and the command line make them."""
import re
import time

from compare import IMAGE, scene, names, tar

NAMES = names("Names")


def listed(c, what, **filters):
    c.get("ps " + what, "/containers/json",
          {"all": "1", "filters": {k: v if isinstance(v, list) else [v]
                                   for k, v in filters.items()}},
          see="names", names=NAMES)


@scene
def system(c):
    for version in ("", "/v1.41", "/v1.30"):
        c.version = version
        c.get("ping " + version, "/_ping")
        c.ask("ping " + version, "HEAD", "/_ping")
        c.get("version " + version, "/version")
        c.get("info " + version, "/info", see="shape")
        c.get("df " + version, "/system/df", see="shape")
    for version in ("/v1.99", "/v1.10", "/v1.24"):
        c.version = version
        c.get("too new or old", "/version", see="none")
        c.get("too new or old", "/containers/json", see="none")
    c.version = ""
    c.get("nothing there", "/nothing")
    c.get("nothing there", "/containers/x/nothing")
    c.get("nothing there", "/images")
    c.post("a wrong method", "/containers/json")
    c.ask("a wrong method", "PUT", "/containers/x/json")


@scene
def create_inspect(c):
    """As docker run and docker-py write it: all that may be set."""
    c.post("volume", "/volumes/create", body={"Name": "cmp-vol"})
    c.post("network", "/networks/create",
           body={"Name": "cmp-net", "CheckDuplicate": True})
    first = c.run("cmp-first")
    full = {
        "Hostname": "hosty", "Domainname": "dom", "User": "1000",
        "Env": ["A=1", "B"], "Labels": {"x": "y", "com.example.a": ""},
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "WorkingDir": "/tmp",
        "StopSignal": "SIGUSR1", "StopTimeout": 3, "Tty": True,
        "OpenStdin": True, "StdinOnce": True, "AttachStdin": True,
        "AttachStdout": True, "AttachStderr": True,
        "Entrypoint": ["sh", "-c"], "Volumes": {"/anon": {}},
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1000000000,
                        "Timeout": 2000000000, "Retries": 2,
                        "StartPeriod": 1000000},
        "NetworkingConfig": {"EndpointsConfig": {"cmp-net": {
            "Aliases": ["al", "bl"]}}},
        "HostConfig": {
            "NetworkMode": "cmp-net", "Memory": 64 << 20,
            "MemorySwap": 128 << 20, "MemoryReservation": 32 << 20,
            "NanoCpus": 500000000, "CpuShares": 512, "PidsLimit": 50,
            "Binds": ["cmp-vol:/data:ro"], "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": "size=1m", "/run": ""}, "Init": True,
            "ShmSize": 1 << 20, "Ulimits": [
                {"Name": "nofile", "Soft": 100, "Hard": 200}],
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
            "LogConfig": {"Type": "json-file", "Config": {
                "max-size": "1m", "max-file": "2"}},
            "Dns": ["8.8.8.8"], "DnsSearch": ["example.org"],
            "DnsOptions": ["timeout:3"],
            "ExtraHosts": ["other:10.1.2.3"],
            "CapDrop": ["NET_RAW"], "GroupAdd": ["1001"],
            "OomScoreAdj": 500, "Sysctls": {"net.ipv4.ip_forward": "0"},
            "PortBindings": {"80/tcp": [{"HostPort": "18080"}],
                             "53/udp": [{"HostIp": "127.0.0.1",
                                         "HostPort": ""}]},
            "AutoRemove": False, "PublishAllPorts": False,
            "ConsoleSize": [0, 0], "Isolation": "", "IpcMode": "private",
            "SecurityOpt": ["no-new-privileges"], "Links": [],
            "BlkioWeight": 0, "Cgroup": "", "CgroupnsMode": "",
        }}
    cid = c.create("cmp-full", ["sleep 1000"], **full)
    c.inspect("created", "cmp-full")
    c.start(cid)
    c.inspect("running", "cmp-full")
    c.get("list", "/containers/json",
          {"all": "1", "filters": {"name": ["cmp-full"]}})
    c.get("size", "/containers/cmp-full/json", {"size": "1"})
    c.rm("cmp-full")
    cid = c.run("cmp-plain", what="plain", HostConfig={})
    c.inspect("plain", cid)
    c.rm("cmp-plain", first)
    cid = c.create("cmp-bare", None, what="next to nothing")
    c.inspect("bare", cid)
    c.rm(cid)
    c.delete("volume", "/volumes/cmp-vol")
    c.delete("network", "/networks/cmp-net")


@scene
def modes(c):
    """Names in what names other things, and how inspect says them."""
    first = c.run("cmp-first", Volumes={"/shared": {}})
    c.post("network", "/networks/create", body={"Name": "cmp-net"})
    for mode in ("none", "bridge", "default", "cmp-net",
                 "container:cmp-first", "container:" + first[:12]):
        cid = c.run("cmp-m", what="mode", HostConfig={"NetworkMode": mode})
        c.inspect("mode", "cmp-m")
        c.get("mode", "/containers/json", {"filters": {"name": ["cmp-m"]}})
        c.rm(cid)
    for key, mode in (("PidMode", "container:cmp-first"),
                      ("IpcMode", "shareable"), ("IpcMode", "none"),
                      ("CgroupnsMode", "private")):
        c.run("cmp-m", what=key + mode, HostConfig={key: mode})
        c.inspect(key + mode, "cmp-m")
        c.rm("cmp-m")
    for links in (["cmp-first:alias"], ["cmp-first"],
                  [first[:12] + ":by-id"]):
        c.run("cmp-m", what="links", HostConfig={"Links": links})
        c.inspect("links", "cmp-m")
        c.get("links", "/containers/json", {"filters": {"name": ["cmp-"]}})
        c.delete("link", "/containers/cmp-m/alias", {"link": "1"})
        c.rm("cmp-m")
    for given in (["cmp-first"], ["cmp-first:ro"], [first[:12] + ":rw"]):
        c.run("cmp-m", what="volumes_from", HostConfig={"VolumesFrom": given})
        c.inspect("volumes_from", "cmp-m")
        c.rm("cmp-m")
    for image in (IMAGE, "docker.io/library/" + IMAGE, "library/" + IMAGE):
        c.create("cmp-m", what="image", Image=image)
        c.inspect("image", "cmp-m")
        c.get("image", "/containers/json",
              {"all": "1", "filters": {"name": ["cmp-m"]}})
        c.rm("cmp-m")
    image = c.request("GET", "/images/%s/json" % IMAGE).json()["Id"]
    for image in (image, image[7:], image[7:19], image[7:15]):
        c.create("cmp-m", what="image id %d" % len(image), Image=image)
        c.inspect("image id %d" % len(image), "cmp-m")
        c.get("image id", "/containers/json",
              {"all": "1", "filters": {"name": ["cmp-m"]}})
        c.rm("cmp-m")
    c.delete("network in use", "/networks/cmp-net")
    c.rm(first)


@scene
def volumes_mounts(c):
    c.get("list", "/volumes")
    c.post("create", "/volumes/create", body={
        "Name": "cmp-v1", "Driver": "local", "Labels": {"a": "b"},
        "DriverOpts": {}})
    c.post("again", "/volumes/create", body={"Name": "cmp-v1"})
    c.post("bare", "/volumes/create", body={"Name": "cmp-v2"})
    c.post("anonymous", "/volumes/create", body={})
    c.get("inspect", "/volumes/cmp-v1")
    c.get("list", "/volumes", see="shape")
    for f in ({"name": ["cmp-v"]}, {"label": ["a=b"]}, {"label": ["a"]},
              {"dangling": ["true"], "name": ["cmp"]},
              {"driver": ["local"], "name": ["cmp"]},
              {"dangling": ["1"], "label": ["zz"]}):
        c.get("filter %s" % f, "/volumes", {"filters": f}, see="names",
              names=lambda v: [x["Name"] for x in v["Volumes"] or []])
    c.get("a wrong filter", "/volumes", {"filters": {"what": ["x"]}})
    host = {"Mounts": [
        {"Type": "volume", "Source": "cmp-v1", "Target": "/one"},
        {"Type": "volume", "Source": "cmp-v2", "Target": "/two",
         "ReadOnly": True},
        {"Type": "volume", "Target": "/three", "VolumeOptions": {
            "NoCopy": True, "Labels": {"q": "r"}}},
        {"Type": "tmpfs", "Target": "/four", "TmpfsOptions": {
            "SizeBytes": 1 << 20, "Mode": 0o1777}}]}
    c.run("cmp-c", ["sh", "-c", "echo hi >/one/f; sleep 1000"],
          HostConfig=host)
    c.inspect("mounts", "cmp-c")
    c.get("mounts", "/containers/json", {"filters": {"name": ["cmp-c"]}})
    listed(c, "volume", volume="cmp-v1")
    listed(c, "volume path", volume="/one")
    c.delete("volume in use", "/volumes/cmp-v1")
    c.rm("cmp-c")
    host = {"Binds": ["cmp-v1:/one", "cmp-v2:/two:ro", "cmp-v3:/new:nocopy",
                      "cmp-v1:/z"]}
    c.run("cmp-c", what="binds", HostConfig=host, Volumes={
        "/one": {}, "/anon": {}})
    c.inspect("binds", "cmp-c")
    c.get("binds", "/containers/json", {"filters": {"name": ["cmp-c"]}})
    c.get("made", "/volumes/cmp-v3")
    c.rm("cmp-c")
    for v in ("cmp-v1", "cmp-v2", "cmp-v3", "cmp-none"):
        c.delete("remove", "/volumes/" + v)
    c.delete("force", "/volumes/cmp-none", {"force": "1"})
    c.get("gone", "/volumes/cmp-v1")
    c.post("bad name", "/volumes/create", body={"Name": "a/b"})
    c.post("driver", "/volumes/create", body={"Name": "cmp-x",
                                              "Driver": "nosuch"})
    c.post("prune label", "/volumes/prune", {"filters": {
        "label": ["never=ever"]}})
    c.post("prune", "/volumes/prune")
    c.post("prune nothing", "/volumes/prune")
    cid = c.create("cmp-c", ["true"], Volumes={"/anon": {}},
                   HostConfig={"AutoRemove": True})
    c.stream("auto remove", "POST", "/containers/cmp-c/wait",
             {"condition": "removed"}, act=lambda: c.start(cid))
    c.get("no anonymous left", "/volumes", {"filters": {
        "dangling": ["true"]}}, see="names",
        names=lambda v: [x["Name"] for x in v["Volumes"] or []])


@scene
def networks(c):
    c.get("list", "/networks", see="names",
          names=lambda v: [[x["Name"], x["Driver"], x["Scope"]] for x in v])
    a = c.post("create", "/networks/create", body={
        "Name": "cmp-n", "Driver": "bridge", "CheckDuplicate": True,
        "Labels": {"k": "v"}, "Internal": True, "EnableIPv6": False, "Options": {},
        "IPAM": {"Driver": "default", "Config": []}})
    nid = a.json().get("Id", "none")
    c.post("create again", "/networks/create", body={
        "Name": "cmp-n", "CheckDuplicate": True})
    c.get("inspect", "/networks/cmp-n")
    c.get("inspect id", "/networks/" + nid)
    c.get("inspect short", "/networks/" + nid[:12], {"verbose": "true"})
    c.get("inspect scope", "/networks/cmp-n", {"scope": "local"})
    c.get("bridge", "/networks/bridge")
    c.get("host", "/networks/host")
    for f in ({"name": ["cmp-n"]}, {"id": [nid]}, {"label": ["k=v"]},
              {"driver": ["bridge"]}, {"type": ["custom"]},
              {"type": ["builtin"]}, {"scope": ["local"]},
              {"dangling": ["true"]}, {"name": ["cmp-n"], "label": ["z"]}):
        c.get("filter %s" % sorted(f), "/networks", {"filters": f},
              see="names", names=names("Name"))
    c.get("a wrong filter", "/networks", {"filters": {"what": ["x"]}})
    c.run("cmp-c", NetworkingConfig={"EndpointsConfig": {"cmp-n": {
        "Aliases": ["x"]}}},
        HostConfig={"NetworkMode": "cmp-n"})
    c.inspect("static", "cmp-c")
    c.get("inspect with containers", "/networks/cmp-n")
    listed(c, "network", network="cmp-n")
    listed(c, "network id", network=nid)
    c.delete("in use", "/networks/cmp-n")
    c.run("cmp-d")
    c.post("connect", "/networks/cmp-n/connect", body={
        "Container": "cmp-d", "EndpointConfig": {
            "Aliases": ["dd"], "Links": ["cmp-c:cc"]}})
    c.post("connect again", "/networks/cmp-n/connect", body={
        "Container": "cmp-d"})
    c.inspect("two networks", "cmp-d")
    c.post("disconnect", "/networks/cmp-n/disconnect", body={
        "Container": "cmp-d", "Force": True})
    c.post("disconnect again", "/networks/cmp-n/disconnect", body={
        "Container": "cmp-d"})
    c.post("disconnect bridge", "/networks/bridge/disconnect", body={
        "Container": "cmp-d"})
    c.post("connect bridge", "/networks/bridge/connect", body={
        "Container": "cmp-d"})
    c.inspect("bridge", "cmp-d")
    c.rm("cmp-c", "cmp-d")
    c.delete("remove", "/networks/" + nid[:12])
    c.delete("gone", "/networks/cmp-n")
    c.get("gone", "/networks/cmp-n")
    c.post("connect gone", "/networks/cmp-n/connect", body={
        "Container": "cmp-d"})
    c.delete("bridge", "/networks/bridge")
    c.post("no name", "/networks/create", body={})
    c.post("bridge again", "/networks/create", body={"Name": "bridge"})
    c.post("driver", "/networks/create", body={
        "Name": "cmp-x", "Driver": "nosuch"})
    c.post("create", "/networks/create", body={"Name": "cmp-n"})
    c.post("prune label", "/networks/prune", {"filters": {"label": ["no"]}})
    c.post("prune", "/networks/prune", {"filters": {}})


@scene
def listing(c):
    a = c.run("cmp-a", Labels={"k": "v", "only": "a"})
    b = c.create("cmp-b", Labels={"k": "w"}, ExposedPorts={"80/tcp": {}})
    c.run("cmp-x", ["sh", "-c", "exit 3"])
    c.wait("cmp-x")
    c.get("ps", "/containers/json", {"filters": {"name": ["cmp-a"]}})
    c.get("ps", "/containers/json", {"all": "true", "size": "true"})
    c.get("ps limit", "/containers/json", {"limit": "1"}, see="names",
          names=NAMES)
    c.get("ps limit -1", "/containers/json", {"limit": "-1", "all": "0",
          "size": "0", "trunc_cmd": "0"}, see="names", names=NAMES)
    for what, f in enumerate((
            {"status": "running"}, {"status": ["created", "exited"]},
            {"label": "k"}, {"label": "k=v"}, {"label": ["k", "only=a"]},
            {"name": "cmp"}, {"name": "^/cmp-a$"}, {"id": a}, {"id": a[:12]},
            {"ancestor": IMAGE}, {"ancestor": "nosuch"}, {"before": "cmp-x"},
            {"since": "cmp-a"}, {"before": b}, {"before": "nosuch"},
            {"since": "nosuch"}, {"exited": "3"}, {"exited": ["0", "3"]},
            {"network": "bridge"}, {"network": "nosuch"},
            {"volume": "nosuch"}, {"expose": "80/tcp"}, {"publish": "80"},
            {"health": "none"}, {"is-task": "false"}, {"status": "bogus"},
            {"exited": "x"}, {"health": "bogus"})):
        listed(c, "%d %s" % (what, sorted(f)), **f)
    c.get("no such filter", "/containers/json", {"filters": {"x": ["y"]}})
    c.get("bad filters", "/containers/json", {"filters": "{"})
    c.get("empty filters", "/containers/json", {"filters": ""}, see="names",
          names=NAMES)
    c.get("map filters", "/containers/json", {"filters": {
        "label": {"k=v": True}}}, see="names", names=NAMES)
    c.get("bad limit", "/containers/json", {"limit": "x"})
    c.post("prune label", "/containers/prune", {"filters": {
        "label": ["k=w"]}}, see="shape")
    c.post("prune until", "/containers/prune", {"filters": {
        "until": ["24h"]}})
    c.post("prune", "/containers/prune", {"filters": {}})
    c.rm(a)
    c.get("ps none", "/containers/json", {"all": "1"})


@scene
def life(c):
    """Start, stop, kill, pause and the rest, right and wrong."""
    cid = c.create("cmp-l", ["sh", "-c", "trap 'exit 5' TERM;"
                             "while :; do sleep 0.1; done"])
    for verb in ("start", "start", "pause", "pause", "unpause", "unpause",
                 "restart?t=0", "stop?t=5", "stop", "start", "kill", "kill"):
        c.post(verb, "/containers/cmp-l/" + verb)
    c.wait(cid)
    for path in ("kill?signal=NOPE", "kill?signal=TERM", "stop?t=x",
                 "resize?h=1&w=1", "resize?h=x&w=y", "wait?condition=x",
                 "pause", "rename", "rename?name=cmp-l", "rename?name=a/b",
                 "attach", "exec"):
        c.post("wrong", "/containers/cmp-l/" + path, see="none")
    c.start(cid)
    for body in ({"Memory": 64 << 20, "MemorySwap": 64 << 20},
                 {"CpuShares": 512}, {"NanoCpus": 500000000},
                 {"RestartPolicy": {"Name": "always"}},
                 {"RestartPolicy": {"Name": "no"}}, {"PidsLimit": 30},
                 {"Memory": 1}, {}):
        c.post("update %s" % sorted(body), "/containers/cmp-l/update", body=body)
    c.inspect("updated", "cmp-l")
    c.get("top", "/containers/cmp-l/top", see="shape")
    c.get("top", "/containers/cmp-l/top", {"ps_args": "aux"}, see="shape")
    c.get("top", "/containers/cmp-l/top", {"ps_args": "-o pid"}, see="shape")
    c.get("stats", "/containers/cmp-l/stats", {"stream": "false"},
          see="shape")
    c.get("stats", "/containers/cmp-l/stats", {
        "stream": "0", "one-shot": "1"}, see="shape")
    c.stream("stats", "GET", "/containers/cmp-l/stats", {"stream": "1"},
             want=rb"\n.*\n") and None
    c.log[-1][2].pop("body")
    c.post("resize", "/containers/cmp-l/resize", {"h": "10", "w": "20"})
    c.delete("running", "/containers/cmp-l")
    c.rm("cmp-l")
    for verb in ("start", "stop", "kill", "pause", "unpause", "restart",
                 "wait", "rename?name=q", "resize?h=1&w=1", "update",
                 "attach?stream=1&stdout=1", "exec"):
        body = {"Cmd": ["true"]} if verb in ("exec", "update") else None
        c.post("gone", "/containers/cmp-l/" + verb, body=body)
    for verb in ("json", "logs?stdout=1", "top", "stats?stream=0",
                 "changes", "export", "archive?path=/"):
        c.get("gone", "/containers/cmp-l/" + verb)
    c.ask("gone", "HEAD", "/containers/cmp-l/archive", {"path": "/"})
    c.ask("gone", "PUT", "/containers/cmp-l/archive", {"path": "/"},
          tar({"a": "b"}))
    c.delete("gone", "/containers/cmp-l", {"v": "1", "force": "1"})
    c.create("cmp-l", ["true"])
    c.create("cmp-l", ["true"], what="the name is taken")
    c.create("a/b", ["true"], what="bad name")
    c.create("", ["true"], what="", Image="nosuch:1")
    c.create("cmp-q", ["true"], what="no image", Image="")
    c.create("cmp-q", ["true"], what="bad image", Image="Bad Image")
    c.create("cmp-q", None, what="empty host", HostConfig=None)
    c.rm("cmp-q")
    for host in ({"NetworkMode": "container:nosuch"}, {"Links": ["nosuch:a"]},
                 {"VolumesFrom": ["nosuch"]}, {"NetworkMode": "nosuch"},
                 {"RestartPolicy": {"Name": "x"}},
                 {"Memory": 1}, {"LogConfig": {"Type": "nosuch"}},
                 {"AutoRemove": True, "RestartPolicy": {"Name": "always"}},
                 {"Binds": ["nopath"]}, {"Binds": ["a:b"]},
                 {"Binds": ["a:/b:bogus"]},
                 {"Mounts": [{"Type": "bogus", "Target": "/x"}]},
                 {"Mounts": [{"Type": "volume", "Target": ""}]},
                 {"PortBindings": {"x/tcp": [{"HostPort": "18000"}]}},
                 {"Tmpfs": {"/x": "bogus"}},
                 {"Ulimits": [{"Name": "nofile", "Soft": 9, "Hard": 1}]}):
        if c.create("cmp-q", ["true"], what="bad %s" % host,
                    HostConfig=host):
            c.post("start bad", "/containers/cmp-q/start")
        c.rm("cmp-q")
    c.create("cmp-q", ["nosuchcommand"])
    c.post("no such command", "/containers/cmp-q/start")
    c.inspect("no such command", "cmp-q")
    c.rm("cmp-q", "cmp-l")
    c.post("no json", "/containers/create", body=b"{", kind="application/json")
    c.post("no type", "/containers/create", body=b"{}", kind="text/plain")
    c.post("no body", "/containers/create")
    cid = c.run("cmp-h", Healthcheck={
        "Test": ["CMD-SHELL", "echo ok"], "Interval": 200000000})
    for _ in range(100):
        a = c.request("GET", "/containers/cmp-h/json").json()
        if a["State"]["Health"]["Status"] == "healthy":
            break
        time.sleep(0.1)
    a["State"]["Health"]["Log"] = a["State"]["Health"]["Log"][:1]
    c.note("health", c.alike.value("", a["State"]["Health"]))
    listed(c, "healthy", health="healthy")
    c.rm(cid)


@scene
def ports(c):
    cid = c.run("cmp-p", ExposedPorts={"80/tcp": {}, "90/tcp": {}},
                HostConfig={"PublishAllPorts": True})
    c.inspect("all", cid)
    c.rm(cid)
    cid = c.run("cmp-p", ExposedPorts={"80/tcp": {}}, HostConfig={
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"},
                                    {"HostIp": "", "HostPort": "18081"}]}})
    c.inspect("some", cid)
    c.get("ps", "/containers/json", {"filters": {"name": ["cmp-p"]}})
    listed(c, "publish", publish="18081")
    c.create("cmp-p2", HostConfig={"PortBindings": {
        "80/tcp": [{"HostPort": "18081"}]}})
    c.post("taken", "/containers/cmp-p2/start")
    c.rm(cid, "cmp-p2")
    cid = c.run("cmp-p", HostConfig={"PortBindings": {
        "80/tcp": [{"HostPort": "18090-18095"}]}})
    c.inspect("range", cid)
    c.rm(cid)


@scene
def files(c):
    cid = c.run("cmp-f", ["sh", "-c", "echo hi >/etc/new; rm /bin/bash;"
                          "ln -s /etc/new /l; sleep 1000"])
    for _ in range(50):
        if c.request("HEAD", "/containers/cmp-f/archive",
                     {"path": "/l"}).status == 200:
            break
        time.sleep(0.1)
    for path in ("/etc/new", "/etc", "/l", "/none", "etc/new", "",
                 "/etc/new/"):
        c.ask("stat " + path, "HEAD", "/containers/cmp-f/archive",
              {"path": path})
        c.get("out " + path, "/containers/cmp-f/archive", {"path": path},
              see="tar")
    c.get("no path", "/containers/cmp-f/archive")
    data = tar({"in/a": "b", "c": "d"})
    for path, more in (("/tmp", {}), ("/none", {}), ("/etc/new", {}),
                       ("/tmp", {"noOverwriteDirNonDir": "true",
                                 "copyUIDGID": "true"})):
        c.ask("in " + path, "PUT", "/containers/cmp-f/archive",
              dict(path=path, **more), data)
    c.ask("octets", "PUT", "/containers/cmp-f/archive", {"path": "/tmp"},
          data, kind="application/octet-stream")
    c.ask("no tar", "PUT", "/containers/cmp-f/archive", {"path": "/tmp"},
          b"this is no tar" * 100)
    c.get("back", "/containers/cmp-f/archive", {"path": "/tmp/in"},
          see="tar")
    c.get("changes", "/containers/cmp-f/changes")
    c.rm(cid)
    cid = c.create("cmp-f", ["true"])
    a = c.request("GET", "/containers/cmp-f/export")
    c.note("export", [a.status, c.headers(a.headers), len(a.body) > 100000])
    c.rm(cid)


@scene
def streams(c):
    """What has to come at once, and what ends when."""
    say = ["sh", "-c", "echo one; echo two >&2; cat; echo end"]
    for tty in (False, True):
        for upgrade in ("tcp", None):
            c.create("cmp-s", say, Tty=tty, OpenStdin=True, StdinOnce=True,
                     AttachStdin=True, AttachStdout=True, AttachStderr=True)
            c.stream("attach tty=%s %s" % (tty, upgrade), "POST",
                     "/containers/cmp-s/attach",
                     {"stream": "1", "stdin": "1", "stdout": "1",
                      "stderr": "1"}, upgrade=upgrade, mux=not tty,
                     act=lambda: c.start("cmp-s"),
                     stdin=b"typed\n" + (b"\x04" if tty else b""),
                     shut=not tty)
            c.wait("cmp-s")
            for query in ({"stdout": "1"}, {"stderr": "1"},
                          {"stdout": "1", "stderr": "1", "tail": "1"},
                          {"stdout": "1", "timestamps": "1"},
                          {"stdout": "True", "stderr": "True",
                           "follow": "False", "tail": "all",
                           "timestamps": "False"},
                          {"stdout": "1", "since": "2000000000"},
                          {"stdout": "1", "until": "1.5"}):
                c.stream("logs %s" % query, "GET", "/containers/cmp-s/logs",
                         query, mux=not tty)
                body = c.log[-1][2]["body"]
                if query.get("timestamps") == "1":
                    c.log[-1][2]["body"] = re.sub(
                        r"\d{4}-\S+Z ", "T ", str(body))
            c.get("logs of nothing", "/containers/cmp-s/logs")
            c.stream("attach logs", "POST", "/containers/cmp-s/attach",
                     {"logs": "1", "stdout": "1", "stderr": "1"},
                     upgrade=upgrade, mux=not tty)
            c.rm("cmp-s")
    c.run("cmp-s", ["sh", "-c", "echo now; sleep 1000"])
    c.stream("logs -f comes at once", "GET", "/containers/cmp-s/logs",
             {"follow": "1", "stdout": "1"}, want=b"now", mux=True)
    c.stream("wait", "POST", "/containers/cmp-s/wait",
             {"condition": "next-exit"},
             act=lambda: c.post("kill", "/containers/cmp-s/kill"))
    c.stream("wait again", "POST", "/containers/cmp-s/wait")
    c.stream("wait removed", "POST", "/containers/cmp-s/wait",
             {"condition": "removed"}, act=lambda: c.rm("cmp-s"))


@scene
def execs(c):
    c.run("cmp-e")
    run = {"AttachStdout": True, "AttachStderr": True}
    for what, body, start in (
            ("plain", {"Cmd": ["sh", "-c", "echo a; echo b >&2; exit 3"]},
             {"Detach": False, "Tty": False}),
            ("all", {"Cmd": ["sh", "-c", "id -u; pwd; echo $A"],
                     "User": "1000", "WorkingDir": "/tmp",
                     "Env": ["A=b"], "Privileged": False,
                     "DetachKeys": "ctrl-p"}, {"Tty": False}),
            ("tty", {"Cmd": ["echo", "t"], "Tty": True}, {"Tty": True}),
            ("stdin", {"Cmd": ["cat"], "AttachStdin": True},
             {"Detach": False}),
            ("none", {"Cmd": ["nosuchcommand"]}, {"Detach": False})):
        for upgrade in ("tcp", None):
            e = c.post("exec " + what, "/containers/cmp-e/exec",
                       body=dict(run, **body)).json()["Id"]
            c.get("before " + what, "/exec/%s/json" % e)
            c.stream("start " + what, "POST", "/exec/%s/start" % e,
                     body=start, upgrade=upgrade, mux=not body.get("Tty"),
                     stdin=b"in\n" if what == "stdin" else None)
            for _ in range(50):
                if not c.request("GET", "/exec/%s/json" % e
                                 ).json()["Running"]:
                    break
                time.sleep(0.1)
            c.get("after " + what, "/exec/%s/json" % e)
            c.post("twice", "/exec/%s/start" % e, body=start)
    e = c.post("detached", "/containers/cmp-e/exec", body={
        "Cmd": ["sleep", "1000"]}).json()["Id"]
    c.post("detached", "/exec/%s/start" % e, body={"Detach": True})
    c.get("running", "/exec/%s/json" % e)
    c.post("resize", "/exec/%s/resize" % e, {"h": "1", "w": "2"})
    c.inspect("ExecIDs", "cmp-e")
    c.post("no command", "/containers/cmp-e/exec", body={})
    c.post("bad user", "/containers/cmp-e/exec", body={
        "Cmd": ["true"], "User": "nosuch"})
    for verb, method in (("json", "GET"), ("start", "POST"),
                         ("resize?h=1&w=1", "POST")):
        c.ask("no such", method, "/exec/%s/%s" % ("ab" * 32, verb),
              body={} if verb == "start" else None)
    c.post("pause", "/containers/cmp-e/pause")
    c.post("paused", "/containers/cmp-e/exec", body={"Cmd": ["true"]})
    c.post("unpause", "/containers/cmp-e/unpause")
    c.post("stop", "/containers/cmp-e/kill")
    c.wait("cmp-e")
    c.post("stopped", "/containers/cmp-e/exec", body={"Cmd": ["true"]})
    c.rm("cmp-e")


def noted(text):
    """Events as far as they may be compared: in the order they came."""
    return [x for x in text.split(b"\n") if x]


@scene
def events(c):
    since = "%.6f" % time.time()

    def act():
        c.run("cmp-v", ["true"], Labels={"my": "label"})
        c.wait("cmp-v")
        c.post("volume", "/volumes/create", body={"Name": "cmp-vo"})
        c.post("network", "/networks/create", body={"Name": "cmp-ne"})
        c.post("connect", "/networks/cmp-ne/connect",
               body={"Container": "cmp-v"})
        c.post("disconnect", "/networks/cmp-ne/disconnect",
               body={"Container": "cmp-v"})
        c.rm("cmp-v")
        c.delete("network", "/networks/cmp-ne")
        c.delete("volume", "/volumes/cmp-vo")

    c.stream("live", "GET", "/events", act=act,
             want=rb'"volume","Action":"destroy"[^\n]*\n')
    time.sleep(1.1)
    until = "%.6f" % time.time()
    for f in ({}, {"type": ["container"]}, {"type": ["network"]},
              {"type": ["volume"]}, {"event": ["create", "destroy"]},
              {"container": ["cmp-v"]}, {"label": ["my=label"]},
              {"image": [IMAGE]}, {"label": ["my"], "event": ["die"]},
              {"volume": ["cmp-vo"]}, {"network": ["cmp-ne"]},
              {"scope": ["local"], "type": ["volume"]},
              {"container": ["nosuch"]}):
        c.stream("past %s" % f, "GET", "/events", {
            "since": since, "until": until, "filters": f})
    c.stream("no filters", "GET", "/events", {
        "since": since.split(".")[0], "until": until.split(".")[0]})
    c.log[-1][2].pop("body")
    for bad in ({"since": "x"}, {"filters": "{"}, {"since": "5",
                "until": "1"}):
        c.get("wrong", "/events", bad)
