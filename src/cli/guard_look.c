/*
 * guard_look.c: what this host has of what the guard needs.  Reads the files
 * of root and of the Engine as the caller; they are trusted no further than to
 * be reported.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/guard.h"

#define FILE_MOST	(1024UL * 1024)
#define SUB_COUNT	65536U		/* as dockbroker-oci wants it */

struct look {
	struct guard_facts *f;
	const char *root;
};

static enum sight_of sight(int error)
{
	return error == EACCES || error == EPERM ? SEEN_CLOSED : SEEN_NOT;
}

/* It goes to terminals. */
static void keep(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
	for (; *to; to++)
		if ((unsigned char)*to < ' ' || *to == 0x7f)
			*to = '?';
}

static bool under(const struct look *l, const char *path, char out[1024])
{
	return snprintf(out, 1024, "%s%s", l->root, path) < 1024;
}

static enum sight_of slurp(const struct look *l, const char *path, struct buf *out)
{
	char name[1024];
	int fd = under(l, path, name) ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	char *room;
	ssize_t n;

	if (fd < 0)
		return sight(errno);
	while ((room = buf_room(out, 4096)) && (n = read(fd, room, 4096)) > 0)
		buf_grew(out, (size_t)n);
	close(fd);
	return SEEN;
}

/* ---- the broker ---- */

static const char *text_at(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool true_at(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static void look_status(struct guard_facts *f, struct slice status)
{
	_cleanup_(buf_free) struct buf err = BUF(1024);
	json_t *o = NULL;
	const char *guard;

	if (!status.n || json_parse(status, &o, &err) != JSON_GOOD)
		return;
	guard = text_at(o, "guard");
	f->broker = true;
	f->engine = !strcmp(guard, "good") || !strcmp(guard, "missing");
	f->registered = *text_at(o, "guard_path") != '\0';
	f->rootless = true_at(o, "rootless");
	f->podman = true_at(o, "podman");
	f->userns = true_at(o, "userns_remap");
	keep(f->default_runtime, sizeof(f->default_runtime), text_at(o, "default_runtime"));
	keep(f->program.path, sizeof(f->program.path), text_at(o, "guard_path"));
	if (!strncmp(text_at(o, "engine_api"), "1.", 2))
		f->api = (unsigned)strtoul(text_at(o, "engine_api") + 2, NULL, 10);
	json_decref(o);
}

/* ---- the Engine's settings ---- */

static void look_daemon(struct look *l)
{
	_cleanup_(buf_free) struct buf text = BUF(FILE_MOST), err = BUF(1024);
	struct guard_facts *f = l->f;
	const char *name = f->name, *path;
	const json_t *runtimes;
	char other[300];
	json_t *o = NULL;

	f->daemon = slurp(l, "/etc/docker/daemon.json", &text);
	if (f->daemon != SEEN || strspn(buf_text(&text), " \t\r\n") == text.len)
		return;			/* the Engine takes an empty one as {} */
	if (json_parse(buf_slice(&text), &o, &err) != JSON_GOOD) {
		f->daemon_bad = true;
		return;
	}
	runtimes = json_object_get(o, "runtimes");
	path = text_at(json_object_get(runtimes, name), "path");
	f->listed = *path != '\0';
	if (!f->program.path[0])
		keep(f->program.path, sizeof(f->program.path), path);
	snprintf(other, sizeof(other), "%s-default", name);
	keep(f->default_path, sizeof(f->default_path),
	    text_at(json_object_get(runtimes, other), "path"));
	keep(f->daemon_default, sizeof(f->daemon_default), text_at(o, "default-runtime"));
	f->remap = *text_at(o, "userns-remap") != '\0';
	json_decref(o);
}

/* ---- programs ---- */

static void look_program(const struct look *l, struct program *p)
{
	char name[1024];
	struct stat st;

	if (!under(l, p->path, name) || stat(name, &st) < 0) {
		p->there = sight(errno);
		return;
	}
	p->there = SEEN;
	p->safe = (st.st_uid == 0 || *l->root) && !(st.st_mode & (S_IWGRP | S_IWOTH));
	p->runs = S_ISREG(st.st_mode) && (st.st_mode & S_IXUSR);
}

/* What stands beside the program; may be itself under another name. */
static void look_beside(const struct look *l, struct program *p, const char *name)
{
	const struct program *self = &l->f->program;
	const char *slash = strrchr(self->path, '/');
	char a[1024], b[1024];
	struct stat one, two;

	snprintf(p->path, sizeof(p->path), "%.*s/%s",
	    slash ? (int)(slash - self->path) : 0, self->path, name);
	look_program(l, p);
	p->same = p->there == SEEN && under(l, p->path, a) &&
	    under(l, self->path, b) && stat(a, &one) == 0 && stat(b, &two) == 0 &&
	    one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static void look_runc(struct look *l)
{
	static const char *const dirs[] = { "/usr/local/sbin", "/usr/local/bin",
		"/usr/sbin", "/usr/bin", "/sbin", "/bin" };
	struct program *p = &l->f->runc;
	const char *set = l->f->conf->runc;

	if (strcmp(set, "search") != 0) {
		keep(p->path, sizeof(p->path), set);
		look_program(l, p);
		return;
	}
	for (size_t i = 0; i < countof(dirs); i++) {
		snprintf(p->path, sizeof(p->path), "%s/runc", dirs[i]);
		look_program(l, p);
		if (p->there == SEEN && p->runs)
			return;
	}
	p->path[0] = '\0';
	p->there = SEEN_NOT;
}

/* ---- docker.service ---- */

/* Environment="A=b" "C=d": what stands behind the name, up to the next of ends. */
static bool variable(struct slice line, const char *name, const char *ends,
    char out[256])
{
	const char *at = memmem(line.p, line.n, name, strlen(name));
	char value[256];
	size_t n = 0;

	/* PATH= is no part of another's name */
	if (!at || at == line.p || !strchr("=\"' \t", at[-1]))
		return false;
	at += strlen(name);
	while (at + n < line.p + line.n && !strchr(ends, at[n]))
		n++;
	snprintf(value, sizeof(value), "%.*s", (int)n, at);
	keep(out, 256, value);
	return true;
}

/* A directory beside our program with a runc of ours in it. */
static bool ours(const struct look *l, const char *dir)
{
	const char *self = l->f->program.path, *slash = strrchr(self, '/');
	struct program p = { .safe = false };

	if (!slash || strncmp(dir, self, (size_t)(slash - self) + 1) != 0)
		return false;
	snprintf(p.path, sizeof(p.path), "%.200s/runc", dir);
	look_program(l, &p);
	return p.there == SEEN && p.runs;
}

static void look_line(struct look *l, struct slice line)
{
	struct guard_facts *f = l->f;
	char dir[256];

	if (!slice_starts(line, SLICE("Environment=")))
		return;
	(void)variable(line, "DOCKER_BUILDKIT_RUNC_COMMAND=", " \t\"'", f->buildkit);
	if (variable(line, "PATH=", ": \t\"'", dir))
		keep(f->buildkit_path, sizeof(f->buildkit_path), ours(l, dir) ? dir : "");
}

/* The last that is said holds. */
static void look_unit(struct look *l, const char *path)
{
	_cleanup_(buf_free) struct buf text = BUF(FILE_MOST);
	struct slice rest;

	if (slurp(l, path, &text) != SEEN)
		return;
	rest = buf_slice(&text);
	while (rest.n)
		look_line(l, slice_trim(slice_cut(&rest, '\n')));
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && !strcmp(e->d_name + n - 5, ".conf");
}

static void look_units(struct look *l)
{
	static const char *const dirs[] = { "/lib", "/usr/lib", "/run", "/etc" };
	struct dirent **names;
	char path[600], dir[1024];

	for (size_t i = 0; i < countof(dirs); i++) {
		snprintf(path, sizeof(path), "%s/systemd/system/docker.service", dirs[i]);
		look_unit(l, path);
	}
	for (size_t i = 0; i < countof(dirs); i++) {
		snprintf(path, sizeof(path), "%s/systemd/system/docker.service.d", dirs[i]);
		int n = under(l, path, dir) ? scandir(dir, &names, is_conf, alphasort) : -1;
		for (int k = 0; k < n; k++) {
			snprintf(path, sizeof(path), "%s/systemd/system/docker.service.d/%s",
			    dirs[i], names[k]->d_name);
			look_unit(l, path);
			free(names[k]);
		}
		if (n >= 0)
			free(names);
	}
}

/* ---- the directory of binds ---- */

static bool is_empty(const char *dir, bool *unread)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	bool empty = true;

	*unread = d == NULL;
	if (!d)
		return false;
	while (empty && (e = readdir(d)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	closedir(d);
	return empty;
}

static void look_binds(struct look *l)
{
	struct guard_facts *f = l->f;
	char dir[1024];
	struct statvfs vfs;
	struct statx st;

	if (!under(l, f->conf->bind_dir, dir) || statx(AT_FDCWD, dir,
	    AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) < 0) {
		f->bind_dir = sight(errno);
		return;
	}
	f->bind_dir = S_ISDIR(st.stx_mode) ? SEEN : SEEN_NOT;
	f->bind_root = st.stx_uid == 0 || *l->root;
	f->bind_fixed = st.stx_attributes & STATX_ATTR_IMMUTABLE ||
	    (statvfs(dir, &vfs) == 0 && vfs.f_flag & ST_RDONLY);
	f->bind_empty = is_empty(dir, &f->bind_unread);
}

/* ---- who asks ---- */

uint32_t guard_sub(struct slice text, const char *user, uint32_t uid, uint64_t *end)
{
	uint64_t first, count, number;
	uint32_t good = 0;

	while (text.n) {
		struct slice line = slice_cut(&text, '\n');
		struct slice who = slice_cut(&line, ':'), from = slice_cut(&line, ':');

		if (!slice_number(from, UINT32_MAX, &first) ||
		    !slice_number(slice_trim(line), UINT32_MAX, &count))
			continue;
		if (first + count > *end)
			*end = first + count;
		if (!good && first >= SUB_COUNT && count >= SUB_COUNT &&
		    first <= UINT32_MAX - SUB_COUNT && (slice_is(who, user) ||
		    (slice_number(who, UINT32_MAX, &number) && number == uid)))
			good = (uint32_t)first;
	}
	return good;
}

static void look_caller(struct look *l)
{
	_cleanup_(buf_free) struct buf uids = BUF(FILE_MOST * 8), gids = BUF(FILE_MOST * 8);
	struct guard_facts *f = l->f;
	const struct passwd *pw = getpwuid(getuid());
	uint64_t end = 100000;

	f->uid = getuid();
	if (pw)
		keep(f->user, sizeof(f->user), pw->pw_name);
	else
		snprintf(f->user, sizeof(f->user), "%u", f->uid);
	(void)slurp(l, "/etc/subuid", &uids);
	(void)slurp(l, "/etc/subgid", &gids);
	f->sub_uid = guard_sub(buf_slice(&uids), f->user, f->uid, &end);
	f->sub_gid = guard_sub(buf_slice(&gids), f->user, f->uid, &end);
	f->sub_free = end < UINT32_MAX - SUB_COUNT ? (uint32_t)end : 0;
}

static void look_kernel(struct guard_facts *f)
{
	struct utsname u;
	struct slice rest, major;
	uint64_t n = 0;
	size_t len;

	if (uname(&u) < 0)
		return;
	rest = slice_from(u.release);
	major = slice_cut(&rest, '.');
	if (slice_number(major, 1000, &n))
		f->kernel_major = (unsigned)n;
	len = strspn(rest.n ? rest.p : "", "0123456789");
	if (slice_number((struct slice){ rest.p, len }, 1000, &n))
		f->kernel_minor = (unsigned)n;
}

void guard_look(struct guard_facts *f, const struct config *conf,
    const char *root, struct slice status)
{
	struct look l = { f, root };

	*f = (struct guard_facts){ .conf = conf, .name = conf->guard_runtime };
	f->none = !strcmp(f->name, "none");
	if (f->none)
		f->name = "dockbroker";
	look_status(f, status);
	look_daemon(&l);
	if (!f->program.path[0])
		keep(f->program.path, sizeof(f->program.path),
		    LIBEXECDIR "/dockbroker/dockbroker-oci");
	look_program(&l, &f->program);
	look_beside(&l, &f->as_default, "dockbroker-oci-default");
	look_beside(&l, &f->as_build, "dockbroker-oci-build");
	look_beside(&l, &f->tool, "guard");
	look_runc(&l);
	look_units(&l);
	look_binds(&l);
	look_caller(&l);
	look_kernel(f);
}

int guard_check(const struct config *conf, bool json)
{
	_cleanup_(buf_free) struct buf answer = BUF(FILE_MOST), out = BUF(FILE_MOST);
	struct msg_ctl_ask ask = { .verb = CTL_STATUS };
	struct guard_facts facts;
	struct findings found;

	if (control_ask(&ask, &answer) < 0)
		buf_reset(&answer);
	guard_look(&facts, conf, "", buf_slice(&answer));
	guard_say(&facts, &found);
	if (json)
		findings_json(&found, &out);
	else
		findings_print(&found, want_color(stdout), &out);
	arena_free(&found.arena);
	fwrite(out.p, 1, out.len, stdout);
	return found.bad ? EXIT_NO : EXIT_DONE;
}
