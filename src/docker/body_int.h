/*
 * body_int.h: what body.c (walks a body and writes it as text), judge*.c (what
 * a value means) and body_write.c (puts ids and edits into that text) share.
 * Only these include it.
 */
#ifndef DOCKBROKER_BODY_INT_H
#define DOCKBROKER_BODY_INT_H

#include "docker/names.h"
#include "docker/tree.h"
#include "dockbroker/docker.h"

enum shape {
	SHAPE_ONE, SHAPE_LIST, SHAPE_ARGV, SHAPE_MAP, SHAPE_MAP_LIST,
	SHAPE_LIST_LIST
};
enum type { TYPE_TEXT, TYPE_INT, TYPE_BOOL, TYPE_REAL, TYPE_OBJECT };

enum object_id {
	OBJ_NONE,
#define OBJECT(id)	OBJ_##id,
#include "dockbroker/schema.def"
	OBJ_COUNT
};

/* ---- what body_write needs: all of it in the request's arena ---- */

/* Places in the text where something may be written anew. */
enum spot_kind {
	SPOT_NONE,
	SPOT_REF,		/* a text, or a key of a map, that names an object */
	/* members, whether they are there or not, from the comma before on; those
	 * of HostConfig in its order: */
	SPOT_BINDS, SPOT_CAP_ADD, SPOT_CAP_DROP, SPOT_GROUPS, SPOT_SECURITY,
	SPOT_RUNTIME, SPOT_MEMORY, SPOT_NANO_CPUS,
	SPOT_CGROUP_PARENT, SPOT_CPU_PERIOD, SPOT_CPU_QUOTA, SPOT_MEMORY_SWAP,
	SPOT_PIDS, SPOT_MOUNTS,
	SPOT_LABELS, SPOT_USER, SPOT_HOST,
	SPOT_MOUNT,		/* a bind of Mounts, as a whole */
	SPOT_SOURCE, SPOT_BIND_OPTIONS, SPOT_PROPAGATION, SPOT_VOLUME_OPTIONS,
	SPOT_VOLUME_LABELS,
	SPOT_MOUNTS_END,	/* before the bracket of Mounts that are there */
	SPOT_COUNT
};

struct spot {
	enum spot_kind kind;
	size_t from, to;		/* of the text; the same: it is absent */
	size_t index;			/* of a ref, of a mount; SPOT_MOUNT: of a point */
	struct slice before, after;	/* around the id of a ref */
	bool key;			/* of a map */
	bool brief;			/* the short id: what the Engine's DNS knows */
};

enum point_from { FROM_BINDS, FROM_MOUNTS, FROM_VOLUMES, FROM_TMPFS };
enum point_kind { POINT_HOST, POINT_VOLUME, POINT_TMPFS, POINT_IMAGE, POINT_OTHER };
#define NO_REF	SIZE_MAX

/* Something that is mounted into a new container. */
struct point {
	enum point_from from;
	enum point_kind kind;
	struct slice target;		/* clean */
	struct slice source;		/* POINT_HOST: clean, .p NULL when it was none */
	size_t ref;			/* of a volume with a name; NO_REF */
	size_t at, end;			/* of the element, Binds only */
	struct slice options;		/* Binds: ":/target:ro,nocopy" */
	bool read_only, no_copy;
	bool make;			/* POINT_HOST: a missing directory is made */
	bool driven;			/* a volume whose driver is named, and not "local" */
	bool keep;			/* as it is: a Mount cannot say it, or need not */
};
#define POINTS_MAX	256

struct resources {
	int64_t memory, nano_cpus, period, quota, swap, pids;
	bool has_pids;
};

/* Texts of the arena. */
struct texts {
	struct slice *all;
	size_t n, cap;
};

/* A namespace: "", "host", "none"; of a container when ref is one. */
struct space {
	struct slice mode;
	size_t ref;
};

/* What body_guard tells besides points. */
struct wish {
	struct texts groups, security, sysctls;
	struct guard_device *devices;
	size_t ndevices, cap_devices;
	uint64_t cap_add, cap_drop;
	enum guard_seccomp seccomp;
	bool privileged, no_new_privs, read_only, no_init, unmasked;
	bool oom_negative, gpus;
	bool uts_host, cgroup_host, userns_host;
	struct space network, pid, ipc;
};

/* Of the text: a value from its first byte on; end 0: there is none. */
struct range { size_t at, end; };

struct body {
	enum schema_id schema;
	struct slice text;
	struct spot *spots;		/* by place */
	size_t nspots, cap_spots;
	struct point *points;		/* in the order of the Engine's */
	size_t npoints, cap_points;
	size_t first_mount;		/* the first point of Mounts */
	struct resources res;
	struct wish wish;
	struct range binds, mounts;	/* HostConfig's */
	struct slice volume_driver;	/* "" the default */
	bool from_others;		/* VolumesFrom: they decide what is covered */
};

/* ---- the walk ---- */

/* Where we are in the body, as a chain on the stack: it is only made into
 * text where there is something to say. */
struct step {
	const struct step *up;
	struct slice name;	/* .p NULL: the element index of a list */
	size_t index;
};

struct walk {
	struct facts *facts;
	struct body *body;
	struct buf *out;
	enum schema_id schema;
	bool marks;		/* spots are wanted */
	size_t value;		/* where the text of the judged value begins */
	size_t nmounts;		/* that were walked */
	size_t nfaults, nnamed;
	struct buf faults;	/* the first ones, in words */
	bool no_memory;
	const struct node *entrypoint, *cmd;
};

struct field;
/* v is not null and has the type, shape and bounds of the row. */
typedef void judge_fn(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v);

struct field {
	struct slice name;
	struct slice key;	/* "Name": */
	const char *check;	/* see schema.def */
	const char *word;
	judge_fn *judge;
	int64_t min, max;	/* TYPE_INT; max: bytes of TYPE_TEXT */
	enum shape shape;
	enum type type;
	enum object_id object;	/* TYPE_OBJECT */
	unsigned since, until;
};

/* The judges that schema.def names; harmless is no judge at all. */
#define judge_harmless	NULL
judge_fn judge_auth_server, judge_attachments, judge_auto_remove,
    judge_binds, judge_cap_drop, judge_capabilities, judge_cmd,
    judge_connected, judge_detach, judge_device_paths,
    judge_device_requests, judge_devices, judge_drop, judge_each,
    judge_each_key, judge_each_key_quiet, judge_endpoint_links,
    judge_endpoints, judge_entrypoint, judge_env, judge_extra_hosts,
    judge_groups, judge_host_mode, judge_image, judge_init, judge_ipc_mode, judge_labels, judge_links,
    judge_log_options, judge_mounts, judge_negative, judge_network_id,
    judge_network_mode, judge_network_name, judge_network_options,
    judge_new_name, judge_oom, judge_open_stdin, judge_options,
    judge_pid_mode, judge_ports, judge_present, judge_privileged,
    judge_publish_all, judge_quiet, judge_reach, judge_read_only,
    judge_resource, judge_security_options, judge_service_mounts,
    judge_service_ports, judge_sysctls, judge_tmpfs, judge_tmpfs_options,
    judge_tty, judge_ulimits, judge_unless, judge_unmasked, judge_user, judge_volume_driver,
    judge_volume_name, judge_volumes, judge_volumes_from;

void walk_fault(struct walk *w, const struct step *at, const char *fmt, ...)
    _printf_(3, 4);
/* "HostConfig.Binds[0]"; what is odd in it is shown as "?". */
void step_write(const struct step *at, struct buf *b);
/* s is one of "a|b|c". */
bool list_has(const char *list, struct slice s);
/* Room for one spot more; *s is empty when there is none. */
struct spot *spot_add(struct walk *w, enum spot_kind kind, size_t from, size_t to);

/* By their place in the text. */
void spots_sort(struct body *b);

/* ---- for judges ---- */

/* word: "bind", or "network mac=": what follows is put before the value. */
void reach_add(struct walk *w, const char *word, const struct step *at,
    struct slice value, struct slice extra);
/* The text of a scalar, "" of anything else. */
struct slice scalar_text(const struct node *v, char text[static 32]);
typedef void element_fn(struct walk *w, const struct field *f,
    const struct step *at, const struct node *v);
/* Of a list, a map, or one text that stands for a list. */
void for_each(struct walk *w, const struct field *f, const struct step *up,
    const struct node *v, element_fn *fn);
/* The same; w->value is where the element's text, or its key's, begins. */
void for_each_at(struct walk *w, const struct field *f, const struct step *up,
    const struct node *v, element_fn *fn);
struct slice member(const struct node *o, const char *name);
bool has(struct slice s, const char *part);
/* Where the value that begins at from ends. */
size_t text_end(struct slice text, size_t from);
/* A ref; its index, NO_REF without room: facts->more_refs says so. */
size_t ref_only(struct walk *w, enum object_kind kind, enum ref_use use,
    const struct step *at, struct slice name);
/* A ref, and the spot [w->value, its end) where its id is written.  Without
 * room NULL: facts->more_refs says so. */
struct spot *ref_add(struct walk *w, enum object_kind kind, enum ref_use use,
    const struct step *at, struct slice name);
/* The name of a container, with or without its slash. */
struct spot *ref_container(struct walk *w, enum ref_use use,
    const struct step *at, struct slice name);
/* Copies into the arena; no_memory when it is full. */
struct slice keep(struct walk *w, struct slice s);
/* "host", "container:X" or something else; network, pid and ipc modes. */
bool mode_special(struct walk *w, const struct field *f, const struct step *at,
    struct slice mode, struct space *to);

/* Adds a copy of s. */
void texts_add(struct walk *w, struct texts *t, struct slice s);
/* An option but "no-new-privileges" that is switched on. */
void security_keep(struct walk *w, const struct step *at, struct slice name,
    struct slice value);
/* The bit of "NET_ADMIN", "cap_chown"; of ALL all; 0 when it is none. */
uint64_t capability_bits(struct slice name);
/* facts->argv and args out of Entrypoint and Cmd. */
void argv_write(struct walk *w);
/* The registry of a login that names none. */
void auth_default(struct walk *w);
/* What covers what, what is there twice, facts->asked.volumes. */
void points_finish(struct walk *w);
/* facts->asked and open. */
void resources_sum(struct walk *w);
/* CpuQuota of a period, in billionths of a CPU, rounded up. */
int64_t nano_cpus_of(int64_t quota, int64_t period);

#endif
