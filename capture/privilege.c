/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation
 *
 * Root or CAP_NET_RAW is needed to open packet sockets and for nothing after
 * that, while the frames that are then parsed come from whoever can send them.
 * So everything is given up in between: supplementary groups, user and group,
 * all capabilities, and the way back through set-user-ID programs.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/live.h"

struct identity {
	uid_t uid;
	gid_t gid;
};

static bool read_id(const char *variable, uint32_t *out)
{
	const char *text = secure_getenv(variable);
	unsigned long id;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	id = strtoul(text, &end, 10);
	if (errno || *end || id == 0 || id >= UINT32_MAX)
		return false;
	*out = (uint32_t)id;
	return true;
}

static struct identity choose_identity(void)
{
	const struct passwd *nobody;
	uint32_t uid, gid;

	if (getuid() != 0)
		return (struct identity){ getuid(), getgid() };
	if (read_id("SUDO_UID", &uid) && read_id("SUDO_GID", &gid))
		return (struct identity){ uid, gid };
	nobody = getpwnam("nobody");
	if (nobody && nobody->pw_uid != 0)
		return (struct identity){ nobody->pw_uid, nobody->pw_gid };
	return (struct identity){ 65534, 65534 };
}

/* In a user namespace the other user may not exist (EINVAL) and groups may be
 * unchangeable (EPERM); the root of such a namespace is no root outside, and
 * its capabilities go all the same.
 */
static bool in_user_namespace(void)
{
	char line[64] = { 0 };
	unsigned long inside, outside, count;
	FILE *f = fopen("/proc/self/uid_map", "re");
	bool initial;

	if (!f)
		return false;
	initial = fgets(line, sizeof(line), f) &&
		  sscanf(line, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
		  inside == 0 && outside == 0 && count == UINT32_MAX;
	fclose(f);
	return !initial;
}

static int drop_identity(struct wga_err *err)
{
	const struct identity id = choose_identity();

	if (setgroups(0, NULL) == 0 &&
	    setresgid(id.gid, id.gid, id.gid) == 0 &&
	    setresuid(id.uid, id.uid, id.uid) == 0)
		return 0;
	if ((errno == EINVAL || errno == EPERM) && in_user_namespace())
		return 0;
	return wga_err_set(err, "privileges",
			   "cannot become user %u: %s", id.uid, strerror(errno));
}

static int drop_capabilities(struct wga_err *err)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capset, &header, none) < 0)
		return wga_err_set(err, "privileges",
				   "cannot give up capabilities: %s",
				   strerror(errno));
	return 0;
}

int wga_privileges_drop(struct wga_err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return wga_err_set(err, "privileges",
				   "cannot set no_new_privs: %s",
				   strerror(errno));
	if (geteuid() == 0 && drop_identity(err) < 0)
		return -1;
	return drop_capabilities(err);
}
