/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "analyze/http_inside.h"
#include "analyze/ts2021.h"

/* all that an answer may say; the largest are lists of names and pages */
#define BODY_MAX	(256 * 1024)
#define CHUNK_HEADER	10	/* digits, CR, LF */
#define TARGET_MAX	512

/* a field of a head: its value */
struct value {
	const char *p;
	size_t len;
};

/* @deeper: the path may go on */
static const struct {
	const char *method, *path;
	enum wga_http_exchange exchange;
	bool deeper;
} requests[] = {
	{ "POST", "/ts2021", WGA_HTTP_TS2021, false },
	{ "GET", "/derp", WGA_HTTP_DERP, false },
	{ "GET", "/key", WGA_HTTP_KEY, false },
	{ "GET", "/derp/latency-check", WGA_HTTP_KEY, false },
	{ "GET", "/derp/probe", WGA_HTTP_KEY, false },
	{ "HEAD", "/derp/probe", WGA_HTTP_KEY, false },
	{ "GET", "/generate_204", WGA_HTTP_KEY, false },
	{ "GET", "/bootstrap-dns", WGA_HTTP_KEY, false },
	{ "GET", "/health", WGA_HTTP_KEY, false },
	{ "GET", "/version", WGA_HTTP_KEY, false },
	{ "GET", "/register/", WGA_HTTP_KEY, true },
	{ "GET", "/auth/", WGA_HTTP_KEY, true },
	{ "GET", "/machine/", WGA_HTTP_KEY, true },
};

static bool is(struct value v, const char *word)
{
	return v.len == strlen(word) && !strncasecmp(v.p, word, v.len);
}

static bool begins(const char *word, const uint8_t *p, size_t len)
{
	size_t n = strlen(word);

	return !memcmp(word, p, n < len ? n : len);
}

bool wga_http_inside_begins(bool from_client, const uint8_t *p, size_t len)
{
	char line[64];
	size_t i;

	if (!from_client)
		return begins("HTTP/1.1 ", p, len) ||
		       begins("HTTP/1.0 ", p, len);
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		snprintf(line, sizeof(line), "%s %s", requests[i].method,
			 requests[i].path);
		if (begins(line, p, len))
			return true;
	}
	return false;
}

/* one line, CR and LF taken off the front of @p */
static bool take_line(const char **p, size_t *len, struct value *line)
{
	const char *end = memmem(*p, *len, "\r\n", 2);

	if (!end)
		return false;
	*line = (struct value){ *p, (size_t)(end - *p) };
	*len -= line->len + 2;
	*p = end + 2;
	return true;
}

static bool field_fits(struct value line)
{
	const char *colon = memchr(line.p, ':', line.len);
	size_t name, i;

	if (!colon || colon == line.p)
		return false;
	name = (size_t)(colon - line.p);
	for (i = 0; i < name; i++)
		if (!isalnum((uint8_t)line.p[i]) &&
		    !memchr("-_.", line.p[i], 3))
			return false;
	for (; i < line.len; i++)
		if (line.p[i] != '\t' && !isprint((uint8_t)line.p[i]))
			return false;
	return true;
}

/* the fields of a head, up to the empty line that ends it */
static bool fields_fit(const char *p, size_t len)
{
	struct value line;

	while (take_line(&p, &len, &line)) {
		if (!line.len)
			return !len;
		if (!field_fits(line))
			return false;
	}
	return false;
}

/* the value of a field; @p begins at the first one */
static bool find(const char *p, size_t len, const char *name, struct value *v)
{
	size_t n = strlen(name);
	struct value line;

	while (take_line(&p, &len, &line)) {
		if (line.len <= n || line.p[n] != ':' ||
		    strncasecmp(line.p, name, n))
			continue;
		*v = (struct value){ line.p + n + 1, line.len - n - 1 };
		while (v->len && (*v->p == ' ' || *v->p == '\t')) {
			v->p++;
			v->len--;
		}
		return true;
	}
	return false;
}

static bool has(const char *p, size_t len, const char *name, const char *word)
{
	struct value v;

	return find(p, len, name, &v) && is(v, word);
}

/* Take a word and the space behind it off the front of a line. */
static struct value take_word(struct value *line)
{
	const char *space = memchr(line->p, ' ', line->len);
	struct value word = { line->p, space ? (size_t)(space - line->p) : 0 };

	if (space) {
		line->len -= word.len + 1;
		line->p = space + 1;
	}
	return word;
}

/* @target: path and query */
static bool target_fits(struct value target, const char *path, bool deeper)
{
	static const char others[] = "-._~%=&?+/:,";
	size_t n = strlen(path), i;

	if (target.len < n || target.len > TARGET_MAX ||
	    memcmp(target.p, path, n))
		return false;
	if (!deeper && target.len > n && target.p[n] != '?')
		return false;
	for (i = n; i < target.len; i++)
		if (!isalnum((uint8_t)target.p[i]) &&
		    !memchr(others, target.p[i], sizeof(others) - 1))
			return false;
	return true;
}

static bool upgrade_fits(const char *fields, size_t len,
			 enum wga_http_exchange exchange)
{
	struct value v;

	switch (exchange) {
	case WGA_HTTP_TS2021:
		return has(fields, len, "Upgrade",
			   "tailscale-control-protocol") &&
		       find(fields, len, "X-Tailscale-Handshake", &v) &&
		       wga_ts2021_handshake(v.p, v.len);
	case WGA_HTTP_DERP:
		return has(fields, len, "Upgrade", "DERP");
	default:
		return !find(fields, len, "Upgrade", &v);
	}
}

/* no request of the list has a body */
static bool request_ends(const char *fields, size_t len)
{
	struct value v;

	return !find(fields, len, "Transfer-Encoding", &v) &&
	       (!find(fields, len, "Content-Length", &v) || is(v, "0"));
}

bool wga_http_inside_request(const uint8_t *p, size_t len,
			     struct wga_http_asked *asked)
{
	const char *fields = (const char *)p;
	struct value line, method, target;
	size_t i;

	if (!take_line(&fields, &len, &line))
		return false;
	method = take_word(&line);
	target = take_word(&line);
	if (!is(line, "HTTP/1.1") || !fields_fit(fields, len) ||
	    !request_ends(fields, len))
		return false;
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (!is(method, requests[i].method) ||
		    !target_fits(target, requests[i].path, requests[i].deeper))
			continue;
		*asked = (struct wga_http_asked){
			.exchange = requests[i].exchange,
			.fast_start = has(fields, len, "Derp-Fast-Start", "1"),
			.bodyless = is(method, "HEAD"),
		};
		return upgrade_fits(fields, len, asked->exchange);
	}
	return false;
}

static bool read_number(struct value v, uint32_t *out)
{
	*out = 0;
	if (!v.len || v.len > 6)
		return false;
	for (; v.len; v.p++, v.len--) {
		if (!isdigit((uint8_t)*v.p))
			return false;
		*out = *out * 10 + (uint32_t)(*v.p - '0');
	}
	return *out <= BODY_MAX;
}

static bool read_framing(const char *fields, size_t len,
			 struct wga_http_body *body)
{
	struct value v;

	if (find(fields, len, "Transfer-Encoding", &v)) {
		body->framing = WGA_HTTP_CHUNKED;
		return is(v, "chunked");
	}
	if (!find(fields, len, "Content-Length", &v)) {
		body->framing = WGA_HTTP_CLOSE;
		return true;
	}
	if (!read_number(v, &body->left))
		return false;
	if (body->left)
		body->framing = WGA_HTTP_LENGTH;
	return true;
}

bool wga_http_inside_answer(const uint8_t *p, size_t len,
			    const struct wga_http_asked *asked, bool *upgraded,
			    struct wga_http_body *body)
{
	const char *fields = (const char *)p;
	struct value line, code;
	uint32_t status;

	*upgraded = false;
	*body = (struct wga_http_body){ 0 };
	if (!take_line(&fields, &len, &line) || !fields_fit(fields, len))
		return false;
	take_word(&line);
	code = take_word(&line);
	if (code.len != 3 || !read_number(code, &status) || status < 101 ||
	    status > 599)
		return false;
	if (status == 101) {
		*upgraded = true;
		if (asked->exchange == WGA_HTTP_TS2021)
			return has(fields, len, "Upgrade",
				   "tailscale-control-protocol");
		return asked->exchange == WGA_HTTP_DERP &&
		       has(fields, len, "Upgrade", "DERP");
	}
	if (status < 200)
		return false;
	if (asked->bodyless || status == 204 || status == 304)
		return true;
	return read_framing(fields, len, body);
}

/* Length of a chunk from its header, which is @header bytes long with its
 * line end. 0: more bytes are needed; SIZE_MAX: it is none.
 */
static size_t chunk_header(const uint8_t *p, size_t len, uint32_t *size)
{
	const uint8_t *end = memmem(p, len, "\r\n", 2);
	size_t i, n = end ? (size_t)(end - p) : len;

	*size = 0;
	for (i = 0; i < n && isxdigit(p[i]); i++)
		*size = *size << 4 | (uint32_t)(isdigit(p[i]) ? p[i] - '0' :
						(p[i] | 0x20) - 'a' + 10);
	if (!end)
		return n + 2 > CHUNK_HEADER ||
		       (i < n && (p[i] != '\r' || i + 1 < n)) ? SIZE_MAX : 0;
	return i < n || !n || n + 2 > CHUNK_HEADER || *size > BODY_MAX ?
	       SIZE_MAX : n + 2;
}

/* do the last two bytes of what is left of a chunk end its line? */
static bool line_ends(const struct wga_http_body *body, const uint8_t *p,
		      size_t len)
{
	size_t i;

	for (i = body->left > 2 ? body->left - 2 : 0; i < len; i++)
		if (p[i] != (body->left - i == 2 ? '\r' : '\n'))
			return false;
	return true;
}

size_t wga_http_body_next(const struct wga_http_body *body, const uint8_t *p,
			  size_t len)
{
	size_t n = body->framing == WGA_HTTP_CLOSE || body->left > len ?
		   len : body->left;
	uint32_t size;

	if (body->framing == WGA_HTTP_CHUNKED)
		n = chunk_header(p, len, &size);
	else if (body->framing != WGA_HTTP_LENGTH &&
		 body->framing != WGA_HTTP_CLOSE && !line_ends(body, p, n))
		return SIZE_MAX;
	return n != SIZE_MAX && body->total + n > BODY_MAX ? SIZE_MAX : n;
}

void wga_http_body_take(struct wga_http_body *body, const uint8_t *p,
			size_t len)
{
	uint32_t size;

	body->total += (uint32_t)len;
	if (body->framing == WGA_HTTP_CHUNKED) {
		chunk_header(p, len, &size);
		body->framing = size ? WGA_HTTP_CHUNK : WGA_HTTP_LAST;
		body->left = size + 2;
		return;
	}
	if (body->framing == WGA_HTTP_CLOSE)
		return;
	body->left -= (uint32_t)len;
	if (!body->left)
		body->framing = body->framing == WGA_HTTP_CHUNK ?
				WGA_HTTP_CHUNKED : WGA_HTTP_NO_BODY;
}

bool wga_http2_begins(bool from_client, const uint8_t *p, size_t len)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	if (from_client)
		return len >= sizeof(preface) - 1 &&
		       !memcmp(p, preface, sizeof(preface) - 1);
	/* a SETTINGS frame of stream 0: whole entries of six bytes */
	return len >= 9 && !p[0] && !p[1] && p[2] <= 96 && p[2] % 6 == 0 &&
	       p[3] == 4 && !p[4] && !p[5] && !p[6] && !p[7] && !p[8];
}
