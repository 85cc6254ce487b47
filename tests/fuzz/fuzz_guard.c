/*
 * fuzz_guard.c: the record of a container, as root reads it.  The input is its
 * line; with the right sum behind it, and as it is.  What is good writes itself
 * again, is found for its id only, and lies within the bounds.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "dockbroker/guard.h"

#define ID	"00000000000000000000000000000000000000000000000000000000000000aa"

static void check(struct slice file)
{
	_cleanup_(buf_free) struct buf err = BUF(4096), again = BUF(BOUND_GUARD_RECORD);
	_cleanup_(arena_free) struct arena a;
	struct guard_record r;
	int code;

	arena_init(&a, 16 << 20);
	code = guard_read(file, SLICE(ID), &a, &r, &err);
	if (code == GUARD_BAD && !err.len)
		abort();
	if (code == GUARD_GOOD && (!slice_is(r.container, ID) || err.len ||
	    !guard_write(&r, &again) || !slice_equal(buf_slice(&again), file)))
		abort();
	if (code == GUARD_GOOD && guard_read(file, SLICE("aa"), &a, &r, &err) !=
	    GUARD_BAD)
		abort();
}

static void sum_add(struct buf *file)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(file->p, file->len, sum, &n, EVP_sha256(), NULL))
		abort();
	buf_addz(file, "sha256 ");
	for (unsigned i = 0; i < n; i++)
		buf_addf(file, "%02x", sum[i]);
	buf_addc(file, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_free) struct buf file = BUF(2 * BOUND_GUARD_RECORD);

	check((struct slice){ (const char *)data, size });
	buf_add(&file, data, size);
	sum_add(&file);
	buf_addc(&file, '\n');
	sum_add(&file);
	check(buf_slice(&file));
	return 0;
}
