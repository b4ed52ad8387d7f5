/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "cli/cli.h"
#include "cli/policy.h"

/* no policy is this large: a wrong file, or one that never ends */
#define SIZE_MAX_BYTES	((size_t)256 << 10)
/* whoever has more than this to mend begins with these */
#define FAULTS_MAX	100

/**
 * struct reader - a policy that is being read
 * @event:	the one that is looked at; @has_event: it must be deleted
 * @seen:	line of each key that was given, 0 if it was not
 * @no_memory:	an entry or fault could not be kept
 */
struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event;
	struct wga_policy *p;
	const struct wga_policy_key *keys;
	size_t n_keys;
	unsigned int *seen;
	bool no_memory;
};

static struct wga_policy_fault *add_fault(struct wga_policy *p,
					  unsigned int line)
{
	struct wga_policy_fault *grown =
		reallocarray(p->faults, p->n_faults + 1, sizeof(*grown));
	size_t at = p->n_faults;

	if (!grown)
		return NULL;
	p->faults = grown;
	/* in the order of the lines, also those that setters find later */
	for (; at > 0 && grown[at - 1].line > line; at--)
		grown[at] = grown[at - 1];
	grown[at] = (struct wga_policy_fault){ .line = line };
	p->n_faults++;
	return &grown[at];
}

static void fault(struct reader *r, unsigned int line, const char *key,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void fault(struct reader *r, unsigned int line, const char *key,
		  const char *fmt, ...)
{
	struct wga_policy_fault *f = add_fault(r->p, line);
	va_list ap;

	if (!f) {
		r->no_memory = true;
		return;
	}
	snprintf(f->code, sizeof(f->code), "bad-policy");
	snprintf(f->key, sizeof(f->key), "%s", key);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static unsigned int line_of(const struct reader *r)
{
	return (unsigned int)r->event.start_mark.line + 1;
}

static const char *scalar_of(const struct reader *r)
{
	return (const char *)r->event.data.scalar.value;
}

/* the next event; -1 if the file is no YAML, which is then a fault, or if
 * enough faults were found
 */
static int next(struct reader *r)
{
	if (r->p->n_faults >= FAULTS_MAX)
		return -1;
	if (r->has_event)
		yaml_event_delete(&r->event);
	r->has_event = false;
	if (yaml_parser_parse(&r->parser, &r->event)) {
		r->has_event = true;
		return 0;
	}
	if (r->parser.error == YAML_MEMORY_ERROR)
		r->no_memory = true;
	fault(r, (unsigned int)r->parser.problem_mark.line + 1, "",
	      "this is not YAML: %s%s%s", r->parser.problem ?
	      r->parser.problem : "unknown problem", r->parser.context ?
	      ", " : "", r->parser.context ? r->parser.context : "");
	return -1;
}

/* go to the last event of the node that begins here */
static int skip(struct reader *r)
{
	size_t depth = 0;

	for (;;) {
		switch (r->event.type) {
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT:
			depth++;
			break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT:
			depth--;
			break;
		default:
			break;
		}
		if (!depth)
			return 0;
		if (next(r) < 0)
			return -1;
	}
}

/* nothing, or one of the words that YAML has for that */
static bool is_null(const struct reader *r)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	size_t i;

	if (r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(scalar_of(r), words[i]))
			return true;
	}
	return false;
}

/* a file is looked for from where the policy lies */
static char *value_of(const struct reader *r, const struct wga_policy_key *key,
		      const char *name)
{
	const char *text = scalar_of(r), *slash = strrchr(r->p->path, '/');
	char *value;
	int n;

	if (name)
		n = asprintf(&value, "%s=%s", name, text);
	else if (key->flags & WGA_OPTION_PATH && *text != '/' && slash)
		n = asprintf(&value, "%.*s/%s", (int)(slash - r->p->path),
			     r->p->path, text);
	else
		return strdup(text);
	return n < 0 ? NULL : value;
}

static void add_entry(struct reader *r, size_t key, char *value)
{
	struct wga_policy *p = r->p;
	struct wga_policy_entry *grown = value ?
		reallocarray(p->entries, p->n_entries + 1, sizeof(*grown)) :
		NULL;

	if (!grown) {
		free(value);
		r->no_memory = true;
		return;
	}
	p->entries = grown;
	grown[p->n_entries++] = (struct wga_policy_entry){
		key, value, line_of(r),
	};
}

/* the event is a scalar; @name: what it is the value of within a mapping */
static void take_scalar(struct reader *r, size_t at, const char *name)
{
	const struct wga_policy_key *key = &r->keys[at];

	if (is_null(r))
		fault(r, line_of(r), key->name, "has no value");
	else if (strlen(scalar_of(r)) != r->event.data.scalar.length)
		fault(r, line_of(r), key->name, "holds a zero byte");
	else if (!key->arg && strcmp(scalar_of(r), "true") != 0 &&
		 strcmp(scalar_of(r), "false") != 0)
		fault(r, line_of(r), key->name,
		      "wants true or false, not \"%s\"", scalar_of(r));
	else
		add_entry(r, at, value_of(r, key, name));
}

/* what stands where one value is wanted; -1 as of next() */
static int take_one(struct reader *r, size_t at, const char *name)
{
	const struct wga_policy_key *key = &r->keys[at];

	if (r->event.type == YAML_SCALAR_EVENT) {
		take_scalar(r, at, name);
		return 0;
	}
	if (r->event.type == YAML_ALIAS_EVENT)
		fault(r, line_of(r), key->name,
		      "an alias cannot be used here; write the value");
	else
		fault(r, line_of(r), key->name, "wants %s here, not a %s",
		      key->arg ? key->arg : "true or false",
		      r->event.type == YAML_SEQUENCE_START_EVENT ?
		      "list" : "mapping");
	return skip(r);
}

/* Nothing stands where something was to be declared, as in a template that was
 * not filled in. It is not the same as a key that is left out.
 */
static void fault_empty(struct reader *r, size_t at, unsigned int line)
{
	fault(r, line, r->keys[at].name,
	      "declares nothing; leave it out if that is meant");
}

/* one value or, where the option may be repeated, a list of them */
static int take_values(struct reader *r, size_t at, const char *name)
{
	unsigned int line = line_of(r);
	bool any = false;

	if (r->event.type != YAML_SEQUENCE_START_EVENT ||
	    !(r->keys[at].flags & WGA_OPTION_MANY))
		return take_one(r, at, name);
	for (;;) {
		if (next(r) < 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT) {
			if (!any)
				fault_empty(r, at, line);
			return 0;
		}
		any = true;
		if (take_one(r, at, name) < 0)
			return -1;
	}
}

/* NAME: VALUE, or NAME: [VALUE, ...] */
static int take_mapping(struct reader *r, size_t at)
{
	const char *key = r->keys[at].name;
	unsigned int line = line_of(r);
	bool any = false;
	char *name;
	int ret;

	if (r->event.type != YAML_MAPPING_START_EVENT) {
		fault(r, line_of(r), key, "wants a mapping, NAME: VALUE");
		return skip(r);
	}
	for (;;) {
		if (next(r) < 0)
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT) {
			if (!any)
				fault_empty(r, at, line);
			return 0;
		}
		any = true;
		if (r->event.type != YAML_SCALAR_EVENT) {
			fault(r, line_of(r), key, "wants a name here");
			if (skip(r) < 0 || next(r) < 0 || skip(r) < 0)
				return -1;
			continue;
		}
		name = strndup(scalar_of(r), r->event.data.scalar.length);
		r->no_memory |= !name;
		ret = next(r) < 0 ? -1 : take_values(r, at, name);
		free(name);
		if (ret < 0)
			return -1;
	}
}

/* index of the key of that name, or -1 with a fault */
static int find_key(struct reader *r)
{
	const char *name = scalar_of(r);
	size_t i;

	for (i = 0; i < r->n_keys; i++) {
		if (strcmp(r->keys[i].name, name) != 0)
			continue;
		if (!r->seen[i]) {
			r->seen[i] = line_of(r);
			return (int)i;
		}
		fault(r, line_of(r), name, "was given in line %u already",
		      r->seen[i]);
		return -1;
	}
	fault(r, line_of(r), name,
	      "unknown key; those there are: wgaudit policy --help");
	return -1;
}

static int take_key(struct reader *r)
{
	int at = -1;

	if (r->event.type == YAML_SCALAR_EVENT)
		at = find_key(r);
	else
		fault(r, line_of(r), "", "wants the name of an option here");
	if (skip(r) < 0 || next(r) < 0)
		return -1;
	if (at < 0)
		return skip(r);
	if (r->keys[at].flags & WGA_OPTION_MAP)
		return take_mapping(r, (size_t)at);
	return take_values(r, (size_t)at, NULL);
}

static int read_document(struct reader *r)
{
	if (next(r) < 0 || next(r) < 0)	/* start of the stream, and what follows */
		return -1;
	if (r->event.type == YAML_STREAM_END_EVENT) {
		fault(r, 1, "", "declares nothing");
		return 0;
	}
	if (next(r) < 0)
		return -1;
	if (r->event.type != YAML_MAPPING_START_EVENT) {
		fault(r, line_of(r), "", "wants a mapping, OPTION: VALUE");
		return 0;
	}
	for (;;) {
		if (next(r) < 0)
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (take_key(r) < 0)
			return -1;
	}
	if (next(r) < 0 || next(r) < 0)	/* end of the document, and what follows */
		return -1;
	if (r->event.type != YAML_STREAM_END_EVENT)
		fault(r, line_of(r), "", "a second document; a policy is one");
	else if (!r->p->n_entries && !r->p->n_faults)
		fault(r, 1, "", "declares nothing");
	return 0;
}

static int no_memory(struct wga_err *err)
{
	return wga_err_set(err, "out-of-memory", "out of memory");
}

int wga_policy_parse(struct wga_policy *p, const char *path, const void *data,
		     size_t size, const struct wga_policy_key *keys, size_t n,
		     struct wga_err *err)
{
	struct reader r = { .p = p, .keys = keys, .n_keys = n };

	*p = (struct wga_policy){ .path = strdup(path) };
	r.seen = calloc(n + 1, sizeof(*r.seen));
	if (!p->path || !r.seen || !yaml_parser_initialize(&r.parser)) {
		free(r.seen);
		return no_memory(err);
	}
	yaml_parser_set_input_string(&r.parser, data, size);
	read_document(&r);
	if (r.has_event)
		yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	free(r.seen);
	return r.no_memory ? no_memory(err) : 0;
}

int wga_policy_load(struct wga_policy *p, const char *path,
		    const struct wga_policy_key *keys, size_t n,
		    struct wga_err *err)
{
	char *text = malloc(SIZE_MAX_BYTES + 1);
	FILE *f = fopen(path, "re");
	size_t size;
	int ret = -1;

	*p = (struct wga_policy){ 0 };
	if (!text) {
		no_memory(err);
	} else if (!f) {
		wga_err_set(err, errno == ENOENT ? "no-such-file" :
			    "read-failed", "policy %s: %s", path,
			    strerror(errno));
	} else {
		size = fread(text, 1, SIZE_MAX_BYTES + 1, f);
		if (ferror(f))
			wga_err_set(err, "read-failed", "policy %s: %s", path,
				    strerror(errno));
		else if (size > SIZE_MAX_BYTES)
			wga_err_set(err, "bad-policy",
				    "policy %s is larger than 256 KiB", path);
		else
			ret = wga_policy_parse(p, path, text, size, keys, n,
					       err);
	}
	if (f)
		fclose(f);
	free(text);
	return ret;
}

/* Setters speak of options: "--derp wants", where "derp: wants" is meant. */
static const char *without_option(const char *text, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(text, "--", 2) != 0 || strncmp(text + 2, name, n) != 0 ||
	    text[2 + n] != ' ')
		return text;
	return text + 2 + n + 1;
}

int wga_policy_refuse(struct wga_policy *p, const struct wga_policy_entry *e,
		      const char *name, const struct wga_err *why)
{
	struct wga_policy_fault *f = add_fault(p, e->line);

	if (!f)
		return -1;
	snprintf(f->code, sizeof(f->code), "%s", strcmp(why->code, "usage") ?
		 why->code : "bad-policy");
	snprintf(f->key, sizeof(f->key), "%s", name);
	snprintf(f->text, sizeof(f->text), "%.399s",
		 without_option(why->text, name));
	return 0;
}

int wga_policy_fault_err(const struct wga_policy *p, size_t i,
			 struct wga_err *err)
{
	const struct wga_policy_fault *f = &p->faults[i];

	return wga_err_set(err, f->code, "%s:%u: %s%s%s", p->path, f->line,
			   f->key, *f->key ? ": " : "", f->text);
}

void wga_policy_free(struct wga_policy *p)
{
	size_t i;

	for (i = 0; i < p->n_entries; i++)
		free(p->entries[i].value);
	free(p->entries);
	free(p->faults);
	free(p->path);
	*p = (struct wga_policy){ 0 };
}
