/*
 * write.c: names of the protocol, and the answers that we give ourselves.
 * What is written here reaches clients as it stands: everything variable is
 * escaped or comes from our own tables.
 */
#include "dockbroker/http.h"

#include <string.h>

static const char *const methods[] = {
	[METHOD_NONE] = "",
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
	[METHOD_OTHER] = "",
};

const char *method_name(enum method m)
{
	return (size_t)m < countof(methods) ? methods[m] : "";
}

static const struct slice headers[HEADER_COUNT] = {
	[HEADER_OTHER] = { "", 0 },
#define HEADER(id, name)	[HEADER_##id] = { name, sizeof(name) - 1 },
#include "dockbroker/header.def"
};

/* The lengths that names of ours have: most others fail here. */
static const uint64_t lengths = 0
#define HEADER(id, name)	| (uint64_t)1 << (sizeof(name) - 1)
#include "dockbroker/header.def"
	;
#define HEADER(id, name) \
	_Static_assert(sizeof(name) <= 64, "lengths has 64 bits");
#include "dockbroker/header.def"

const char *header_name(enum header h)
{
	return (size_t)h < countof(headers) ? headers[h].p : "";
}

/* Letters alone have two cases.  Runs once or twice for each field of each
 * head, hence not slice_equal_nocase. */
static bool same_name(const char *ours, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char a = (unsigned char)ours[i];
		unsigned char b = (unsigned char)p[i];

		if (a != b && (b < 'A' || ((a ^ b) != 0x20) ||
		    (a | 0x20) < 'a' || (a | 0x20) > 'z'))
			return false;
	}
	return true;
}

enum header header_find(struct slice name)
{
	if (name.n == 0 || name.n >= 64 || !(lengths >> name.n & 1))
		return HEADER_OTHER;
	for (size_t h = 1; h < HEADER_COUNT; h++)
		if (headers[h].n == name.n &&
		    same_name(headers[h].p, name.p, name.n))
			return (enum header)h;
	return HEADER_OTHER;
}

const char *http_reason(unsigned status)
{
	static const struct { unsigned status; const char *reason; } all[] = {
		{ 100, "Continue" }, { 101, "Switching Protocols" },
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 206, "Partial Content" },
		{ 301, "Moved Permanently" }, { 302, "Found" },
		{ 303, "See Other" }, { 304, "Not Modified" },
		{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
		{ 408, "Request Timeout" }, { 409, "Conflict" },
		{ 410, "Gone" }, { 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Request Entity Too Large" },
		{ 414, "Request URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" }, { 422, "Unprocessable Entity" },
		{ 426, "Upgrade Required" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < countof(all); i++)
		if (all[i].status == status)
			return all[i].reason;
	return "Unknown";
}

static void write_head(struct buf *b, unsigned status, size_t length, bool close,
    const char *api_version)
{
	buf_addz(b, "HTTP/1.1 ");
	buf_addu(b, status);
	buf_addc(b, ' ');
	buf_addz(b, http_reason(status));
	if (api_version && *api_version) {
		buf_addz(b, "\r\nApi-Version: ");
		buf_addz(b, api_version);
	}
	if (status != 204) {
		buf_addz(b, "\r\nContent-Type: application/json"
		    "\r\nContent-Length: ");
		buf_addu(b, length);
	}
	if (close)
		buf_addz(b, "\r\nConnection: close");
	buf_addz(b, "\r\n\r\n");
}

void http_write_answer(struct buf *b, unsigned status, struct slice json,
    bool close, const char *api_version)
{
	write_head(b, status, json.n, close, api_version);
	buf_adds(b, json);
}

void http_write_error(struct buf *b, unsigned status, struct slice message,
    bool close, bool head_only, const char *api_version)
{
	/* An escaped byte is six at most: \u001f, or U+FFFD in UTF-8. */
	_cleanup_(buf_free) struct buf body = BUF(6 * message.n + 32);

	buf_addz(&body, "{\"message\":");
	buf_add_json_string(&body, message);
	buf_addz(&body, "}\n");
	if (!buf_ok(&body)) {
		b->failed = true;
		return;
	}
	write_head(b, status, body.len, close, api_version);
	if (!head_only && status != 204)
		buf_adds(b, buf_slice(&body));
}
