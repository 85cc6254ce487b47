/*
 * facts.h: what a request asks for, typed: the objects it names and whose they
 * are, what reaches beyond a container, and how much it takes.  Of the docker
 * layer, which fills it from path, query and body; policy and record read it.
 */
#ifndef DOCKBROKER_FACTS_H
#define DOCKBROKER_FACTS_H

#include "dockbroker/base.h"

struct endpoint;

enum object_kind {
	OBJECT_NONE, OBJECT_CONTAINER, OBJECT_EXEC, OBJECT_IMAGE, OBJECT_NETWORK,
	OBJECT_VOLUME, OBJECT_PLUGIN, OBJECT_SERVICE, OBJECT_TASK, OBJECT_NODE,
	OBJECT_SECRET, OBJECT_CONFIG, OBJECT_SWARM, OBJECT_BUILD,
	OBJECT_TAG	/* a name of an image: what `tag' is about */
};
const char *object_kind_name(enum object_kind k);	/* "container" */

/* ---- objects of the Engine, and whose they are ---- */

struct pair { struct slice key, value; };

#define OWNER_ANY_UID	UINT32_MAX	/* a service, or known by its label only */

struct owner {
	uint32_t uid;			/* OWNER_ANY_UID: the name tells */
	const char *name;		/* of the account; "service:NAME" */
	const char *team;		/* group of the grant it was made under, "" none */
};

/* As policy and answers look at it.  Everything is borrowed. */
struct object {
	enum object_kind kind;
	struct slice id;		/* full id; of volumes and tags the name; "sha256:..." */
	struct slice name;		/* without a leading slash; an image's: the one asked for */
	const struct owner *owners;	/* images and tags may have several */
	size_t nowners;			/* 0: nobody's */
	const struct pair *labels;	/* only where the policy asks for labels */
	size_t nlabels;
	const struct slice *tags;	/* images: canonical references of it */
	size_t ntags;
	bool common;			/* everybody may see and use it, not change it: predefined
					 * networks, images that are nobody's or root's */
	bool given;			/* tags: named by its owner, not by a pull */
};

/* ---- what a request asks: typed, for policy and record ---- */

/* Something that lets a container reach beyond itself.  What value and extra
 * are for each word: see the table above facts_reach. */
struct reach {
	const char *word;		/* of design.md 5: "bind", "host", ... */
	struct slice path;		/* "HostConfig.Binds[0]" or "?networkmode" */
	struct slice value;		/* whole, for the policy; "" where it could be a secret */
	struct slice extra;
	bool cut;			/* value was too long to keep: nothing may match it */
};

enum ref_use {
	REF_OBJECT,	/* what the request is about */
	REF_USE,	/* made use of: image that is run or read, volume, network, container:X */
	REF_GIVE	/* OBJECT_TAG only: a name that an image gets */
};
enum ref_state {
	REF_OPEN,	/* not looked up yet */
	REF_FOUND,	/* object is set */
	REF_MISSING,	/* does not exist, or not for him */
	REF_MANY	/* a prefix of several */
};

/* An object that a request names, wherever it does. */
struct ref {
	enum object_kind kind;
	enum ref_use use;
	struct slice path;		/* "HostConfig.Mounts[0].Source", "?container"; "" in the path */
	struct slice name;		/* as asked, without "container:" and "/"; tags: canonical,
					 * "docker.io/library/x" (no tag): all tags of it, as of a
					 * pull -a; a push -a likewise has an image so called */
	bool made;			/* a volume in a create: comes into being when it is missing */
	bool filter;			/* in a filter that matches nothing when it is missing: no refusal
					 * then, query_write says what matches nothing */
	/* filled in by the broker: */
	enum ref_state state;
	const struct object *object;
	struct slice id;		/* what is written in its place; .p NULL: the name as it is */
};

/* What a new container or an update asks for; and sums of such. */
struct usage {
	int64_t memory;			/* bytes; MemorySwap, the sum of both, where it is larger */
	int64_t nano_cpus;		/* 1e9 is one CPU */
	int64_t pids;
	int64_t containers, ports, volumes, networks;
};
enum usage_open { OPEN_MEMORY = 1, OPEN_CPUS = 2, OPEN_PIDS = 4 };	/* left open, or unlimited */

struct facts {
	struct arena *arena;
	const struct endpoint *endpoint;
	unsigned minor;			/* API version in force */
	struct slice object;		/* {name} of the path, decoded */
	struct slice object2;		/* {checkpoint}; registry of auth, push, distribution, search */
	struct slice new_name;		/* name that is given to something */
	struct slice image;		/* as asked */
	struct slice user;		/* Config.User, exec User */
	struct slice argv;		/* JSON array text: Entrypoint and Cmd, cut to 2 KiB */
	const struct slice *args;	/* the same, whole: exec's Cmd */
	size_t nargs;
	bool tty, stdin_open, detach;
	size_t nreach, more_reach, cap_reach;	/* more_reach: beyond BOUND_REACH */
	struct reach *reach;
	size_t nrefs, more_refs, cap_refs;	/* more_refs: beyond BOUND_REFS: refuse */
	struct ref *refs;
	struct usage asked;		/* create, update, network and volume create */
	unsigned open;			/* enum usage_open */
	bool no_devices;		/* its environment says NVIDIA_VISIBLE_DEVICES=void, whatever the image says */
	bool removes;			/* HostConfig.AutoRemove */
	bool on_any;			/* acts on everything of a kind and cannot be narrowed: build
					 * cache prune, push of all tags */
	struct body *body;		/* body.c's: where edits go; of the arena */
	struct query *queried;		/* params.c's: likewise */
	/* filled in by the broker, for the policy: */
	bool guarded;			/* the guard will be in front: binds may be permitted */
	struct usage used;		/* sums of the caller's present objects */
};

void facts_init(struct facts *f, struct arena *a);
/*
 * Adds a reach; path, value and extra are copied into the arena.  What finds no
 * room is counted in more_reach: nreach + more_reach is 0 only for the harmless.
 *
 * word        value                                       extra
 * bind        source path on the host                     "ro" or "rw"
 * publish     host port "8080", "8000-8010", "" any       "ADDRESS/PROTO": "127.0.0.1/tcp", "/udp"
 * capability  "NET_ADMIN", "ALL": upper case, no CAP_
 * device      path on the host                            "rwm"
 * gpu         "count=N" (-1 all), "id=ID"                 "NVIDIA_VISIBLE_DEVICES" where a variable asks
 * host        "network" "pid" "ipc" "uts" "userns" "cgroup"
 * network     "driver=NAME" "option=KEY" "subnet=CIDR"    the option's value, where it may be shown
 *             "address=IP" "mac=MAC" "host-gateway"
 *             "gateway=IP" "internal-dns" ...: KIND=VALUE
 * driver      "volume=NAME" "option=KEY" "storage=KEY"    likewise
 * security    "seccomp=unconfined"; a profile itself: "seccomp=custom"
 * sysctl      name                                        value
 * runtime     name; "annotation=KEY"
 * logdriver   name; "option=KEY"
 * privileged  "container", "exec"
 * remote      URL, or a registry's HOST[:PORT]            "build" "import" "login" "search" "push" "distribution"
 * everything  the field's own text: nothing but `allow privileged everything'
 *             permits it (device rules, CgroupParent, propagation, checkpoints ...)
 */
void facts_reach(struct facts *f, const char *word, struct slice path,
    struct slice value, struct slice extra);
/* Adds a ref, state open; NULL when there is no room (more_refs then). */
struct ref *facts_ref(struct facts *f, enum object_kind kind, enum ref_use use,
    struct slice path, struct slice name);

#endif
