/*
 * manifest.c: the names that images get by an archive of `docker load'.  The
 * Engine's keys match in any case, and later files replace earlier ones: so
 * every name anywhere counts.
 */
#include <string.h>

#include "docker/tree.h"
#include "dockbroker/docker.h"

struct naming {
	image_name_fn *fn;
	void *arg;
	struct buf *err;
};

static int name_one(const struct naming *n, const struct node *v)
{
	if (node_is(v, NODE_NULL))
		return 0;
	if (!node_is(v, NODE_TEXT)) {
		buf_addz(n->err, "a name of an image in it is no text");
		return DOCKER_BAD;
	}
	return n->fn(n->arg, node_text(v), n->err);
}

/* [{"Config":...,"RepoTags":["a:1"],"Layers":[...]}] */
static int manifest_file(const struct naming *n, const struct node *root)
{
	int r = 0;

	for (const struct node *image = node_first(root); r == 0 && image; image = image->next)
		for (const struct node *m = node_is(image, NODE_OBJECT) ?
		    node_first(image) : NULL; r == 0 && m; m = m->next) {
			if (!slice_equal_nocase(m->key, SLICE("RepoTags")))
				continue;
			for (const struct node *t = node_first(m); r == 0 && t; t = t->next)
				r = name_one(n, t);
		}
	return r;
}

/* {"a":{"1":"id"}} */
static int repositories_file(const struct naming *n, const struct node *root)
{
	int r = 0;

	for (const struct node *repo = node_first(root); r == 0 && repo; repo = repo->next)
		for (const struct node *tag = node_first(repo); r == 0 && tag; tag = tag->next) {
			_cleanup_(buf_free) struct buf name = BUF(BOUND_OBJECT_NAME);

			buf_adds(&name, repo->key);
			buf_addc(&name, ':');
			buf_adds(&name, tag->key);
			if (!buf_ok(&name)) {
				buf_addz(n->err, "a name of an image in it is too long");
				return DOCKER_BAD;
			}
			r = n->fn(n->arg, buf_slice(&name), n->err);
		}
	return r;
}

/* {"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/..."}}]};
 * "org.opencontainers.image.ref.name" alone is a tag without its repository. */
static int annotations(const struct naming *n, const struct node *manifest)
{
	int r = 0;

	for (const struct node *m = node_first(manifest); r == 0 && m; m = m->next) {
		if (!slice_equal_nocase(m->key, SLICE("annotations")))
			continue;
		for (const struct node *a = node_first(m); r == 0 && a; a = a->next) {
			bool whole = slice_is(a->key, "io.containerd.image.name");
			bool part = slice_is(a->key, "org.opencontainers.image.ref.name");

			if (whole || (part && node_text(a).n &&
			    memchr(node_text(a).p, '/', node_text(a).n)))
				r = name_one(n, a);
		}
	}
	return r;
}

static int index_file(const struct naming *n, const struct node *root)
{
	int r = 0;

	for (const struct node *m = node_first(root); r == 0 && m; m = m->next)
		if (slice_equal_nocase(m->key, SLICE("manifests")))
			for (const struct node *e = node_first(m); r == 0 && e; e = e->next)
				r = annotations(n, e);
	return r;
}

int manifest_names(struct slice file, struct slice text, image_name_fn *fn,
    void *arg, struct buf *err)
{
	_cleanup_(tree_free) struct tree t = { 0 };
	struct naming n = { fn, arg, err };
	int r = tree_parse(text, &t);

	if (r < 0)
		return r;
	if (r != TREE_GOOD) {
		buf_addf(err, "%.*s in it is not JSON that can be read", SLICE_ARG(file));
		return DOCKER_BAD;
	}
	if (slice_is(file, "repositories"))
		return repositories_file(&n, t.root);
	if (slice_is(file, "index.json"))
		return index_file(&n, t.root);
	return manifest_file(&n, t.root);
}
