/*
 * broker.h: the inside of dockbrokerd.
 *
 * One thread, one loop.  A client connection is a state machine (client.c);
 * while a request is under way it owns a struct request, and while bytes flow
 * a struct link to the Engine (engine.c).  People (people.c) keeps what authd
 * says of each uid, the journal (journal.c) hands records to auditd, rules
 * (rules.c) hold the policy.  Nothing here trusts a byte of a client.
 */
#ifndef DOCKBROKER_BROKER_BROKER_H
#define DOCKBROKER_BROKER_BROKER_H

#include <sys/epoll.h>

#include "dockbroker/answer.h"
#include "dockbroker/archive.h"
#include "dockbroker/audit.h"
#include "dockbroker/base.h"
#include "dockbroker/docker.h"
#include "dockbroker/http.h"
#include "dockbroker/policy.h"
#include "dockbroker/proc.h"
#include "dockbroker/store.h"

#include "broker/peer.h"

struct broker;
struct client;
struct link;
struct user;
struct prune;
struct keeping;
struct kept;

/* ---- lists ---- */

struct node { struct node *prev, *next; };
static inline void node_init(struct node *n) { n->prev = n->next = n; }
static inline bool node_empty(const struct node *n) { return n->next == n; }
static inline void node_remove(struct node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	node_init(n);
}
static inline void node_append(struct node *list, struct node *n)
{
	n->prev = list->prev;
	n->next = list;
	list->prev->next = n;
	list->prev = n;
}
/* All of from, in order, to the empty list to. */
static inline void node_take(struct node *to, struct node *from)
{
	node_init(to);
	while (!node_empty(from)) {
		struct node *n = from->next;
		node_remove(n);
		node_append(to, n);
	}
}
#define node_entry(n, type, member) \
	((type *)(void *)((char *)(n) - offsetof(type, member)))

/* ---- people.c: accounts, as authd tells them ---- */

struct user {
	struct user *chain;		/* hash bucket */
	struct broker *broker;
	uint32_t uid;
	struct account *account;	/* NULL: unknown uid, or not asked yet */
	enum who_status status;		/* of the last answer */
	int64_t account_at;		/* when what we know was asked for; 0 never */
	int64_t acct_at;		/* likewise for PAM */
	enum who_status acct_status;
	int32_t acct_code;		/* PAM's; 0 lets in */
	char acct_text[BOUND_PAM_TEXT];
	bool asking, asking_acct;
	int64_t asked_at;
	uint64_t serial;
	struct node waiting;		/* clients and control clients: struct waiter */
	struct node clients;
	unsigned connections, controls, streams;
	size_t charged;			/* bytes; BOUND_BUFFER_UID */
	struct rights *rights;
	uint64_t rights_generation;
	char tty[32];			/* of the last connection, for pam_time and friends */
	struct listener *socket;	/* users/NAME.sock */
	bool wanted;			/* the policy names him: during enumeration */
	bool asked_for;			/* his socket was opened on request */
	struct usage group_sum;		/* limits of his cgroup, as asked for last */
	bool grouping, grouped;
	uint64_t group_serial;
	unsigned refs;			/* connections, waits */
};

/* Somebody who waits for an answer of authd. */
struct waiter {
	struct node node;
	void (*wake)(struct waiter *w);
};

/* Wakes all, once; who waits again meanwhile is left for the next time. */
void waiters_wake(struct node *list);

enum people_outcome {
	PEOPLE_FRESH,		/* u may be used now */
	PEOPLE_WAIT,		/* w is woken later: ask again then */
	PEOPLE_DOWN		/* no authd */
};

struct people {
	struct user *table[4096];
	size_t count;
	struct chan *authd;
	bool ready;
	struct timer retry, refresh;
	uint64_t serial;
	struct node names;		/* questions about names and groups */
	uint64_t generation;		/* of the enumeration under way */
	unsigned open_questions;
	bool again;
	int64_t enumerated_at;
	int64_t told_at;
};

int people_start(struct broker *b) _must_check_;
void people_stop(struct broker *b);
struct user *user_get(struct broker *b, uint32_t uid);	/* +1 ref; NULL: no memory */
void user_put(struct user *u);
/* since: an answer that was asked for after this moment will do, however long
 * it took; 0 for none. */
int people_check(struct user *u, bool acct, int64_t since, struct waiter *w) _must_check_;
/* The policy changed: who has a socket? */
void people_enumerate(struct broker *b);
struct rights *user_rights(struct user *u);	/* NULL: no memory; borrowed */
/* Why this user may not come in at all: 0, or a status with why filled. */
unsigned user_barred(const struct user *u, struct buf *why);
/* Asks authd for his cgroup; limit_told hears the answer.  False: no authd. */
bool people_group(struct user *u, unsigned driver, const struct usage *sum);
bool charge(struct user *u, size_t bytes);
void uncharge(struct user *u, size_t bytes);

/* ---- listen.c ---- */

enum socket_kind { SOCKET_SHARED, SOCKET_USER, SOCKET_SERVICE, SOCKET_CONTROL };
const char *socket_kind_name(enum socket_kind k);

struct listener {
	struct source source;
	struct task gone;
	struct broker *broker;
	enum socket_kind kind;
	struct user *user;		/* SOCKET_USER */
	struct service_conf *service;	/* SOCKET_SERVICE */
	char path[108];
	bool ours;			/* we made the file: unlink it */
	struct timer pause;		/* out of descriptors */
};

int listeners_start(struct broker *b, struct buf *err) _must_check_;
/* To authd or auditd, whose uid is 0 or uid, and greets it.  False: it is not
 * there; *out is then NULL, or to be freed.  Dies when it is somebody else. */
bool peer_connect(struct broker *b, const char *name, enum party party,
    uint32_t uid, const struct chan_ops *ops, struct chan **out) _must_check_;
int listener_user(struct broker *b, struct user *u) _must_check_;
void listener_close(struct listener *l);
void listeners_stop(struct broker *b);

/* ---- rules.c ---- */

struct rules {
	struct policy *policy;
	uint64_t generation;
	int64_t loaded_at;		/* realtime us */
	unsigned failed_reloads;
};
/* Outcome 1: the policy has faults, told in err; the old one stays. */
int rules_load(struct broker *b, struct buf *err) _must_check_;
void rules_free(struct broker *b);

/* ---- journal.c: records on their way to auditd ---- */

struct journal {
	struct chan *auditd;
	bool ready;			/* HELLO was answered */
	bool numbered;			/* once: next_id is behind the log's ids */
	enum audit_state state;
	char text[BOUND_PAM_TEXT];
	uint8_t instance[16];
	char instance_hex[33];
	char host[65], boot[37];
	uint64_t next_n, written_n, synced_n;
	uint64_t seq;
	uint64_t lost;			/* reads that could not be recorded, when allowed */
	struct buf waiting;		/* { u64 n; u32 len; record }, not confirmed */
	size_t sent;			/* of waiting: handed to the channel */
	bool sync;			/* the next message asks for it */
	int64_t owed_since;		/* the oldest unanswered message; 0 none */
	struct node waiters;		/* clients, by wait_n */
	struct task flush;
	struct timer retry;
	struct timer soon;		/* records that nobody waits for go then */
	int64_t flushed_at;
	int64_t told_at;
};
int journal_start(struct broker *b) _must_check_;
void journal_stop(struct broker *b);
/* May a request be taken?  changes: it waits for its record. */
bool journal_up(struct broker *b, bool changes, const char **why);
/* Begins a record with the common fields. */
void journal_begin(struct broker *b, struct buf *r, const char *event);
/* Ends it: its number, or 0 when it cannot be kept. */
uint64_t journal_add(struct broker *b, struct buf *r, bool sync);
void journal_wait(struct broker *b, struct client *c, uint64_t n);
void journal_event(struct broker *b, const char *event, const char *fmt, ...) _printf_(3, 4);
/* The same, and who did it. */
void journal_by(struct broker *b, const struct who *by, const char *event,
    const char *fmt, ...) _printf_(4, 5);

/* ---- why.c ---- */

struct reason {
	uint64_t id;
	uint32_t uid;
	char *text;
};
struct reasons { struct reason ring[BOUND_WHY]; size_t next; };
void reason_keep(struct broker *b, uint64_t id, uint32_t uid, struct slice text);
/* Outcome 1: not known, or not his. */
int reason_find(struct broker *b, uint64_t id, uint32_t uid, const char **text) _must_check_;
/* His last refusals at length, at most so many.  How many there were. */
size_t reason_last(struct broker *b, uint32_t uid, size_t most, struct buf *out);
void reasons_free(struct broker *b);

/* ---- engine.c: connections to the Engine ---- */

enum link_state { LINK_IDLE, LINK_BUSY, LINK_PROBE };
struct link {
	struct source source;
	struct task gone;
	struct broker *broker;
	struct client *client;		/* NULL: idle or probe */
	struct node node;		/* the idle list */
	enum link_state state;
	bool used;			/* has answered before: may be stale */
	bool answered;			/* a byte of the present answer came */
	struct buf out;			/* to the Engine */
	struct buf in;			/* an incomplete head of it */
	size_t scanned;
	int64_t idle_since;
};
struct engine {
	struct node idle;
	size_t nidle, nbusy;
	unsigned minor;			/* of its API; 0: not known */
	char api_version[16];
	bool probing, probed, up;
	struct node waiters;		/* struct waiter: until the probe is over */
	struct timer reap, probe_timer;
	struct link *probe;
	int64_t told_at;
	uint64_t connects;
};
int engine_start(struct broker *b) _must_check_;
void engine_stop(struct broker *b);
enum engine_outcome { ENGINE_GOOD, ENGINE_DOWN, ENGINE_BUSY };
int engine_take(struct broker *b, struct client *c, bool fresh, struct link **out) _must_check_;
void link_release(struct link *l);	/* clean: back to the idle ones */
void link_close(struct link *l);
enum engine_outcome engine_known(struct broker *b, struct waiter *w);
void engine_saw(struct broker *b, const struct http_head *h);

/* ---- ask.c: the broker's own requests to the Engine ---- */

struct ask;
struct asks;
struct ask_ops {
	/* Body bytes of a 2xx answer as they come, first "" when its head is
	 * there; false: enough, end it (with status 0).  NULL: the whole body (up
	 * to max) goes to done. */
	bool (*feed)(void *arg, struct slice in);
	/* Once, never from within ask_start, and the ask is gone.  status 0: no whole
	 * answer (down, late, cut short, too large).  body: of any status when feed
	 * is NULL, else of errors. */
	void (*done)(void *arg, unsigned status, struct slice body);
};
/* On a connection of its own, kept for the next one.  path: "/v1.41/..."
 * versions are the caller's; body "" for none, else JSON.  deadline: ms from now,
 * 0 none (events).  NULL: no memory or no connection. */
struct ask *ask_start(struct broker *b, enum method m, struct slice path,
    struct slice body, size_t max, int64_t deadline, const struct ask_ops *ops, void *arg);
void ask_cancel(struct ask *a);		/* done is not called; allowed in any callback */
void asks_stop(struct broker *b);

/* ---- sync.c: the store mirrors the Engine ---- */

/* What is known of an image, by a reference or id. */
struct image {
	const char *ref;		/* canonical, or an id */
	bool missing;			/* the Engine does not have it */
	char id[72];			/* "sha256:..." */
	const struct slice *tags, *volumes;
	size_t ntags, nvolumes;
	const struct pair *labels;
	size_t nlabels;
	bool devices;			/* its environment asks for devices: NVIDIA_VISIBLE_DEVICES */
};
enum sync_outcome {
	SYNC_GOOD,
	SYNC_WAIT,	/* w is woken: ask again then */
	SYNC_DOWN	/* the Engine does not answer */
};
struct sync;
int sync_start(struct broker *b) _must_check_;
void sync_stop(struct broker *b);
/* Are all lists read, and the events flowing?  WAIT: w is woken when so. */
int sync_ready(struct broker *b, struct waiter *w) _must_check_;
/* The image of a canonical reference or (short) id; valid until the loop's next
 * turn.  Remembered until an image event or sync_images_changed. */
int sync_image(struct broker *b, struct slice ref, struct waiter *w, const struct image **out) _must_check_;
void sync_images_changed(struct broker *b);
/* An exec that the store does not know is looked up and added (kind EXEC,
 * parent its container).  Missing: GOOD and nothing in the store. */
int sync_exec(struct broker *b, struct slice id, struct waiter *w) _must_check_;
/* A volume or network that was just made or removed past the events. */
void sync_look(struct broker *b, enum object_kind kind, struct slice id);
/* The policy looks at labels now: read everything again. */
void sync_again(struct broker *b);

/* ---- client.c ---- */

enum client_state {
	CLIENT_HEAD,		/* idle, or a head is on its way */
	CLIENT_ACCOUNT,		/* waits for authd */
	CLIENT_ENGINE_VERSION,	/* waits for the Engine's first answer */
	CLIENT_BODY,		/* a JSON body is on its way */
	CLIENT_LOOK,		/* waits until it is known what the request names */
	CLIENT_GROUP,		/* waits for the user's cgroup */
	CLIENT_RECORD,		/* waits for auditd */
	CLIENT_CONNECT,		/* the Engine's backlog is full: again soon */
	CLIENT_FORWARD,		/* request and answer flow */
	CLIENT_FINISH,		/* answered by the Engine: whose it is gets on disk */
	CLIENT_PRUNE,		/* images are removed one by one */
	CLIENT_TUNNEL,		/* raw bytes in both directions */
	CLIENT_LINGER,		/* answered; what still comes is thrown away */
	CLIENT_CLOSED
};

/* How an answer gets to the client. */
enum hold {
	HOLD_NOT,		/* as it comes */
	HOLD_ALL,		/* gathered: an object's id, an error's text */
	HOLD_NARROW,		/* through answer.h */
	HOLD_END		/* as it comes, but its end waits until it is known whose it is */
};
#define REQUEST_MADE	32	/* images that one load, build or import may make */

struct request {
	struct broker *broker;
	struct arena arena;
	struct facts facts;
	struct http_target target;
	uint64_t id;
	enum method method;
	unsigned minor;			/* of HTTP/1.x */
	enum framing framing;		/* of its body */
	uint64_t length, received, sent;
	bool keep_alive, expect, upgrade;
	struct slice upgrade_to, content_type;
	struct slice registry_auth, registry_config;
	struct slice ws_key, ws_version, ws_protocol, origin;
	struct buf path, query, body;	/* canonical */
	struct buf raw;			/* a JSON body as it came */
	size_t charged;
	struct rights *rights;
	struct verdict verdict;
	uint64_t record_n;		/* of the request's record, 0 none */
	int64_t began;			/* loop ms */
	int64_t asked;			/* who asks, as known after this moment */
	bool whole;			/* its JSON body is there */
	bool looked;			/* all refs are looked up */
	struct owner owner;		/* of what it makes */
	struct usage promised;		/* reserved until it is known what came of it */
	bool reserved;
	struct store *store;		/* where */
	const struct image *image;	/* what a create runs; in the arena */
	struct slice new_id;		/* of what was made; in the arena */
	struct slice secret_of;		/* for the record: whose the missing object is */
	int64_t began_real;
	/* request body, streamed */
	bool body_done;
	struct http_chunked up;
	/* answer */
	bool head_sent, retried;
	unsigned status;
	enum framing answer_framing;
	uint64_t answer_left;
	struct http_chunked down;
	bool answer_done, close_after;
	/* the answer, when it does not pass as it is: hold.c */
	enum hold hold;
	struct buf held_head, held;
	struct answer *narrowed;
	bool lagging;			/* events wait in held */
	bool told, ended;		/* its head was sent; all of it came */
	bool alone;			/* the client has gone: only whose it is counts now */
	struct slice made[REQUEST_MADE];	/* ids seen in a stream of progress */
	size_t nmade;
	char tail[96];			/* the last bytes of it: one id and its key */
	size_t ntail;
	unsigned finished;		/* steps of own_finish that are done */
	int64_t commit;			/* of the store: waited for */
	uint64_t pins[BOUND_REFS / 64];	/* of refs: names that it holds until it is over */
	bool forwarded;			/* the Engine may act on it */
	bool faulted;			/* the stream of progress tells of an error */
	/* a create with the guard in front: guard_make.c */
	const struct guard_record *guard;	/* without its container; in the arena */
	struct keeping *keeping;	/* it is on its way to the disk */
	bool powerless;
	bool asks_guard;		/* its body names the guard's runtime */
	const struct slice *groups;	/* his, for binds; in the arena */
	size_t ngroups;
	struct slice run_as;		/* "UID:GID" that is forced; .p NULL none */
	struct kept *shown;		/* the record by which an answer is turned back */
	struct kept *about;		/* that of the container which it is about: a --rm may be
					 * gone before the answer to its start */
	/* a tar on its way: upload.c */
	struct archive *archive;
	struct buf unchecked, checked;	/* as it came; what may go on */
	bool more, input_done, whole_archive;
};

struct client {
	struct source source;
	struct task gone;
	struct timer timer;
	struct waiter waiter;
	struct node node;		/* of its user */
	struct node record_node;	/* of journal.waiters */
	struct node commit_node;	/* of broker.commits */
	struct broker *broker;
	struct user *user;
	struct link *link;
	struct request *request;
	struct who *who;
	const char *reject;		/* every request is answered with this */
	struct service_conf *service;
	enum client_state state;
	enum socket_kind kind;
	bool peer_eof;			/* it has shut down its writing side */
	bool eof_passed;		/* and the Engine was told so */
	bool engine_eof, engine_eof_passed;
	int64_t head_until;	/* what follows the head of a hijack waits */
	bool counted_stream, stranger;
	bool parse_first;		/* in holds bytes that were not looked at */
	bool up_dead;			/* the Engine takes nothing more */
	bool up_bulk, down_bulk;	/* the last read was large: splice.c */
	uint64_t wait_n;
	size_t scanned;
	struct buf in;			/* unread bytes */
	struct buf out;			/* for the client, waiting */
	int64_t since;			/* of the first byte of a head, of the first connect */
	uint64_t lingered;
	size_t charged;			/* of the waiting bytes */
	struct prune *prune;
	struct timer lag;		/* of events: hold.c */
	struct rights *service_rights;
	uint64_t service_rights_generation;
};

void client_close(struct client *c);
void client_run(struct source *s, uint32_t ready);
/* Hands a and b to the client, keeping what it does not take.  False: it is gone. */
bool client_send(struct client *c, struct slice a, struct slice b) _must_check_;
bool client_flush(struct client *c) _must_check_;
void client_stalls(struct client *c);	/* out waits: for how long? */
/* Charges what waits in both directions to the user.  False: he has too much
 * of it, and the client was closed. */
bool client_charge(struct client *c) _must_check_;
void client_linger(struct client *c);
/* May another request follow on this connection after an answer of status? */
bool client_stays(const struct client *c, unsigned status);
/* Is a close said in the answer?  Docker's command lines before 23 take it on the
 * answer to "Upgrade: tcp" for a success, and what follows for output. */
bool client_tells_close(const struct client *c);
void client_error(struct client *c, unsigned status, const char *fmt, ...) _printf_(3, 4);
void client_next(struct client *c);	/* the request is over: on to the next */
void client_deadline(struct client *c, int64_t ms);
/* Reads what is there into the shared scratch.  Bytes, 0 at the end, -1 none now, -2 error. */
ssize_t source_read(struct source *s, char *p, size_t n);
ssize_t source_write(struct source *s, struct slice a, struct slice b);
/* Writes a and b behind what waits in out, keeping what s does not take; writes
 * what waits.  False: s is gone, or out is full. */
bool out_send(struct source *s, struct buf *out, struct slice a, struct slice b) _must_check_;
bool out_flush(struct source *s, struct buf *out) _must_check_;

void client_late(struct timer *t);
void client_free(struct task *t);

/* ---- accept.c ---- */

void client_accept(struct listener *l, int fd);
/* Judges live streams again; cuts what is no longer allowed. */
void clients_judge(struct user *u);
void client_cut(struct client *c, const char *why);

/* ---- step.c ---- */

struct rights *client_rights(struct client *c);
void step_account(struct client *c);	/* the head is there */
void step_body(struct client *c);	/* the body is there */
void client_wake(struct waiter *w);
void client_recorded(struct client *c);	/* the journal: your record is on disk */
void client_unrecorded(struct client *c);

/* ---- request.c: the way of a request up to the decision ---- */

struct request *request_new(struct broker *b);
void request_free(struct request *r);
/* Each returns true when the request goes on, false when it was answered. */
bool request_head(struct client *c, const struct http_head *h);
bool request_find(struct client *c);
bool request_body(struct client *c, struct slice body);
bool request_decide(struct client *c, bool final);
void request_record(struct client *c, struct buf *r, const char *event);
void request_compose(struct client *c, struct buf *out);	/* what the Engine gets */
void request_refused(struct client *c, unsigned status, struct slice reason);
void record_person(const struct who *w, struct buf *r);
/* Refused in the Engine's words; reason is for the record. */
void request_missing(struct client *c, unsigned status, struct slice text, struct slice reason);
void request_refusal(struct client *c, struct refusal *why);	/* frees it */
/* Answered by the broker itself, after the record: JSON. */
void request_answer(struct client *c, unsigned status, struct slice json);

/* ---- own.c: the objects that a request names ---- */

enum own_outcome { OWN_GOOD, OWN_WAIT, OWN_ANSWERED };
/* Looks all refs up.  WAIT: parked in CLIENT_LOOK, woken later. */
int own_look(struct client *c) _must_check_;
/* The names that are left, of an archive that is there: enum sync_outcome, or
 * -1 without memory. */
int own_names(struct client *c) _must_check_;
/* Refuses what is not there for the caller. */
int own_missing(struct client *c) _must_check_;
/* Views e for the policy; slices live as long as the arena. */
bool own_object(struct client *c, const struct entry *e, struct object *o);
/* What the request is about, as the store has it now; NULL: not of this kind, or
 * gone since. */
struct entry *request_object(struct client *c, enum object_kind kind);
void own_person(const struct client *c, struct owner *o);	/* who makes something */
bool own_chown(struct broker *b, const struct who *by, enum object_kind kind,
    struct slice name, struct slice user, struct buf *answer, unsigned *status);

/* ---- gone.c: what has just gone ---- */

#define BOUND_GONE	1024	/* networks, volumes, images and their names */
struct gone {
	enum object_kind kind;
	int64_t at;
	struct owner owner;
	char id[256], name[256], person[BOUND_NAME + 16], team[BOUND_NAME];
};
struct goners { struct gone ring[BOUND_GONE]; size_t next; };
/* store_remove, but it is remembered for a while whose it was. */
void object_remove(struct broker *b, struct entry *e);
bool object_gone(struct broker *b, enum object_kind kind, struct slice id, struct object *o);

/* ---- image.c: whose an image is ---- */

/* A name that an image is to get: enum sync_outcome, or -1 without memory. */
int image_name_look(struct client *c, struct ref *ref) _must_check_;
bool name_tagged(struct slice name);	/* of a canonical one: "x:1", not all of x */
bool name_digested(struct slice name);	/* "x@sha256:..." */
/* An image by what it is called; false: no memory. */
bool image_object(struct client *c, const struct image *i, struct slice ref, struct object *o);
/* An image that several hold is only untagged for one of them; one that others
 * have names of is not removed.  True: answered here. */
bool image_unhold(struct client *c);

/* ---- made.c: what came of a request ---- */

/* Does its answer have to be waited for? */
bool made_wanted(const struct request *r);
bool made_adds(const struct request *r);	/* may it add to what there is? */
/* Has another taken a name since it was looked up?  Told in text. */
bool made_raced(struct client *c, struct buf *text);
/* Before it is forwarded: names that are given, so that nobody else gets them
 * until it is over, whatever the Engine has meanwhile. */
bool made_before(struct client *c);
/* It is over; late: given up, and the Engine may be at it for a while. */
void made_unpin(struct request *r, bool late);
void pins_reap(struct broker *b, bool all);	/* of what was given up long ago */
/* The answer is there, in r->held or r->made.  WAIT: woken later.  ANSWERED: it
 * came to nothing after all, why is told in text. */
int made_after(struct client *c, struct buf *text) _must_check_;
void made_never(struct client *c);	/* it came to nothing: promises are taken back */

/* ---- limit.c: sums and cgroups ---- */

void limit_fill(struct client *c);	/* facts.used, and asked of a start */
bool limit_reserve(struct client *c);
void limit_unreserve(struct request *r);
/* The user's cgroup exists with its limits.  WAIT: parked in CLIENT_GROUP. */
int limit_group(struct client *c) _must_check_;
struct slice limit_parent(struct client *c);	/* "/dockbroker/1001"; "" none */
/* What authd says of a user's cgroup: 0, or an errno with its text. */
void limit_told(struct user *u, int status, const char *text);

/* ---- edit.c: what is forced on a request ---- */

#define EDIT_LABELS	2
/* Of the body; what it points to lives as long as the arena, and labels. */
void edit_plan(struct client *c, struct body_edits *e, struct pair labels[EDIT_LABELS]);
/* Path, query and body, written anew with ids and edits. */
bool edit_write(struct client *c);

/* ---- narrow.c: answers for one reader ---- */

/* Is the reader's sight of this kind narrower than everything? */
bool narrow_needed(struct client *c);
/* Filters and limits of a list, decided before it is asked for. */
void narrow_plan(struct client *c, struct query_edits *e, struct pair filter[1]);
bool narrow_prunes_badly(struct client *c);
struct answer *narrow_new(struct client *c);	/* NULL: no memory */

/* ---- hold.c: answers that do not pass as they are ---- */

void hold_choose(struct client *c, unsigned status);
void hold_head(struct client *c, const struct http_head *h);	/* framing apart */
/* Decoded bytes.  False: the client or the answer is broken. */
bool hold_bytes(struct client *c, struct slice in) _must_check_;
void hold_ended(struct client *c);	/* all of it came: finish, then send */
void hold_go(struct client *c);		/* CLIENT_FINISH: woken */
void hold_late(struct client *c);
void hold_lagged(struct timer *t);	/* client.lag */
void commits_done(struct broker *b);	/* the store got further */

/* ---- upload.c: tars, checked on their way ---- */

bool upload_start(struct client *c);	/* false: no memory */
/* One turn of it.  False: the client is closed, or answered. */
bool upload_pump(struct client *c) _must_check_;

/* ---- prune.c: images of one user ---- */

bool prune_images(struct client *c);	/* true: it is answered here */
bool prune_things(struct client *c);
void prune_left(struct client *c);	/* the client goes away */

/* ---- splice.c: large streams without a copy ---- */

void splice_start(struct broker *b);	/* before the sandbox; may do nothing */
void splice_stop(struct broker *b);
bool splice_pays(const struct broker *b, size_t last);	/* after a read of last bytes */
/* Client to Engine, Engine to client: up to max bytes; what is not taken waits
 * in the link's and the client's `out', empty before.  Bytes, counted in the
 * request; 0 at the end; or why not: none now, one side failed. */
enum splice_outcome { SPLICE_NONE = -1, SPLICE_SOURCE = -2, SPLICE_TARGET = -3 };
ssize_t splice_up(struct client *c, uint64_t max) _must_check_;
ssize_t splice_down(struct client *c, uint64_t max) _must_check_;

/* ---- relay.c: from the decision to the end ---- */

void relay_start(struct client *c);
void relay_client(struct client *c, uint32_t ready);
void relay_link(struct source *s, uint32_t ready);
void relay_finish(struct client *c, const char *reason);
bool link_flush(struct link *l) _must_check_;	/* false: it takes no more */
bool link_send(struct link *l, struct slice a, struct slice b) _must_check_;
/* It cannot go on: the Engine's fault or the client's. */
void relay_failed(struct client *c, unsigned status, const char *why);
void relay_whole(struct client *c);	/* all of the answer came */
void relay_over(struct client *c);	/* it was passed on */
bool relay_retry(struct client *c);	/* false: it may not be sent again */
/* answer.c.  False: the client is closed or has another state. */
bool pump_answer(struct client *c) _must_check_;
bool answer_over(const struct request *r);
void tunnel_run(struct client *c);	/* tunnel.c */

/* ---- control.c ---- */

void control_accept(struct listener *l, int fd);
void control_stop(struct broker *b);

/* ---- guard.h: the guard, and what the Engine says of itself ---- */

struct info {
	struct ask *ask;
	struct node waiters;
	bool known;
	unsigned driver;		/* enum cgroup_driver of proc.h */
	char path[512];			/* which is this program */
	char root[512];			/* DockerRootDir */
	char runtime[64];		/* its default */
	unsigned told;			/* what the log was told */
};
struct guards;
struct missing;
struct spool;

/* ---- the whole ---- */

struct broker {
	struct loop *loop;
	struct config conf;
	struct daemon_options options;
	struct people people;
	struct rules rules;
	struct journal journal;
	struct engine engine;
	struct asks *asks;		/* ask.c's */
	struct store *store;
	struct sync *sync;
	struct info info;
	struct guards *guards;		/* guard.c's */
	struct missing *missing;	/* guard_missing.c's; NULL when all were asked about */
	struct spool *spool;		/* spool.c's */
	struct goners gone;
	struct reasons reasons;
	struct listener *listeners[80];
	size_t nlisteners;
	struct source store_source;	/* the store's disk */
	struct node commits;		/* clients that wait for it */
	struct node pins;		/* names of requests that were given up */
	struct node controls;
	size_t connections, strangers;
	uint64_t next_id;
	uint64_t requests, refused, cut;
	bool draining, finishing;
	struct timer drain;
	uint32_t audit_uid;
	int64_t started_real;
	char *scratch;			/* BOUND_RELAY bytes, for one read at a time */
	int pipe[2];			/* splice.c; -1 without */
	char container[65];		/* our own container id, or "" */
	char status_text[256];
};

int broker_reload(struct broker *b, struct buf *err) _must_check_;
void broker_drain(struct broker *b);
void broker_finish(struct broker *b);
void broker_notify(struct broker *b);

#endif
