/* SPDX-License-Identifier: MIT */
#include <assert.h>

#include "report/code_text.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct wga_code_text texts[] = {
	[WGA_CODE_PLAINTEXT] = {
		"Hosts of the mesh exchanged readable bytes outside of the tunnel.",
		"Look at the first frame that is named, find the program that sent it, and bind it to the mesh interface or make it use mesh addresses.",
	},
	[WGA_CODE_UNEXPLAINED] = {
		"Hosts of the mesh exchanged something outside of the tunnel that is neither readable nor known to belong there.",
		"Look at the first frame that is named. A relay or control server must be declared (--derp, --control); any other program is to use mesh addresses.",
	},
	[WGA_CODE_OVERLAY_ON_UNDERLAY] = {
		"A frame on the bridge carries an address of the mesh, which belongs inside of the tunnel.",
		"A host routes mesh addresses past its tunnel: check its routes and whether its mesh interface was up.",
	},
	[WGA_CODE_CANARY_SEEN] = {
		"Bytes that must never be seen in the clear were seen.",
		"What was sent through the tunnel also went past it: look at the first frame that is named.",
	},
	[WGA_CODE_SPLICED] = {
		"A WireGuard, relay, DERP or TLS flow carries bytes that do not belong to it.",
		"Something hides in or shares the endpoints of an encrypted flow: look at the first frame that is named.",
	},
	[WGA_CODE_COUNTER_REUSE] = {
		"A WireGuard session used one counter for two different messages.",
		"A nonce must never be used twice: suspect a cloned or restored host, or forged messages.",
	},
	[WGA_CODE_UNREGISTERED_PEER] = {
		"A handshake or disco message comes from no registered node.",
		"Give a registry that is up to date (--mesh), or find out which host takes part without being registered.",
	},
	[WGA_CODE_NO_ENCRYPTED_TRAFFIC] = {
		"No WireGuard data was seen, so nothing is proved.",
		"Make hosts of the mesh talk during the capture, and check that the right bridges are captured.",
	},
	[WGA_CODE_MISSING_PAIR] = {
		"A pair that was to have talked did not exchange WireGuard data in both directions.",
		"Make the pair talk during the capture, or capture the bridges on its path.",
	},
	[WGA_CODE_WEAK_EVIDENCE] = {
		"WireGuard traffic is below the level of evidence that is required.",
		"Capture from before the hosts connect, and give what identifies them (--mesh).",
	},
	[WGA_CODE_LATE_START] = {
		"A session or connection may have begun before the capture.",
		"Start the capture before the hosts connect; sessions that begin in DERP need --tls-keys.",
	},
	[WGA_CODE_KERNEL_DROPS] = {
		"Frames were dropped before they could be judged.",
		"Capture with a larger ring (--ring-bytes) or on a less busy machine.",
	},
	[WGA_CODE_CAPTURE_GAP] = {
		"Part of the traffic was not captured.",
		"Keep the interfaces up during the capture, and capture again.",
	},
	[WGA_CODE_TRUNCATED_FRAMES] = {
		"Frames were cut short by the capture, so not every byte could be judged.",
		"Capture with a larger snap length, such as tcpdump -s 0.",
	},
	[WGA_CODE_TRUNCATED_FILE] = {
		"A capture file ends or breaks in the middle.",
		"Let the capturing program end by itself before its file is read, and copy the file whole.",
	},
	[WGA_CODE_UNPARSED_FRAMES] = {
		"Frames are malformed, or cut below what the decision needs.",
		"Look at the first frame that is named: incomplete fragments and contradicting headers cannot be judged.",
	},
	[WGA_CODE_UNKNOWN_HOST] = {
		"A host exchanged traffic with a private address whose role is not known.",
		"Declare the address: --vm, --gateway, --infra, --derp or --control.",
	},
	[WGA_CODE_FILTERED] = {
		"A capture filter hid frames.",
		"Capture without --filter: what it hides cannot be judged.",
	},
	[WGA_CODE_BLIND] = {
		"A synthetic leak that the self-test sent did not come out as a violation.",
		"Frames do not come back to the capture, or a filter hides them: look at the bridge and phase that is named.",
	},
};
static_assert(COUNT(texts) == WGA_CODE_COUNT, "every code has a text");

const struct wga_code_text *wga_code_text(enum wga_code code)
{
	return &texts[code];
}
