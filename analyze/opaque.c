/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "analyze/flow.h"
#include "analyze/opaque.h"
#include "analyze/opaque_internal.h"

#define BLOCK	32
/* Pieces up to here are looked at byte by byte: there are few of them, and in
 * few bytes every sign counts.
 */
#define SHORT	128

/* Key of the digest. Digests are compared within one process only, so each
 * implementation may have its own.
 */
static uint64_t scan_key[4];

static void (*scan_long)(const uint8_t *p, size_t len, struct wga_scan_sums *s);
static pthread_once_t scan_once = PTHREAD_ONCE_INIT;

static bool is_printable(uint8_t c)
{
	return (c >= 0x20 && c <= 0x7e) || (c >= '\t' && c <= '\r');
}

static bool is_common(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ';
}

/* Counters of a byte each keep the loops of up to SHORT bytes narrow enough to
 * be vectorised.
 */
static void count_few(const uint8_t *p, size_t len, struct wga_scan_sums *s)
{
	uint8_t high = 0, zero = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		high = (uint8_t)(high + (p[i] >> 7));
		zero = (uint8_t)(zero + (p[i] == 0));
	}
	s->high += high;
	s->zero += zero;
}

/* A run of 16 covers one of every 16 places, so only those are looked at. */
static bool has_run16(const uint8_t *p, size_t len)
{
	size_t at, from, upto;

	for (at = 15; at < len; at += 16) {
		if (!is_printable(p[at]))
			continue;
		for (from = at; from > 0 && is_printable(p[from - 1]);)
			from--;
		for (upto = at + 1; upto < len && is_printable(p[upto]);)
			upto++;
		if (upto - from >= 16)
			return true;
	}
	return false;
}

/* Whole blocks from the third on: bytes whose distance to the one 16 before is
 * the same as it was 32 bytes ago. What repeats with a period that divides 32,
 * and what counts up, shows it everywhere.
 */
void wga_scan_long_plain(const uint8_t *p, size_t len, struct wga_scan_sums *s)
{
	size_t i;

	for (i = 0; i < len; i += SHORT)
		count_few(p + i, len - i < SHORT ? len - i : SHORT, s);
	for (i = 2 * BLOCK; i < len / BLOCK * BLOCK; i++)
		s->echo += (uint8_t)(p[i] - p[i - 16]) ==
			   (uint8_t)(p[i - 32] - p[i - 48]);
	s->text = has_run16(p, len);
	s->digest = wga_hash(p, len, scan_key);
}

/* Signs that a few bytes can show: a byte that repeats the one 16 before, or
 * goes on by the step that led to it.
 */
static void scan_short(const uint8_t *p, size_t len, struct wga_scan_sums *s)
{
	uint8_t echo = 0, step = 0;
	size_t i;

	count_few(p, len, s);
	for (i = 16; i < len; i++)
		echo = (uint8_t)(echo + (p[i] == p[i - 16]));
	for (i = 2; i < len; i++)
		step = (uint8_t)(step + ((uint8_t)(p[i] - p[i - 1]) ==
					 (uint8_t)(p[i - 1] - p[i - 2])));
	s->echo = (uint64_t)echo + step;
	s->text = has_run16(p, len);
	s->digest = wga_hash(p, len, scan_key);
}

#if defined(__x86_64__)
/* sum of all bytes of a vector */
__attribute__((target("avx2,aes,popcnt")))
static uint64_t sum_bytes(__m256i v)
{
	uint64_t out[4];

	_mm256_storeu_si256((__m256i *)out,
			    _mm256_sad_epu8(v, _mm256_setzero_si256()));
	return out[0] + out[1] + out[2] + out[3];
}

/* 0xff for each printable byte */
__attribute__((target("avx2,aes,popcnt"), always_inline))
static inline __m256i printable(__m256i v)
{
	const __m256i text = _mm256_set1_epi8(0x7e - 0x20);
	const __m256i white = _mm256_set1_epi8('\r' - '\t');
	__m256i a = _mm256_sub_epi8(v, _mm256_set1_epi8(0x20));
	__m256i b = _mm256_sub_epi8(v, _mm256_set1_epi8('\t'));

	return _mm256_or_si256(
		_mm256_cmpeq_epi8(_mm256_min_epu8(a, text), a),
		_mm256_cmpeq_epi8(_mm256_min_epu8(b, white), b));
}

/* A bit of @groups stands for eight bytes that are all printable, the latest
 * ones uppermost; two in a row are worth a closer look. It holds 16 blocks, so
 * it is looked at after every 15, and no byte counter overflows till then.
 */
__attribute__((target("avx2,aes,popcnt")))
void wga_scan_long_avx2(const uint8_t *p, size_t len, struct wga_scan_sums *s)
{
	const __m256i none = _mm256_setzero_si256();
	const __m256i ones = _mm256_set1_epi8(-1);
	__m128i lo = _mm_loadu_si128((const __m128i *)scan_key);
	__m128i hi = _mm_loadu_si128((const __m128i *)scan_key + 1);
	__m256i before = none;
	size_t blocks = len / BLOCK, b = 0, rest = len % BLOCK;
	uint64_t groups = 0, high = 0;
	bool text = false;

	while (b < blocks) {
		size_t end = blocks - b > 15 ? b + 15 : blocks;
		__m256i zero = none, echo = none;

		for (; b < end; b++) {
			const uint8_t *q = p + BLOCK * b;
			__m256i v = _mm256_loadu_si256((const __m256i *)q);
			__m256i far = b ? _mm256_loadu_si256(
				(const __m256i *)(q - 16)) : none;
			__m256i step = _mm256_sub_epi8(v, far);
			__m256i full = _mm256_cmpeq_epi64(printable(v), ones);

			high += (uint64_t)__builtin_popcount(
				(uint32_t)_mm256_movemask_epi8(v));
			zero = _mm256_sub_epi8(zero, _mm256_cmpeq_epi8(v, none));
			if (b >= 2)
				echo = _mm256_sub_epi8(echo,
					_mm256_cmpeq_epi8(step, before));
			before = step;
			groups = groups >> 4 | (uint64_t)_mm256_movemask_pd(
				_mm256_castsi256_pd(full)) << 60;
			lo = _mm_aesenc_si128(lo, _mm256_castsi256_si128(v));
			hi = _mm_aesenc_si128(hi, _mm256_extracti128_si256(v, 1));
		}
		text |= (groups & groups >> 1) != 0;
		s->zero += sum_bytes(zero);
		s->echo += sum_bytes(echo);
	}
	s->high += high;
	s->text = text || has_run16(p + len - rest - BLOCK, rest + BLOCK);
	if (rest) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(p + len - BLOCK));

		count_few(p + len - rest, rest, s);
		lo = _mm_aesenc_si128(lo, _mm256_castsi256_si128(v));
		hi = _mm_aesenc_si128(hi, _mm256_extracti128_si256(v, 1));
	}
	lo = _mm_aesenc_si128(_mm_aesenc_si128(lo, hi), _mm_set1_epi64x((int64_t)len));
	lo = _mm_aesenc_si128(_mm_aesenc_si128(lo, hi), lo);
	s->digest = (uint64_t)_mm_cvtsi128_si64(lo);
}
#endif

static void scan_init(void)
{
	wga_hash_seed(scan_key);
	wga_hash_seed(scan_key + 2);
	scan_long = wga_scan_long_plain;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes"))
		scan_long = wga_scan_long_avx2;
#endif
}

void wga_scan_init(void)
{
	pthread_once(&scan_once, scan_init);
}

/* A run is text if it is long, or not so long but made of what text is mostly
 * made of. In random bytes 32 printable ones in a row begin at one of 3 * 10^13
 * places; a whole piece of 24 is all printable once in 10^10, and so is a run of
 * 24, or a piece of 16, of which seven eighths are common.
 */
static bool run_is_text(const uint8_t *p, size_t run, size_t len)
{
	size_t common = 0, i;

	if (run >= 32 || (run == len && run >= 24))
		return true;
	if (run < 24 && run != len)
		return false;
	for (i = 0; i < run; i++)
		common += is_common(p[i]);
	return common * 8 >= run * 7;
}

static void find_text(const uint8_t *p, size_t len, struct wga_scan *scan)
{
	size_t i = 0;

	while (i < len) {
		size_t run = 0;

		while (i + run < len && is_printable(p[i + run]))
			run++;
		if (run > scan->text_run)
			scan->text_run = (uint32_t)run;
		if (run >= 16 && run_is_text(p + i, run, len))
			scan->text = true;
		i += run + 1;
	}
}

/* Does a piece repeat itself at any distance up to 31? One block is held against
 * the bytes before it; ten equal ones of 32, at any of 31 distances, come by
 * chance once in 10^15 pieces.
 */
#define PERIOD_MATCHES	10

static bool periodic_plain(const uint8_t *q, size_t max)
{
	size_t lag, i;

	for (lag = 1; lag <= max; lag++) {
		unsigned int same = 0;

		for (i = 0; i < BLOCK; i++)
			same += q[i] == q[(long)i - (long)lag];
		if (same >= PERIOD_MATCHES)
			return true;
	}
	return false;
}

#if defined(__x86_64__)
__attribute__((target("avx2,aes,popcnt")))
static bool periodic_avx2(const uint8_t *q, size_t max)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)q);
	size_t lag;

	for (lag = 1; lag <= max; lag++) {
		__m256i before = _mm256_loadu_si256((const __m256i *)(q - lag));

		if (__builtin_popcount((uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(v, before))) >= PERIOD_MATCHES)
			return true;
	}
	return false;
}
#endif

static bool periodic(const uint8_t *p, size_t len)
{
	size_t at = len >= 2 * BLOCK ? BLOCK : len - BLOCK;

	if (len <= BLOCK)
		return false;
#if defined(__x86_64__)
	if (scan_long == wga_scan_long_avx2)
		return periodic_avx2(p + at, at < BLOCK ? at : BLOCK - 1);
#endif
	return periodic_plain(p + at, at < BLOCK ? at : BLOCK - 1);
}

void wga_scan_bytes(const uint8_t *p, size_t len, struct wga_scan *scan)
{
	struct wga_scan_sums s = { 0 };

	wga_scan_init();
	if (len < SHORT)
		scan_short(p, len, &s);
	else
		scan_long(p, len, &s);
	*scan = (struct wga_scan){
		.digest = s.digest, .high = (uint32_t)s.high,
		.zero = (uint32_t)s.zero, .echo = (uint32_t)s.echo,
		.periodic = periodic(p, len),
	};
	if (s.text)
		find_text(p, len, scan);
}

bool wga_biased(uint64_t high, uint64_t total)
{
	double lean = 2 * (double)high - (double)total;

	return lean * lean > 64 * (double)total;
}

/* Of n events with chance 1/256 each, how many do random bytes never show?
 * Poisson with mean n/256: mean + 7 sigma + 7 is passed less than once in
 * 10^12 trials, for every n.
 */
static double rare_limit(size_t n)
{
	double mean = (double)n / 256;

	return mean + 7 * sqrt(mean) + 7;
}

bool wga_scan_opaque(const struct wga_scan *scan, size_t len)
{
	size_t echoes = len < SHORT ? 2 * len : len;

	return !scan->text && !scan->periodic &&
	       scan->zero <= rare_limit(len) &&
	       scan->echo <= rare_limit(echoes) &&
	       !wga_biased(scan->high, len);
}

bool wga_opaque(const uint8_t *p, size_t len)
{
	struct wga_scan scan;

	wga_scan_bytes(p, len, &scan);
	return wga_scan_opaque(&scan, len);
}

/* What up to 64 bytes show: printable ones as bits, and how many, and signs as
 * above
 */
struct few {
	uint64_t mask;
	unsigned int printable, zero, echo;
};

static void few_plain(const uint8_t *p, size_t len, struct few *f)
{
	size_t i;

	for (i = 0; i < len; i++) {
		f->mask |= (uint64_t)is_printable(p[i]) << i;
		f->printable += is_printable(p[i]);
		f->zero += p[i] == 0;
		f->echo += i >= 16 && p[i] == p[i - 16];
		f->echo += i >= 2 && (uint8_t)(p[i] - p[i - 1]) ==
				     (uint8_t)(p[i - 1] - p[i - 2]);
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2,aes,popcnt")))
static void few_avx2(const uint8_t *p, size_t len, struct few *f)
{
	const uint64_t inside = len == 64 ? UINT64_MAX : ((uint64_t)1 << len) - 1;
	uint64_t zero = 0, echo = 0, step = 0;
	uint8_t room[16 + 64];
	unsigned int i;

	memset(room + 32, 0, sizeof(room) - 32);
	memcpy(room + 16, p, len);
	for (i = 0; i < len; i += BLOCK) {
		const uint8_t *q = room + 16 + i;
		__m256i v = _mm256_loadu_si256((const __m256i *)q);
		__m256i v1 = _mm256_loadu_si256((const __m256i *)(q - 1));
		__m256i v2 = _mm256_loadu_si256((const __m256i *)(q - 2));
		__m256i far = _mm256_loadu_si256((const __m256i *)(q - 16));

		f->mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(
			printable(v)) << i;
		zero |= (uint64_t)(uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(v, _mm256_setzero_si256())) << i;
		echo |= (uint64_t)(uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(v, far)) << i;
		step |= (uint64_t)(uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(_mm256_sub_epi8(v, v1),
					  _mm256_sub_epi8(v1, v2))) << i;
	}
	f->mask &= inside;
	f->printable = (unsigned int)__builtin_popcountll(f->mask);
	f->zero = (unsigned int)__builtin_popcountll(zero & inside);
	f->echo = (unsigned int)(
		__builtin_popcountll(echo & inside & ~(uint64_t)0xffff) +
		__builtin_popcountll(step & inside & ~(uint64_t)3));
}
#endif

static void few(const uint8_t *p, size_t len, struct few *f)
{
	if (!len)
		return;
#if defined(__x86_64__)
	if (scan_long == wga_scan_long_avx2) {
		few_avx2(p, len, f);
		return;
	}
#endif
	few_plain(p, len, f);
}

/* Three quarters of the bytes, or eight in a row. For more than 64 bytes, where
 * random ones too have eight in a row now and then, sixteen.
 */
static bool few_readable(const struct few *f, size_t len)
{
	uint64_t run = f->mask & f->mask >> 1;

	run &= run >> 2;
	run &= run >> 4;
	return run || (len && f->printable * 4 >= len * 3);
}

bool wga_readable(const uint8_t *p, size_t len)
{
	size_t printable_bytes = 0, at;

	wga_scan_init();
	if (len <= 64) {
		struct few f = { 0 };

		few(p, len, &f);
		return few_readable(&f, len);
	}
	if (has_run16(p, len))
		return true;
	for (at = 0; at < len; at += 64) {
		struct few f = { 0 };

		few(p + at, len - at < 64 ? len - at : 64, &f);
		printable_bytes += f.printable;
	}
	return printable_bytes * 4 >= len * 3;
}

bool wga_plain(const uint8_t *p, size_t len)
{
	struct few f = { 0 };

	/* where three quarters are printable, high bits are out of balance */
	if (len > 256)
		return has_run16(p, len) || !wga_opaque(p, len);
	if (len > 64)
		return wga_readable(p, len) || !wga_opaque(p, len);
	wga_scan_init();
	few(p, len, &f);
	/* no limit is below 7 */
	return few_readable(&f, len) ||
	       (f.zero > 7 && f.zero > rare_limit(len)) ||
	       (f.echo > 7 && f.echo > rare_limit(2 * len)) ||
	       periodic(p, len);
}
