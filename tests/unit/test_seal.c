/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "report/seal.h"
#include "seal_build.h"

#define MANIFEST	"d/" WGA_SEAL_MANIFEST
#define SIGNATURE	"d/" WGA_SEAL_SIGNATURE

static struct wga_seal_key key;

static int setup(void **state)
{
	uint8_t public[WGA_SEAL_PUBLIC_LEN];

	if (seal_setup(state) < 0 || wga_seal_key_new("key", public, NULL) < 0 ||
	    wga_seal_key_load(&key, "key", NULL) < 0)
		return -1;
	put_text("d/a", "alpha");
	put_text("d/b", "betas");
	put_text("d/zero", "");
	put_text("d/.hidden", "h");
	put_text("d/sub/c", "gamma");
	put_text("d/sub/" WGA_SEAL_MANIFEST, "not ours");
	put_text("d/new\nline", "n");
	put_text("d/\xff\xfe", "x");
	return symlink("a", "d/link") || symlink("\xfe/nowhere", "d/sub/l2");
}

static int teardown(void **state)
{
	wga_seal_key_free(&key);
	return seal_teardown(state);
}

/* returns 0 or -1 */
static int seal_with(const char *dir, const struct wga_seal_key *k, bool force,
		     struct wga_err *err)
{
	struct wga_seal_options opt = { .dir = dir, .key = k, .force = force };
	struct wga_seal_manifest m;
	int ret = wga_seal(&opt, &m, err);

	wga_seal_manifest_free(&m);
	return ret;
}

static void seal(const char *dir)
{
	struct wga_err err = { 0 };

	if (seal_with(dir, &key, true, &err) < 0)
		fail_msg("%s", err.text);
}

static void check_seal_fails(const char *code)
{
	struct wga_err err = { 0 };

	assert_int_equal(seal_with("d", &key, true, &err), -1);
	assert_string_equal(err.code, code);
}

static void check_verify_fails(const char *dir, const char *code)
{
	struct wga_seal_report r;
	struct wga_err err = { 0 };

	assert_int_equal(wga_seal_verify(dir, NULL, &r, &err), -1);
	assert_string_equal(err.code, code);
	wga_seal_report_free(&r);
}

static void verify(struct wga_seal_report *r, const uint8_t *signer)
{
	struct wga_err err = { 0 };

	if (wga_seal_verify("d", signer, r, &err) < 0)
		fail_msg("%s: %s", err.code, err.text);
}

static void check_intact(void)
{
	struct wga_seal_report r;

	verify(&r, key.public);
	if (r.n)
		fail_msg("%s: %s", r.finding[0].path, r.finding[0].what);
	assert_false(r.tampered);
	assert_true(r.checked && r.has_signer);
	wga_seal_report_free(&r);
	verify(&r, NULL);
	assert_int_equal(r.n, 0);
	assert_false(r.checked);
	assert_true(r.has_signer);
	assert_memory_equal(r.signature.public, key.public, 32);
	wga_seal_report_free(&r);
}

/* exactly this is found, with and without the key, and it is tampering */
static void check_found(enum wga_seal_finding_kind kind, const char *path)
{
	struct wga_seal_report r;

	for (int i = 0; i < 2; i++) {
		verify(&r, i ? key.public : NULL);
		if (r.n != 1)
			fail_msg("%zu findings for %s", r.n, path);
		assert_int_equal(r.finding[0].kind, kind);
		assert_string_equal(r.finding[0].path, path);
		assert_true(r.tampered);
		wga_seal_report_free(&r);
	}
}

static void check_found_two(enum wga_seal_finding_kind k1, const char *p1,
			    enum wga_seal_finding_kind k2, const char *p2)
{
	struct wga_seal_report r;

	verify(&r, key.public);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.finding[0].kind, k1);
	assert_string_equal(r.finding[0].path, p1);
	assert_int_equal(r.finding[1].kind, k2);
	assert_string_equal(r.finding[1].path, p2);
	assert_true(r.tampered);
	wga_seal_report_free(&r);
}

static void test_intact(void **state)
{
	struct timespec long_ago[2] = { { 1, 0 }, { 1, 0 } };

	(void)state;
	seal("d");
	check_intact();
	/* what copying a directory about changes is no tampering */
	assert_int_equal(utimensat(AT_FDCWD, "d/a", long_ago, 0), 0);
	assert_int_equal(chmod("d/a", 0600), 0);
	assert_int_equal(mkdir("d/empty", 0755), 0);
	check_intact();
}

static const char *const sealed_files[] = {
	"a", "b", ".hidden", "sub/c", ("sub/" WGA_SEAL_MANIFEST),
	"new\nline",
	"\xff\xfe",
};

#define SEALED	(sizeof(sealed_files) / sizeof(*sealed_files))

static void test_flip_files(void **state)
{
	char path[64], *bytes;
	size_t len;

	(void)state;
	seal("d");
	for (size_t i = 0; i < SEALED; i++) {
		snprintf(path, sizeof(path), "d/%s", sealed_files[i]);
		bytes = get_file(path, &len);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			bytes[bit / 8] ^= (char)(1 << bit % 8);
			put_file(path, bytes, len);
			check_found(WGA_SEAL_CHANGED, sealed_files[i]);
			bytes[bit / 8] ^= (char)(1 << bit % 8);
		}
		put_file(path, bytes, len);
		free(bytes);
	}
	check_intact();
}

/* a file of several pieces, and one more byte */
static void test_flip_large(void **state)
{
	const size_t len = (1 << 20) + 1;
	const size_t at[] = { 0, 1, 262143, 262144, 262145, 524288, len - 1 };
	uint8_t *bytes = malloc(len);

	(void)state;
	assert_non_null(bytes);
	randombytes_buf(bytes, len);
	put_file("d/large", bytes, len);
	seal("d");
	check_intact();
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		bytes[at[i]] ^= 0x10;
		put_file("d/large", bytes, len);
		check_found(WGA_SEAL_CHANGED, "large");
		bytes[at[i]] ^= 0x10;
	}
	free(bytes);
}

/* either file of the seal: what is changed is one of the two */
static void check_broken_seal(void)
{
	struct wga_seal_report r;

	for (int i = 0; i < 2; i++) {
		verify(&r, i ? key.public : NULL);
		assert_true(r.n > 0 && r.tampered);
		assert_false(r.checked);
		assert_int_equal(strncmp(r.finding[0].path, "wgaudit-seal.", 13),
				 0);
		assert_null(r.manifest.doc);
		wga_seal_report_free(&r);
	}
}

static void flip_all(const char *path)
{
	size_t len;
	char *bytes = get_file(path, &len);

	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		put_file(path, bytes, len);
		check_broken_seal();
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++) {
		put_file(path, bytes, cut);
		check_broken_seal();
	}
	bytes[len] = '\n';
	put_file(path, bytes, len + 1);
	check_broken_seal();
	put_file(path, bytes, len);
	free(bytes);
	check_intact();
}

static void test_flip_seal(void **state)
{
	(void)state;
	/* a short one: every bit of it is tried */
	seal_remove("d");
	assert_int_equal(mkdir("d", 0755), 0);
	put_text("d/a", "alpha");
	seal("d");
	flip_all(SIGNATURE);
	flip_all(MANIFEST);
}

static void test_missing_seal(void **state)
{
	size_t len;
	char *bytes;

	(void)state;
	seal("d");
	bytes = get_file(SIGNATURE, &len);
	assert_int_equal(unlink(SIGNATURE), 0);
	check_found(WGA_SEAL_MISSING, WGA_SEAL_SIGNATURE);
	put_file("elsewhere", bytes, len);
	assert_int_equal(symlink("../elsewhere", SIGNATURE), 0);
	check_found(WGA_SEAL_CHANGED, WGA_SEAL_SIGNATURE);
	assert_int_equal(unlink(SIGNATURE), 0);
	assert_int_equal(mkfifo(SIGNATURE, 0600), 0);
	check_found(WGA_SEAL_CHANGED, WGA_SEAL_SIGNATURE);
	assert_int_equal(unlink(SIGNATURE), 0);
	put_file(SIGNATURE, bytes, len);
	free(bytes);
	check_intact();
	assert_int_equal(unlink(MANIFEST), 0);
	check_found(WGA_SEAL_MISSING, WGA_SEAL_MANIFEST);
}

static void test_missing_and_added(void **state)
{
	(void)state;
	seal("d");
	assert_int_equal(rename("d/a", "kept"), 0);
	check_found(WGA_SEAL_MISSING, "a");
	assert_int_equal(rename("kept", "d/sub/a"), 0);
	check_found_two(WGA_SEAL_MISSING, "a", WGA_SEAL_ADDED, "sub/a");
	assert_int_equal(rename("d/sub/a", "d/a"), 0);

	put_text("d/.new", "");
	check_found(WGA_SEAL_ADDED, ".new");
	assert_int_equal(unlink("d/.new"), 0);
	put_text("d/sub/" WGA_SEAL_SIGNATURE, "");
	check_found(WGA_SEAL_ADDED, "sub/" WGA_SEAL_SIGNATURE);
	assert_int_equal(unlink("d/sub/" WGA_SEAL_SIGNATURE), 0);
	assert_int_equal(mkfifo("d/pipe", 0600), 0);
	check_found(WGA_SEAL_ADDED, "pipe");
	assert_int_equal(unlink("d/pipe"), 0);
	assert_int_equal(symlink("a", "d/zz"), 0);
	check_found(WGA_SEAL_ADDED, "zz");
	assert_int_equal(unlink("d/zz"), 0);
	check_intact();

	/* last of the list, first of the list, with others behind */
	assert_int_equal(unlink("d/\xff\xfe"), 0);
	check_found(WGA_SEAL_MISSING, "\xff\xfe");
	put_text("d/\xff\xfe", "x");
	assert_int_equal(unlink("d/.hidden"), 0);
	check_found(WGA_SEAL_MISSING, ".hidden");
}

static void test_swapped(void **state)
{
	(void)state;
	seal("d");
	put_text("d/a", "betas");
	put_text("d/b", "alpha");
	check_found_two(WGA_SEAL_CHANGED, "a", WGA_SEAL_CHANGED, "b");
	put_text("d/b", "betas");
	put_text("d/a", "alph");
	check_found(WGA_SEAL_CHANGED, "a");
	put_text("d/a", "");
	check_found(WGA_SEAL_CHANGED, "a");
	put_text("d/a", "alphaa");
	check_found(WGA_SEAL_CHANGED, "a");
	put_text("d/a", "alpha");
	put_text("d/zero", "0");
	check_found(WGA_SEAL_CHANGED, "zero");
}

/* the same bytes, but behind a link: they are no longer in the directory */
static void test_links(void **state)
{
	(void)state;
	seal("d");
	assert_int_equal(rename("d/a", "a"), 0);
	assert_int_equal(symlink("../a", "d/a"), 0);
	check_found(WGA_SEAL_CHANGED, "a");
	assert_int_equal(unlink("d/a"), 0);
	assert_int_equal(mkfifo("d/a", 0600), 0);
	check_found(WGA_SEAL_CHANGED, "a");
	assert_int_equal(unlink("d/a"), 0);
	assert_int_equal(rename("a", "d/a"), 0);

	assert_int_equal(unlink("d/link"), 0);
	put_text("d/link", "alpha");
	check_found(WGA_SEAL_CHANGED, "link");
	assert_int_equal(unlink("d/link"), 0);
	assert_int_equal(symlink("b", "d/link"), 0);
	check_found(WGA_SEAL_CHANGED, "link");
	assert_int_equal(unlink("d/link"), 0);
	assert_int_equal(symlink("a", "d/link"), 0);
	check_intact();
}

static void test_folder_behind_link(void **state)
{
	struct wga_seal_report r;
	size_t missing = 0;

	(void)state;
	seal("d");
	assert_int_equal(rename("d/sub", "sub"), 0);
	assert_int_equal(symlink("../sub", "d/sub"), 0);
	verify(&r, NULL);
	assert_int_equal(r.n, 4);
	assert_string_equal(r.finding[0].path, "sub");
	assert_int_equal(r.finding[0].kind, WGA_SEAL_ADDED);
	for (size_t i = 0; i < r.n; i++)
		missing += r.finding[i].kind == WGA_SEAL_MISSING;
	assert_int_equal(missing, 3);
	wga_seal_report_free(&r);
}

static void test_other_key(void **state)
{
	uint8_t public[WGA_SEAL_PUBLIC_LEN];
	struct wga_seal_key other;
	struct wga_seal_report r;

	(void)state;
	assert_int_equal(wga_seal_key_new("other", public, NULL), 0);
	assert_int_equal(wga_seal_key_load(&other, "other", NULL), 0);
	assert_memory_equal(public, other.public, sizeof(public));
	seal("d");
	put_text("d/a", "ALPHA");
	assert_int_equal(seal_with("d", &other, true, NULL), 0);
	verify(&r, key.public);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.finding[0].kind, WGA_SEAL_OTHER_KEY);
	assert_string_equal(r.finding[0].path, WGA_SEAL_SIGNATURE);
	assert_true(r.tampered);
	assert_false(r.checked);
	wga_seal_report_free(&r);
	/* what else is wrong is said, too */
	put_text("d/b", "");
	verify(&r, key.public);
	assert_int_equal(r.n, 2);
	wga_seal_report_free(&r);
	wga_seal_key_free(&other);
}

/* the key of the other signature, put over ours */
static void test_key_swapped(void **state)
{
	uint8_t public[WGA_SEAL_PUBLIC_LEN];
	struct wga_seal_signature s;
	size_t len;
	char *text;

	(void)state;
	assert_int_equal(wga_seal_key_new("other", public, NULL), 0);
	seal("d");
	text = get_file(SIGNATURE, &len);
	assert_int_equal(wga_seal_signature_parse(&s, text, len), 0);
	free(text);
	memcpy(s.public, public, sizeof(public));
	text = wga_seal_signature_write(&s);
	put_text(SIGNATURE, text);
	free(text);
	check_broken_seal();
}

static void test_other_directory(void **state)
{
	char *doc, *sign;
	size_t n, k;

	(void)state;
	assert_int_equal(mkdir("e", 0755), 0);
	put_text("e/a", "alpha");
	seal("e");
	seal("d");
	sign = get_file("e/" WGA_SEAL_SIGNATURE, &k);
	put_file(SIGNATURE, sign, k);
	check_broken_seal();
	/* both files: a good seal, of something else */
	doc = get_file("e/" WGA_SEAL_MANIFEST, &n);
	put_file(MANIFEST, doc, n);
	assert_int_equal(unlink("d/a"), 0);
	{
		struct wga_seal_report r;

		verify(&r, key.public);
		assert_true(r.tampered);
		assert_int_equal(r.n, 10);
		assert_int_equal(r.finding[1].kind, WGA_SEAL_MISSING);
		assert_string_equal(r.finding[1].path, "a");
		wga_seal_report_free(&r);
	}
	free(sign);
	free(doc);
}

/* a manifest of any text with a good signature */
static void forge(const char *text)
{
	struct wga_seal_signature s;
	char *sign;

	memcpy(s.public, key.public, sizeof(s.public));
	crypto_sign_detached(s.sign, NULL, (const uint8_t *)text, strlen(text),
			     key.secret);
	sign = wga_seal_signature_write(&s);
	put_text(MANIFEST, text);
	put_text(SIGNATURE, sign);
	free(sign);
}

#define HEAD	"\"tool\": \"t\", \"host\": \"h\", \"time\": \"t\", " \
		"\"options\": {}, \"verdict\": null, "
#define HASH	"\"sha256\": \"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0" \
		"f98a5e886266e7ae\""

static void forge_files(const char *files)
{
	char text[2048];

	snprintf(text, sizeof(text), "{\"schema\": \"wgaudit-seal/1\", " HEAD
		 "\"files\": %s}", files);
	forge(text);
}

#define ENTRY(path)	"{\"path\": \"" path "\", \"type\": \"file\", " \
			"\"size\": 3, " HASH "}"

static void test_bad_manifests(void **state)
{
	static const char *const bad[] = {
		"null", "{}", "[1]", "[{}]",
		"[" ENTRY("../x") "]", "[" ENTRY("/etc/passwd") "]",
		"[" ENTRY("") "]", "[" ENTRY(".") "]", "[" ENTRY("..") "]",
		"[" ENTRY("a/../b") "]", "[" ENTRY("a/./b") "]",
		"[" ENTRY("a//b") "]", "[" ENTRY("a/") "]", "[" ENTRY("a/..") "]",
		"[" ENTRY("./a") "]", "[" ENTRY("a\\u0000b") "]",
		"[" ENTRY("wgaudit-seal.json") "]",
		"[" ENTRY("wgaudit-seal.sig") "]",
		"[" ENTRY("a") ", " ENTRY("a") "]",
		"[" ENTRY("b") ", " ENTRY("a") "]",
		"[{\"path\": \"a\", \"path_base64\": \"YQ==\", \"type\": \"file\", \"size\": 3, " HASH "}]",
		"[{\"path_base64\": \"Li4veA==\", \"type\": \"file\", \"size\": 3, " HASH "}]",
		"[{\"path_base64\": \"YQBi\", \"type\": \"file\", \"size\": 3, " HASH "}]",
		"[{\"path_base64\": \"*\", \"type\": \"file\", \"size\": 3, " HASH "}]",
		"[{\"path\": \"a\", \"type\": \"file\", \"size\": -1, " HASH "}]",
		"[{\"path\": \"a\", \"type\": \"file\", \"size\": 3.5, " HASH "}]",
		"[{\"path\": \"a\", \"type\": \"file\", " HASH "}]",
		"[{\"path\": \"a\", \"type\": \"file\", \"size\": 3, \"sha256\": \"00\"}]",
		"[{\"path\": \"a\", \"type\": \"file\", \"size\": 3}]",
		"[{\"path\": \"a\", \"type\": \"symlink\"}]",
		"[{\"path\": \"a\", \"type\": \"socket\"}]",
		"[{\"path\": \"a\", \"size\": 3, " HASH "}]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		forge_files(bad[i]);
		check_verify_fails("d", "bad-manifest");
	}
	forge("{\"schema\": \"wgaudit-seal/1\", \"files\": []}");
	check_verify_fails("d", "bad-manifest");
	forge("{\"schema\": \"wgaudit-seal/1\", \"schema\": \"wgaudit-seal/1\"}");
	check_verify_fails("d", "bad-manifest");
	forge("");
	check_verify_fails("d", "bad-manifest");
	forge("{\"schema\": \"wgaudit-seal/2\", " HEAD "\"files\": []}");
	check_verify_fails("d", "unknown-schema");
	forge("{" HEAD "\"files\": []}");
	check_verify_fails("d", "unknown-schema");
}

/* the forger itself is sound */
static void test_good_manifest(void **state)
{
	(void)state;
	seal_remove("d");
	assert_int_equal(mkdir("d", 0755), 0);
	put_text("d/a", "foo");
	forge_files("[" ENTRY("a") "]");
	check_intact();
	forge_files("[{\"path_base64\": \"YQ==\", \"type\": \"file\", \"size\": 3, "
		    HASH "}]");
	check_intact();
	forge_files("[]");
	check_found(WGA_SEAL_ADDED, "a");
}

static void test_seal_errors(void **state)
{
	struct wga_err err;
	char deep[1024] = "d", *at = deep + 1;

	(void)state;
	assert_int_equal(seal_with("nowhere", &key, false, &err), -1);
	assert_string_equal(err.code, "no-such-directory");
	assert_int_equal(seal_with("key", &key, false, &err), -1);
	assert_string_equal(err.code, "no-such-directory");
	assert_int_equal(mkdir("e", 0755), 0);
	assert_int_equal(mkdir("e/f", 0755), 0);
	assert_int_equal(seal_with("e", &key, false, &err), -1);
	assert_string_equal(err.code, "empty-directory");
	assert_int_equal(access("e/" WGA_SEAL_MANIFEST, F_OK), -1);

	assert_int_equal(mkfifo("d/pipe", 0600), 0);
	check_seal_fails("special-file");
	assert_non_null(strstr((seal_with("d", &key, false, &err), err.text),
			       "d/pipe"));
	assert_int_equal(access(MANIFEST, F_OK), -1);
	assert_int_equal(unlink("d/pipe"), 0);
	assert_int_equal(link("key", "d/sub/k"), 0);
	check_seal_fails("secret-in-directory");
	assert_int_equal(unlink("d/sub/k"), 0);

	for (int i = 0; i < 210; i++) {
		strcpy(at, "/x");
		at += 2;
		assert_int_equal(mkdir(deep, 0755), 0);
	}
	check_seal_fails("too-deep");
}

static void test_seal_again(void **state)
{
	struct wga_err err;

	(void)state;
	assert_int_equal(seal_with("d", &key, false, NULL), 0);
	put_text("d/a", "ALPHA");
	assert_int_equal(seal_with("d", &key, false, &err), -1);
	assert_string_equal(err.code, "sealed");
	check_found(WGA_SEAL_CHANGED, "a");
	assert_int_equal(unlink(MANIFEST), 0);
	assert_int_equal(seal_with("d", &key, false, &err), -1);
	assert_string_equal(err.code, "sealed");
	assert_int_equal(seal_with("d", &key, true, NULL), 0);
	check_intact();
	/* a link in the seal's place is replaced, not written through */
	put_text("victim", "v");
	assert_int_equal(unlink(MANIFEST), 0);
	assert_int_equal(symlink("../victim", MANIFEST), 0);
	assert_int_equal(seal_with("d", &key, true, NULL), 0);
	check_intact();
	{
		size_t len;
		char *text = get_file("victim", &len);

		assert_string_equal(text, "v");
		free(text);
	}
}

static void test_verify_errors(void **state)
{
	(void)state;
	check_verify_fails("nowhere", "no-such-directory");
	check_verify_fails("key", "no-such-directory");
	check_verify_fails("d", "no-seal");
}

/* 0 if all that is found is that @path cannot be read; runs as a child */
static int unreadable_child(const char *path)
{
	struct wga_seal_report r;
	struct wga_err err = { 0 };

	if (!getuid() && (setgid(65534) || setuid(65534)))
		return 77;
	if (wga_seal_verify("d", NULL, &r, &err) < 0 || r.n != 1 ||
	    r.finding[0].kind != WGA_SEAL_UNREADABLE ||
	    strcmp(r.finding[0].path, path) != 0 || r.tampered)
		return 1;
	return seal_with("d", &key, true, &err) < 0 &&
	       !strcmp(err.code, "unreadable-file") && strstr(err.text, path) ?
	       0 : 2;
}

/* a user who is not root, for whom modes mean something */
static void check_unreadable(const char *path)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(unreadable_child(path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_unreadable(void **state)
{
	(void)state;
	seal("d");
	assert_int_equal(chmod(seal_top, 0777), 0);
	assert_int_equal(chmod("d", 0777), 0);
	assert_int_equal(chmod("d/b", 0), 0);
	check_unreadable("b");
	assert_int_equal(chmod("d/b", 0644), 0);
	assert_int_equal(chmod("d/sub", 0), 0);
	check_unreadable("sub");
	assert_int_equal(chmod("d/sub", 0755), 0);
	check_intact();
}

/* files of /proc hold more than their size says, as if they grew */
static void test_unsteady(void **state)
{
	struct wga_seal_tree tree;
	int dir = open("/proc/sys/kernel/random", O_RDONLY | O_DIRECTORY);
	size_t unsteady = 0;

	(void)state;
	if (dir < 0)
		skip();
	assert_int_equal(wga_seal_tree_read(&tree, dir, "random", true, NULL), 0);
	for (size_t i = 0; i < tree.n; i++)
		unsteady += tree.file[i].unsteady;
	assert_true(unsteady > 1);
	wga_seal_tree_free(&tree);
	close(dir);
}

static const char *moved_after(void (*change)(void))
{
	static char path[64];
	struct wga_seal_tree before, after;
	int dir = open("d", O_RDONLY | O_DIRECTORY);
	const char *moved;

	assert_int_equal(wga_seal_tree_read(&before, dir, "d", true, NULL), 0);
	change();
	assert_int_equal(wga_seal_tree_read(&after, dir, "d", false, NULL), 0);
	moved = wga_seal_tree_moved(&before, &after);
	snprintf(path, sizeof(path), "%s", moved ? moved : "");
	wga_seal_tree_free(&before);
	wga_seal_tree_free(&after);
	close(dir);
	return path;
}

static void change_nothing(void)
{
}

static void change_content(void)
{
	put_text("d/sub/c", "GAMMA!");
}

static void change_new(void)
{
	put_text("d/\xff\xff", "");
}

static void change_gone(void)
{
	assert_int_equal(unlink("d/\xff\xff"), 0);
}

static void change_replaced(void)
{
	put_text("d/t", "alpha");
	assert_int_equal(rename("d/t", "d/a"), 0);
}

static void test_moved(void **state)
{
	(void)state;
	assert_string_equal(moved_after(change_nothing), "");
	assert_string_equal(moved_after(change_content), "sub/c");
	assert_string_equal(moved_after(change_new), "\xff\xff");
	assert_string_equal(moved_after(change_gone), "\xff\xff");
	assert_string_equal(moved_after(change_replaced), "a");
}

static void check_verdict(const char *text, const char *expected)
{
	struct wga_seal_report r;
	char *got;

	put_text("d/verdict.json", text);
	if (!expected) {
		check_seal_fails("bad-verdict");
		return;
	}
	seal("d");
	verify(&r, key.public);
	got = json_dumps(json_object_get(r.manifest.doc, "verdict"),
			 JSON_COMPACT);
	assert_string_equal(got, expected);
	free(got);
	wga_seal_report_free(&r);
}

static void test_verdict(void **state)
{
	(void)state;
	check_verdict("{\"schema\": \"wgaudit/1\", \"verdict\": \"pass\", \"reasons\": []}",
		      "{\"outcome\":\"pass\",\"reasons\":[]}");
	check_verdict("{\"schema\": \"wgaudit/1\", \"verdict\": \"violation\","
		      " \"reasons\": [{\"code\": \"plaintext\"}, {\"code\": \"spliced\"}]}",
		      "{\"outcome\":\"violation\",\"reasons\":[\"plaintext\",\"spliced\"]}");
	check_verdict("{\"schema\": \"wgaudit/1\", \"error\": {\"code\": \"usage\", \"text\": \"x\"}}",
		      "{\"outcome\":\"error\",\"reasons\":[\"usage\"]}");
	check_verdict("", NULL);
	check_verdict("{}", NULL);
	check_verdict("[]", NULL);
	check_verdict("{\"schema\": \"wgaudit/2\", \"verdict\": \"pass\", \"reasons\": []}",
		      NULL);
	check_verdict("{\"schema\": \"wgaudit/1\", \"reasons\": []}", NULL);
	check_verdict("{\"schema\": \"wgaudit/1\", \"verdict\": \"pass\"}", NULL);
	check_verdict("{\"schema\": \"wgaudit/1\", \"verdict\": \"pass\", \"reasons\": [{}]}",
		      NULL);
	check_verdict("{\"schema\": \"wgaudit/1\", \"verdict\": \"pass\", \"reasons\": [1]}",
		      NULL);
	check_verdict("{\"schema\": \"wgaudit/1\", \"error\": {}}", NULL);
}

static void check_notes(const char *a, const char *b, const char *expected)
{
	const char *const notes[] = { a, b };
	struct wga_seal_options opt = {
		.dir = "d", .key = &key, .notes = notes, .n_notes = b ? 2 : 1,
		.force = true,
	};
	struct wga_seal_manifest m;
	struct wga_err err;
	char *got;

	if (wga_seal(&opt, &m, &err) < 0) {
		assert_string_equal(err.code, "usage");
		assert_null(expected);
	} else {
		got = json_dumps(json_object_get(m.doc, "options"),
				 JSON_COMPACT);
		assert_string_equal(got, expected);
		free(got);
		check_intact();
	}
	wga_seal_manifest_free(&m);
}

static void test_notes(void **state)
{
	(void)state;
	check_notes("a=b", NULL, "{\"a\":\"b\"}");
	check_notes("z=", "a=b=c", "{\"z\":\"\",\"a\":\"b=c\"}");
	check_notes("a", NULL, NULL);
	check_notes("=a", NULL, NULL);
	check_notes("a=b", "a=c", NULL);
	check_notes("a=\xff", NULL, NULL);
	check_notes("\xff=a", NULL, NULL);
}

static void check_key(const char *text, const char *secret, const char *public)
{
	struct wga_seal_key k;
	struct wga_err err = { 0 };
	uint8_t pub[WGA_SEAL_PUBLIC_LEN];

	put_text("k", text);
	if (wga_seal_key_load(&k, "k", &err) == 0)
		wga_seal_key_free(&k);
	assert_string_equal(err.code, secret);
	err.code[0] = '\0';
	(void)wga_seal_key_public("k", pub, &err);
	assert_string_equal(err.code, public);
}

#define ZEROS	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void test_keys(void **state)
{
	uint8_t public[WGA_SEAL_PUBLIC_LEN];
	struct wga_seal_key k;
	struct wga_err err;
	struct stat st;

	(void)state;
	assert_int_equal(stat("key", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_false(key.shared);
	assert_int_equal(wga_seal_key_public("key.pub", public, NULL), 0);
	assert_memory_equal(public, key.public, sizeof(public));

	assert_int_equal(wga_seal_key_new("key", public, &err), -1);
	assert_string_equal(err.code, "key-exists");
	assert_int_equal(unlink("key"), 0);
	assert_int_equal(wga_seal_key_new("key", public, &err), -1);
	assert_string_equal(err.code, "key-exists");
	assert_int_equal(access("key", F_OK), -1);
	assert_int_equal(wga_seal_key_new("no/key", public, &err), -1);
	assert_string_equal(err.code, "unwritable-file");

	check_key("wgaudit-seal-secret ed25519 " ZEROS "\n", "", "bad-key");
	check_key("wgaudit-seal-secret ed25519 " ZEROS, "", "bad-key");
	check_key("wgaudit-seal-public ed25519 " ZEROS "\n", "bad-key", "");
	check_key("wgaudit-seal-secret ed25519 " ZEROS "\n\n", "bad-key", "bad-key");
	check_key("wgaudit-seal-secret ed25519 " ZEROS "A", "bad-key", "bad-key");
	check_key("wgaudit-seal-secret ed25519 AAAA\n", "bad-key", "bad-key");
	check_key("wgaudit-seal-secret ed25519 ", "bad-key", "bad-key");
	check_key(ZEROS, "bad-key", "bad-key");
	check_key("", "bad-key", "bad-key");
	assert_int_equal(wga_seal_key_load(&k, "nowhere", &err), -1);
	assert_string_equal(err.code, "no-such-file");

	put_text("k", "wgaudit-seal-secret ed25519 " ZEROS "\n");
	assert_int_equal(chmod("k", 0640), 0);
	assert_int_equal(wga_seal_key_load(&k, "k", &err), 0);
	assert_true(k.shared);
	wga_seal_key_free(&k);
}

/* RFC 8032, 7.1, test 1: the seed makes this public key */
static void test_key_vector(void **state)
{
	static const char *const seed =
		"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
	static const char *const public =
		"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
	char line[100], text[WGA_SEAL_PUBLIC_TEXT];
	struct wga_seal_key k;

	(void)state;
	snprintf(line, sizeof(line), "wgaudit-seal-secret ed25519 %s\n", seed);
	put_text("k", line);
	assert_int_equal(wga_seal_key_load(&k, "k", NULL), 0);
	assert_string_equal(wga_seal_key_text(k.public, text), public);
	wga_seal_key_free(&k);
}

static void test_signature_text(void **state)
{
	struct wga_seal_signature s = { .public = { 1 }, .sign = { 2 } }, r;
	char *text = wga_seal_signature_write(&s), *at;

	(void)state;
	assert_int_equal(wga_seal_signature_parse(&r, text, strlen(text)), 0);
	assert_memory_equal(&s, &r, sizeof(s));
	/* bits that base64 does not use */
	at = strstr(text, "A=\n");
	assert_non_null(at);
	*at = 'B';
	assert_int_equal(wga_seal_signature_parse(&r, text, strlen(text)), -1);
	*at = 'A';
	text[0] = 'W';
	assert_int_equal(wga_seal_signature_parse(&r, text, strlen(text)), -1);
	free(text);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_intact),
		TEST(test_flip_files),
		TEST(test_flip_large),
		TEST(test_flip_seal),
		TEST(test_missing_seal),
		TEST(test_missing_and_added),
		TEST(test_swapped),
		TEST(test_links),
		TEST(test_folder_behind_link),
		TEST(test_other_key),
		TEST(test_key_swapped),
		TEST(test_other_directory),
		TEST(test_bad_manifests),
		TEST(test_good_manifest),
		TEST(test_seal_errors),
		TEST(test_seal_again),
		TEST(test_verify_errors),
		TEST(test_unreadable),
		TEST(test_unsteady),
		TEST(test_moved),
		TEST(test_verdict),
		TEST(test_notes),
		TEST(test_keys),
		TEST(test_key_vector),
		TEST(test_signature_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
