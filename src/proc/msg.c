/*
 * msg.c: msg.def as a table and the check of one packet against it.  Pure:
 * fed by chan.c with what another process sent, and by the fuzzer.
 */
#include <string.h>

#include "proc/proc_int.h"

static const struct row {
	const char *name;
	unsigned from, to;
	size_t min, max, fds;
} rows[MSG_COUNT] = {
	[MSG_NONE] = { .name = "NONE" },
#define MSG(id, from, to, min, max, fds, doc) \
	[MSG_##id] = { #id, from, to, min, max, fds },
#include "dockbroker/msg.def"
};

#define MSG(id, from, to, min, max, fds, doc) \
	_Static_assert((max) <= BOUND_MESSAGE, #id " fits into a message"); \
	_Static_assert((min) <= (max), #id " has a length"); \
	_Static_assert((fds) <= MSG_FDS_MAX, #id " has few descriptors");
#include "dockbroker/msg.def"

const char *msg_name(enum msg id)
{
	if ((unsigned)id >= MSG_COUNT)
		return "unknown";
	return rows[id].name;
}

ssize_t msg_text(const char *field, size_t size)
{
	size_t n = strnlen(field, size);

	if (n == size)
		return -1;
	for (size_t i = n; i < size; i++)
		if (field[i])
			return -1;
	return (ssize_t)n;
}

static int row_check(const struct row *row, size_t n, size_t nfds,
    enum party from, enum party to)
{
	if (!(row->from & from) || !(row->to & to))
		return MSG_DIRECTION;
	if (n < row->min || n > row->max)
		return MSG_LENGTH;
	return nfds == row->fds ? MSG_GOOD : MSG_FDS;
}

bool msg_permits(enum msg id, size_t n, size_t nfds, enum party from,
    enum party to)
{
	return (unsigned)id < MSG_COUNT &&
	    row_check(&rows[id], n, nfds, from, to) == MSG_GOOD;
}

int msg_check(struct slice packet, size_t nfds, enum party from, enum party to,
    enum msg *id, struct slice *body)
{
	uint32_t head[2];
	int outcome;

	if (packet.n < MSG_HEADER)
		return MSG_SHORT;
	memcpy(head, packet.p, sizeof(head));
	if (head[0] == MSG_NONE || head[0] >= MSG_COUNT)
		return MSG_UNKNOWN;
	*id = head[0];
	outcome = row_check(&rows[*id], packet.n - MSG_HEADER, nfds, from, to);
	if (outcome != MSG_GOOD)
		return outcome;
	if (head[1] != packet.n - MSG_HEADER)
		return MSG_LENGTH;
	*body = (struct slice){ packet.p + MSG_HEADER, head[1] };
	return MSG_GOOD;
}
