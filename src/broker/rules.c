/*
 * rules.c: the policy in force.  A reload builds and checks the new one and
 * then swaps one pointer; whatever runs keeps the rights it was judged by
 * until it is judged again, at once.
 */
#include <string.h>

#include "broker/broker.h"

static int read_policy(void *arg, const char *path, struct buf *out, struct buf *err)
{
	(void)arg;
	return file_read(path, true, out, err) == FILE_GOOD ? 0 : 1;
}

int rules_load(struct broker *b, struct buf *err)
{
	struct policy *policy = NULL;
	int r = policy_load(b->conf.policy, read_policy, b, &policy, err);

	if (r != POLICY_GOOD) {
		b->rules.failed_reloads++;
		return r;
	}
	policy_unref(b->rules.policy);
	b->rules.policy = policy;
	b->rules.generation++;
	b->rules.loaded_at = loop_realtime(b->loop);
	return 0;
}

void rules_free(struct broker *b)
{
	b->rules.policy = policy_unref(b->rules.policy);
}
