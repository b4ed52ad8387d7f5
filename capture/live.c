/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "capture/heartbeat.h"
#include "capture/live.h"
#include "capture/live_internal.h"
#include "capture/netdev.h"

#define SNAPLEN		262144
#define RING_BYTES	(64U << 20)
#define TIMEOUT_MS	50
/* a dispatch ends after this many frames, so that a flood cannot hold the
 * caller's other business up
 */
#define DISPATCH_MAX	4096
/* frames that a vanished bridge left in the ring come out within this time */
#define GONE_DRAIN_NS	(4 * TIMEOUT_MS * UINT64_C(1000000))

struct wga_live {
	char name[IF_NAMESIZE];
	unsigned int ifindex;
	uint8_t mac[6];
	pcap_t *pcap;
	int send_fd;
	struct wga_heartbeat beat;
	struct wga_selftest *selftest;
	uint64_t last_seen;
	bool carrier;
	bool vanished;
	uint64_t vanished_ns;
	struct wga_drop_count drops;
	struct wga_live_stats stats;
	uint64_t frames;
	wga_live_fn fn;
	void *arg;
};

uint64_t wga_drops_sample(struct wga_drop_count *count, uint32_t ps_drop,
			  uint32_t ps_ifdrop)
{
	count->total += ps_drop - count->kernel;
	count->kernel = ps_drop;
	if (ps_ifdrop <= INT32_MAX && ps_ifdrop > count->iface)
		count->iface = ps_ifdrop;
	return count->total + count->iface;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static int check_name(const char *name, struct wga_err *err)
{
	char bridges[256], there[300];

	if (wga_netdev_is_bridge(name))
		return 0;
	if (wga_netdev_bridges(bridges, sizeof(bridges)) == 0)
		strcpy(there, "there are no bridges on this host");
	else
		snprintf(there, sizeof(there), "bridges on this host: %s", bridges);
	if (if_nametoindex(name) == 0)
		return wga_err_set(err, "no-such-bridge",
				   "no interface is called '%s'; %s", name, there);
	return wga_err_set(err, "not-a-bridge", "'%s' is no bridge; %s", name,
			   there);
}

static int activate_error(const struct wga_live *live, int status,
			  struct wga_err *err)
{
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return wga_err_set(err, "no-permission",
				   "no permission to capture on '%s': "
				   "CAP_NET_RAW is needed, run it with sudo",
				   live->name);
	case PCAP_ERROR_IFACE_NOT_UP:
		return wga_err_set(err, "capture-failed",
				   "'%s' is down; 'ip link set %s up' brings it up",
				   live->name, live->name);
	default:
		return wga_err_set(err, "capture-failed",
				   "cannot capture on '%s': %s (%s)", live->name,
				   pcap_statustostr(status),
				   pcap_geterr(live->pcap));
	}
}

static int open_pcap(struct wga_live *live, uint32_t ring_bytes,
		     struct wga_err *err)
{
	char message[PCAP_ERRBUF_SIZE];
	int status;

	live->pcap = pcap_create(live->name, message);
	if (!live->pcap)
		return wga_err_set(err, "capture-failed",
				   "cannot capture on '%s': %s", live->name,
				   message);
	pcap_set_snaplen(live->pcap, SNAPLEN);
	pcap_set_promisc(live->pcap, 1);
	pcap_set_timeout(live->pcap, TIMEOUT_MS);
	pcap_set_buffer_size(live->pcap, (int)ring_bytes);
	pcap_set_tstamp_precision(live->pcap, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(live->pcap);
	if (status < 0 || status == PCAP_WARNING_PROMISC_NOTSUP)
		return activate_error(live, status, err);
	if (pcap_datalink(live->pcap) != DLT_EN10MB)
		return wga_err_set(err, "capture-failed",
				   "'%s' does not carry Ethernet frames",
				   live->name);
	if (pcap_setnonblock(live->pcap, 1, message) < 0)
		return wga_err_set(err, "capture-failed",
				   "cannot capture on '%s': %s", live->name,
				   message);
	return 0;
}

static int compile_filter(struct wga_live *live, const char *text,
			  struct bpf_program *program, struct wga_err *err,
			  const char *shown)
{
	if (pcap_compile(live->pcap, program, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return wga_err_set(err, "bad-filter", "filter '%s': %s", shown,
				   pcap_geterr(live->pcap));
	return 0;
}

/* The heartbeats' term comes first: "vlan" in an expression moves the offsets
 * of all that follows it.
 */
static int set_filter(struct wga_live *live, const char *filter,
		      struct wga_err *err)
{
	struct bpf_program program;
	char *text;
	int ret;

	if (filter[strspn(filter, " \t\r\n")] == '\0')
		return wga_err_set(err, "bad-filter", "the filter is empty");
	if (compile_filter(live, filter, &program, err, filter) < 0)
		return -1;
	pcap_freecode(&program);
	if (asprintf(&text, "ether proto 0x%x or (%s)", WGA_HEARTBEAT_TYPE,
		     filter) < 0)
		return wga_err_set(err, "capture-failed", "out of memory");
	ret = compile_filter(live, text, &program, err, filter);
	free(text);
	if (ret < 0)
		return -1;
	if (pcap_setfilter(live->pcap, &program) < 0)
		ret = wga_err_set(err, "bad-filter", "filter '%s': %s", filter,
				  pcap_geterr(live->pcap));
	pcap_freecode(&program);
	return ret;
}

static int open_sender(struct wga_live *live, struct wga_err *err)
{
	live->send_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (live->send_fd < 0)
		return wga_err_set(err, "no-permission",
				   "cannot open a packet socket for heartbeats "
				   "on '%s': %s", live->name, strerror(errno));
	if (wga_netdev_mac(live->name, live->mac) < 0)
		return wga_err_set(err, "capture-failed",
				   "'%s' has no Ethernet address", live->name);
	randombytes_buf(live->beat.id, sizeof(live->beat.id));
	return 0;
}

static int open_selftest(struct wga_live *live, struct wga_err *err)
{
	live->selftest = malloc(sizeof(*live->selftest));
	if (!live->selftest)
		return wga_err_set(err, "capture-failed", "out of memory");
	wga_selftest_make(live->selftest);
	return 0;
}

static int open_all(struct wga_live *live, const struct wga_live_options *opt,
		    struct wga_err *err)
{
	if (open_pcap(live, opt->ring_bytes ? opt->ring_bytes : RING_BYTES,
		      err) < 0)
		return -1;
	if (opt->filter && set_filter(live, opt->filter, err) < 0)
		return -1;
	if (!opt->passive && open_sender(live, err) < 0)
		return -1;
	if (!opt->passive && opt->selftest && open_selftest(live, err) < 0)
		return -1;
	live->carrier = wga_netdev_state(live->ifindex) == WGA_NETDEV_RUNNING;
	return 0;
}

int wga_live_open(struct wga_live **out, const char *bridge,
		  const struct wga_live_options *opt, struct wga_err *err)
{
	struct wga_live *live;

	if (check_name(bridge, err) < 0)
		return -1;
	if (sodium_init() < 0)
		return wga_err_set(err, "capture-failed",
				   "libsodium does not work on this host");
	live = calloc(1, sizeof(*live));
	if (!live)
		return wga_err_set(err, "capture-failed", "out of memory");
	live->send_fd = -1;
	snprintf(live->name, sizeof(live->name), "%s", bridge);
	live->ifindex = if_nametoindex(bridge);
	if (open_all(live, opt, err) < 0) {
		wga_live_close(live);
		return -1;
	}
	*out = live;
	return 0;
}

int wga_live_fd(const struct wga_live *live)
{
	return pcap_get_selectable_fd(live->pcap);
}

static void note_heartbeat(struct wga_live *live, const uint8_t *data,
			   uint32_t len)
{
	struct wga_heartbeat beat;

	if (!wga_heartbeat_read(data, len, &beat) ||
	    memcmp(beat.id, live->beat.id, sizeof(beat.id)) != 0 ||
	    beat.sequence <= live->last_seen)
		return;
	live->last_seen = beat.sequence;
	live->stats.seen++;
}

static void hand_out(u_char *user, const struct pcap_pkthdr *h,
		     const u_char *data)
{
	struct wga_live *live = (struct wga_live *)user;
	struct wga_batch batch;

	batch.count = 1;
	batch.frame[0] = (struct wga_frame){
		.data = data,
		.caplen = h->caplen,
		.len = h->len,
		.link = WGA_LINK_ETHERNET,
		/* nanoseconds, as asked for when it was opened */
		.time_ns = (uint64_t)h->ts.tv_sec * UINT64_C(1000000000) +
			   (uint64_t)h->ts.tv_usec,
		.number = ++live->frames,
	};
	if (h->caplen == WGA_HEARTBEAT_LEN)
		note_heartbeat(live, data, h->caplen);
	live->fn(live->arg, &batch);
}

static enum wga_netdev_state watch(struct wga_live *live)
{
	const enum wga_netdev_state state = wga_netdev_state(live->ifindex);

	if (state == WGA_NETDEV_GONE && !live->vanished) {
		live->vanished = true;
		live->vanished_ns = now_ns();
	}
	if (state == WGA_NETDEV_GONE || state == WGA_NETDEV_DOWN)
		live->stats.gone = true;
	return state;
}

int wga_live_dispatch(struct wga_live *live, wga_live_fn fn, void *arg,
		      struct wga_err *err)
{
	int count;

	live->fn = fn;
	live->arg = arg;
	count = pcap_dispatch(live->pcap, DISPATCH_MAX, hand_out, (u_char *)live);
	if (count > 0)
		return count;
	(void)watch(live);
	if (live->vanished)
		return now_ns() - live->vanished_ns < GONE_DRAIN_NS ? 0 :
			wga_err_set(err, "interface-gone",
				    "the bridge '%s' went away", live->name);
	if (count < 0)
		return wga_err_set(err, "capture-failed",
				   "capturing on '%s' failed: %s", live->name,
				   pcap_geterr(live->pcap));
	return 0;
}

static void sample_drops(struct wga_live *live)
{
	struct pcap_stat st;

	if (pcap_stats(live->pcap, &st) == 0)
		live->stats.drops = wga_drops_sample(&live->drops, st.ps_drop,
						     st.ps_ifdrop);
}

/* a frame that cannot be sent is missing, like one that does not return */
static void send_frame(struct wga_live *live, const uint8_t *frame, size_t len)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)live->ifindex,
		.sll_halen = sizeof(live->mac),
	};

	(void)sendto(live->send_fd, frame, len, MSG_DONTWAIT,
		     (const struct sockaddr *)&to, sizeof(to));
}

static void send_heartbeat(struct wga_live *live)
{
	uint8_t frame[WGA_HEARTBEAT_LEN];

	live->beat.sequence++;
	wga_heartbeat_build(frame, live->mac, &live->beat);
	send_frame(live, frame, sizeof(frame));
	live->stats.sent++;
}

static void send_leak(struct wga_live *live, enum wga_selftest_phase phase)
{
	const unsigned int first = phase * WGA_SELFTEST_FRAMES;

	if (!live->selftest || live->stats.leaked[phase])
		return;
	for (unsigned int i = first; i < first + WGA_SELFTEST_FRAMES; i++)
		send_frame(live, live->selftest->frame[i], WGA_SELFTEST_LEN);
	live->stats.leaked[phase] = true;
}

static void beat(struct wga_live *live, bool last)
{
	const bool had_carrier = live->carrier;

	sample_drops(live);
	live->carrier = watch(live) == WGA_NETDEV_RUNNING;
	/* the queue of an interface opens a moment after its carrier is told */
	if (live->send_fd < 0 || !live->carrier || !had_carrier)
		return;
	send_leak(live, WGA_SELFTEST_START);
	if (last)
		send_leak(live, WGA_SELFTEST_END);
	send_heartbeat(live);
}

void wga_live_heartbeat(struct wga_live *live)
{
	beat(live, false);
}

void wga_live_finish(struct wga_live *live)
{
	beat(live, true);
}

const struct wga_selftest *wga_live_selftest(const struct wga_live *live)
{
	return live->selftest;
}

bool wga_live_settled(const struct wga_live *live)
{
	return live->last_seen == live->beat.sequence;
}

void wga_live_stats(struct wga_live *live, struct wga_live_stats *out)
{
	sample_drops(live);
	*out = live->stats;
}

unsigned int wga_live_addresses(const struct wga_live *live,
				struct wga_addr *out, unsigned int max)
{
	return wga_netdev_addresses(live->name, out, max);
}

void wga_live_close(struct wga_live *live)
{
	if (!live)
		return;
	if (live->pcap)
		pcap_close(live->pcap);
	if (live->send_fd >= 0)
		close(live->send_fd);
	free(live->selftest);
	free(live);
}
