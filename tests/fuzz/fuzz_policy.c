/*
 * fuzz_policy.c: any bytes as a policy.  A good one is printed, parsed again
 * and printed: the same text.
 */
#include <stdlib.h>
#include <string.h>

#include "dockbroker/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int give(void *arg, const char *path, struct buf *out, struct buf *err)
{
	const struct slice *text = arg;

	if (strlen(path) > 40) {
		buf_addz(err, "no such file");
		return 1;
	}
	buf_adds(out, *text);
	return 0;
}

static struct policy *load(struct slice text)
{
	struct buf err = BUF(1 << 20);
	struct policy *p;

	if (policy_load("p", give, &text, &p, &err) < 0)
		abort();
	buf_free(&err);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy *p = load((struct slice){ (const char *)data, size });
	struct buf one = BUF(1 << 24), two = BUF(1 << 24);

	if (p == NULL)
		return 0;
	policy_print(p, &one);
	policy_unref(p);
	p = load(buf_slice(&one));
	if (p == NULL)
		abort();
	policy_print(p, &two);
	if (!buf_ok(&one) || !slice_equal(buf_slice(&one), buf_slice(&two)))
		abort();
	policy_unref(p);
	buf_free(&one);
	buf_free(&two);
	return 0;
}
