/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "analyze/http.h"
#include "analyze/ts2021.h"

#define KEY_BODY_MAX	256

/**
 * struct field - a header that may be there
 * @name:	its name
 * @must:	it must be there
 * @fits:	is this its value?
 */
struct field {
	const char *name;
	bool must;
	bool (*fits)(const char *v, size_t len);
};

static bool is(const char *v, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(v, word, len);
}

static bool all(const char *v, size_t len, size_t max, const char *others)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((uint8_t)v[i]) && !memchr(others, v[i],
						       strlen(others)))
			return false;
	return len > 0 && len <= max;
}

static bool is_hex(const char *v, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isxdigit((uint8_t)v[i]))
			return false;
	return true;
}

static bool fits_host(const char *v, size_t len)
{
	return all(v, len, 253 + 6, ".-_:[]");
}

static bool fits_agent(const char *v, size_t len)
{
	return is(v, len, "Go-http-client/1.1");
}

static bool fits_zero(const char *v, size_t len)
{
	return is(v, len, "0");
}

static bool fits_one(const char *v, size_t len)
{
	return is(v, len, "1");
}

static bool fits_upgrade(const char *v, size_t len)
{
	return is(v, len, "upgrade");
}

static bool fits_ts2021(const char *v, size_t len)
{
	return is(v, len, "tailscale-control-protocol");
}

static bool fits_derp(const char *v, size_t len)
{
	return is(v, len, "DERP");
}

static bool fits_gzip(const char *v, size_t len)
{
	return is(v, len, "gzip");
}

static bool fits_json(const char *v, size_t len)
{
	return is(v, len, "application/json") ||
	       is(v, len, "application/json; charset=utf-8");
}

static bool fits_node(const char *v, size_t len)
{
	return all(v, len, 64, ".-_");
}

static bool fits_server(const char *v, size_t len)
{
	return all(v, len, 32, "./-_ ()");
}

static bool fits_number(const char *v, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isdigit((uint8_t)v[i]))
			return false;
	return len > 0 && len <= 4;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool fits_date(const char *v, size_t len)
{
	static const char form[] = "Aaa, 00 Aaa 0000 00:00:00 GMT";
	size_t i;

	if (len != sizeof(form) - 1)
		return false;
	for (i = 0; i < len; i++) {
		if (form[i] == '0' ? !isdigit((uint8_t)v[i]) :
		    form[i] == 'A' ? !isupper((uint8_t)v[i]) :
		    form[i] == 'a' ? !islower((uint8_t)v[i]) :
		    v[i] != form[i])
			return false;
	}
	return true;
}

static bool fits_public_key(const char *v, size_t len)
{
	static const char prefix[] = "nodekey:";
	const size_t n = sizeof(prefix) - 1;

	if (len == n + 64 && !strncmp(v, prefix, n))
		return is_hex(v + n, 64);
	return len == 64 && is_hex(v, len);
}

static const struct field ts2021_request[] = {
	{ "Host", true, fits_host },
	{ "User-Agent", false, fits_agent },
	{ "Content-Length", false, fits_zero },
	{ "Connection", true, fits_upgrade },
	{ "Upgrade", true, fits_ts2021 },
	{ "X-Tailscale-Handshake", true, wga_ts2021_handshake },
	{ NULL, false, NULL }
};

static const struct field derp_request[] = {
	{ "Host", true, fits_host },
	{ "User-Agent", false, fits_agent },
	{ "Connection", true, fits_upgrade },
	{ "Upgrade", true, fits_derp },
	{ "Derp-Fast-Start", false, fits_one },
	{ "Ideal-Node", false, fits_node },
	{ NULL, false, NULL }
};

static const struct field key_request[] = {
	{ "Host", true, fits_host },
	{ "User-Agent", false, fits_agent },
	{ "Accept-Encoding", false, fits_gzip },
	{ NULL, false, NULL }
};

static const struct field ts2021_answer[] = {
	{ "Upgrade", true, fits_ts2021 },
	{ "Connection", true, fits_upgrade },
	{ "Date", false, fits_date },
	{ "Server", false, fits_server },
	{ NULL, false, NULL }
};

static const struct field derp_answer[] = {
	{ "Upgrade", true, fits_derp },
	{ "Connection", true, fits_upgrade },
	{ "Derp-Version", false, fits_number },
	{ "Derp-Public-Key", false, fits_public_key },
	{ "Date", false, fits_date },
	{ "Server", false, fits_server },
	{ NULL, false, NULL }
};

static const struct field key_answer[] = {
	{ "Content-Type", true, fits_json },
	{ "Content-Length", true, fits_number },
	{ "Date", false, fits_date },
	{ "Server", false, fits_server },
	{ NULL, false, NULL }
};

/* A '#' stands for one to four digits. */
static const struct {
	const char *request, *answer;
	const struct field *asked, *answered;
} exchanges[WGA_HTTP_EXCHANGES] = {
	[WGA_HTTP_TS2021] = {
		"POST /ts2021 HTTP/1.1\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n",
		ts2021_request, ts2021_answer,
	},
	[WGA_HTTP_DERP] = {
		"GET /derp HTTP/1.1\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n",
		derp_request, derp_answer,
	},
	[WGA_HTTP_KEY] = {
		"GET /key?v=# HTTP/1.1\r\n",
		"HTTP/1.1 200 OK\r\n",
		key_request, key_answer,
	},
};

/* Compare bytes with the form of a line as far as both go.
 * Return: how many bytes the line took; 0 if it differs; @len + 1 if the
 * bytes end before it does.
 */
static size_t match_line(const char *form, const uint8_t *p, size_t len)
{
	size_t at = 0, digits;

	for (; *form; form++) {
		if (*form != '#') {
			if (at == len)
				return len + 1;
			if (p[at++] != (uint8_t)*form)
				return 0;
			continue;
		}
		for (digits = 0; at < len && isdigit(p[at]); digits++)
			at++;
		if (digits > 4 || (!digits && at < len))
			return 0;
	}
	return at;
}

size_t wga_http_head_length(const uint8_t *p, size_t len)
{
	const uint8_t *end = memmem(p, len, "\r\n\r\n", 4);

	return end ? (size_t)(end - p) + 4 : 0;
}

bool wga_http_request_begins(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < WGA_HTTP_EXCHANGES; i++)
		if (match_line(exchanges[i].request, p, len))
			return true;
	return false;
}

bool wga_http_answer_begins(const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < WGA_HTTP_EXCHANGES; i++)
		if (match_line(exchanges[i].answer, p, len))
			return true;
	return false;
}

/* Read one header line.
 * Return: which field it is, or -1 if it is none or its value is not right.
 */
static int read_field(const struct field *fields, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t name_len, value_len;
	int i;

	if (!colon)
		return -1;
	name_len = (size_t)(colon - line);
	value = colon + 1;
	value_len = len - name_len - 1;
	if (!value_len || *value != ' ')
		return -1;
	value++;
	value_len--;
	for (i = 0; fields[i].name; i++)
		if (is(line, name_len, fields[i].name))
			return fields[i].fits(value, value_len) ? i : -1;
	return -1;
}

static bool read_fields(const struct field *fields, const char *p, size_t len)
{
	unsigned int seen = 0;
	int i;

	while (len > 2) {
		const char *end = memmem(p, len, "\r\n", 2);
		size_t line;

		if (!end)
			return false;
		line = (size_t)(end - p);
		i = read_field(fields, p, line);
		if (i < 0 || seen >> i & 1)
			return false;
		seen |= 1u << i;
		p += line + 2;
		len -= line + 2;
	}
	for (i = 0; fields[i].name; i++)
		if (fields[i].must && !(seen >> i & 1))
			return false;
	return len == 2 && !memcmp(p, "\r\n", 2);
}

/* the value of a header of a head that was read */
static const char *find_value(const char *p, size_t len, const char *name)
{
	size_t n = strlen(name);
	const char *end = p + len;

	while (p < end && (p = memmem(p, (size_t)(end - p), "\r\n", 2))) {
		p += 2;
		if ((size_t)(end - p) > n + 2 && !strncasecmp(p, name, n) &&
		    p[n] == ':')
			return p + n + 2;
	}
	return NULL;
}

bool wga_http_request(const uint8_t *p, size_t len,
		      enum wga_http_exchange *exchange, bool *fast_start)
{
	const char *text = (const char *)p;
	size_t i, line;

	if (len > WGA_HTTP_HEAD_MAX)
		return false;
	for (i = 0; i < WGA_HTTP_EXCHANGES; i++) {
		line = match_line(exchanges[i].request, p, len);
		if (!line || line > len ||
		    !read_fields(exchanges[i].asked, text + line, len - line))
			continue;
		*exchange = (enum wga_http_exchange)i;
		*fast_start = find_value(text, len, "Derp-Fast-Start") != NULL;
		return true;
	}
	return false;
}

bool wga_http_answer(const uint8_t *p, size_t len,
		     enum wga_http_exchange exchange, size_t *body)
{
	const char *text = (const char *)p, *v;
	size_t line;

	if (len > WGA_HTTP_HEAD_MAX)
		return false;
	line = match_line(exchanges[exchange].answer, p, len);
	if (!line || line > len ||
	    !read_fields(exchanges[exchange].answered, text + line, len - line))
		return false;
	*body = 0;
	v = find_value(text, len, "Content-Length");
	for (; v && isdigit((uint8_t)*v); v++)
		*body = *body * 10 + (size_t)(*v - '0');
	return *body <= KEY_BODY_MAX;
}

bool wga_http_key_body(const uint8_t *p, size_t len)
{
	static const char *const parts[] = {
		"{\"legacyPublicKey\":\"mkey:",
		"\",\"publicKey\":\"mkey:",
		"\"}",
	};
	const char *text = (const char *)p;
	size_t i, at = 0, n;

	for (i = 0; i < 3; i++) {
		n = strlen(parts[i]);
		if (len - at < n || memcmp(text + at, parts[i], n))
			return false;
		at += n;
		if (i == 2)
			break;
		if (len - at < 64 || !is_hex(text + at, 64))
			return false;
		at += 64;
	}
	return at == len || (at + 1 == len && text[at] == '\n');
}
