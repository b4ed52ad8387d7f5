/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * A key file is read whole into secret memory, and each private key goes from
 * there into secret memory of its own; only names, public keys and what MAC1
 * needs are ordinary memory. A load makes a list of what the file adds and
 * moves that over when all of it was right. The same key given again adds
 * nothing.
 *
 * An initiation names its receiver by MAC1, which any key can be tried against
 * with one hash, so the Diffie-Hellman is done for one key only.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/mac1.h"
#include "analyze/node_keys_internal.h"
#include "analyze/noise.h"
#include "analyze/secret.h"

#define NAME_MAX_LEN	64
#define PREFIX		"privkey:"
#define HEX_LEN		(2 * WGA_KEY_LEN)

/**
 * struct node_key - a key
 * @priv:	in secret memory
 */
struct node_key {
	char name[NAME_MAX_LEN];
	uint8_t pub[WGA_KEY_LEN];
	uint8_t *priv;
};

struct wga_node_keys {
	struct node_key *keys;
	struct wga_mac1 **mac1;
	size_t n;
};

void wga_node_keys_free(struct wga_node_keys *keys)
{
	size_t i;

	if (!keys)
		return;
	for (i = 0; i < keys->n; i++) {
		wga_secret_free(keys->keys[i].priv);
		wga_mac1_free(keys->mac1[i]);
	}
	free(keys->keys);
	free(keys->mac1);
	free(keys);
}

static void keys_cleanup(struct wga_node_keys **keys)
{
	wga_node_keys_free(*keys);
}

static void secret_cleanup(char **text)
{
	wga_secret_free(*text);
}

static bool keys_reserve(struct wga_node_keys *keys, size_t more)
{
	struct node_key *list;
	struct wga_mac1 **mac1;

	list = reallocarray(keys->keys, keys->n + more, sizeof(*list));
	if (!list)
		return false;
	keys->keys = list;
	mac1 = reallocarray(keys->mac1, keys->n + more, sizeof(struct wga_mac1 *));
	if (!mac1)
		return false;
	keys->mac1 = mac1;
	return true;
}

static bool is_known(const struct wga_node_keys *keys, const uint8_t *pub)
{
	size_t i;

	for (i = 0; keys && i < keys->n; i++) {
		if (!memcmp(keys->keys[i].pub, pub, WGA_KEY_LEN))
			return true;
	}
	return false;
}

/**
 * struct line - a line of a key file
 * @p, @len:	the line without its end
 * @no:		its number, from 1
 * @file:	what errors call the file
 */
struct line {
	const char *p;
	size_t len, no;
	const char *file;
};

/* never with anything of the line in it: where a name should be, a key may be */
static int line_error(const struct line *line, const char *what,
		      struct wga_err *err)
{
	return wga_err_set(err, "bad-node-keys", "%s line %zu: %s", line->file,
			   line->no, what);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* cut the next word off the line; it is empty at the end */
static struct line next_word(struct line *line)
{
	struct line word = *line;

	while (word.len && is_space(*word.p)) {
		word.p++;
		word.len--;
	}
	*line = word;
	for (word.len = 0; word.len < line->len; word.len++) {
		if (is_space(line->p[word.len]))
			break;
	}
	line->p += word.len;
	line->len -= word.len;
	return word;
}

static bool is_key_word(const struct line *word)
{
	return word->len >= strlen(PREFIX) &&
	       !memcmp(word->p, PREFIX, strlen(PREFIX));
}

static int read_key(const struct line *word, uint8_t priv[static WGA_KEY_LEN],
		    struct wga_err *err)
{
	size_t n;

	if (word->len != strlen(PREFIX) + HEX_LEN || !is_key_word(word) ||
	    sodium_hex2bin(priv, WGA_KEY_LEN, word->p + strlen(PREFIX), HEX_LEN,
			   NULL, &n, NULL) || n != WGA_KEY_LEN)
		return line_error(word,
				  "not a name and \"" PREFIX "\" with 64 hexadecimal digits",
				  err);
	if (sodium_is_zero(priv, WGA_KEY_LEN))
		return line_error(word, "a key of zeros is no key", err);
	return 0;
}

/* room for the key is there; what is in *key is freed by the caller */
static int key_make(struct node_key *key, struct wga_mac1 **mac1,
		    const struct line *name, const struct line *word,
		    struct wga_err *err)
{
	key->priv = wga_secret_alloc(WGA_KEY_LEN);
	if (!key->priv)
		return line_error(word, "out of lockable memory", err);
	if (read_key(word, key->priv, err) < 0)
		return -1;
	memcpy(key->name, name->p, name->len);
	key->name[name->len] = '\0';
	if (crypto_scalarmult_base(key->pub, key->priv))
		return line_error(word, "that private key has no public key",
				  err);
	*mac1 = wga_mac1_new(key->pub);
	if (!*mac1)
		return line_error(word, "libcrypto has no BLAKE2s", err);
	return 0;
}

static int take_key(struct wga_node_keys *fresh, const struct wga_node_keys *old,
		    const struct line *name, const struct line *word,
		    struct wga_err *err)
{
	struct node_key *key;

	if (!keys_reserve(fresh, 1))
		return wga_err_set(err, "out-of-memory", "%s: out of memory",
				   word->file);
	key = &fresh->keys[fresh->n];
	*key = (struct node_key){ 0 };
	fresh->mac1[fresh->n++] = NULL;
	if (key_make(key, &fresh->mac1[fresh->n - 1], name, word, err) < 0)
		return -1;

	fresh->n--;
	if (is_known(old, key->pub) || is_known(fresh, key->pub)) {
		wga_secret_free(key->priv);
		wga_mac1_free(fresh->mac1[fresh->n]);
	} else {
		fresh->n++;
	}
	return 0;
}

static int take_line(struct wga_node_keys *fresh, const struct wga_node_keys *old,
		     struct line line, bool *is_key, struct wga_err *err)
{
	struct line name = next_word(&line), word = next_word(&line), more;

	*is_key = name.len && *name.p != '#';
	if (!*is_key)
		return 0;
	more = next_word(&line);
	if (is_key_word(&name))
		return line_error(&name, "a name must stand before the key", err);
	if (name.len >= NAME_MAX_LEN || memchr(name.p, '\0', name.len))
		return line_error(&name, "a name has at most 63 bytes, none of them zero",
				  err);
	if (more.len && *more.p != '#')
		return line_error(&name, "more than a name and a key", err);
	return take_key(fresh, old, &name, &word, err);
}

static int take_lines(struct wga_node_keys *fresh,
		      const struct wga_node_keys *old, const char *text,
		      size_t len, const char *file, struct wga_err *err)
{
	const char *end = text + len;
	size_t no, found = 0;

	for (no = 1; text < end; no++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		struct line line = { .p = text, .no = no, .file = file };
		bool is_key;

		if (!stop)
			stop = end;
		line.len = (size_t)(stop - text);
		if (take_line(fresh, old, line, &is_key, err) < 0)
			return -1;
		found += is_key;
		text = stop + 1;
	}
	if (!found)
		return wga_err_set(err, "bad-node-keys",
				   "%s: no key in it; it should have lines NAME " PREFIX "HEX",
				   file);
	return 0;
}

/* move all of @fresh to the end of @keys */
static bool keys_append(struct wga_node_keys *keys, struct wga_node_keys *fresh)
{
	size_t i;

	if (fresh->n && !keys_reserve(keys, fresh->n))
		return false;
	for (i = 0; i < fresh->n; i++) {
		keys->keys[keys->n] = fresh->keys[i];
		keys->mac1[keys->n++] = fresh->mac1[i];
	}
	fresh->n = 0;
	return true;
}

int wga_node_keys_parse(struct wga_node_keys **keys, const char *text,
			size_t len, const char *name, struct wga_err *err)
{
	__attribute__((cleanup(keys_cleanup))) struct wga_node_keys *fresh = NULL;

	fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return wga_err_set(err, "out-of-memory", "%s: out of memory",
				   name);
	if (take_lines(fresh, *keys, text, len, name, err) < 0)
		return -1;
	if (!*keys) {
		*keys = fresh;
		fresh = NULL;
	} else if (!keys_append(*keys, fresh)) {
		return wga_err_set(err, "out-of-memory", "%s: out of memory",
				   name);
	}
	return 0;
}

int wga_node_keys_load(struct wga_node_keys **keys, const char *path,
		       bool *shared, struct wga_err *err)
{
	__attribute__((cleanup(secret_cleanup))) char *text = NULL;
	size_t len;

	if (wga_secret_read(path, &text, &len, shared, err) < 0)
		return -1;
	return wga_node_keys_parse(keys, text, len, path, err);
}

size_t wga_node_keys_count(const struct wga_node_keys *keys)
{
	return keys ? keys->n : 0;
}

const char *wga_node_keys_name(const struct wga_node_keys *keys, size_t i)
{
	return keys->keys[i].name;
}

const uint8_t *wga_node_keys_public(const struct wga_node_keys *keys, size_t i)
{
	return keys->keys[i].pub;
}

enum wga_opening wga_node_keys_open(const struct wga_node_keys *keys,
				    const uint8_t msg[static 148],
				    struct wga_opened *out)
{
	const struct node_key *key;
	int i;

	i = keys ? wga_mac1_find(keys->mac1, keys->n, msg, 148) : -1;
	if (i < 0)
		return WGA_OPENING_NO_KEY;
	key = &keys->keys[i];
	if (!wga_noise_open_initiation(key->priv, key->pub, msg, out->initiator,
				       out->tai64n))
		return WGA_OPENING_FORGED;
	memcpy(out->responder, key->pub, sizeof(out->responder));
	return WGA_OPENING_DONE;
}

static uint64_t number(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	while (len--)
		v = v << 8 | *p++;
	return v;
}

uint64_t wga_tai64n_ns(const uint8_t tai64n[static 12])
{
	const uint64_t epoch = (UINT64_C(1) << 62) + 10, second = 1000000000;
	uint64_t s = number(tai64n, 8), ns = number(tai64n + 8, 4);

	if (s < epoch || s - epoch >= UINT64_MAX / second || ns >= second)
		return 0;
	return (s - epoch) * second + ns;
}
