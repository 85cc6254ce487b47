"""The scenes of compare.py about images."""
import io
import json
import tarfile

from compare import IMAGE, names, scene, tar

TAGS = names("RepoTags")


def listed(c, what, query):
    c.get("images " + what, "/images/json", query, see="names", names=TAGS)


@scene
def images(c):
    c.get("list", "/images/json", see="names", names=TAGS)
    c.get("inspect", "/images/%s/json" % IMAGE)
    c.get("history", "/images/%s/history" % IMAGE)
    c.get("gone", "/images/nosuch:1/json")
    c.get("gone", "/images/nosuch/history")
    c.get("gone", "/images/" + "ab" * 32 + "/json")
    c.get("gone", "/images/sha256:" + "ab" * 32 + "/json")
    c.get("bad", "/images/Bad Name/json".replace(" ", "%20"))
    c.delete("gone", "/images/nosuch:1")
    c.post("tag gone", "/images/nosuch/tag", {"repo": "alice/x"})
    c.post("tag", "/images/%s/tag" % IMAGE, {"repo": "alice/cmp",
                                             "tag": "1"})
    c.post("tag", "/images/%s/tag" % IMAGE, {"repo": "alice/cmp"})
    c.post("tag force", "/images/%s/tag" % IMAGE, {
        "repo": "localhost:5000/alice/cmp", "tag": "2", "force": "0"})
    c.post("tag bad", "/images/%s/tag" % IMAGE, {"repo": "Alice!"})
    c.post("tag none", "/images/%s/tag" % IMAGE)
    c.get("inspect", "/images/alice/cmp/json")
    c.get("inspect", "/images/localhost:5000/alice/cmp:2/json")
    c.get("list", "/images/json", {"filters": {"reference": ["alice/*"]}},
          see="names", names=TAGS)
    for f in ({"reference": ["alice/cmp"]}, {"dangling": ["true"]},
              {"dangling": ["false"]}, {"label": ["nosuch"]},
              {"before": ["alice/cmp:1"]}, {"since": ["nosuch:1"]}):
        listed(c, str(f), {"filters": f})
    listed(c, "all", {"all": "1", "digests": "1"})
    c.get("list whole", "/images/json", {"all": "0"})
    c.get("bad filter", "/images/json", {"filters": {"x": ["y"]}})
    a = c.get("save", "/images/alice/cmp:1/get", see="tar")
    c.get("save two", "/images/get", {"names": ["alice/cmp:1",
                                                "alice/cmp:latest"]},
          see="tar")
    c.get("save gone", "/images/nosuch:1/get")
    c.get("save gone", "/images/get", {"names": ["nosuch:1"]})
    c.delete("untag", "/images/alice/cmp:1")
    c.post("load", "/images/load", {"quiet": "1"}, body=a.body)
    c.post("load", "/images/load", body=a.body, kind="application/x-tar")
    c.post("load rubbish", "/images/load", body=b"rubbish" * 200)
    for name in ("alice/cmp:1", "alice/cmp", "localhost:5000/alice/cmp:2"):
        c.delete("untag", "/images/" + name, {"force": "0", "noprune": "0"})
    c.delete("untag gone", "/images/alice/cmp")


@scene
def making(c):
    """Import, build, commit."""
    data = tar({"hello": "world"})
    c.post("import", "/images/create", {
        "fromSrc": "-", "repo": "alice/imp", "tag": "1",
        "message": "from a test", "changes": ["CMD [\"/hello\"]",
                                              "ENV A=B"]},
           body=data, kind="text/plain")
    c.get("imported", "/images/alice/imp:1/json")
    c.get("imported", "/images/alice/imp:1/history")
    c.get("list", "/images/json", {"filters": {
        "reference": ["alice/imp"]}})
    c.post("import nothing", "/images/create", {"fromSrc": "-"},
           body=b"rubbish", kind="text/plain")
    c.delete("remove", "/images/alice/imp:1")
    docker = tar({"Dockerfile": "FROM %s\nARG V=0\nLABEL a=b\nENV C=$V\n"
                  "COPY f /f\nRUN cat /f\nVOLUME /vol\nEXPOSE 99\n"
                  "CMD [\"sleep\",\"1000\"]\n" % IMAGE, "f": "data\n"})
    c.post("build", "/build", {
        "t": "alice/built:1", "q": "False", "nocache": "True",
        "rm": "True", "forcerm": "True", "pull": "False",
        "buildargs": json.dumps({"V": "7"}),
        "labels": json.dumps({"x": "y"})}, body=docker,
        kind="application/tar")
    c.get("built", "/images/alice/built:1/json")
    c.get("built", "/images/alice/built:1/history", see="shape")
    c.post("quiet", "/build", {"t": "alice/built:2", "q": "1", "rm": "1"},
           body=docker)
    c.post("no tag", "/build", {"rm": "1"}, body=docker)
    c.post("dangling", "/images/prune", {"filters": {
        "dangling": ["true"]}}, see="shape")
    c.run("cmp-b", None, Image="alice/built:1")
    c.inspect("of built", "cmp-b")
    c.get("ps", "/containers/json", {"filters": {
        "ancestor": ["alice/built:1"]}})
    c.get("ps", "/containers/json", {"filters": {"ancestor": [IMAGE]}},
          see="names", names=names("Names"))
    c.delete("in use", "/images/alice/built:1")
    c.post("commit", "/commit", {
        "container": "cmp-b", "repo": "alice/com", "tag": "1",
        "comment": "a comment", "author": "me", "pause": "0",
        "changes": "CMD [\"true\"]\nENV X=Y"})
    c.get("committed", "/images/alice/com:1/json")
    c.post("commit", "/commit", {"container": "cmp-b"}, body={
        "Cmd": ["echo"], "Labels": {"own": "label"}})
    c.post("commit gone", "/commit", {"container": "nosuch"})
    c.rm("cmp-b")
    c.delete("remove", "/images/alice/com:1", see="shape")
    for what, file in (("no from", "RUN true\n"),
                       ("no base", "FROM nosuch.invalid/x:1\n"),
                       ("bad word", "FROM %s\nNOPE\n" % IMAGE),
                       ("bad run", "FROM %s\nRUN exit 3\n" % IMAGE),
                       ("no file", "FROM %s\nCOPY nosuch /\n" % IMAGE)):
        c.post("build " + what, "/build", {"rm": "1"},
               body=tar({"Dockerfile": file}),
               see="none" if what == "no base" else "body")
    c.post("no Dockerfile", "/build", body=tar({"x": "y"}))
    c.post("bad tag", "/build", {"t": "Bad!"}, body=docker)
    c.post("other file", "/build", {"dockerfile": "d/other", "t":
           "alice/built:3"}, body=tar({"d/other": "FROM %s\n" % IMAGE}))
    for n in ("1", "2", "3"):
        c.delete("remove", "/images/alice/built:" + n, see="shape")
    c.post("prune", "/images/prune", see="shape")
    c.post("prune", "/images/prune", {"filters": {
        "dangling": ["false"], "label": ["a=b"]}}, see="shape")
    c.post("build prune", "/build/prune", see="none")


@scene
def registry(c):
    """Without one that answers."""
    for verb, path, query in (
            ("pull", "/images/create", {"fromImage": "127.0.0.1:1/x",
                                        "tag": "1"}),
            ("pull bad", "/images/create", {"fromImage": "Bad!", "tag": ""}),
            ("push gone", "/images/alice/nosuch/push", {"tag": "1"})):
        c.post(verb, path, query, headers={"X-Registry-Auth": "e30="})
    c.post("login", "/auth", body={
        "username": "a", "password": "b",
        "serveraddress": "http://127.0.0.1:1/"})
    c.get("distribution", "/distribution/127.0.0.1:1/x:1/json")
