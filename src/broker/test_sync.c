/* test_sync.c: the mirror, in front of an Engine that answers and tells what
 * the test wants, in the order that it wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/guard.h"

#define ID(c)	c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c \
		c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define BRIDGE	"{\"Name\":\"bridge\",\"Id\":\"" ID("b") "\",\"Driver\":\"bridge\",\"Labels\":{}}"
#define NET(id, name, labels) "{\"Name\":\"" name "\",\"Id\":\"" id "\"," \
	"\"Driver\":\"bridge\",\"Labels\":{" labels "}}"
#define BOX(id, name, state, labels) "{\"Id\":\"" id "\",\"Names\":[\"/" name "\"]," \
	"\"Image\":\"busybox\",\"ImageID\":\"sha256:" ID("5") "\"," \
	"\"State\":\"" state "\",\"Labels\":{" labels "}}"
#define IMAGE_PAGE	"/images/sha256%3A" ID("5") "/json"
#define PICTURE(labels) "{\"Id\":\"sha256:" ID("5") "\",\"RepoTags\":[]," \
	"\"Config\":{\"Labels\":{" labels "}}}"
#define VOLUME(name, labels) "{\"Name\":\"" name "\",\"Driver\":\"local\"," \
	"\"Labels\":{" labels "}}"
#define OWNED	"\"dockbroker.owner\":\"alice\",\"dockbroker.team\":\"dev\""
#define EVENT(type, action, id, attributes) "{\"Type\":\"" type "\",\"Action\":\"" \
	action "\",\"Actor\":{\"ID\":\"" id "\",\"Attributes\":{" attributes "}}}\n"

/* What a path is answered with; the test changes it on the way. */
struct page { const char *path, *body; unsigned asked; bool held; };

struct conn {
	struct source source;
	struct task gone;
	struct conn *next;
	char in[4096];
	size_t n;
	struct page *waits;		/* a held page was asked for */
};

static struct {
	struct broker *b;
	struct source listener;
	struct timer timer;
	struct conn *conns, *events;
	struct page pages[16];
	size_t npages;
	char dir[64], path[80];
	struct waiter waiter;
	unsigned woken;
	const struct image *image;
} t;

/* ---- the rest of the broker ---- */

void engine_saw(struct broker *b, const struct http_head *h)
{
	(void)h;
	b->engine.minor = 41;
}

/* The probe is engine.c's: here the Engine is known when it listens. */
enum engine_outcome engine_known(struct broker *b, struct waiter *w)
{
	(void)w;
	b->engine.probed = b->engine.up = access(t.path, F_OK) == 0;
	return b->engine.up ? ENGINE_GOOD : ENGINE_DOWN;
}

void waiters_wake(struct node *waiting)
{
	struct node list;

	node_take(&list, waiting);
	while (!node_empty(&list)) {
		struct waiter *w = node_entry(list.next, struct waiter, node);
		node_remove(&w->node);
		w->wake(w);
	}
}

static unsigned reconciled;

void guard_gone(struct broker *b, struct slice id)
{
	(void)b;
	(void)id;
}

void guard_reconcile(struct broker *b)
{
	(void)b;
	reconciled++;
}

void info_forget(struct broker *b)
{
	(void)b;
}

/* ---- the Engine ---- */

static void conn_free(struct task *k)
{
	free(node_entry(k, struct conn, gone));
}

static void conn_close(struct conn *c)
{
	for (struct conn **at = &t.conns; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	if (t.events == c)
		t.events = NULL;
	source_close(&c->source);
	task_post(t.b->loop, &c->gone);
}

static void say(struct conn *c, const char *text)
{
	assert_int_equal(send(c->source.fd, text, strlen(text), MSG_NOSIGNAL),
	    strlen(text));
}

static void answer(struct conn *c, const struct page *p)
{
	char head[200];

	if (p && p->body)
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
		    strlen(p->body));
	else
		snprintf(head, sizeof(head), "HTTP/1.1 404 Not Found\r\n"
		    "Content-Length: 0\r\n\r\n");
	say(c, head);
	if (p && p->body)
		say(c, p->body);
}

static struct page *page(const char *path)
{
	for (size_t i = 0; i < t.npages; i++)
		if (!strcmp(t.pages[i].path, path))
			return &t.pages[i];
	return NULL;
}

static void serve(struct page *p, const char *body)
{
	p->body = body;
	p->held = false;
	for (struct conn *c = t.conns; c; c = c->next)
		if (c->waits == p) {
			c->waits = NULL;
			answer(c, p);
		}
}

static void put(const char *path, const char *body)
{
	struct page *p = page(path);

	if (!p) {
		assert_true(t.npages < countof(t.pages));
		p = &t.pages[t.npages++];
		*p = (struct page){ .path = path };
	}
	serve(p, body);
}

static void hold(const char *path)
{
	put(path, NULL);
	page(path)->held = true;
}

static unsigned asked(const char *path)
{
	return page(path) ? page(path)->asked : 0;
}

static void conn_asked(struct conn *c)
{
	char *path = strchr(c->in, ' ') + 1;
	struct page *p;

	*strchr(path, ' ') = 0;
	assert_memory_equal(path, "/v1.41/", 7);
	path += 6;
	if (!strcmp(path, "/events")) {
		t.events = c;
		say(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		return;
	}
	p = page(path);
	if (p)
		p->asked++;
	if (p && p->held)
		c->waits = p;
	else
		answer(c, p);
}

static void conn_run(struct source *s, uint32_t ready)
{
	struct conn *c = (struct conn *)(void *)s;
	ssize_t k = source_read(s, c->in + c->n, sizeof(c->in) - c->n - 1);

	(void)ready;
	if (k == -1)
		return;
	if (k <= 0) {
		conn_close(c);
		return;
	}
	c->n += (size_t)k;
	c->in[c->n] = 0;
	if (!strstr(c->in, "\r\n\r\n"))
		return;
	c->n = 0;
	conn_asked(c);
}

static void listener_run(struct source *s, uint32_t ready)
{
	(void)ready;
	int fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		source_clear(s, EPOLLIN);
		return;
	}
	struct conn *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->gone.run = conn_free;
	assert_int_equal(source_add(t.b->loop, &c->source, fd,
	    EPOLLIN | EPOLLRDHUP | EPOLLHUP, conn_run), 0);
	c->next = t.conns;
	t.conns = c;
}

static void over(struct timer *k)
{
	loop_stop(k->loop, 0);
}

static void turn(int64_t ms)
{
	assert_int_equal(timer_set(&t.timer, loop_now(t.b->loop) + ms), 0);
	assert_int_equal(loop_run(t.b->loop), 0);
}

static void tell(const char *event)
{
	char chunk[2000];

	assert_non_null(t.events);
	snprintf(chunk, sizeof(chunk), "%zx\r\n%s\r\n", strlen(event), event);
	say(t.events, chunk);
	turn(30);
}

static void woke(struct waiter *w)
{
	(void)w;
	t.woken++;
}

static void listens(void)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	int fd = -1;

	assert_int_equal(sock_listen(t.path, SOCK_STREAM, 0600, &fd, &err), 0);
	assert_int_equal(source_add(t.b->loop, &t.listener, fd, EPOLLIN, listener_run), 0);
}

static int set_up(void **state)
{
	_cleanup_(buf_free) struct buf err = BUF(4096);

	(void)state;
	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "/tmp/test-sync.XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	snprintf(t.path, sizeof(t.path), "%s/sock", t.dir);
	t.b = calloc(1, sizeof(*t.b));
	assert_non_null(t.b);
	assert_int_equal(loop_new(&t.b->loop), 0);
	snprintf(t.b->conf.engine_socket, sizeof(t.b->conf.engine_socket), "%s", t.path);
	assert_int_equal(store_open(t.dir, &t.b->store, &err), 0);
	store_keep_labels(t.b->store, true);
	timer_init(t.b->loop, &t.timer, over);
	t.waiter.wake = woke;
	node_init(&t.waiter.node);
	put("/networks", "[" BRIDGE "]");
	put("/volumes", "{\"Volumes\":null}");
	put("/containers/json?all=1", "[]");
	put("/images/json?all=1", "[]");
	listens();
	return 0;
}

static int tear_down(void **state)
{
	char file[128];

	(void)state;
	node_remove(&t.waiter.node);
	sync_stop(t.b);
	asks_stop(t.b);
	while (t.conns)
		conn_close(t.conns);
	timer_remove(&t.timer);
	source_close(&t.listener);
	loop_free(t.b->loop);
	store_close(t.b->store);
	unlink(t.path);
	snprintf(file, sizeof(file), "%s/objects", t.dir);
	unlink(file);
	rmdir(t.dir);
	free(t.b);
	return 0;
}

static void start(void)
{
	assert_int_equal(sync_start(t.b), 0);
	assert_int_equal(sync_ready(t.b, &t.waiter), SYNC_WAIT);
	turn(150);
}

static void ready(void)
{
	start();
	assert_int_equal(t.woken, 1);
	assert_int_equal(sync_ready(t.b, NULL), SYNC_GOOD);
}

static struct entry *get(enum object_kind kind, const char *id)
{
	return store_get(t.b->store, kind, slice_from(id));
}

static void assert_owner(const struct entry *e, uint32_t uid, const char *name)
{
	assert_non_null(e);
	assert_int_equal(e->nowners, 1);
	assert_int_equal(e->owners[0].uid, uid);
	assert_string_equal(e->owners[0].name, name);
}

static void own(enum object_kind kind, const char *id)
{
	struct owner o = { .uid = 2001, .name = "alice", .team = "" };
	struct entry *e = store_add(t.b->store, kind, slice_from(id), SLICE(""));

	assert_non_null(e);
	assert_int_equal(store_own(t.b->store, e, &o), 0);
}

/* ---- lists ---- */

static void test_lists(void **state)
{
	const struct entry *e;

	(void)state;
	own(OBJECT_CONTAINER, ID("1"));
	own(OBJECT_CONTAINER, ID("9"));		/* went while we were away */
	own(OBJECT_IMAGE, "sha256:" ID("5"));
	own(OBJECT_IMAGE, "sha256:" ID("6"));
	own(OBJECT_TAG, "docker.io/library/web:1");
	own(OBJECT_TAG, "docker.io/library/gone:1");
	put("/containers/json?all=1", "[" BOX(ID("1"), "one", "running", OWNED) ","
	    BOX(ID("2"), "two", "exited", OWNED) "," BOX(ID("3"), "three", "paused", "") "]");
	put(IMAGE_PAGE, PICTURE(""));
	put("/volumes", "{\"Volumes\":[" VOLUME("data", OWNED) "],\"Warnings\":null}");
	put("/images/json?all=1", "[{\"Id\":\"sha256:" ID("5") "\",\"RepoTags\":[\"web:1\"]}]");
	ready();
	e = get(OBJECT_CONTAINER, ID("1"));
	assert_owner(e, 2001, "alice");		/* the record, not the label */
	assert_string_equal(e->name, "one");
	assert_true(e->active);
	e = get(OBJECT_CONTAINER, ID("2"));
	turn(50);				/* its image is looked at */
	assert_owner(e, OWNER_ANY_UID, "alice");
	assert_string_equal(e->owners[0].team, "dev");
	assert_false(e->active);
	assert_int_equal(e->nlabels, 2);
	e = get(OBJECT_CONTAINER, ID("3"));
	assert_int_equal(e->nowners, 0);
	assert_true(e->active);
	assert_owner(get(OBJECT_VOLUME, "data"), OWNER_ANY_UID, "alice");
	assert_true(get(OBJECT_NETWORK, ID("b"))->common);
	assert_non_null(get(OBJECT_IMAGE, "sha256:" ID("5")));
	assert_non_null(get(OBJECT_TAG, "docker.io/library/web:1"));
	assert_null(get(OBJECT_CONTAINER, ID("9")));
	assert_null(get(OBJECT_IMAGE, "sha256:" ID("6")));
	assert_null(get(OBJECT_TAG, "docker.io/library/gone:1"));
}

/* A label that its image has says nothing of who made the container: whoever
 * built the image chose it. */
static void test_inherited(void **state)
{
	(void)state;
	own(OBJECT_CONTAINER, ID("1"));
	put(IMAGE_PAGE, PICTURE(OWNED));
	put("/containers/json?all=1", "[" BOX(ID("1"), "one", "running", OWNED) ","
	    BOX(ID("2"), "two", "running", OWNED) "]");
	ready();
	turn(50);
	assert_int_equal(asked(IMAGE_PAGE), 1);
	assert_owner(get(OBJECT_CONTAINER, ID("1")), 2001, "alice");
	assert_int_equal(get(OBJECT_CONTAINER, ID("2"))->nowners, 0);
	tell(EVENT("container", "create", ID("3"), "\"name\":\"three\"," OWNED));
	assert_int_equal(get(OBJECT_CONTAINER, ID("3"))->nowners, 0);
}

/* A list that is no list: nothing is swept, and nobody is told that all is well. */
static void test_bad_list(void **state)
{
	(void)state;
	own(OBJECT_CONTAINER, ID("1"));
	put("/containers/json?all=1", "[" BOX(ID("2"), "two", "running", "") ",");
	start();
	assert_int_not_equal(sync_ready(t.b, NULL), SYNC_GOOD);
	assert_non_null(get(OBJECT_CONTAINER, ID("1")));
	put("/containers/json?all=1", "[]");
	turn(2500);
	assert_int_equal(sync_ready(t.b, NULL), SYNC_GOOD);
	assert_null(get(OBJECT_CONTAINER, ID("1")));
}

/* The list that comes last is older than what events said meanwhile. */
static void test_race(void **state)
{
	(void)state;
	hold("/containers/json?all=1");
	start();
	assert_int_equal(t.woken, 0);
	tell(EVENT("container", "destroy", ID("1"), "\"name\":\"one\""));
	tell(EVENT("container", "rename", ID("2"), "\"name\":\"new\",\"oldName\":\"/two\"," OWNED));
	tell(EVENT("container", "die", ID("3"), "\"name\":\"three\""));
	tell(EVENT("container", "create", ID("4"), "\"name\":\"four\",\"image\":\"busybox\"," OWNED));
	put("/containers/json?all=1", "[" BOX(ID("1"), "one", "running", "") ","
	    BOX(ID("2"), "two", "running", OWNED) "," BOX(ID("3"), "three", "running", "") "]");
	put(IMAGE_PAGE, PICTURE(""));
	turn(80);
	assert_int_equal(t.woken, 1);
	assert_null(get(OBJECT_CONTAINER, ID("1")));
	assert_string_equal(get(OBJECT_CONTAINER, ID("2"))->name, "new");
	assert_owner(get(OBJECT_CONTAINER, ID("2")), OWNER_ANY_UID, "alice");
	assert_false(get(OBJECT_CONTAINER, ID("3"))->active);
	assert_string_equal(get(OBJECT_CONTAINER, ID("3"))->name, "three");
	assert_non_null(get(OBJECT_CONTAINER, ID("4")));
	/* and once more, when nothing changes meanwhile */
	put("/containers/json?all=1", "[" BOX(ID("2"), "new", "running", OWNED) "]");
	sync_again(t.b);
	assert_int_equal(sync_ready(t.b, &t.waiter), SYNC_WAIT);
	turn(50);
	assert_int_equal(t.woken, 2);
	assert_null(get(OBJECT_CONTAINER, ID("4")));
}

/* ---- events ---- */

static void test_containers(void **state)
{
	const struct entry *e;

	(void)state;
	ready();
	tell(EVENT("container", "create", ID("1"), "\"name\":\"one\",\"image\":\"busybox\","
	    "\"color\":\"red\"," OWNED));
	e = get(OBJECT_CONTAINER, ID("1"));
	assert_non_null(e);
	assert_int_equal(e->nowners, 0);	/* until an answer or a list says so */
	assert_string_equal(e->name, "one");
	assert_string_equal(e->image, "busybox");
	assert_int_equal(e->nlabels, 3);	/* its name is no label */
	assert_true(e->active);
	tell(EVENT("container", "die", ID("1"), "\"name\":\"one\""));
	assert_false(e->active);
	tell(EVENT("container", "start", ID("1"), "\"name\":\"one\""));
	assert_true(e->active);
	tell(EVENT("container", "rename", ID("1"), "\"name\":\"uno\",\"oldName\":\"/one\""));
	assert_string_equal(e->name, "uno");
	/* told twice, and after the broker has entered it */
	own(OBJECT_CONTAINER, ID("2"));
	tell(EVENT("container", "create", ID("2"), "\"name\":\"two\"," OWNED));
	assert_owner(get(OBJECT_CONTAINER, ID("2")), 2001, "alice");
	/* before the broker has */
	tell(EVENT("container", "create", ID("3"), "\"name\":\"three\"," OWNED));
	own(OBJECT_CONTAINER, ID("3"));
	assert_owner(get(OBJECT_CONTAINER, ID("3")), 2001, "alice");
	tell(EVENT("container", "destroy", ID("1"), "\"name\":\"uno\""));
	tell(EVENT("container", "destroy", ID("1"), "\"name\":\"uno\""));
	assert_null(get(OBJECT_CONTAINER, ID("1")));
	assert_non_null(get(OBJECT_CONTAINER, ID("2")));
}

static void test_networks_volumes(void **state)
{
	(void)state;
	ready();
	put("/networks/" ID("1"), NET(ID("1"), "net", OWNED));
	tell(EVENT("network", "create", ID("1"), "\"name\":\"net\",\"type\":\"bridge\""));
	assert_owner(get(OBJECT_NETWORK, ID("1")), OWNER_ANY_UID, "alice");
	assert_string_equal(get(OBJECT_NETWORK, ID("1"))->name, "net");
	assert_false(get(OBJECT_NETWORK, ID("1"))->common);
	tell(EVENT("network", "destroy", ID("1"), "\"name\":\"net\""));
	assert_null(get(OBJECT_NETWORK, ID("1")));
	/* one that the broker has entered is not asked about */
	own(OBJECT_VOLUME, "known");
	put("/volumes/known", VOLUME("known", OWNED));
	tell(EVENT("volume", "create", "known", "\"driver\":\"local\""));
	assert_int_equal(asked("/volumes/known"), 0);
	put("/volumes/data", VOLUME("data", OWNED));
	tell(EVENT("volume", "create", "data", "\"driver\":\"local\""));
	assert_owner(get(OBJECT_VOLUME, "data"), OWNER_ANY_UID, "alice");
	/* gone, and made again through the broker before we heard of it */
	tell(EVENT("volume", "destroy", "known", "\"driver\":\"local\""));
	assert_owner(get(OBJECT_VOLUME, "known"), 2001, "alice");
	/* past the broker: it is another's now */
	own(OBJECT_VOLUME, "other");
	put("/volumes/other", VOLUME("other", ""));
	tell(EVENT("volume", "destroy", "other", "\"driver\":\"local\""));
	assert_int_equal(get(OBJECT_VOLUME, "other")->nowners, 0);
	put("/volumes/known", NULL);
	tell(EVENT("volume", "destroy", "known", "\"driver\":\"local\""));
	assert_null(get(OBJECT_VOLUME, "known"));
	/* made again while the Engine still says no */
	hold("/volumes/data");
	tell(EVENT("volume", "destroy", "data", "\"driver\":\"local\""));
	own(OBJECT_VOLUME, "data");
	put("/volumes/data", NULL);
	put("/volumes/data", VOLUME("data", OWNED));
	turn(50);
	assert_non_null(get(OBJECT_VOLUME, "data"));
}

static void test_execs(void **state)
{
	(void)state;
	put("/containers/json?all=1", "[" BOX(ID("1"), "one", "running", "") ","
	    BOX(ID("2"), "two", "running", "") "]");
	ready();
	tell(EVENT("container", "exec_create: sh", ID("1"), "\"execID\":\"" ID("e") "\""));
	assert_string_equal(get(OBJECT_EXEC, ID("e"))->parent, ID("1"));
	tell(EVENT("container", "exec_die", ID("1"), "\"execID\":\"" ID("e") "\""));
	assert_non_null(get(OBJECT_EXEC, ID("e")));	/* still to be inspected */
	put("/exec/" ID("f") "/json", "{\"ContainerID\":\"" ID("2") "\"}");
	assert_int_equal(sync_exec(t.b, SLICE(ID("f")), &t.waiter), SYNC_WAIT);
	turn(30);
	assert_int_equal(t.woken, 2);
	assert_int_equal(sync_exec(t.b, SLICE(ID("f")), NULL), SYNC_GOOD);
	assert_string_equal(get(OBJECT_EXEC, ID("f"))->parent, ID("2"));
	tell(EVENT("container", "destroy", ID("1"), ""));
	assert_null(get(OBJECT_EXEC, ID("e")));
	assert_non_null(get(OBJECT_EXEC, ID("f")));
	/* by a list */
	put("/containers/json?all=1", "[]");
	sync_again(t.b);
	turn(50);
	assert_null(get(OBJECT_EXEC, ID("f")));
}

/* ---- images ---- */

#define WEB	"docker.io/library/web:1"
#define INSPECT	"/images/" WEB "/json"
#define IMAGE(id, env) "{\"Id\":\"sha256:" id "\",\"RepoTags\":[\"web:1\"],\"Config\":" \
	"{\"Env\":[\"PATH=/bin\"" env "],\"Volumes\":{\"/data\":{}}}}"

static int look(const char *ref)
{
	int r = sync_image(t.b, slice_from(ref), &t.waiter, &t.image);

	if (r == SYNC_WAIT) {
		unsigned before = t.woken;
		turn(30);
		assert_int_equal(t.woken, before + 1);
	}
	return r;
}

/* In the turn in which it is told. */
static void woke_look(struct waiter *w)
{
	t.woken++;
	assert_int_equal(sync_image(t.b, SLICE(WEB), w, &t.image), SYNC_GOOD);
}

static void test_images(void **state)
{
	(void)state;
	put(INSPECT, IMAGE(ID("5"), ""));
	ready();
	assert_int_equal(look(WEB), SYNC_WAIT);
	assert_int_equal(look(WEB), SYNC_GOOD);
	assert_false(t.image->missing || t.image->devices);
	assert_string_equal(t.image->id, "sha256:" ID("5"));
	assert_int_equal(t.image->nvolumes, 1);
	assert_int_equal(t.image->ntags, 1);
	assert_int_equal(asked(INSPECT), 1);
	/* until the Engine says that something has changed */
	put(INSPECT, IMAGE(ID("6"), ",\"NVIDIA_VISIBLE_DEVICES=all\""));
	tell(EVENT("image", "save", "sha256:" ID("5"), ""));
	assert_int_equal(look(WEB), SYNC_GOOD);
	tell(EVENT("image", "tag", "sha256:" ID("6"), "\"name\":\"web:1\""));
	assert_int_equal(look(WEB), SYNC_WAIT);
	assert_int_equal(look(WEB), SYNC_GOOD);
	assert_string_equal(t.image->id, "sha256:" ID("6"));
	assert_true(t.image->devices);
	put(INSPECT, IMAGE(ID("6"), ",\"NVIDIA_VISIBLE_DEVICES=void\""));
	sync_images_changed(t.b);
	assert_int_equal(look(WEB), SYNC_WAIT);
	assert_int_equal(look(WEB), SYNC_GOOD);
	assert_false(t.image->devices);
	assert_int_equal(asked(INSPECT), 3);
}

static void test_image_gone(void **state)
{
	(void)state;
	ready();
	own(OBJECT_TAG, WEB);
	assert_int_equal(look(WEB), SYNC_WAIT);
	assert_int_equal(look(WEB), SYNC_GOOD);
	assert_true(t.image->missing);
	assert_null(get(OBJECT_TAG, WEB));
	/* given while the Engine was asked: it stays */
	put(INSPECT, NULL);
	hold(INSPECT);
	sync_images_changed(t.b);
	assert_int_equal(sync_image(t.b, SLICE(WEB), &t.waiter, &t.image), SYNC_WAIT);
	turn(30);
	own(OBJECT_TAG, WEB);
	serve(page(INSPECT), NULL);
	turn(30);
	assert_non_null(get(OBJECT_TAG, WEB));
	/* held, and removed */
	own(OBJECT_IMAGE, "sha256:" ID("5"));
	put("/images/sha256%3A" ID("5") "/json", IMAGE(ID("5"), ""));
	tell(EVENT("image", "delete", "sha256:" ID("5"), ""));
	assert_non_null(get(OBJECT_IMAGE, "sha256:" ID("5")));
	put("/images/sha256%3A" ID("5") "/json", NULL);
	tell(EVENT("image", "delete", "sha256:" ID("5"), ""));
	assert_null(get(OBJECT_IMAGE, "sha256:" ID("5")));
}

/* An event comes while the Engine is asked: it is asked again. */
static void test_image_race(void **state)
{
	(void)state;
	hold(INSPECT);
	ready();
	t.waiter.wake = woke_look;
	assert_int_equal(sync_image(t.b, SLICE(WEB), &t.waiter, &t.image), SYNC_WAIT);
	turn(30);
	tell(EVENT("image", "tag", "sha256:" ID("6"), "\"name\":\"web:1\""));
	serve(page(INSPECT), IMAGE(ID("5"), ""));
	page(INSPECT)->held = true;
	turn(30);
	assert_int_equal(t.woken, 1);
	serve(page(INSPECT), IMAGE(ID("6"), ""));
	turn(30);
	assert_int_equal(t.woken, 2);
	assert_int_equal(look(WEB), SYNC_GOOD);
	assert_string_equal(t.image->id, "sha256:" ID("6"));
	assert_int_equal(asked(INSPECT), 2);
}

/* ---- the Engine goes, and comes again ---- */

static void test_restart(void **state)
{
	(void)state;
	put("/containers/json?all=1", "[" BOX(ID("1"), "one", "running", OWNED) "]");
	ready();
	source_close(&t.listener);
	unlink(t.path);
	while (t.conns)
		conn_close(t.conns);
	turn(50);
	assert_int_equal(sync_ready(t.b, &t.waiter), SYNC_DOWN);
	turn(150);
	assert_int_equal(sync_ready(t.b, &t.waiter), SYNC_DOWN);
	assert_int_equal(look(WEB), SYNC_DOWN);
	assert_non_null(get(OBJECT_CONTAINER, ID("1")));
	listens();
	put("/containers/json?all=1", "[" BOX(ID("2"), "two", "running", OWNED) "]");
	turn(150);
	/* nobody waits for the end of a pause */
	if (sync_ready(t.b, &t.waiter) == SYNC_WAIT)
		turn(150);
	assert_int_equal(sync_ready(t.b, NULL), SYNC_GOOD);
	assert_null(get(OBJECT_CONTAINER, ID("1")));
	assert_non_null(get(OBJECT_CONTAINER, ID("2")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_inherited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bad_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_race, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_containers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_networks_volumes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_execs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_images, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_image_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_image_race, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
