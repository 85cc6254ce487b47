/*
 * guard_say.c: findings from what is known: what is good, what is missing, and
 * how it is mended.  Pure; the words are golden files (tests/guard).
 */
#include <stdio.h>
#include <string.h>

#include "cli/guard.h"

#define API_BUILDKIT	42	/* of 1.NN: Engine 23, the first to know the variable */

struct say {
	const struct guard_facts *f;
	struct findings *out;
};

static void add(struct say *s, const char *check, enum grade grade,
    struct slice fix, const char *fmt, ...) _printf_(5, 6);

static void add(struct say *s, const char *check, enum grade grade,
    struct slice fix, const char *fmt, ...)
{
	struct finding *f = &s->out->all[s->out->n];
	char text[1024];
	va_list ap;

	if (s->out->n == FINDINGS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*f = (struct finding){ check, grade,
		arena_copy(&s->out->arena, slice_from(text)), fix };
	s->out->n++;
	s->out->bad = s->out->bad || grade == GRADE_BAD;
}

/* ---- the Engine's runtimes ---- */

/* What it is without packaging's own tool, which does all of it. */
static struct slice fix(struct say *s, struct slice by_hand)
{
	const struct program *p = &s->f->tool;

	if (p->there != SEEN || !p->runs)
		return by_hand;
	return arena_format(&s->out->arena, "%s enable\nor %.*s", p->path,
	    SLICE_ARG(by_hand));
}

static struct slice fix_runtime(struct say *s)
{
	return fix(s, arena_format(&s->out->arena,
	    "in /etc/docker/daemon.json, then `systemctl reload docker':\n"
	    "  \"runtimes\": {\n"
	    "    \"%s\": { \"path\": \"%s\" }\n"
	    "  }\n", s->f->name, s->f->program.path));
}

static struct slice fix_default(struct say *s)
{
	const char *name = s->f->name;

	return fix(s, arena_format(&s->out->arena,
	    "in /etc/docker/daemon.json, then `systemctl reload docker':\n"
	    "  \"default-runtime\": \"%s-default\",\n"
	    "  \"runtimes\": {\n"
	    "    \"%s\": { \"path\": \"%s\" },\n"
	    "    \"%s-default\": { \"path\": \"%s\" }\n"
	    "  }\n", name, name, s->f->program.path, name,
	    s->f->as_default.path));
}

/* Without the broker's word daemon.json is all there is. */
static void say_file(struct say *s)
{
	const struct guard_facts *f = s->f;
	const char *name = f->name;

	if (f->listed)
		add(s, "runtime", GRADE_GOOD, SLICE_NONE,
		    "daemon.json has runtime \"%s\"; the Engine was not asked: %s", name,
		    f->broker ? "it is not running" : "the broker does not answer");
	else if (f->daemon == SEEN_CLOSED)
		add(s, "runtime", GRADE_UNKNOWN, SLICE_NONE,
		    "/etc/docker/daemon.json is not for you to read, and the broker could not ask the Engine");
	else if (f->daemon_bad)
		add(s, "runtime", GRADE_BAD, SLICE_NONE,
		    "/etc/docker/daemon.json cannot be read as JSON");
	else
		add(s, "runtime", GRADE_BAD, fix_runtime(s),
		    "daemon.json has no runtime \"%s\"", name);
}

static void say_runtime(struct say *s)
{
	const struct guard_facts *f = s->f;
	const char *name = f->name;

	if (f->none)
		add(s, "runtime", GRADE_BAD,
		    SLICE("take the line out of dockbroker.conf, then `dockbroker reload'\n"),
		    "guard-runtime is none: containers run without the guard, and binds are refused");
	else if (f->rootless)
		add(s, "runtime", GRADE_BAD, SLICE_NONE,
		    "the Engine is rootless: the guard needs one that is root's");
	else if (!f->engine)
		say_file(s);
	else if (f->registered)
		add(s, "runtime", GRADE_GOOD, SLICE_NONE,
		    "the Engine has runtime \"%s\": %s", name, f->program.path);
	else if (f->listed)
		add(s, "runtime", GRADE_BAD, SLICE("systemctl reload docker\n"),
		    "daemon.json has runtime \"%s\", but the Engine does not: it was not reloaded", name);
	else
		add(s, "runtime", GRADE_BAD, fix_runtime(s),
		    "the Engine has no runtime \"%s\"", name);
	if (f->podman)
		add(s, "podman", GRADE_BAD, SLICE_NONE,
		    "the Engine is Podman, which does not take the runtime that it is told: the guard is not in front of its containers");
}

/* ---- programs ---- */

/* What keeps it from being run as root; NULL: nothing. */
static const char *program_fault(const struct program *p)
{
	if (p->there == SEEN_NOT)
		return "is not there";
	if (!p->runs)
		return "is not an executable file";
	return p->safe ? NULL : "can be changed by others than root";
}

static void say_program(struct say *s, const char *check, const struct program *p,
    struct slice fix)
{
	const char *fault = program_fault(p);

	if (p->there == SEEN_CLOSED)
		add(s, check, GRADE_UNKNOWN, SLICE_NONE, "%s is not for you to see", p->path);
	else if (fault)
		add(s, check, GRADE_BAD, fix, "%s %s", p->path, fault);
	else
		add(s, check, GRADE_GOOD, SLICE_NONE, "%s", p->path);
}

static void say_names(struct say *s)
{
	const struct program *all[] = { &s->f->as_default, &s->f->as_build };
	const struct program *p = NULL;
	const char *fault = NULL;

	for (size_t i = 0; i < countof(all); i++)
		if (!all[i]->same && !fault) {
			p = all[i];
			fault = program_fault(p);
		}
	if (s->f->program.there != SEEN)
		return;
	if (p)
		add(s, "names", fault ? GRADE_BAD : GRADE_NOTE,
		    arena_format(&s->out->arena, "ln -sf dockbroker-oci %s\n", p->path),
		    "%s %s", p->path, fault ? fault : "is not dockbroker-oci itself");
	else
		add(s, "names", GRADE_GOOD, SLICE_NONE,
		    "dockbroker-oci-default and dockbroker-oci-build lead to it");
}

static void say_runc(struct say *s)
{
	if (s->f->runc.path[0])
		say_program(s, "runc", &s->f->runc,
		    SLICE("`runc' in dockbroker.conf names the runtime behind the guard\n"));
	else
		add(s, "runc", GRADE_BAD,
		    SLICE("install runc, or name it in dockbroker.conf: runc /path/of/runc\n"),
		    "there is no runc in the usual directories");
}

/* ---- the directory of binds ---- */

static void say_binds(struct say *s)
{
	const struct guard_facts *f = s->f;
	const char *dir = f->conf->bind_dir;
	struct slice fix = arena_format(&s->out->arena, "%s setup\n", f->program.path);
	const char *fault = f->bind_dir == SEEN_NOT ? "is not there" :
	    !f->bind_root ? "does not belong to root" :
	    !f->bind_fixed ? "is not immutable" :
	    !f->bind_empty && !f->bind_unread ? "is not empty" : NULL;

	if (f->bind_dir == SEEN_CLOSED)
		add(s, "binds", GRADE_UNKNOWN, SLICE_NONE,
		    "%s is not for you to see: root can ask", dir);
	else if (fault)
		add(s, "binds", GRADE_BAD, fix, "%s %s", dir, fault);
	else
		add(s, "binds", GRADE_GOOD, SLICE_NONE, "%s is root's%s and immutable",
		    dir, f->bind_unread ? "" : ", empty");
}

/* ---- what builds are run by ---- */

static void say_builds(struct say *s)
{
	const struct guard_facts *f = s->f;
	const char *now = *f->default_runtime ? f->default_runtime : f->daemon_default;
	const char *slash = strrchr(f->default_path, '/');
	char want[300];

	snprintf(want, sizeof(want), "%s-default", f->name);
	if (!f->engine && f->daemon == SEEN_CLOSED)
		add(s, "builds", GRADE_UNKNOWN, SLICE_NONE,
		    "the Engine's default runtime is not for you to see");
	else if (!strcmp(now, f->name))
		add(s, "builds", GRADE_BAD, fix_default(s),
		    "the default runtime is \"%s\" itself: builds and root's own containers do not start", now);
	else if (strcmp(now, want) != 0)
		add(s, "builds", GRADE_BAD, fix_default(s),
		    "the default runtime is \"%s\", not \"%s\": device nodes of images are alive in the steps of a build",
		    *now ? now : "runc", want);
	else if (slash && strcmp(slash, "/dockbroker-oci-default") != 0)
		add(s, "builds", GRADE_BAD, fix_default(s),
		    "runtime \"%s\" is %s: it goes by its name, dockbroker-oci-default", want, f->default_path);
	else
		add(s, "builds", GRADE_GOOD, SLICE_NONE,
		    "the default runtime is \"%s\"; containers that dockbrokerd did not make: %s",
		    want, f->conf->unrecorded);
}

static struct slice fix_buildkit(struct say *s)
{
	const char *path = s->f->program.path, *slash = strrchr(path, '/');

	return fix(s, arena_format(&s->out->arena,
	    "in /etc/systemd/system/docker.service.d/50-dockbroker-guard.conf, then\n"
	    "`systemctl daemon-reload' and `systemctl restart docker':\n"
	    "  [Service]\n"
	    "  Environment=DOCKER_BUILDKIT_RUNC_COMMAND=%s\n"
	    "and for an Engine before 23, which knows nothing but the PATH:\n"
	    "  Environment=PATH=%.*s/path:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
	    s->f->as_build.path, slash ? (int)(slash - path) : 0, path));
}

static void say_buildkit(struct say *s)
{
	const struct guard_facts *f = s->f;
	const char *now = f->buildkit;
	bool old = f->api && f->api < API_BUILDKIT;

	if (f->buildkit_path[0])
		add(s, "buildkit", GRADE_GOOD, SLICE_NONE,
		    "docker.service has it run %s/runc", f->buildkit_path);
	else if (!strcmp(now, f->as_build.path) && !old)
		add(s, "buildkit", GRADE_GOOD, SLICE_NONE,
		    "docker.service has it run %s", now);
	else if (*now && !old)
		add(s, "buildkit", GRADE_NOTE, fix_buildkit(s),
		    "docker.service has BuildKit run %s, which is not the guard", now);
	else
		add(s, "buildkit", GRADE_NOTE, fix_buildkit(s),
		    "docker.service does not have BuildKit run the guard; nobody has BuildKit through the broker yet");
}

/* ---- the host, and who asks ---- */

static void say_kernel(struct say *s)
{
	unsigned major = s->f->kernel_major, minor = s->f->kernel_minor;

	if (major > 5 || (major == 5 && minor >= 12))
		add(s, "kernel", GRADE_GOOD, SLICE_NONE,
		    "Linux %u.%u has id-mapped mounts%s", major, minor,
		    major > 6 || (major == 6 && minor >= 3) ? "" : ", of tmpfs not yet (6.3)");
	else
		add(s, "kernel", GRADE_BAD, SLICE_NONE,
		    "Linux %u.%u has no id-mapped mounts: binds need 5.12", major, minor);
}

static void say_userns(struct say *s)
{
	bool on = s->f->engine ? s->f->userns : s->f->remap;

	if (!s->f->engine && s->f->daemon == SEEN_CLOSED)
		return;
	if (on)
		add(s, "userns", GRADE_GOOD, SLICE_NONE,
		    "userns-remap is on, and binds are mapped to its range");
	else
		add(s, "userns", GRADE_NOTE, SLICE(
		    "where users have a shell: \"userns-remap\": \"default\" in"
		    " /etc/docker/daemon.json, and restart the Engine, which begins"
		    " without its images and containers then\n"),
		    "userns-remap is off: root of a container is root of this host, and"
		    " who has a shell here can hand him an open directory");
}

static void say_subids(struct say *s)
{
	const struct guard_facts *f = s->f;
	struct slice fix = SLICE_NONE;

	if (f->uid == 0) {
		add(s, "subuid", GRADE_NOTE, SLICE_NONE,
		    "users should have ranges in /etc/subuid and /etc/subgid: each sees by this command whether he has");
		return;
	}
	if (f->sub_uid && f->sub_gid) {
		add(s, "subuid", GRADE_GOOD, SLICE_NONE,
		    "%s has 65536 subordinate uids from %u and gids from %u", f->user,
		    f->sub_uid, f->sub_gid);
		return;
	}
	if (f->sub_free)
		fix = arena_format(&s->out->arena,
		    "as root, into %s%s%s the line\n  %s:%u:65536\n",
		    f->sub_uid ? "" : "/etc/subuid", f->sub_uid || f->sub_gid ? "" : " and ",
		    f->sub_gid ? "" : "/etc/subgid", f->user, f->sub_free);
	add(s, "subuid", GRADE_NOTE, fix,
	    "%s has no %s: images that give files to several users (postgres, mysql) fail on binds with \"Value too large for defined data type\"",
	    f->user, f->sub_uid ? "65536 subordinate gids" : f->sub_gid ?
	    "65536 subordinate uids" : "65536 subordinate uids and gids");
}

void guard_say(const struct guard_facts *f, struct findings *out)
{
	struct say s = { f, out };

	arena_init(&out->arena, 256UL * 1024);
	out->n = 0;
	out->bad = false;
	say_runtime(&s);
	say_program(&s, "program", &f->program,
	    SLICE("install dockbroker again\n"));
	say_names(&s);
	say_runc(&s);
	say_binds(&s);
	say_builds(&s);
	say_buildkit(&s);
	say_kernel(&s);
	say_userns(&s);
	say_subids(&s);
}

/* ---- as text, as JSON ---- */

static const char *const grades[] = { "good", "note", "unknown", "bad" };
static const char *const colors[] = { "32", "33", "33", "31" };

static void print_fix(struct slice fix, struct buf *out)
{
	const char *mark = "-> ";

	while (fix.n) {
		struct slice line = slice_cut(&fix, '\n');

		buf_addf(out, "                 %s%.*s\n", mark, SLICE_ARG(line));
		mark = "   ";
	}
}

void findings_print(const struct findings *f, bool color, struct buf *out)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *g = &f->all[i];

		if (color)
			buf_addf(out, "\033[%sm", colors[g->grade]);
		buf_addf(out, "%-7s%s", grades[g->grade], color ? "\033[0m" : "");
		buf_addf(out, "  %-8s  %.*s\n", g->check, SLICE_ARG(g->text));
		print_fix(g->fix, out);
	}
}

void findings_json(const struct findings *f, struct buf *out)
{
	buf_addf(out, "{\"good\":%s,\"checks\":[", f->bad ? "false" : "true");
	for (size_t i = 0; i < f->n; i++) {
		const struct finding *g = &f->all[i];

		buf_addf(out, "%s{\"check\":\"%s\",\"result\":\"%s\",\"text\":",
		    i ? "," : "", g->check, grades[g->grade]);
		buf_add_json_string(out, g->text);
		buf_addz(out, ",\"fix\":");
		buf_add_json_string(out, g->fix);
		buf_addc(out, '}');
	}
	buf_addz(out, "]}\n");
}
