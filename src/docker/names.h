/*
 * names.h: what names of the Engine's objects can look like.  Pure predicates;
 * the charsets are the Engine's, so that nothing else is ever forwarded.
 */
#ifndef DOCKBROKER_DOCKER_NAMES_H
#define DOCKBROKER_DOCKER_NAMES_H

#include "dockbroker/docker.h"

/* Containers, volumes, networks, swarm objects; ids and their prefixes too:
 * [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255 bytes. */
bool name_valid(struct slice s);
/* Looks like an id or a prefix of one: 12 to 64 hexadecimal digits.  Such new
 * names would capture what others mean by an id (clients.md 1, quirk 10). */
bool name_is_id(struct slice s);
/* [host[:port]/]path[:tag][@algorithm:hex], an id or a prefix of one. */
bool reference_valid(struct slice s);
/* The same without tag and digest. */
bool repository_valid(struct slice s);
bool tag_valid(struct slice s);
bool digest_valid(struct slice s);	/* sha256:64 hex, sha512:128 hex */
/* Cuts what follows the repository off *s: "a:5/b:1" -> "a:5/b", returns
 * ":1", "@sha256:..", ":1@sha256:.." or an empty slice. */
struct slice reference_cut(struct slice *s);
/* As reference_canon; without tagged a name alone stays one: all its tags. */
bool reference_canon_name(struct slice text, bool tagged, struct buf *out);
/* Does a limit of this name bind those inside alone?  The others let a process
 * pin memory or take turns before the host's. */
bool ulimit_harmless(struct slice name);
/* "No such container: x", 404 (missing.c). */
void name_missing(enum object_kind k, struct slice s, struct refusal *why);
/* Can an object of this kind be called so? */
bool object_name_valid(enum object_kind k, struct slice s);

/* Adds an absolute path as path.Clean of the Engine.  false: not absolute, or "/"
 * itself (judge_mount.c). */
bool target_clean(struct slice s, struct buf *out);

/* What is written in place of an object: its id where it has one, and .p NULL
 * where the name stays (catalog.c). */
struct slice ref_written(const struct facts *f, const struct ref *r);

#endif
