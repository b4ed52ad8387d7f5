/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "analyze/opaque.h"
#include "analyze/opaque_internal.h"

#define BLOCK	32

/* The key of the digest: four lanes and the step by which they change from
 * block to block, so that blocks that change places change the digest.
 */
static struct {
	uint64_t lane[4];
	uint64_t step;
} scan_key;

static void (*scan_sums)(const uint8_t *p, size_t len, struct wga_scan_sums *s);
static pthread_once_t scan_once = PTHREAD_ONCE_INIT;

static bool is_printable(uint8_t c)
{
	return (c >= 0x20 && c <= 0x7e) || c == '\t' || c == '\r' || c == '\n';
}

static bool is_common(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ';
}

/* How a block of 32 bytes, the last one padded with zeros, enters the digest */
static void digest_block(const uint8_t *p, uint64_t block, uint64_t acc[4])
{
	unsigned int j;

	for (j = 0; j < 4; j++) {
		uint64_t d, k;

		memcpy(&d, p + 8 * j, sizeof(d));
		k = d ^ (scan_key.lane[j] + block * scan_key.step);
		acc[j] += (k & 0xffffffff) * (k >> 32) + d;
	}
}

void wga_scan_sums_plain(const uint8_t *p, size_t len, struct wga_scan_sums *s)
{
	size_t i, run = 0;

	for (i = 0; i < len; i++) {
		s->high += p[i] >> 7;
		s->zero += p[i] == 0;
		s->echo += i >= 16 && p[i] == p[i - 16];
		s->step += i >= 1 && i + 1 < len &&
			   (uint8_t)(p[i + 1] - p[i]) ==
			   (uint8_t)(p[i] - p[i - 1]);
		run = is_printable(p[i]) ? run + 1 : 0;
		s->run16 = s->run16 || run == 16;
	}
	for (i = 0; i < len; i += BLOCK) {
		uint8_t block[BLOCK] = { 0 };

		memcpy(block, p + i, len - i < BLOCK ? len - i : BLOCK);
		digest_block(block, i / BLOCK, s->acc);
	}
}

#if defined(__x86_64__)
/* The comparisons of one block, a bit for each byte */
struct block_bits {
	uint32_t high, zero, step, echo, printable;
};

__attribute__((target("avx2,popcnt"), always_inline))
static inline struct block_bits block_compare(const uint8_t *q, __m256i v)
{
	const __m256i none = _mm256_setzero_si256();
	const __m256i span = _mm256_set1_epi8(0x5e);
	__m256i before = _mm256_loadu_si256((const __m256i *)(q - 1));
	__m256i after = _mm256_loadu_si256((const __m256i *)(q + 1));
	__m256i far = _mm256_loadu_si256((const __m256i *)(q - 16));
	__m256i t, m;

	t = _mm256_sub_epi8(v, _mm256_set1_epi8(0x20));
	m = _mm256_cmpeq_epi8(_mm256_min_epu8(t, span), t);
	m = _mm256_or_si256(m, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')));
	m = _mm256_or_si256(m, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r')));
	m = _mm256_or_si256(m, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n')));

	return (struct block_bits){
		.high = (uint32_t)_mm256_movemask_epi8(v),
		.zero = (uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(v, none)),
		.step = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(
			_mm256_sub_epi8(after, v), _mm256_sub_epi8(v, before))),
		.echo = (uint32_t)_mm256_movemask_epi8(
			_mm256_cmpeq_epi8(v, far)),
		.printable = (uint32_t)_mm256_movemask_epi8(m),
	};
}

/* is there a run of 16 set bits? */
static inline bool bits_run16(uint64_t m)
{
	m &= m >> 1;
	m &= m >> 2;
	m &= m >> 4;
	m &= m >> 8;
	return m != 0;
}

/* A block at the edge: what lies outside of the bytes is not read, and not
 * counted.
 */
__attribute__((target("avx2,popcnt")))
static struct block_bits edge_compare(const uint8_t *p, size_t at, size_t len,
				      __m256i *v)
{
	uint8_t room[16 + BLOCK + 1] = { 0 };
	size_t from = at >= 16 ? at - 16 : 0;
	size_t upto = len < at + BLOCK + 1 ? len : at + BLOCK + 1;
	size_t n = len - at < BLOCK ? len - at : BLOCK;
	uint32_t inside = n == BLOCK ? UINT32_MAX : (1u << n) - 1;
	struct block_bits bits;

	memcpy(room + 16 - (at - from), p + from, upto - from);
	if (n < BLOCK)
		room[16 + BLOCK] = 0;
	*v = _mm256_loadu_si256((const __m256i *)(room + 16));
	bits = block_compare(room + 16, *v);

	bits.high &= inside;
	bits.zero &= inside;
	bits.printable &= inside;
	bits.echo &= at ? inside : inside & 0xffff0000;
	bits.step &= at ? inside : inside & ~1u;
	if (at + n == len)
		bits.step &= inside >> 1;
	return bits;
}

__attribute__((target("avx2,popcnt")))
void wga_scan_sums_avx2(const uint8_t *p, size_t len, struct wga_scan_sums *s)
{
	const __m256i kstep = _mm256_set1_epi64x((int64_t)scan_key.step);
	__m256i key = _mm256_loadu_si256((const __m256i *)scan_key.lane);
	__m256i acc = _mm256_loadu_si256((const __m256i *)s->acc);
	uint64_t high = 0, zero = 0, step = 0, echo = 0, runs = 0;
	bool run16 = false;
	size_t at;

	for (at = 0; at < len; at += BLOCK) {
		struct block_bits bits;
		__m256i v, k;

		if (at && at + BLOCK < len) {
			v = _mm256_loadu_si256((const __m256i *)(p + at));
			bits = block_compare(p + at, v);
		} else {
			bits = edge_compare(p, at, len, &v);
		}
		high += (uint64_t)__builtin_popcount(bits.high);
		zero += (uint64_t)__builtin_popcount(bits.zero);
		step += (uint64_t)__builtin_popcount(bits.step);
		echo += (uint64_t)__builtin_popcount(bits.echo);
		runs = runs >> 32 | (uint64_t)bits.printable << 32;
		run16 |= bits_run16(runs);

		k = _mm256_xor_si256(v, key);
		acc = _mm256_add_epi64(acc, v);
		acc = _mm256_add_epi64(acc,
			_mm256_mul_epu32(k, _mm256_srli_epi64(k, 32)));
		key = _mm256_add_epi64(key, kstep);
	}
	_mm256_storeu_si256((__m256i *)s->acc, acc);
	s->high += high;
	s->zero += zero;
	s->step += step;
	s->echo += echo;
	s->run16 = s->run16 || run16;
}
#endif

static void scan_init(void)
{
	if (getrandom(&scan_key, sizeof(scan_key), 0) != sizeof(scan_key))
		memset(&scan_key, 0xa7, sizeof(scan_key));
	scan_sums = wga_scan_sums_plain;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		scan_sums = wga_scan_sums_avx2;
#endif
}

void wga_scan_init(void)
{
	pthread_once(&scan_once, scan_init);
}

/* A run is text if it is long, or not so long but made of what text is mostly
 * made of. Random bytes show 36 printable ones in a row once in 10^15 places;
 * 24 of which 21 are common, or a whole piece of 16 of which 14 are, less
 * than once in 10^10.
 */
static bool run_is_text(const uint8_t *p, size_t run, size_t len)
{
	size_t common = 0, i;

	if (run >= 36)
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

static uint64_t digest_finish(const uint64_t acc[4], size_t len)
{
	uint64_t h = len * 0x9e3779b97f4a7c15;
	unsigned int j;

	for (j = 0; j < 4; j++) {
		h ^= acc[j] ^ acc[j] >> 37;
		h *= 0x165667919e3779f9;
		h ^= h >> 32;
	}
	return h;
}

void wga_scan_bytes(const uint8_t *p, size_t len, struct wga_scan *scan)
{
	struct wga_scan_sums s = { 0 };

	wga_scan_init();
	scan_sums(p, len, &s);
	*scan = (struct wga_scan){
		.digest = digest_finish(s.acc, len),
		.high = (uint32_t)s.high, .zero = (uint32_t)s.zero,
		.step = (uint32_t)s.step, .echo = (uint32_t)s.echo,
	};
	if (s.run16)
		find_text(p, len, scan);
}

bool wga_biased(uint64_t high, uint64_t total)
{
	double lean = 2 * (double)high - (double)total;

	return lean * lean > 64 * (double)total;
}

/* Of len events with chance 1/256 each, how many do random bytes never show?
 * Poisson with mean len/256: mean + 7 sigma + 7 is passed less than once in
 * 10^12 trials, for every len.
 */
bool wga_scan_opaque(const struct wga_scan *scan, size_t len)
{
	double mean = (double)len / 256;
	double limit = mean + 7 * sqrt(mean) + 7;

	return !scan->text && scan->zero <= limit && scan->step <= limit &&
	       scan->echo <= limit && !wga_biased(scan->high, len);
}

bool wga_opaque(const uint8_t *p, size_t len)
{
	struct wga_scan scan;

	wga_scan_bytes(p, len, &scan);
	return wga_scan_opaque(&scan, len);
}

bool wga_readable(const uint8_t *p, size_t len)
{
	size_t i, printable = 0, run = 0, enough = len <= 64 ? 8 : 16;

	for (i = 0; i < len; i++) {
		if (is_printable(p[i])) {
			printable++;
			if (++run >= enough)
				return true;
		} else {
			run = 0;
		}
	}
	return len > 0 && printable * 4 >= len * 3;
}
