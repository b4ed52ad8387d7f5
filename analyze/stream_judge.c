/* SPDX-License-Identifier: MIT */
#include "analyze/opaque.h"
#include "analyze/stream_judge.h"

/* Random bytes of that length are all printable once in 10^10 times. */
#define PRINTED_BODY	24
/* and three quarters of so many are once in 10^7 times */
#define MOSTLY_PRINTED	48

static size_t count_printable(const uint8_t *p, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += p[i] >= 0x20 && p[i] < 0x7f;
	return n;
}

/* mostly the first byte tells that it is not */
static bool is_printed_body(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] >= 0x20 && p[i] < 0x7f)
		i++;
	return len >= PRINTED_BODY && i == len;
}

bool wga_judge_has_run(const uint8_t *p, size_t len)
{
	struct wga_scan scan;

	wga_scan_bytes(p, len, &scan);
	return scan.text || scan.text_run >= WGA_JUDGE_RUN;
}

bool wga_judge_printed(const uint8_t *p, size_t len)
{
	size_t n = count_printable(p, len);

	return len >= WGA_JUDGE_LEAST &&
	       (n == len || (len >= MOSTLY_PRINTED && n * 4 >= len * 3));
}

enum wga_segment wga_judge_refuse(const uint8_t *p, size_t len)
{
	bool text = len <= 64 ? wga_readable(p, len) :
		    wga_judge_has_run(p, len) || wga_judge_printed(p, len);

	return text ? WGA_SEGMENT_TEXT : WGA_SEGMENT_FOREIGN;
}

enum wga_segment wga_judge_cut(const uint8_t *p, size_t len)
{
	if (!wga_opaque(p, len))
		return wga_judge_refuse(p, len);
	return is_printed_body(p, len) ? WGA_SEGMENT_TEXT : WGA_SEGMENT_FINE;
}

enum wga_segment wga_judge_body(struct wga_judge_sum *sum, const uint8_t *p,
				size_t len)
{
	struct wga_scan scan;

	wga_scan_bytes(p, len, &scan);
	if (!wga_scan_opaque(&scan, len))
		return wga_judge_refuse(p, len);
	if (is_printed_body(p, len))
		return WGA_SEGMENT_TEXT;
	sum->high += scan.high;
	sum->total += len;
	if (!wga_biased(sum->high, sum->total))
		return WGA_SEGMENT_FINE;
	*sum = (struct wga_judge_sum){ 0 };
	return WGA_SEGMENT_TEXT;
}

enum wga_segment wga_judge_piece(const uint8_t *p, size_t len)
{
	if (wga_judge_has_run(p, len) || wga_judge_printed(p, len))
		return WGA_SEGMENT_TEXT;
	return wga_opaque(p, len) ? WGA_SEGMENT_FINE : WGA_SEGMENT_FOREIGN;
}
