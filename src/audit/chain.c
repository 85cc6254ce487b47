/*
 * chain.c: lines of the log, each with its number and the hash of the one
 * before, so that a line that was changed, taken out or moved is found.
 */
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "dockbroker/audit.h"

/*
 * SHA-256.  Looking the algorithm up costs more than hashing a line, so it is
 * looked up once; the context is used again for every line.
 */
static int hash(struct slice s, uint8_t out[CHAIN_HASH])
{
	static EVP_MD_CTX *context;
	static EVP_MD *algorithm;

	if (!context)
		context = EVP_MD_CTX_new();
	if (!algorithm)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!context || !algorithm ||
	    !EVP_DigestInit_ex(context, algorithm, NULL) ||
	    !EVP_DigestUpdate(context, s.p, s.n) ||
	    !EVP_DigestFinal_ex(context, out, NULL))
		return -ENOMEM;
	return 0;
}

static void hex(char *out, const uint8_t *in, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
}

int chain_line(struct chain *c, struct slice record, struct buf *out)
{
	char prev[2 * CHAIN_HASH];
	uint8_t last[CHAIN_HASH];
	size_t start = out->len;
	struct slice line;
	int r;

	if (record.n == 0)
		return RECORD_BAD;
	hex(prev, c->last, CHAIN_HASH);
	buf_adds(out, SLICE("{\"seq\":"));
	buf_addu(out, c->seq + 1);
	buf_adds(out, SLICE(",\"prev\":\""));
	buf_add(out, prev, sizeof(prev));
	buf_adds(out, SLICE("\","));
	r = record_json_members(record, out);
	buf_adds(out, SLICE("}\n"));
	if (r == 0 && !buf_ok(out))
		r = -ENOMEM;
	if (r == 0) {
		line = (struct slice){ out->p + start, out->len - start - 1 };
		r = hash(line, last);
	}
	if (r) {
		out->len = start;
		return r;
	}
	memcpy(c->last, last, sizeof(last));
	c->seq++;
	return 0;
}

void chain_before(struct chain *c, const struct line *line)
{
	c->seq = line->seq - 1;
	memcpy(c->last, line->prev, CHAIN_HASH);
}

int chain_check(struct chain *c, struct slice line, struct buf *why)
{
	uint8_t last[CHAIN_HASH];
	bool fits = false;
	struct line l;
	int r;

	r = line_parse(line, &l);
	if (r != LINE_GOOD) {
		buf_addz(why, r == LINE_TORN ? "the line is cut off" :
		    "the line is not one of ours");
		return CHAIN_BROKEN;
	}
	r = hash(line, last);
	if (r < 0)
		return r;
	if (l.seq != c->seq + 1)
		buf_addf(why, "number %llu follows %llu",
		    (unsigned long long)l.seq, (unsigned long long)c->seq);
	else if (memcmp(l.prev, c->last, CHAIN_HASH) != 0)
		buf_addf(why, "line %llu is not the one that line %llu was "
		    "written behind", (unsigned long long)c->seq,
		    (unsigned long long)l.seq);
	else
		fits = true;
	c->seq = l.seq;
	memcpy(c->last, last, CHAIN_HASH);
	return fits ? CHAIN_GOOD : CHAIN_BROKEN;
}
