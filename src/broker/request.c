/*
 * request.c: the way of a request from its head to the decision: copy what is
 * needed, decode the target, find the row, write path, query and body anew,
 * decide, and make the record and the request that the Engine gets.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/guard.h"

#define ARENA	(BOUND_HEAD * 2 + 4 * BOUND_BODY)

struct request *request_new(struct broker *b)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->broker = b;
	arena_init(&r->arena, ARENA);
	r->id = b->next_id++;
	r->began = r->asked = loop_now(b->loop);
	r->began_real = loop_realtime(b->loop);
	r->path = BUF(4 * BOUND_TARGET);
	r->query = BUF(4 * BOUND_TARGET);
	r->body = BUF(2 * BOUND_BODY);
	r->raw = BUF(b->conf.max_body);
	b->requests++;
	return r;
}

static void wipe(struct slice s)
{
	if (s.p)
		explicit_bzero((void *)(uintptr_t)s.p, s.n);
}

void request_free(struct request *r)
{
	wipe(r->registry_auth);
	wipe(r->registry_config);
	body_wipe(&r->facts);
	limit_unreserve(r);
	if (r->keeping)
		guard_leave(r->keeping, false);
	kept_put(r->shown);
	kept_put(r->about);
	made_unpin(r, r->forwarded && !r->ended && !r->faulted);
	answer_free(r->narrowed);
	archive_free(r->archive);
	buf_free(&r->held_head);
	buf_free(&r->held);
	buf_free(&r->unchecked);
	buf_free(&r->checked);
	buf_free(&r->path);
	buf_free(&r->query);
	buf_wipe(&r->body);
	buf_wipe(&r->raw);
	rights_unref(r->rights);
	arena_free(&r->arena);
	free(r);
}

/* Base64 and tokens: what such header values are made of, and nothing that
 * could end a line or be read as more than one value. */
static bool plain(struct slice s, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z');
		if (!alnum && (!c || !strchr(also, c)))
			return false;
	}
	return true;
}

static bool take(struct request *r, const struct http_head *h, enum header id,
    const char *also, struct slice *out)
{
	struct slice v = h->known[id];

	if (!v.p || !v.n)
		return true;
	if (!plain(v, also))
		return false;
	*out = arena_copy(&r->arena, v);
	return out->p != NULL;
}

bool request_head(struct client *c, const struct http_head *h)
{
	struct request *r = c->request;
	struct http_error err;

	r->method = h->method;
	r->minor = h->minor;
	r->framing = h->framing;
	r->length = h->framing == FRAMING_LENGTH ? h->length : 0;
	r->keep_alive = h->keep_alive;
	r->expect = h->expect_continue;
	r->upgrade = h->upgrade;
	r->body_done = h->framing == FRAMING_NONE || (h->framing == FRAMING_LENGTH && !h->length);
	facts_init(&r->facts, &r->arena);
	if (h->framing == FRAMING_CHUNKED)
		http_chunked_init(&r->up);
	if (!take(r, h, HEADER_UPGRADE, "-./", &r->upgrade_to) ||
	    !take(r, h, HEADER_REGISTRY_AUTH, "+/=-_", &r->registry_auth) ||
	    !take(r, h, HEADER_REGISTRY_CONFIG, "+/=-_", &r->registry_config) ||
	    !take(r, h, HEADER_WEBSOCKET_KEY, "+/=", &r->ws_key) ||
	    !take(r, h, HEADER_WEBSOCKET_VERSION, "", &r->ws_version) ||
	    !take(r, h, HEADER_WEBSOCKET_PROTOCOL, "-._, ", &r->ws_protocol) ||
	    !take(r, h, HEADER_ORIGIN, ":/.-_[]", &r->origin))
		return false;
	r->content_type = arena_copy(&r->arena, h->known[HEADER_CONTENT_TYPE]);
	struct slice target = arena_copy(&r->arena, h->target);
	if (!target.p)
		return false;
	int k = http_target_parse(target, c->broker->conf.max_parameters,
	    &r->arena, &r->target, &err);
	if (k == HTTP_GOOD)
		return true;
	/* The reason is told by step_find, once it is known who asks. */
	r->target.nsegments = 0;
	r->status = k == HTTP_BAD ? err.status : 503;
	r->path.len = 0;
	buf_addz(&r->path, k == HTTP_BAD ? err.why : "out of memory");
	return true;
}

void request_refusal(struct client *c, struct refusal *why)
{
	_cleanup_(buf_free) struct buf text = BUF(4096);

	buf_addz(&text, "dockbroker: ");
	buf_adds(&text, buf_slice(&why->message));
	request_refused(c, why->status, buf_slice(&text));
	buf_free(&why->message);
}

static bool starts_nocase(struct slice s, struct slice with)
{
	return s.n >= with.n && slice_equal_nocase((struct slice){ s.p, with.n }, with);
}

static bool request_upgrade(struct client *c)
{
	struct request *r = c->request;
	enum stream_kind stream = r->facts.endpoint->stream;
	bool good = !r->upgrade ||
	    (stream == STREAM_HIJACK && slice_equal_nocase(r->upgrade_to, SLICE("tcp"))) ||
	    (stream == STREAM_WEBSOCKET && slice_equal_nocase(r->upgrade_to, SLICE("websocket")));

	if (good && stream == STREAM_WEBSOCKET && (!r->upgrade || !r->ws_key.n)) {
		request_refused(c, 400, SLICE("dockbroker: this request needs a"
		    " websocket handshake"));
		return false;
	}
	if (!good) {
		r->body_done = false;	/* who asks for another protocol may speak it */
		request_refused(c, 400, SLICE("dockbroker: this request cannot be"
		    " upgraded to another protocol"));
	}
	return good;
}

static bool request_later(struct client *c)
{
	c->request->body_done = false;
	request_refused(c, 501, SLICE("dockbroker: builds with BuildKit (/session"
	    " and /grpc) are not available through the broker yet; build with"
	    " DOCKER_BUILDKIT=0"));
	return false;
}

bool request_find(struct client *c)
{
	struct request *r = c->request;
	struct refusal why = { .message = BUF(4096) };

	if (!r->target.nsegments && r->status) {
		_cleanup_(buf_free) struct buf text = BUF(1024);
		buf_addf(&text, "dockbroker: %s", buf_text(&r->path));
		buf_reset(&r->path);
		r->body_done = false;
		request_refused(c, r->status, buf_slice(&text));
		return false;
	}
	int k = catalog_find(r->method, &r->target, c->broker->engine.minor,
	    &r->facts, &why);
	if (k == DOCKER_GOOD && r->facts.endpoint->flags & LATER)
		return request_later(c);
	if (k == DOCKER_GOOD && !request_upgrade(c))
		return false;
	if (k == DOCKER_GOOD)
		k = query_read(&r->target, &r->facts, &why);
	if (k != DOCKER_GOOD && why.status == 404) {
		/* no such path, or no such name: as the Engine says it */
		request_missing(c, 404, buf_slice(&why.message), buf_slice(&why.message));
		buf_free(&why.message);
		return false;
	}
	if (k != DOCKER_GOOD) {
		request_refusal(c, &why);
		return false;
	}
	path_write(&r->facts, &r->target, &r->path);
	if (starts_nocase(r->content_type, SLICE("application/x-www-form-urlencoded")) ||
	    starts_nocase(r->content_type, SLICE("multipart/"))) {
		request_refused(c, 400, SLICE("dockbroker: forms are not accepted;"
		    " send JSON with Content-Type: application/json"));
		return false;
	}
	if (r->facts.endpoint->body == BODY_NONE && r->framing == FRAMING_LENGTH &&
	    !(r->facts.endpoint->flags & DROPS_BODY) && r->length > 64) {
		request_refused(c, 400, SLICE("dockbroker: this request takes no body"));
		return false;
	}
	if (buf_ok(&r->path))
		return true;
	request_refused(c, 414, SLICE("dockbroker: the request target is too long"));
	return false;
}

static bool body_none(struct client *c, struct slice body)
{
	/* What real clients repeat there is read and goes no further. */
	if (c->request->facts.endpoint->flags & DROPS_BODY)
		return true;
	while (body.n && strchr(" \t\r\n", body.p[body.n - 1]))
		body.n--;
	body = slice_trim(body);
	if (!body.n || slice_is(body, "{}") || slice_is(body, "null"))
		return true;
	request_refused(c, 400, SLICE("dockbroker: this request takes no body"));
	return false;
}

bool request_body(struct client *c, struct slice body)
{
	struct request *r = c->request;
	struct refusal why = { .message = BUF(8192) };

	if (r->facts.endpoint->body == BODY_NONE)
		return body_none(c, body);
	int k = body_read(body, &r->facts, &why);
	if (k == DOCKER_GOOD) {
		guard_unask(c);
		return true;
	}
	if (k < 0)
		refusal_set(&why, 503, "out of memory, try again");
	request_refusal(c, &why);
	return false;
}

/* `docker inspect NAME' asks of every kind, the last ones of plugins and of
 * swarm's things: 403 would hide the "No such object" that the command line
 * prints after a 404. */
static bool asks_what(unsigned endpoint)
{
	switch (endpoint) {
	case EP_PLUGIN_INSPECT:
	case EP_SERVICE_INSPECT:
	case EP_TASK_INSPECT:
	case EP_NODE_INSPECT:
	case EP_SECRET_INSPECT:
	case EP_CONFIG_INSPECT:
		return true;
	default:
		return false;
	}
}

bool request_decide(struct client *c, bool final)
{
	struct request *r = c->request;
	_cleanup_(buf_free) struct buf text = BUF(8192);
	_cleanup_(buf_free) struct buf why = BUF(32768);

	r->facts.guarded = guard_wanted(c);
	policy_decide(r->rights, &r->facts, r->began_real / 1000000, final, &r->verdict);
	if (r->verdict.allowed)
		return true;
	buf_addz(&text, "dockbroker: ");
	verdict_sentence(&r->verdict, &r->facts, c->who, r->id, &text);
	verdict_explain(&r->verdict, &r->facts, c->who, r->rights, &why);
	reason_keep(c->broker, r->id, c->who->uid, buf_slice(&why));
	request_refused(c, asks_what(r->facts.endpoint->id) ? 404 : 403,
	    buf_slice(&text));
	return false;
}

/* ---- records ---- */

void record_person(const struct who *w, struct buf *r)
{
	if (w->account)
		record_text(r, FIELD_USER, slice_from(w->account->name));
	record_uint(r, FIELD_UID, w->uid);
	if (w->loginuid != WHO_UNSET) {
		record_uint(r, FIELD_LOGIN_UID, w->loginuid);
		if (w->account && w->loginuid == w->uid)
			record_text(r, FIELD_LOGIN, slice_from(w->account->name));
	}
	if (w->session != WHO_UNSET)
		record_uint(r, FIELD_SESSION, w->session);
	record_text(r, FIELD_TTY, slice_from(w->tty));
	record_uint(r, FIELD_PID, (uint64_t)w->pid);
	record_text(r, FIELD_EXE, slice_from(w->exe));
}

static void record_who(struct client *c, struct buf *r)
{
	record_person(c->who, r);
	record_text(r, FIELD_SOCKET, slice_from(socket_kind_name(c->kind)));
	record_text(r, FIELD_SERVICE, slice_from(c->who->service));
	if (c->who->container)
		record_bool(r, FIELD_CONTAINER_PEER, true);
}

static void record_reach(const struct facts *f, struct buf *r)
{
	struct slice paths[BOUND_REACH];

	for (size_t i = 0; i < f->nreach; i++)
		paths[i] = f->reach[i].path;
	if (f->nreach)
		record_list(r, FIELD_REACH, paths, f->nreach);
}

/* As users know it: "volume rm" stands in the table as volume-rm. */
static void record_word(const struct facts *f, struct buf *r)
{
	struct slice words = slice_from(f->endpoint ? f->endpoint->words : "");
	struct slice word = slice_cut(&words, ' ');
	char text[BOUND_NAME], *space;
	size_t n = word.n < sizeof(text) ? word.n : sizeof(text);

	memcpy(text, word.p, n);
	space = memchr(text, '-', n);
	if (space)
		*space = ' ';
	record_text(r, FIELD_WORD, (struct slice){ text, n });
}

/* What it is about: by its id, and whose it is; in a result also what was made. */
static void record_object(const struct request *q, struct buf *r)
{
	const struct facts *f = &q->facts;

	if (q->new_id.n) {
		record_text(r, FIELD_OBJECT_ID, q->new_id);
		record_text(r, FIELD_OWNER, slice_from(q->owner.name));
		return;
	}
	for (size_t i = 0; i < f->nrefs; i++) {
		const struct ref *ref = &f->refs[i];
		if (ref->state != REF_FOUND || ref->use == REF_GIVE || !ref->object ||
		    ref->kind != f->endpoint->object)
			continue;
		record_text(r, FIELD_OBJECT_ID, ref->object->id);
		if (ref->object->nowners)
			record_text(r, FIELD_OWNER, slice_from(ref->object->owners[0].name));
		return;
	}
}

static void record_asked(const struct request *q, struct buf *r)
{
	const struct facts *f = &q->facts;

	record_word(f, r);
	record_text(r, FIELD_ACTION, slice_from(f->endpoint ? f->endpoint->action : ""));
	record_text(r, FIELD_METHOD, slice_from(method_name(q->method)));
	if (f->endpoint) {
		record_text(r, FIELD_PATH, buf_slice(&q->path));
	} else {
		_cleanup_(buf_free) struct buf path = BUF(BOUND_FIELD);
		for (size_t i = 0; i < q->target.nsegments; i++) {
			buf_addc(&path, '/');
			buf_adds(&path, q->target.segments[i]);
		}
		record_text(r, FIELD_PATH, buf_slice(&path));
	}
	if (f->endpoint && f->endpoint->object != OBJECT_NONE)
		record_text(r, FIELD_KIND, slice_from(object_kind_name(f->endpoint->object)));
	record_text(r, FIELD_OBJECT, f->object);
	record_object(q, r);
	record_text(r, FIELD_OTHER, f->object2);
	record_text(r, FIELD_NAME, f->new_name);
	record_text(r, FIELD_IMAGE, f->image);
	record_json(r, FIELD_ARGV, f->argv);
	record_text(r, FIELD_AS_USER, f->user);
	record_reach(f, r);
}

void request_record(struct client *c, struct buf *r, const char *event)
{
	struct request *q = c->request;
	const struct verdict *v = &q->verdict;
	bool refused = !strcmp(event, "refused");

	journal_begin(c->broker, r, event);
	record_uint(r, FIELD_ID, q->id);
	record_who(c, r);
	record_asked(q, r);
	record_text(r, FIELD_VERDICT, refused ? SLICE("refused") : SLICE("allowed"));
	if (v->role) {
		record_text(r, FIELD_ROLE, slice_from(v->role));
		record_text(r, FIELD_GRANT, slice_from(v->grant));
	}
	if (v->file) {
		_cleanup_(buf_free) struct buf line = BUF(1024);
		buf_addz(&line, v->file);
		buf_addc(&line, ':');
		buf_addu(&line, v->line);
		record_text(r, FIELD_POLICY, buf_slice(&line));
	}
	record_text(r, FIELD_POLICY_HASH, slice_from(policy_hash(c->broker->rules.policy)));
	if (q->status) {
		record_uint(r, FIELD_STATUS, q->status);
		record_uint(r, FIELD_SENT, q->sent);
		record_uint(r, FIELD_RECEIVED, q->received);
		record_uint(r, FIELD_DURATION, (uint64_t)(loop_now(c->broker->loop) - q->began));
	}
}

static void record_refused(struct client *c, unsigned status, struct slice reason)
{
	_cleanup_(buf_free) struct buf r = BUF(BOUND_RECORD);
	struct request *q = c->request;

	c->broker->refused++;
	q->status = status;
	request_record(c, &r, "refused");
	if (slice_starts(reason, SLICE("dockbroker: ")))
		reason = (struct slice){ reason.p + 12, reason.n - 12 };
	record_text(&r, FIELD_REASON, reason);
	if (!journal_add(c->broker, &r, false))
		log_warn("a refusal of uid %u could not be recorded", c->who->uid);
}

void request_refused(struct client *c, unsigned status, struct slice reason)
{
	record_refused(c, status, reason);
	client_error(c, status, "%s%.*s", slice_starts(reason, SLICE("dockbroker: ")) ?
	    "" : "dockbroker: ", SLICE_ARG(reason));
}

void request_missing(struct client *c, unsigned status, struct slice text, struct slice reason)
{
	record_refused(c, status, reason);
	client_error(c, status, "%.*s", SLICE_ARG(text));
}

void request_answer(struct client *c, unsigned status, struct slice json)
{
	_cleanup_(buf_free) struct buf out = BUF(json.n + 1024);
	struct request *r = c->request;

	r->status = status;
	r->sent = json.n;
	relay_finish(c, NULL);
	bool keep = client_stays(c, status);
	http_write_answer(&out, status, json, !keep && client_tells_close(c),
	    c->broker->engine.api_version);
	if (!buf_ok(&out) || !client_send(c, buf_slice(&out), SLICE_NONE))
		client_close(c);
	else if (keep)
		client_next(c);
	else
		client_linger(c);
}

/* ---- what the Engine gets ---- */

static void add_field(struct buf *b, const char *name, struct slice value)
{
	if (!value.n)
		return;
	buf_addz(b, name);
	buf_addz(b, ": ");
	buf_adds(b, value);
	buf_add(b, "\r\n", 2);
}

static void compose_upgrade(const struct request *r, struct buf *out)
{
	if (r->facts.endpoint->stream == STREAM_WEBSOCKET) {
		buf_addz(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
		add_field(out, "Sec-WebSocket-Key", r->ws_key);
		add_field(out, "Sec-WebSocket-Version", r->ws_version);
		add_field(out, "Sec-WebSocket-Protocol", r->ws_protocol);
		add_field(out, "Origin", r->origin.n ? r->origin : SLICE("http://docker"));
	} else {
		buf_addz(out, "Connection: Upgrade\r\nUpgrade: tcp\r\n");
	}
}

static void compose_body(struct request *r, struct buf *out)
{
	const struct endpoint *e = r->facts.endpoint;

	switch (e->body) {
	case BODY_NONE:
		if (r->method != METHOD_GET && r->method != METHOD_HEAD)
			buf_addz(out, "Content-Length: 0\r\n");
		break;
	case BODY_JSON:
		if (r->body.len)
			buf_addz(out, "Content-Type: application/json\r\n");
		if (r->body.len || r->method != METHOD_GET) {
			buf_addz(out, "Content-Length: ");
			buf_addu(out, r->body.len);
			buf_add(out, "\r\n", 2);
		}
		break;
	case BODY_TAR:
	case BODY_OPAQUE:
		if (e->body == BODY_TAR)
			buf_addz(out, "Content-Type: application/x-tar\r\n");
		if (r->framing == FRAMING_CHUNKED || r->archive) {
			buf_addz(out, "Transfer-Encoding: chunked\r\n");
		} else {
			buf_addz(out, "Content-Length: ");
			buf_addu(out, r->length);
			buf_add(out, "\r\n", 2);
		}
		break;
	}
}

void request_compose(struct client *c, struct buf *out)
{
	struct request *r = c->request;

	buf_addz(out, method_name(r->method));
	buf_addc(out, ' ');
	buf_adds(out, buf_slice(&r->path));
	buf_adds(out, buf_slice(&r->query));
	buf_addz(out, " HTTP/1.1\r\nHost: docker\r\nUser-Agent: dockbroker\r\n");
	/* without it the Engine looks for one in the body, which docker-py sends */
	if (r->facts.endpoint->id == EP_IMAGE_PUSH && !r->registry_auth.n)
		add_field(out, "X-Registry-Auth", SLICE("e30="));
	add_field(out, "X-Registry-Auth", r->registry_auth);
	if (r->facts.endpoint->body == BODY_TAR)
		add_field(out, "X-Registry-Config", r->registry_config);
	if (r->upgrade)
		compose_upgrade(r, out);
	compose_body(r, out);
	buf_add(out, "\r\n", 2);
	buf_adds(out, buf_slice(&r->body));
}
