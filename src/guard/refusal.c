/*
 * refusal.c: why a container was not started, as text: the line that containerd
 * finds in runc's log, the file that dockbrokerd turns into a record, and the
 * reasons why nothing was opened.
 */
#include <errno.h>
#include <string.h>

#include "guard/guard_int.h"

void refusal_log(struct buf *out, struct slice why, int64_t realtime_us, bool json)
{
	_cleanup_(buf_free) struct buf said = BUF(16384);
	char at[TIME_TEXT];

	time_format(at, realtime_us);
	buf_addz(&said, "dockbroker: ");
	buf_adds(&said, why);
	if (json)
		buf_addz(out, "{\"level\":\"error\",\"msg\":");
	else
		buf_addf(out, "time=\"%s\" level=error msg=", at);
	buf_add_json_string(out, buf_slice(&said));
	if (json)
		buf_addf(out, ",\"time\":\"%s\"}", at);
	buf_addc(out, '\n');
}

void refusal_spool(struct buf *out, const char *id, const struct guard_record *r,
    struct slice why, int64_t realtime_us)
{
	buf_addz(out, "{\"container\":");
	buf_add_json_string(out, slice_from(id));
	buf_addf(out, ",\"uid\":%u,\"user\":", r->uid);
	buf_add_json_string(out, r->user);
	buf_addz(out, ",\"reason\":");
	buf_add_json_string(out, why);
	buf_addf(out, ",\"time\":%lld}\n", (long long)realtime_us);
}

/* ---- opening as a user ---- */

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
		return ": make it first, or bind with -v";
	case EACCES:
		return ": bind what this account may read";
	default:
		return "";
	}
}

int open_refuse(const struct guard_mount *m, enum open_step step, int error,
    struct buf *err)
{
	const char *why = strerror(error);

	switch (step) {
	case OPEN_ACCOUNT:
		buf_addf(err, "the account %.*s cannot be looked up (%s): start "
		    "the container again when it can", SLICE_ARG(m->user), why);
		break;
	case OPEN_UNKNOWN:
		buf_addf(err, "the account %.*s, which the binds are for, does "
		    "not exist: remove the container", SLICE_ARG(m->user));
		break;
	case OPEN_OTHER:
		buf_addf(err, "the account %.*s has another uid than %u, for "
		    "which the container was made: make the container anew",
		    SLICE_ARG(m->user), m->uid);
		break;
	case OPEN_WITHIN:
		buf_addf(err, "%.*s, where the policy permits the bind %.*s, "
		    "cannot be opened as %.*s: %s", SLICE_ARG(m->within),
		    SLICE_ARG(m->source), SLICE_ARG(m->user), why);
		break;
	case OPEN_LINK:
		buf_addf(err, "%.*s, where the policy permits the bind %.*s, "
		    "leads through a symbolic link that is not root's: ask the "
		    "administrator to permit the path itself",
		    SLICE_ARG(m->within), SLICE_ARG(m->source));
		break;
	case OPEN_MAKE:
		buf_addf(err, "%.*s is missing and cannot be made as %.*s: %s",
		    SLICE_ARG(m->source), SLICE_ARG(m->user), error == EXDEV ?
		    "a symbolic link leads elsewhere: make it first" : why);
		break;
	case OPEN_KIND:
		buf_addf(err, "%.*s is neither a directory nor a regular file: "
		    "bind the directory that it is in", SLICE_ARG(m->source));
		break;
	case OPEN_SOURCE:
	case OPEN_READ:
		buf_addf(err, "%.*s cannot be opened as %.*s: %s%s",
		    SLICE_ARG(m->source), SLICE_ARG(m->user), why,
		    advice(error));
		break;
	case OPEN_BECOME:
	case OPEN_DONE:
	default:
		buf_addf(err, "%.*s was not opened as %.*s%s: start the "
		    "container again", SLICE_ARG(m->source), SLICE_ARG(m->user),
		    error == ETIMEDOUT ? " in time" : "");
	}
	return GUARD_BAD;
}
