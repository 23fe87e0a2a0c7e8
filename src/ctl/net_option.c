/* SPDX-License-Identifier: Apache-2.0 */
/* --net WHERE[,KEY=VALUE]...: one network card a use, checked as far as the words go. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/net_option.h"
#include "word.h"

#define MAX_FD 1000000u /* no host lets a process have more */

/* ---- where its packets go -------------------------------------------------------------------- */

static bool set_tap(struct net_config *net, const char *value)
{
	size_t len = strlen(value);

	net->kind = NET_TAP;
	if (strcmp(value, "auto") == 0)
		return true;
	if (!len || len > NET_NAME_MAX || strpbrk(value, "/ \t%") || !strcmp(value, ".") ||
	    !strcmp(value, ".."))
		return false;
	memcpy(net->tap, value, len + 1);
	return true;
}

static bool set_fd(struct net_config *net, const char *value)
{
	uint64_t fd = 0;

	if (!word_number(value, MAX_FD, &fd) || fd < 3)
		return false;
	net->kind = NET_FD;
	net->fd = (int)fd;
	return true;
}

static bool set_user(struct net_config *net, const char *value)
{
	net->kind = NET_USER;
	return !value;
}

static const struct where {
	const char *name;
	bool (*set)(struct net_config *net, const char *value);
	const char *values;
} wheres[] = {
	{ "tap", set_tap, "an interface's name, at most 15 characters, or auto" },
	{ "fd", set_fd, "a descriptor, 3 or more, that is a tap" },
	{ "user", set_user, NULL },
};

/* ---- what it is like ------------------------------------------------------------------------- */

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Six pairs of hexadecimal digits with colons between them: one station's, not a group's, not 0. */
static bool set_mac(struct net_config *net, const char *value)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < NET_MAC_SIZE; i++, value += 3) {
		char end = i + 1 < NET_MAC_SIZE ? ':' : '\0';

		if (!isxdigit((unsigned char)value[0]) || !isxdigit((unsigned char)value[1]) ||
		    value[2] != end)
			return false;
		net->mac[i] = (uint8_t)(hex(value[0]) << 4 | hex(value[1]));
		sum += net->mac[i];
	}
	net->has_mac = true;
	return sum && !(net->mac[0] & 1);
}

static bool set_queues(struct net_config *net, const char *value)
{
	uint64_t queues = 0;

	if (!word_number(value, NET_MAX_QUEUES, &queues))
		return false;
	net->queues = (unsigned int)queues;
	return true;
}

static bool set_mtu(struct net_config *net, const char *value)
{
	uint64_t mtu = 0;

	if (!word_number(value, NET_MAX_MTU, &mtu) || mtu < NET_MIN_MTU)
		return false;
	net->mtu = (unsigned int)mtu;
	return true;
}

static bool set_vhost(struct net_config *net, const char *value)
{
	return word_switch(value, &net->vhost);
}

/* What passt(1) takes: [ADDRESS/]PORT[-PORT][:PORT[-PORT]], all, none, auto; it checks the rest. */
static bool add_forward(struct net_config *net, bool udp, const char *value)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789./:%~-_";

	if (!*value || value[strspn(value, allowed)] || net->nr_forwards == NET_MAX_FORWARDS)
		return false;
	net->forwards[net->nr_forwards++] = (struct net_forward){ udp, value };
	return true;
}

static bool add_tcp(struct net_config *net, const char *value)
{
	return add_forward(net, false, value);
}

static bool add_udp(struct net_config *net, const char *value)
{
	return add_forward(net, true, value);
}

static const struct key {
	const char *name;
	bool (*set)(struct net_config *net, const char *value);
	const char *values;
} keys[] = {
	{ "mac", set_mac,
	  "six pairs of hexadecimal digits, such as 02:00:00:00:00:01, and of no group" },
	{ "queues", set_queues, "1 to 64" },
	{ "mtu", set_mtu, "68 to 65535" },
	{ "vhost", set_vhost, "on or off" },
	{ "tcp", add_tcp, "PORT or PORT:PORT, as passt --tcp-ports, at most 16 times" },
	{ "udp", add_udp, "PORT or PORT:PORT, as passt --udp-ports, at most 16 times" },
};

/* ---- words ----------------------------------------------------------------------------------- */

static bool take_where(struct net_config *net, const char *first, char *word)
{
	char *value = strchr(word, '=');

	for (unsigned int i = 0; i < ARRAY_SIZE(wheres); i++) {
		size_t len = strlen(wheres[i].name);

		if (strcspn(word, "=") != len || strncmp(word, wheres[i].name, len) != 0 ||
		    !value != !wheres[i].values)
			continue;
		if (wheres[i].set(net, value ? value + 1 : NULL))
			return true;
		log_error("--net %.64s: give %s", first, wheres[i].values);
		return false;
	}
	log_error("--net \"%.64s\": give tap=NAME, tap=auto, fd=N or user first", first);
	return false;
}

/* @seen has a bit for each of keys[]. */
static bool take_word(struct net_config *net, const char *first, char *word, uint32_t *seen)
{
	size_t len = strcspn(word, "=");

	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].name) != len || strncmp(keys[i].name, word, len) != 0)
			continue;
		if ((*seen & BIT(i)) && keys[i].set != add_tcp && keys[i].set != add_udp) {
			log_error("--net %.64s: %s is given twice; give it once", first,
				  keys[i].name);
			return false;
		}
		*seen |= BIT(i);
		if (word[len] && keys[i].set(net, word + len + 1))
			return true;
		log_error("--net %.64s: %.64s: give %s", first, word, keys[i].values);
		return false;
	}
	log_error("--net %.64s: \"%.64s\" is no option of a network card; see arcvisor run --help",
		  first, word);
	return false;
}

/* ---- the card among the others --------------------------------------------------------------- */

static bool check_whole(const struct vm_config *config, const struct net_config *net,
			const char *first)
{
	if (net->kind == NET_FD && net->queues > 1) {
		log_error("--net %.64s: one descriptor is one queue; leave out queues=", first);
		return false;
	}
	if (net->kind == NET_USER && net->queues > 1) {
		log_error("--net user: passt has one queue; leave out queues=");
		return false;
	}
	if (net->kind != NET_USER && net->nr_forwards) {
		log_error("--net %.64s: tcp= and udp= are for user; a tap needs none", first);
		return false;
	}
	if (net->kind == NET_USER && net->vhost) {
		log_error("--net user: the host's kernel has no part in passt; leave out vhost=on");
		return false;
	}
	for (unsigned int i = 0; i < config->nr_nets; i++) {
		const struct net_config *other = &config->nets[i];

		if (net->kind == NET_FD && other->kind == NET_FD && net->fd == other->fd) {
			log_error("--net %.64s: is another card's; give each its own", first);
			return false;
		}
		if (net->has_mac && other->has_mac &&
		    memcmp(net->mac, other->mac, NET_MAC_SIZE) == 0) {
			log_error("--net %.64s: mac= is another card's; give each its own", first);
			return false;
		}
	}
	return true;
}

bool net_option_take(struct vm_config *config, char *value)
{
	struct net_config net = { .fd = -1 };
	uint32_t seen = 0;
	char *first;

	if (config->nr_nets == VM_MAX_NETS) {
		log_error("--net %.64s: a machine has at most %u network cards; leave some out",
			  value, VM_MAX_NETS);
		return false;
	}
	first = word_next(&value);
	if (!take_where(&net, first, first))
		return false;
	while (value)
		if (!take_word(&net, first, word_next(&value), &seen))
			return false;
	if (!check_whole(config, &net, first))
		return false;
	snprintf(net.id, sizeof(net.id), "net%u", config->nr_nets);
	config->nets[config->nr_nets++] = net;
	return true;
}
