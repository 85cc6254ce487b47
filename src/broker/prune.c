/*
 * prune.c: `docker image prune' for one user.  The Engine would remove what is
 * everybody's, so the broker asks for the list, and removes one by one what
 * is only his: what a container still uses, the Engine keeps by itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/broker.h"

#define PRUNE_MOST	1024	/* images of one request */
#define PRUNE_TIME	60000	/* ms for one of them */

struct victim { char *name; uint64_t size; };
struct prune {
	struct task gone;
	struct broker *broker;
	struct client *client;		/* NULL: it went away; what was begun ends */
	struct ask *ask;
	struct lister *lister;
	struct rights *rights;
	struct owner me;
	char name[BOUND_NAME + 16];
	enum object_kind kind;
	bool all;			/* -a: also what has names */
	int64_t until;			/* only what was made before; 0 all */
	struct victim victims[PRUNE_MOST];
	size_t n, at;
	struct buf deleted;		/* elements of the answer */
	uint64_t freed;
};

static void prune_free(struct task *t)
{
	struct prune *p = node_entry(t, struct prune, gone);

	for (size_t i = 0; i < p->n; i++)
		free(p->victims[i].name);
	lister_free(p->lister);
	rights_unref(p->rights);
	buf_free(&p->deleted);
	free(p);
}

static bool mine_alone(struct prune *p, enum object_kind kind, struct slice id)
{
	struct entry *e = store_get(p->broker->store, kind, id);

	return e && e->nowners == 1 && entry_owned(e, p->me.uid, p->me.name);
}

static void victim(struct prune *p, struct slice name, uint64_t size)
{
	if (p->n == PRUNE_MOST || !name.n)
		return;
	p->victims[p->n].name = strndup(name.p, name.n);
	p->victims[p->n].size = size;
	p->n += p->victims[p->n].name != NULL;
}

static void image_listed(void *arg, const struct listed *l)
{
	struct prune *p = arg;
	size_t names = 0, his = 0;

	if (p->until && l->created >= p->until)
		return;
	for (size_t i = 0; i < l->ntags; i++) {
		if (name_digested(l->tags[i]))
			continue;
		names++;
		his += mine_alone(p, OBJECT_TAG, l->tags[i]);
	}
	if (names == 0 && mine_alone(p, OBJECT_IMAGE, l->id))
		victim(p, l->id, l->size);
	if (!p->all || names == 0 || his != names)
		return;
	for (size_t i = 0; i < l->ntags; i++)
		if (!name_digested(l->tags[i]))
			victim(p, l->tags[i], i == 0 ? l->size : 0);
}

/* ---- one after the other ---- */

static void prune_next(struct prune *p);

static void prune_over(struct prune *p, const char *failed)
{
	struct client *c = p->client;
	_cleanup_(buf_free) struct buf body = BUF(BOUND_ANSWER + 256);

	sync_images_changed(p->broker);
	if (c)
		c->prune = NULL;
	if (c && failed) {
		relay_failed(c, 502, failed);
	} else if (c) {
		buf_addf(&body, "{\"%s\":[", p->kind == OBJECT_IMAGE ? "ImagesDeleted" :
		    p->kind == OBJECT_CONTAINER ? "ContainersDeleted" : "NetworksDeleted");
		buf_adds(&body, buf_slice(&p->deleted));
		buf_addc(&body, ']');
		if (p->kind != OBJECT_NETWORK) {
			buf_addz(&body, ",\"SpaceReclaimed\":");
			buf_addu(&body, p->freed);
		}
		buf_addz(&body, "}\n");
		request_answer(c, 200, buf_slice(&body));
	}
	task_post(p->broker->loop, &p->gone);
}

/* A container by its id, a network by its name: as the Engine's prune tells. */
static void removed_one(struct prune *p)
{
	const struct victim *v = &p->victims[p->at];
	struct entry *e = store_get(p->broker->store, p->kind, slice_from(v->name));
	const char *told = v->name;

	if (p->kind == OBJECT_NETWORK && e && e->name[0])
		told = e->name;
	if (p->deleted.len)
		buf_addc(&p->deleted, ',');
	buf_add_json_string(&p->deleted, slice_from(told));
	if (e)
		object_remove(p->broker, e);
}

/* "[{"Untagged":...},...]" without its brackets. */
static void removed(struct prune *p, struct slice body)
{
	body = slice_trim(body);
	if (body.n < 2 || body.p[0] != '[' || body.p[body.n - 1] != ']')
		return;
	body = slice_trim((struct slice){ body.p + 1, body.n - 2 });
	if (!body.n)
		return;
	if (p->deleted.len)
		buf_addc(&p->deleted, ',');
	buf_adds(&p->deleted, body);
	p->freed += p->victims[p->at].size;
}

static void remove_done(void *arg, unsigned status, struct slice body)
{
	struct prune *p = arg;

	p->ask = NULL;
	if (p->kind == OBJECT_IMAGE && status == 200)
		removed(p, body);
	else if (p->kind != OBJECT_IMAGE && status == 204)
		removed_one(p);
	p->at++;
	prune_next(p);
}

static const struct ask_ops remove_ops = { NULL, remove_done };

/* A name may have got another holder since the list. */
static bool still_his(struct prune *p)
{
	struct slice name = slice_from(p->victims[p->at].name);

	if (p->kind != OBJECT_IMAGE)
		return mine_alone(p, p->kind, name);
	return mine_alone(p, slice_starts(name, SLICE("sha256:")) ? OBJECT_IMAGE :
	    OBJECT_TAG, name);
}

static void prune_next(struct prune *p)
{
	_cleanup_(buf_free) struct buf path = BUF(4096);

	while (p->at < p->n && !still_his(p))
		p->at++;
	if (p->at == p->n || !p->client) {
		prune_over(p, NULL);
		return;
	}
	buf_addz(&path, p->kind == OBJECT_IMAGE ? "/images/" :
	    p->kind == OBJECT_CONTAINER ? "/containers/" : "/networks/");
	http_encode(&path, slice_from(p->victims[p->at].name));
	p->ask = ask_start(p->broker, METHOD_DELETE, buf_slice(&path), SLICE_NONE,
	    BOUND_ELEMENT, PRUNE_TIME, &remove_ops, p);
	if (!p->ask)
		prune_over(p, "the Docker Engine does not answer");
}

/* ---- the list ---- */

static bool list_feed(void *arg, struct slice in)
{
	struct prune *p = arg;

	return lister_feed(p->lister, in) == ANSWER_GOOD;
}

static void list_done(void *arg, unsigned status, struct slice body)
{
	struct prune *p = arg;

	(void)body;
	p->ask = NULL;
	if (status == 200 && lister_end(p->lister) == ANSWER_GOOD)
		prune_next(p);
	else
		prune_over(p, status == 200 || !status ? "the Docker Engine does not"
		    " answer" : "the Docker Engine does not take these filters");
}

static const struct ask_ops list_ops = { list_feed, list_done };

/* "24h", "1795327200", "2026-11-22", "2026-11-22T10:00:00": seconds since 1970;
 * 0: it is none of these. */
static int64_t until_when(struct client *c, struct slice s)
{
	_cleanup_(buf_free) struct buf text = BUF(64);
	int64_t now = loop_realtime(c->broker->loop) / 1000000;
	uint64_t n;
	struct tm tm = { 0 };

	if (slice_number(s, INT64_MAX, &n))
		return (int64_t)n;
	if (time_parse_span(s, UINT32_MAX, &n))
		return now - (int64_t)n;
	buf_adds(&text, s);
	if (buf_ok(&text) && (strptime(buf_text(&text), "%Y-%m-%dT%H:%M:%S", &tm) ||
	    strptime(buf_text(&text), "%Y-%m-%d", &tm)))
		return (int64_t)timegm(&tm);
	return 0;
}

/* dangling is ours: -a says dangling=0; and no Engine's list knows until. */
static bool prune_filters(struct client *c, struct prune *p, struct buf *path)
{
	_cleanup_(buf_free) struct buf text = BUF(BOUND_PARAMETER);
	struct pair f;
	const char *comma = "";

	buf_addc(&text, '{');
	for (size_t i = 0; query_pair(&c->request->facts, "filters", i, &f); i++) {
		if (slice_is(f.key, "dangling")) {
			p->all = slice_is(f.value, "0") || slice_is(f.value, "false");
			continue;
		}
		if (slice_is(f.key, "until")) {
			p->until = until_when(c, f.value);
			if (!p->until)
				return false;
			continue;
		}
		buf_addz(&text, comma);
		comma = ",";
		buf_add_json_string(&text, f.key);
		buf_addz(&text, ":[");
		buf_add_json_string(&text, f.value);
		buf_addc(&text, ']');
	}
	if (!p->all) {
		buf_addz(&text, comma);
		buf_addz(&text, "\"dangling\":[\"true\"]");
	}
	buf_addc(&text, '}');
	buf_addz(path, "/images/json?filters=");
	http_encode(path, buf_slice(&text));
	return buf_ok(path) && buf_ok(&text);
}

static struct prune *prune_new(struct client *c)
{
	struct prune *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->gone.run = prune_free;
	p->kind = OBJECT_IMAGE;
	p->broker = c->broker;
	p->client = c;
	p->rights = rights_ref(c->request->rights);
	p->deleted = BUF(BOUND_ANSWER);
	own_person(c, &p->me);
	snprintf(p->name, sizeof(p->name), "%s", p->me.name);
	p->me.name = p->name;
	p->me.team = "";
	p->lister = lister_new(OBJECT_IMAGE, image_listed, p);
	return p;
}

bool prune_images(struct client *c)
{
	_cleanup_(buf_free) struct buf path = BUF(2 * BOUND_TARGET);
	struct prune *p;

	if (c->request->facts.endpoint->id != EP_IMAGE_PRUNE ||
	    rights_scope(c->request->rights, c->request->facts.endpoint) & SEE_ANY)
		return false;
	p = prune_new(c);
	if (p && p->lister && !prune_filters(c, p, &path)) {
		task_post(c->broker->loop, &p->gone);
		relay_failed(c, 400, "the filter \"until\" is no time");
		return true;
	}
	if (p && p->lister)
		p->ask = ask_start(c->broker, METHOD_GET, buf_slice(&path), SLICE_NONE,
		    BOUND_ANSWER, PRUNE_TIME, &list_ops, p);
	if (!p || !p->ask) {
		if (p)
			task_post(c->broker->loop, &p->gone);
		relay_failed(c, 503, "the Docker Engine does not answer, try again");
		return true;
	}
	c->prune = p;
	c->state = CLIENT_PRUNE;
	source_want(&c->source, EPOLLHUP | EPOLLERR);
	client_deadline(c, 0);
	return true;
}

/* ---- containers and networks ---- */

static void thing_seen(void *arg, struct entry *e)
{
	struct prune *p = arg;

	if (!e->running && !e->common && mine_alone(p, e->kind, slice_from(e->id)))
		victim(p, slice_from(e->id), 0);
}

/* Labels do not say which are his: one by one, and what is in use the Engine
 * keeps.  With filters only the Engine could, so those are refused before. */
bool prune_things(struct client *c)
{
	unsigned id = c->request->facts.endpoint->id;
	struct prune *p;

	if ((id != EP_CONTAINER_PRUNE && id != EP_NETWORK_PRUNE) || !narrow_prunes_badly(c))
		return false;
	p = prune_new(c);
	if (!p) {
		relay_failed(c, 503, "out of memory, try again");
		return true;
	}
	p->kind = id == EP_CONTAINER_PRUNE ? OBJECT_CONTAINER : OBJECT_NETWORK;
	store_each(c->broker->store, p->kind, thing_seen, p);
	c->prune = p;
	c->state = CLIENT_PRUNE;
	source_want(&c->source, EPOLLHUP | EPOLLERR);
	client_deadline(c, 0);
	prune_next(p);
	return true;
}

void prune_left(struct client *c)
{
	if (c->prune)
		c->prune->client = NULL;
	c->prune = NULL;
}
