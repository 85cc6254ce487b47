"""One of the two users of tests/soak: what he does, and what has to be so after.

A step is a method do_NAME; its weight is in WEIGHTS.  It runs docker as the
user and writes down what that made in the four dicts containers, tags, volumes
and networks; check() then compares these with every list.
"""
import io
import json
import os
import re
import subprocess
import tarfile
import time
import urllib.parse

BUILTIN = {"bridge", "host", "none"}
COMMON = "box:1"
WEIGHTS = {
    "run": 9, "run_rm": 4, "exec": 6, "logs": 3, "cp_in": 3, "cp_out": 3,
    "commit": 3, "build": 4, "twin": 2, "tag": 3, "rmi": 4, "save_load": 2,
    "import_": 2, "volume": 4, "volume_rm": 3, "network": 4, "network_rm": 3,
    "connect": 3, "rename": 3, "stop_start": 3, "pause": 2, "rm": 6,
    "look": 4, "events": 2, "trespass": 12, "taken": 3, "container_prune": 1,
    "volume_prune": 1, "network_prune": 1, "image_prune": 1,
    "image_prune_all": 1, "system_prune": 1, "compose_up": 3,
    "compose_use": 3, "compose_down": 2,
}
COMPOSE = """
services:
  web:
    image: box:1
    command: sh -c "echo said-by-{name}; exec sleep 1000"
    environment: [SECRET=of-{name}]
    volumes: ["data:/data"]
    networks: [inner]
    stop_grace_period: 0s
  db:
    image: box:1
    command: sleep 1000
    networks: [inner]
    stop_grace_period: 0s
volumes:
  data: {{}}
networks:
  inner: {{}}
"""


class Fault(Exception):
    pass


def filters(**k):
    return "filters=" + urllib.parse.quote(json.dumps(k))


def everything(get):
    return {
        "containers": {c["Id"] for c in get("/containers/json?all=1")},
        "volumes": {v["Name"] for v in get("/volumes")["Volumes"] or []},
        "networks": {n["Id"] for n in get("/networks")},
        "tags": tags_of(get("/images/json")),
    }


def tags_of(images):
    return {t for i in images for t in i["RepoTags"] or []
            if t != "<none>:<none>"}


def differ(where, want, have):
    if want == have:
        return None
    if isinstance(want, set):
        return "%s: surplus %s, missing %s" % (
            where, sorted(have - want), sorted(want - have))
    keys = sorted(k for k in set(want) | set(have)
                  if want.get(k) != have.get(k))
    return "%s: " % where + "; ".join("%s should be %s, is %s" % (
        k, want.get(k), have.get(k)) for k in keys)


class User:
    def __init__(self, name, other, rig, agent, uid, gids, rand):
        self.name, self.other, self.rig = name, other, rig
        self.agent, self.rand, self.peer = agent, rand, None
        self.home = "%s/home/%s" % (rig.dir, name)
        env = {"PATH": os.environ["PATH"], "HOME": self.home,
               "USER": name, "DOCKER_BUILDKIT": "0",
               "DOCKER_HOST": "unix://" + rig.env["USER_SOCK_" + name]}
        self.process = {"user": uid, "group": gids[0], "extra_groups": gids,
                        "env": env, "cwd": self.home,
                        "stdin": subprocess.DEVNULL}
        self.containers, self.tags = {}, {}	# id -> facts; tag -> image id
        self.volumes, self.networks = {}, {}	# name -> anonymous?; id -> name
        self.bare = set()	# images without a shell
        # Also of what is gone.
        self.ever = {k: set() for k in
                     ("container", "image", "volume", "network")}
        self.made = dict.fromkeys(self.ever, 0)
        self.steps = self.serial = self.late = self.attempts = 0
        self.events, self.events_seen, self.project = None, 0, None
        self.log = []
        self.file("compose.yaml", COMPOSE.format(name=name).encode())

    def close(self):
        if self.events:
            self.events.close()
        self.agent.close()

    # ---- tools ----

    def file(self, path, data):
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def fresh(self, kind):
        self.serial += 1
        return "%s-%s-%d" % (self.name, kind, self.serial)

    def run(self, *cmd):
        self.log.append("%s %s" % (time.strftime("%H:%M:%S"), " ".join(cmd)))
        r = subprocess.run(cmd, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=120,
                           **self.process)
        out = r.stdout.decode("utf-8", "replace")
        self.leaks(out, "in the output of " + " ".join(cmd))
        return r.returncode, out.strip()

    def docker(self, *cmd):
        code, out = self.run("docker", *cmd)
        # The Engine prunes for one at a time.
        while code and "prune operation is already running" in out:
            time.sleep(0.2)
            code, out = self.run("docker", *cmd)
        if code and not ("prune" in cmd and "(builder.prune)" in out):
            raise Fault("docker %s: %s" % (" ".join(cmd), out))
        return out

    def leaks(self, text, where):
        """Nothing of the other's: his name is in all that he names."""
        at = text.find(self.other)
        if at >= 0:
            raise Fault("%s %s: ...%s..." % (
                self.other, where, text[max(0, at - 200):at + 200]))
        for kind, ids in self.peer.ever.items() if self.peer else ():
            found = set(re.findall(r"[0-9a-f]{64}", text)) & ids
            if found - self.ever[kind]:
                raise Fault("%s's %s %s: %s" % (
                    self.other, kind, where, sorted(found)))

    def get(self, target):
        status, text = self.agent.ask("GET", target)
        if status != 200:
            raise Fault("GET %s: %d %s" % (target, status, text))
        self.leaks(text, "in GET " + target)
        return json.loads(text)

    def add(self, kind, ident):
        self.ever[kind].add(ident)
        self.made[kind] += 1

    def pick(self, of, when=lambda v: True):
        some = sorted(k for k, v in of.items() if when(v))
        return self.rand.choice(some) if some else None

    def running(self):
        return self.pick(self.containers, lambda c: c["running"])

    def holds_up(self, kind):
        """Names of what containers use."""
        return {x for c in self.containers.values() for x in c[kind]}

    def any_name(self, cid):
        """By name, full id or short id."""
        return self.rand.choice(
            (self.containers[cid]["name"], cid, cid[:12]))

    # ---- after each step ----

    def lists_differ(self):
        truth, mine = self.rig.truth, filters(
            label=["dockbroker.owner=" + self.name])
        have = {i: (c["name"], c["running"])
                for i, c in self.containers.items()}
        for where, get, query in (("ps", self.get, ""),
                                  ("the Engine's ps", truth, "&" + mine)):
            got = {c["Id"]: (c["Names"][0][1:], c["State"] == "running")
                   for c in get("/containers/json?all=1" + query)}
            yield differ(where, have, got)
        for where, get, query in (("volume ls", self.get, ""),
                                  ("the Engine's", truth, "?" + mine)):
            got = get("/volumes" + query)["Volumes"] or []
            yield differ(where, set(self.volumes), {v["Name"] for v in got})
        builtin = dict.fromkeys(BUILTIN)
        got = {n["Id"]: n["Name"] for n in self.get("/networks")}
        yield differ("network ls", {**builtin, **{
            n: i for i, n in self.networks.items()}},
            {n: None if n in BUILTIN else i for i, n in got.items()})
        got = {n["Id"]: n["Name"] for n in truth("/networks?" + mine)}
        yield differ("the Engine's network ls", self.networks, got)
        yield from self.images_differ(truth)

    def images_differ(self, truth):
        want, ever = {}, self.ever["image"]
        for i in truth("/images/json"):
            tags = set(i["RepoTags"] or []) - {"<none>:<none>"}
            his = {t for t in tags if t in self.tags or t == COMMON}
            # Without a tag of his it is the other's, or nobody's by now.
            if his or (i["Id"] in ever and not tags):
                want[i["Id"]] = his
        got = {i["Id"]: set(i["RepoTags"] or []) - {"<none>:<none>"}
               for i in self.get("/images/json")}
        yield differ("images", want, got)
        yield differ("the tags", set(self.tags) | {COMMON},
                     {t for tags in got.values() for t in tags})
        # What stands between may be left out, but is nobody else's.
        more = {i["Id"] for i in self.get("/images/json?all=1")}
        yield differ("images all=1 without others", set(),
                     more - ever - set(got))

    def check(self):
        for attempt in range(4):
            bad = [x for x in self.lists_differ() if x]
            if not bad:
                self.late += attempt > 0
                return
            time.sleep(0.3)
        raise Fault("after %s: %s" % (self.log[-1], "\n".join(bad)))

    def concerns(self, e):
        """Of the Engine's events: those of what he made."""
        actor, kind = e["Actor"], e["Type"]
        about = actor.get("Attributes", {}).get("container")
        return actor["ID"] in self.ever.get(kind, ()) and kind != "image" or \
            about in self.ever["container"]

    def step(self):
        names = [n for n in WEIGHTS
                 if self.rig.compose or not n.startswith("compose")]
        name = self.rand.choices(names, [WEIGHTS[n] for n in names])[0]
        before = len(self.log)
        getattr(self, "do_" + name)()
        if len(self.log) == before:
            return		# there was nothing to do it with
        self.steps += 1
        self.check()

    # ---- containers ----

    def note(self, cid, running, **k):
        c = self.rig.truth("/containers/%s/json" % cid)
        c = {"name": c["Name"][1:], "running": running,
             "image": c["Image"], "project": k.get("project"),
             "volumes": [m["Name"] for m in c["Mounts"]
                         if m["Type"] == "volume"],
             "networks": list(c["NetworkSettings"]["Networks"])}
        self.containers[cid] = c
        self.add("container", cid)
        for v in set(c["volumes"]) - set(self.volumes):
            self.volumes[v] = True
            self.add("volume", v)

    def options(self, anonymous=True):
        out = ["-e", "SECRET=of-" + self.name]
        if (v := self.pick(self.volumes)) and self.rand.random() < .4:
            out += ["-v", v + ":/data"]
        if anonymous and self.rand.random() < .2:
            out += ["-v", "/anon"]
        if (n := self.pick(self.networks)) and self.rand.random() < .4:
            out += ["--network", self.rand.choice((n, self.networks[n]))]
        if self.rand.random() < .2:
            out += ["--label", "mark=" + self.name, "--memory", "64m"]
        return out

    def image(self):
        tag = self.pick(self.tags, lambda i: i not in self.bare)
        return tag if tag and self.rand.random() < .4 else COMMON

    def do_run(self):
        if len(self.containers) > 10:
            return self.do_rm()
        name, how = self.fresh("box"), self.rand.random()
        say = "echo said-by-%s; " % self.name
        args = ["--name", name, *self.options(), self.image(), "sh", "-c"]
        if how < .6:
            cid = self.docker("run", "-d", *args, say + "exec sleep 1000")
        elif how < .8:
            cid = self.docker("create", *args, say)
        else:
            cid = self.docker("run", "-d", *args, say + "echo x >/file")
            self.docker("wait", cid)
        self.note(cid, how < .6)

    def do_run_rm(self):
        out = self.docker("run", "--rm", *self.options(False), self.image(),
                          "echo", "short-" + self.name)
        if out != "short-" + self.name:
            raise Fault("docker run --rm said: " + out)

    def do_exec(self):
        if cid := self.running():
            out = self.docker("exec", "-e", "TOLD=to-" + self.name,
                              self.any_name(cid), "sh", "-c",
                              "echo $TOLD >/tmp/s; cat /tmp/s")
            if out != "to-" + self.name:
                raise Fault("docker exec said: " + out)

    def do_logs(self):
        if cid := self.running():
            out = self.docker("logs", self.any_name(cid))
            # once for each start of it
            if set(out.split()) - {"said-by-" + self.name}:
                raise Fault("docker logs said: " + out)

    def do_cp_in(self):
        if cid := self.pick(self.containers):
            path = self.file("given", b"given by " + self.name.encode())
            self.docker("cp", path, self.any_name(cid) + ":/given")

    def do_cp_out(self):
        if cid := self.pick(self.containers):
            self.docker("cp", self.any_name(cid) + ":/etc/passwd", "taken")

    def do_rename(self):
        if cid := self.pick(self.containers,
                            lambda c: not c["project"]):
            name = self.fresh("renamed")
            self.docker("rename", self.any_name(cid), name)
            self.containers[cid]["name"] = name

    def do_stop_start(self):
        if not (cid := self.running()):
            return
        verb = self.rand.choice(("stop", "kill", "restart"))
        self.docker(verb, *(["-t", "0"] if verb != "kill" else []),
                    self.any_name(cid))
        self.containers[cid]["running"] = verb == "restart"
        if verb == "stop" and self.rand.random() < .5:
            self.docker("start", self.any_name(cid))
            self.containers[cid]["running"] = True

    def do_pause(self):
        if cid := self.running():
            self.docker("pause", self.any_name(cid))
            self.docker("unpause", self.any_name(cid))

    def removed(self, cid, volumes=False):
        c = self.containers.pop(cid)
        for v in c["volumes"] if volumes else ():
            # One that another container uses stays.
            if self.volumes.get(v) and v not in self.holds_up("volumes"):
                del self.volumes[v]

    def do_rm(self):
        if cid := self.pick(self.containers):
            volumes = self.rand.random() < .5
            self.docker("rm", "-fv" if volumes else "-f", self.any_name(cid))
            self.removed(cid, volumes)

    def do_container_prune(self):
        self.docker("container", "prune", "-f")
        for cid in [i for i, c in self.containers.items()
                    if not c["running"]]:
            self.removed(cid)

    # ---- images ----

    def named(self, tag, ident=None):
        """A tag, the image and what it was built on."""
        ident = ident or self.rig.truth("/images/%s/json" % tag)["Id"]
        if ":" not in tag:
            tag += ":latest"
        self.tags[tag] = ident
        self.made["image"] += 1
        while ident:
            i = self.rig.truth("/images/%s/json" % ident)
            if COMMON in i["RepoTags"]:
                break
            self.ever["image"].add(ident)
            ident = i["Parent"]

    def new_tag(self, kind):
        self.serial += 1
        return "%s/%s:%d" % (self.name, kind, self.serial)

    def do_commit(self):
        if cid := self.pick(self.containers):
            tag = self.new_tag("commit")
            self.docker("commit", "-m", "by " + self.name,
                        self.any_name(cid), tag)
            self.named(tag)

    def build(self, tag, text):
        d = os.path.dirname(self.file("app/Dockerfile", text.encode()))
        out = self.docker("build", "-t", tag, d)
        if "Successfully tagged" not in out:
            raise Fault("docker build said: " + out)
        self.named(tag)

    def do_build(self):
        # Some under a name that it takes from an older one of his.
        tag = self.new_tag("app") if self.rand.random() < .6 else \
            self.name + "/again:1"
        self.build(tag, "FROM %s\nENV OF=%s\nRUN echo %s >/who\n" % (
            COMMON, self.name, self.fresh("made")))

    def do_twin(self):
        """Both build the same: one image, held by both."""
        self.build(self.name + "/twin:1",
                   "FROM %s\nENV TWIN=1\nLABEL twin=1\n" % COMMON)

    def do_tag(self):
        if tag := self.pick(self.tags):
            new = self.new_tag("tagged")
            self.docker("tag", tag, new)
            self.named(new, self.tags[tag])

    def do_rmi(self):
        tag = self.pick(self.tags)
        if not tag:
            return
        used = {c["image"] for c in self.containers.values()}
        force = self.tags[tag] in used
        if self.tags[tag] in {c["image"] for c in self.containers.values()
                              if not c["running"]}:
            return  # -f would take it away from under a stopped container
        self.docker("rmi", *(["-f"] if force else []), tag)
        del self.tags[tag]

    def do_save_load(self):
        if not (tag := self.pick(self.tags)):
            return
        self.docker("save", "-o", "saved.tar", tag)
        if self.rand.random() < .5 and self.tags[tag] not in {
                c["image"] for c in self.containers.values()}:
            self.docker("rmi", tag)
            del self.tags[tag]
        out = self.docker("load", "-i", "saved.tar")
        if tag not in out:
            raise Fault("docker load said: " + out)
        self.named(tag)

    def do_import_(self):
        data, tag = io.BytesIO(), self.new_tag("imported")
        with tarfile.open(fileobj=data, mode="w") as t:
            info = tarfile.TarInfo("who")
            info.size = len(tag)
            t.addfile(info, io.BytesIO(tag.encode()))
        path = self.file("import.tar", data.getvalue())
        ident = self.docker("import", path, tag).splitlines()[-1]
        self.bare.add(ident)
        self.named(tag, ident)

    def in_use(self):
        """Images of his containers that are there: `rmi -f' takes those of
        stopped ones away."""
        return {c["image"] for c in self.containers.values()
                if "Id" in self.rig.truth("/images/%s/json" % c["image"])}

    def pruned(self, all_of_them, before):
        """Of an image in use the last name stays (as the Engine does it)."""
        truth = self.rig.truth
        gone = set(self.tags) - tags_of(truth("/images/json"))
        if gone and not all_of_them:
            raise Fault("tags are gone: %s" % sorted(gone))
        for t in gone:
            del self.tags[t]
        for c in self.containers.values():
            if c["image"] in before and \
                    "Id" not in truth("/images/%s/json" % c["image"]):
                raise Fault("pruned, though %s uses it: %s" % (
                    c["name"], c["image"]))

    def do_image_prune(self):
        before = self.in_use()
        self.docker("image", "prune", "-f")
        self.pruned(False, before)

    def do_image_prune_all(self):
        before = self.in_use()
        self.docker("image", "prune", "-af")
        self.pruned(True, before)

    # ---- volumes and networks ----

    def do_volume(self):
        name = self.fresh("data")
        if self.docker("volume", "create", name) != name:
            raise Fault("volume create said something else")
        self.volumes[name] = False
        self.add("volume", name)

    def do_volume_rm(self):
        used = self.holds_up("volumes")
        free = {v: 0 for v in self.volumes if v not in used}
        if v := self.pick(free):
            self.docker("volume", "rm", v)
            del self.volumes[v]

    def do_network(self):
        if len(self.networks) > 5:
            return self.do_network_rm()
        name = self.fresh("net")
        ident = self.docker("network", "create", name)
        self.networks[ident] = name
        self.add("network", ident)

    def free_networks(self):
        """Stopped containers do not keep one, but could not start again."""
        used = self.holds_up("networks")
        return {i: n for i, n in self.networks.items() if n not in used}

    def do_network_rm(self):
        if n := self.pick(self.free_networks()):
            self.docker("network", "rm",
                        self.rand.choice((n, self.networks[n])))
            del self.networks[n]

    def do_connect(self):
        cid, n = self.running(), self.pick(self.networks)
        if not cid or not n:
            return
        name = self.networks[n]
        if name in self.containers[cid]["networks"]:
            return
        self.docker("network", "connect", name, self.any_name(cid))
        inside = self.get("/networks/" + n)["Containers"]
        if cid not in inside or set(inside) - set(self.containers):
            raise Fault("in network %s: %s" % (name, sorted(inside)))
        self.docker("network", "disconnect", n, self.any_name(cid))

    def do_volume_prune(self):
        # Since 1.42 the Engine takes only anonymous ones.
        old = self.rig.engine_api < (1, 42)
        self.docker("volume", "prune", "-f", *([] if old else ["-a"]))
        used = self.holds_up("volumes")
        self.volumes = {v: a for v, a in self.volumes.items() if v in used}

    def do_network_prune(self):
        self.docker("network", "prune", "-f")
        # Those of stopped containers go as well: then they cannot start.
        used = {x for c in self.containers.values() if c["running"]
                for x in c["networks"]}
        self.networks = {i: n for i, n in self.networks.items() if n in used}

    def do_system_prune(self):
        """Its last request, for the builder's cache, which is everybody's, is
        refused."""
        before = self.in_use()
        self.docker("system", "prune", "-f")
        for cid in [i for i, c in self.containers.items()
                    if not c["running"]]:
            self.removed(cid)
        used = self.holds_up("networks")
        self.networks = {i: n for i, n in self.networks.items() if n in used}
        self.pruned(False, before)

    # ---- looking ----

    def do_look(self):
        self.log.append("look: df, info, inspect, the command line's lists")
        df = self.get("/system/df")
        for key, want in (("Containers", set(self.containers)),
                          ("Volumes", set(self.volumes))):
            got = {x["Id" if key == "Containers" else "Name"]
                   for x in df[key] or []}
            if bad := differ("system df: " + key, want, got):
                raise Fault(bad)
        info, up = self.get("/info"), sum(
            c["running"] for c in self.containers.values())
        if (info["Containers"], info["ContainersRunning"]) != (
                len(self.containers), up):
            raise Fault("info counts %d containers, %d of them running" % (
                info["Containers"], info["ContainersRunning"]))
        out = self.docker("ps", "-aq", "--no-trunc").split()
        if bad := differ("docker ps", set(self.containers), set(out)):
            raise Fault(bad)
        for cid, c in list(self.containers.items())[:3]:
            if self.get("/containers/%s/json" % c["name"])["Id"] != cid:
                raise Fault("inspect of %s is of another" % c["name"])

    def do_events(self):
        since = time.time() - 10
        self.docker("events", "--since", "%.6f" % since,
                    "--until", "%.6f" % time.time())

    # ---- what is not his ----

    def theirs(self):
        """A request and how it has to end, for something of the other's."""
        p, r = self.peer, self.rand
        if cid := r.choice(list(p.containers) or [None]):
            c = p.containers.get(cid)
            x = r.choice((cid, cid[:12], c["name"] if c else cid))
            yield from (("GET", t % x) for t in (
                "/containers/%s/json", "/containers/%s/logs?stdout=1",
                "/containers/%s/top", "/containers/%s/changes",
                "/containers/%s/export", "/containers/%s/stats?stream=0",
                "/containers/%s/archive?path=/etc/passwd"))
            yield from (("POST", t % x) for t in (
                "/containers/%s/start", "/containers/%s/stop?t=0",
                "/containers/%s/kill", "/containers/%s/pause",
                "/containers/%s/wait",
                "/containers/%%s/rename?name=%s" % self.fresh("mine")))
            yield "POST", "/commit?container=%s&repo=%s/stolen" % (
                x, self.name), "{}"
            yield "POST", "/containers/%s/exec" % x, '{"Cmd":["true"]}'
            yield "DELETE", "/containers/%s?force=1&v=1" % x
        if tag := r.choice(list(p.tags) or [None]):
            yield "GET", "/images/%s/json" % tag
            yield "GET", "/images/%s/get" % tag
            yield "POST", "/images/%s/tag?repo=%s/stolen" % (tag, self.name)
            yield "DELETE", "/images/%s?force=1" % tag
            yield "POST", "/containers/create", json.dumps({"Image": tag})
        if v := r.choice(list(p.volumes) or [None]):
            yield "GET", "/volumes/" + v
            yield "DELETE", "/volumes/" + v
        if n := r.choice(list(p.networks) or [None]):
            x = r.choice((n, p.networks.get(n, n)))
            yield "GET", "/networks/" + x
            yield "DELETE", "/networks/" + x
            if mine := self.pick(self.containers):
                yield "POST", "/networks/%s/connect" % x, json.dumps(
                    {"Container": mine})

    def do_trespass(self):
        some = list(self.theirs())
        for what in self.rand.sample(some, min(4, len(some))):
            self.attempts += 1
            self.log.append("trespass " + " ".join(what))
            status, text = self.agent.ask(*what)
            if status != 404:
                raise Fault("%s: %d %s" % (" ".join(what), status, text))

    def do_taken(self):
        """Names that the other has: refused, and nothing is told but that."""
        p, tries = self.peer, []
        names = [c["name"] for c in list(p.containers.values())]
        if names:
            tries.append(("POST", "/containers/create?name=" +
                          self.rand.choice(names), '{"Image":"box:1"}'))
        if v := self.rand.choice(list(p.volumes) or [None]):
            tries.append(("POST", "/volumes/create", '{"Name":"%s"}' % v))
            tries.append(("POST", "/containers/create", json.dumps(
                {"Image": COMMON, "HostConfig": {"Binds": [v + ":/x"]}})))
        if tag := self.rand.choice(list(p.tags) or [None]):
            repo, _, t = tag.partition(":")
            tries.append(("POST", "/images/%s/tag?repo=%s&tag=%s" % (
                COMMON, repo, t)))
        for what in tries:
            self.attempts += 1
            self.log.append("taken " + " ".join(what))
            status, text = self.agent.ask(*what)
            # The other may just have removed it.
            if status in (200, 201) and self.was_gone(what, text):
                continue
            if status not in (403, 404, 409):
                raise Fault("%s: %d %s" % (" ".join(what), status, text))

    def was_gone(self, what, text):
        """Took a name in the moment that it was free: gives it back."""
        if "/tag?" in what[1]:
            return False
        made = json.loads(text)
        if "/volumes/" in what[1]:
            if made["Name"] in self.peer.volumes:
                return False
            self.agent.ask("DELETE", "/volumes/" + made["Name"])
        elif "Binds" in what[2]:
            volume = json.loads(what[2])["HostConfig"]["Binds"][0][:-3]
            self.agent.ask("DELETE", "/containers/" + made["Id"])
            self.agent.ask("DELETE", "/volumes/" + volume)
            return volume not in self.peer.volumes
        else:
            self.agent.ask("DELETE", "/containers/" + made["Id"])
        return True

    # ---- compose ----

    def compose(self, *cmd):
        code, out = self.run(self.rig.compose, "-p", self.project, "-f",
                             self.home + "/compose.yaml", *cmd)
        if code:
            raise Fault("compose %s: %s" % (" ".join(cmd), out))
        return out

    def do_compose_up(self):
        if self.project:
            return
        self.project = self.fresh("project")
        self.compose("up", "-d")
        mine = filters(label=["com.docker.compose.project=" + self.project])
        truth = self.rig.truth
        for n in truth("/networks?" + mine):
            self.networks[n["Id"]] = n["Name"]
            self.add("network", n["Id"])
        for v in truth("/volumes?" + mine)["Volumes"]:
            self.volumes[v["Name"]] = False
            self.add("volume", v["Name"])
        for c in truth("/containers/json?all=1&" + mine):
            self.note(c["Id"], True, project=self.project)

    def of_project(self):
        return {i for i, c in self.containers.items() if c["project"]}

    def do_compose_use(self):
        up = {i for i in self.of_project() if self.containers[i]["running"]}
        if not self.project or len(up) < 2:
            return
        verb = self.rand.choice(("ps", "logs", "exec", "restart"))
        if verb == "ps":
            out = set(self.compose("ps", "-q").split())
            if bad := differ("compose ps", up, out):
                raise Fault(bad)
        elif verb == "logs":
            self.compose("logs")
        elif verb == "exec":
            self.compose("exec", "-T", "web", "sh", "-c", "echo x >/data/f")
        else:
            self.compose("restart", "-t", "0")

    def do_compose_down(self):
        if not self.project:
            return
        # It takes what others of his use with it only where it can.
        name = self.project + "_data"
        users = {i for i, c in self.containers.items()
                 if name in c["volumes"] or
                 self.project + "_inner" in c["networks"]}
        for cid in users - self.of_project():
            self.docker("rm", "-f", cid)
            self.removed(cid)
        self.compose("down", "-v", "-t", "0")
        for cid in self.of_project():
            self.removed(cid)
        self.volumes.pop(name, None)
        self.networks = {i: n for i, n in self.networks.items()
                         if n != self.project + "_inner"}
        self.project = None

    # ---- the end of a quarter ----

    def leave(self):
        """All that he has, away, by what takes much at once."""
        if self.project:
            self.do_compose_down()
        if self.containers:
            self.docker("kill", *ids) if (ids := [
                i for i, c in self.containers.items() if c["running"]]) else 0
            for c in self.containers.values():
                c["running"] = False
        for name in "container", "volume", "network":
            getattr(self, "do_%s_prune" % name)()
        for tag in list(self.tags):
            self.docker("rmi", tag)
            del self.tags[tag]
        self.do_image_prune_all()
        self.check()
        for kind in "containers", "volumes", "networks", "tags":
            if left := getattr(self, kind):
                raise Fault("at the end %s: %s" % (kind, left))
