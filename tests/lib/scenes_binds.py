"""The scene of compare.py about paths of the host in containers, for who may
have all below $CMP_BINDS: there are `a', `b' and the file `f'."""
import os

from compare import scene, names

IDS = names("Id")


def shown(c, what, name):
    c.inspect(what, name)
    c.get(what, "/containers/json", {"all": "1", "filters": {"name": [name]}})
    df = c.request("GET", "/system/df").json()
    c.note(what + ": df", [c.alike.value("", x) for x in df["Containers"]
                           if x["Names"] == ["/" + name]])


def found(c, *values):
    for v in values:
        for more in ({}, {"limit": "1"}):
            query = dict({"all": "1", "filters": {"volume": v}}, **more)
            c.get("by %s %s" % (v, more), "/containers/json", query,
                  see="names", names=IDS)


def taken_over(c, name):
    """As those do who make a container anew from what inspect says."""
    was = c.request("GET", "/containers/%s/json" % name).json()
    host = {k: was["HostConfig"].get(k) for k in (
        "Binds", "Mounts", "NetworkMode", "Runtime", "RestartPolicy",
        "VolumesFrom", "CapDrop", "SecurityOpt", "LogConfig")}
    if os.environ.get("CMP_RUNTIME"):       # the Engine itself knows no other
        host["Runtime"] = os.environ["CMP_RUNTIME"]
    c.create("cmp-again", what="again", HostConfig=host,
             Volumes=was["Config"]["Volumes"])
    shown(c, "again", "cmp-again")
    c.rm("cmp-again")


@scene
def binds(c):
    top = os.environ["CMP_BINDS"]
    a, b, f = ["%s/%s" % (top, x) for x in "abf"]
    c.post("volume", "/volumes/create", body={"Name": "cmp-vol"})
    host = {
        "Binds": [a + ":/a", b + "//:/b/:ro", a + "/../b:/c:rw,cached",
                  f + ":/f:ro", "cmp-vol:/v1", "cmp-vol:/v2:ro",
                  "cmp-new:/v3:nocopy", "cmp-vol:/v4:z,rw",
                  a + "/:/d:rprivate"],
        "Mounts": [
            {"Type": "bind", "Source": a, "Target": "/e"},
            {"Type": "bind", "Source": b, "Target": "/g/../h",
             "ReadOnly": True, "BindOptions": {"Propagation": "rprivate"}},
            {"Type": "volume", "Source": "cmp-vol", "Target": "/v5"},
            {"Type": "volume", "Source": "cmp-vol", "Target": "/v6",
             "ReadOnly": True},
            {"Type": "volume", "Target": "/v7"}]}
    cid = c.create("cmp-c", HostConfig=host, Volumes={"/v8": {}, "/a": {}})
    shown(c, "created", "cmp-c")
    c.start(cid)
    shown(c, "running", "cmp-c")
    c.post("rename", "/containers/cmp-c/rename", {"name": "cmp-r"})
    c.post("restart", "/containers/cmp-r/restart", {"t": "0"})
    shown(c, "renamed", "cmp-r")
    c.create("cmp-from", what="from", HostConfig={"VolumesFrom": [cid]})
    shown(c, "from", "cmp-from")
    c.create("cmp-ro", what="from ro", HostConfig={
        "VolumesFrom": [cid + ":ro"], "Binds": [b + ":/e"]})
    shown(c, "from ro", "cmp-ro")
    c.create("cmp-none", what="none", HostConfig={"Binds": [], "Mounts": []})
    shown(c, "none", "cmp-none")
    c.create("cmp-vols", what="volumes", HostConfig={
        "Binds": ["cmp-vol:/v1"],
        "Mounts": [{"Type": "tmpfs", "Target": "/t"}]})
    shown(c, "volumes", "cmp-vols")
    found(c, [a], [b], [a, b], [f], [top], [a + "/"], ["/a"], ["/e"],
          ["cmp-vol"], ["cmp-vol", a], ["/nowhere", "cmp-new"], ["/v8"],
          ["/"], [top + "/none"])
    taken_over(c, "cmp-r")
    taken_over(c, "cmp-from")
    taken_over(c, "cmp-vols")
    for version in ("/v1.24", "/v1.30"):
        c.version = version
        shown(c, version, "cmp-r")
    c.version = "/v1.41"
    c.rm("cmp-r", "cmp-from", "cmp-ro", "cmp-none", "cmp-vols")
    for v in ("cmp-vol", "cmp-new"):
        c.delete("remove", "/volumes/" + v)
    c.create("cmp-x", ["true"], what="over a file",
             HostConfig={"Binds": [a + ":/bin/busybox"]})
    c.start("cmp-x")
    c.inspect("over a file", "cmp-x")
    c.rm("cmp-x")
