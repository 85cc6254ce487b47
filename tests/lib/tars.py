"""Archives that somebody would like to get past a check.

context OUT [NAME=TEXT]...     a build context; NAME@=TARGET a symlink.  The
                               ending of OUT chooses gzip (.gz), .bz2, .xz
device OUT KIND [where]        a file system with an entry of KIND (blk, chr,
                               fifo, file); where: first or last (default)
retag IN OUT HOW TAG...        a saved image IN under other names, by
                               plain       manifest.json as it should be
                               end         at the end of the archive
                               twice       harmless first, then the tags
                               dot         as ./manifest.json
                               symlink     manifest.json -> m, which has them
                               hardlink    the same as a hard link
                               legacy      no manifest.json, but `repositories'
                               device      a device in a layer
"""
import io
import json
import sys
import tarfile


def mode(out):
    for end, m in ((".gz", "w:gz"), (".bz2", "w:bz2"), (".xz", "w:xz")):
        if out.endswith(end):
            return m
    return "w"


def add(t, name, text, **more):
    i = tarfile.TarInfo(name)
    i.size = len(text)
    for k, v in more.items():
        setattr(i, k, v)
    t.addfile(i, io.BytesIO(text))


def link(t, name, target, kind=tarfile.SYMTYPE):
    i = tarfile.TarInfo(name)
    i.type, i.linkname = kind, target
    t.addfile(i)


def node(t, name, kind):
    i = tarfile.TarInfo(name)
    i.type = {"blk": tarfile.BLKTYPE, "chr": tarfile.CHRTYPE,
              "fifo": tarfile.FIFOTYPE, "file": tarfile.REGTYPE}[kind]
    i.devmajor, i.devminor, i.mode = 1, 5, 0o666
    t.addfile(i)


def context(out, *files):
    with tarfile.open(out, mode(out)) as t:
        for f in files:
            name, _, text = f.partition("=")
            if name.endswith("@"):
                link(t, name[:-1], text)
            else:
                add(t, name, text.encode())


def device(out, kind, where="last"):
    with tarfile.open(out, mode(out)) as t:
        if where == "last":
            for i in range(3):
                add(t, "f%d" % i, b"x" * 2000)
        node(t, "made-" + kind, kind)
        if where == "first":
            add(t, "after", b"y")


def bad_layer():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        node(t, "made-blk", "blk")
    return out.getvalue()


def retag(source, out, how, *tags):
    with tarfile.open(source) as s, tarfile.open(out, mode(out)) as t:
        manifest = json.load(s.extractfile("manifest.json"))
        manifest[0]["RepoTags"] = list(tags)
        wanted = json.dumps(manifest).encode()
        if how in ("plain", "device"):
            add(t, "manifest.json", wanted)
        elif how == "twice":
            manifest[0]["RepoTags"] = []
            add(t, "manifest.json", json.dumps(manifest).encode())
        elif how == "dot":
            add(t, "./manifest.json", wanted)
        elif how in ("symlink", "hardlink"):
            add(t, "m", wanted)
            link(t, "manifest.json", "m", tarfile.SYMTYPE
                 if how == "symlink" else tarfile.LNKTYPE)
        for i in s.getmembers():
            if i.name in ("manifest.json", "repositories"):
                continue
            f = s.extractfile(i) if i.isfile() else None
            if how == "device" and i.name.endswith("layer.tar"):
                add(t, i.name, bad_layer())
            else:
                t.addfile(i, f)
        if how in ("end", "twice"):
            add(t, "manifest.json", wanted)
        if how == "legacy":
            top = s.extractfile("repositories")
            old = list(json.load(top).values())[0] if top else {}
            layer = list(old.values())[0]
            names = {}
            for tag in tags:
                repo, _, v = tag.rpartition(":")
                names.setdefault(repo, {})[v] = layer
            add(t, "repositories", json.dumps(names).encode())


verbs = {f.__name__: f for f in (context, device, retag)}
verbs[sys.argv[1]](*sys.argv[2:])
