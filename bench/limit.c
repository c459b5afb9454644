/*
 * The C limit: the necessary system calls for one container network, and nothing else.
 *
 * The benchmark compares gangway with this program. It does the same work in the same way: a pinned network namespace, a
 * veth pair in one message with the peer inside, address and default route in one batch, and a published port as one
 * element of an nftables map. It uses no technique that another language lacks. Two netlink sockets stay open; every other
 * cost is a necessary system call.
 *
 *     limit BRIDGE TABLE MAP        the bridge (10.210.0.1/16), the table (family ip) and the map exist already
 *
 * Commands arrive on stdin, one a line, so that the program takes turns with others. Each operation prints one line of
 * JSON, with times in nanoseconds.
 *
 *     create FIRST COUNT            containers FIRST … FIRST+COUNT-1, without a port
 *     publish FIRST COUNT           the same, each with its port: 20000+i/tcp on the host to 80/tcp
 *     remove FIRST COUNT            ports, addresses and names stop answering; the kernel frees the rest
 *
 * Container i is 10.210.0.2+i, with pin /run/netns/limit-i and link limit-i. Any error ends the program.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CAPACITY 4096 /* bytes; the largest batch needs 400 */
#define CONTAINERS 4096

struct socket {
	int fd;
	unsigned sequence;
};

/* A batch: several messages for one send. */
struct batch {
	_Alignas(8) char bytes[CAPACITY];
	size_t length;
	struct nlmsghdr *message; /* current message */
};

static const char *bridge, *table, *map;
static unsigned bridge_index;
static int host_namespace;
static struct socket route_socket, nft_socket;
static bool published[CONTAINERS];

static void die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* ---- netlink: messages ---- */

static void *append(struct batch *b, const void *data, size_t length)
{
	char *at = b->bytes + b->length;

	if (b->length + NLMSG_ALIGN(length) > CAPACITY) {
		errno = EMSGSIZE;
		die("batch");
	}
	memset(at, 0, NLMSG_ALIGN(length));
	if (data)
		memcpy(at, data, length);
	b->length += NLMSG_ALIGN(length);
	if (b->message)
		b->message->nlmsg_len = b->bytes + b->length - (char *)b->message;
	return at;
}

static void begin(struct batch *b, struct socket *s, int type, int flags, const void *header, size_t length)
{
	struct nlmsghdr h = { .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = ++s->sequence };

	b->message = NULL;
	b->message = append(b, &h, sizeof(h));
	append(b, header, length);
}

static struct nlattr *attribute(struct batch *b, int type, const void *data, size_t length)
{
	struct nlattr h = { .nla_len = NLA_HDRLEN + length, .nla_type = type };
	struct nlattr *at = append(b, &h, sizeof(h));

	append(b, data, length);
	return at;
}

static void text(struct batch *b, int type, const char *s)
{
	attribute(b, type, s, strlen(s) + 1);
}

static void number(struct batch *b, int type, uint32_t n)
{
	attribute(b, type, &n, sizeof(n));
}

static struct nlattr *nest(struct batch *b, int type)
{
	return attribute(b, type | NLA_F_NESTED, NULL, 0);
}

static void end(struct batch *b, struct nlattr *nested)
{
	nested->nla_len = b->bytes + b->length - (char *)nested;
}

/* ---- netlink: conversation ---- */

static struct socket open_socket(int protocol)
{
	struct socket s = { .fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol) };

	if (s.fd < 0)
		die("socket");
	return s;
}

/* Sends the batch and waits for the acknowledgement of message `last`. An error of any message ends the program. */
static void talk(struct socket *s, struct batch *b, unsigned last, const char *what)
{
	_Alignas(8) char answer[CAPACITY];

	if (send(s->fd, b->bytes, b->length, 0) < 0)
		die(what);
	for (;;) {
		ssize_t length = recv(s->fd, answer, sizeof(answer), 0);

		if (length < 0)
			die(what);
		for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length)) {
			struct nlmsgerr *e = NLMSG_DATA(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error) {
				errno = -e->error;
				die(what);
			}
			if (h->nlmsg_seq == last)
				return;
		}
	}
}

/* ---- the container ---- */

static in_addr_t address_of(int i)
{
	return htonl(0x0ad20002 + i); /* 10.210.0.2 + i */
}

static void write_file(int directory, const char *path, const char *content)
{
	int fd = openat(directory, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);

	if (fd < 0 || write(fd, content, strlen(content)) < 0)
		die(path);
	close(fd);
}

/*
 * Mounts a private /proc for every 16th container. In the shared /proc, all namespaces' `sys/net/ipv6` share one chain of
 * the name cache, and each lookup walks that chain: 0.02 ms at the first container, 0.3 ms at the thousandth.
 */
static int settings(int i)
{
	static int proc = -1;

	if (proc < 0 || i % 16 == 0) {
		int context = fsopen("proc", FSOPEN_CLOEXEC);

		if (proc >= 0)
			close(proc);
		if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
			die("fsopen proc");
		proc = fsmount(context, FSMOUNT_CLOEXEC, 0);
		if (proc < 0)
			die("fsmount proc");
		close(context);
	}
	return proc;
}

/*
 * ip netns add limit-i, and a netlink socket in the namespace.
 * `default.disable_ipv6`, written before eth0 exists, disables IPv6 there and keeps ::1 on lo, as in Docker.
 */
static int create_namespace(int i, const char *path, struct socket *inside)
{
	int fd;

	write_file(AT_FDCWD, path, "");
	if (unshare(CLONE_NEWNET) < 0)
		die("unshare");
	if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL) < 0)
		die("mount");
	write_file(settings(i), "sys/net/ipv6/conf/default/disable_ipv6", "1");
	*inside = open_socket(NETLINK_ROUTE);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(host_namespace, CLONE_NEWNET) < 0)
		die("setns");
	return fd;
}

/* ip link add limit-i master BRIDGE up type veth peer name eth0 address 02:42:… index 2 netns limit-i; one queue a side:
 * each further queue costs the kernel an RCU grace period. The peer must not be up in this message (ENOTCONN). */
static void create_cable(int i, const char *name, int namespace)
{
	struct batch b = { 0 };
	struct ifinfomsg host = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP }, container = { .ifi_index = 2 };
	struct nlattr *info, *data, *peer;
	in_addr_t address = address_of(i);
	unsigned char mac[6] = { 0x02, 0x42 };

	memcpy(mac + 2, &address, 4);
	begin(&b, &route_socket, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &host, sizeof(host));
	text(&b, IFLA_IFNAME, name);
	number(&b, IFLA_MASTER, bridge_index);
	number(&b, IFLA_NUM_TX_QUEUES, 1);
	number(&b, IFLA_NUM_RX_QUEUES, 1);
	info = nest(&b, IFLA_LINKINFO);
	text(&b, IFLA_INFO_KIND, "veth");
	data = nest(&b, IFLA_INFO_DATA);
	peer = nest(&b, VETH_INFO_PEER);
	append(&b, &container, sizeof(container));
	text(&b, IFLA_IFNAME, "eth0");
	attribute(&b, IFLA_ADDRESS, mac, sizeof(mac));
	number(&b, IFLA_NUM_TX_QUEUES, 1);
	number(&b, IFLA_NUM_RX_QUEUES, 1);
	number(&b, IFLA_NET_NS_FD, namespace);
	end(&b, peer);
	end(&b, data);
	end(&b, info);
	talk(&route_socket, &b, route_socket.sequence, "add veth");
}

/* ip link set lo up; ip address add …/16 dev eth0; ip link set eth0 up; ip route add default via 10.210.0.1 */
static void configure(int i, struct socket *inside)
{
	struct batch b = { 0 };
	struct ifinfomsg lo = { .ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct ifinfomsg eth0 = { .ifi_index = 2, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct ifaddrmsg a = { .ifa_family = AF_INET, .ifa_prefixlen = 16, .ifa_index = 2 };
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
			   .rtm_type = RTN_UNICAST };
	in_addr_t gateway = htonl(0x0ad20001);

	begin(&b, inside, RTM_NEWLINK, 0, &lo, sizeof(lo));
	begin(&b, inside, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a, sizeof(a));
	number(&b, IFA_LOCAL, address_of(i));
	number(&b, IFA_ADDRESS, address_of(i));
	begin(&b, inside, RTM_NEWLINK, 0, &eth0, sizeof(eth0));
	begin(&b, inside, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &r, sizeof(r));
	number(&b, RTA_OIF, 2);
	number(&b, RTA_GATEWAY, gateway);
	talk(inside, &b, inside->sequence, "configure eth0");
}

/* nft add|delete element ip TABLE MAP { tcp . 20000+i : 10.210.0.2+i . 80 } */
static void change_port(int i, int type, int flags)
{
	struct batch b = { 0 };
	struct nfgenmsg whole = { .nfgen_family = AF_UNSPEC, .res_id = htons(NFNL_SUBSYS_NFTABLES) };
	struct nfgenmsg element = { .nfgen_family = NFPROTO_IPV4 };
	struct { uint8_t protocol, pad1[3]; uint16_t port, pad2; } key = { IPPROTO_TCP, .port = htons(20000 + i) };
	struct { uint32_t address; uint16_t port, pad; } value = { .address = address_of(i), .port = htons(80) };
	struct nlattr *list, *item, *part;
	unsigned last;

	begin(&b, &nft_socket, NFNL_MSG_BATCH_BEGIN, 0, &whole, sizeof(whole));
	begin(&b, &nft_socket, NFNL_SUBSYS_NFTABLES << 8 | type, flags | NLM_F_ACK, &element, sizeof(element));
	last = nft_socket.sequence;
	text(&b, NFTA_SET_ELEM_LIST_TABLE, table);
	text(&b, NFTA_SET_ELEM_LIST_SET, map);
	list = nest(&b, NFTA_SET_ELEM_LIST_ELEMENTS);
	item = nest(&b, NFTA_LIST_ELEM);
	part = nest(&b, NFTA_SET_ELEM_KEY);
	attribute(&b, NFTA_DATA_VALUE, &key, sizeof(key));
	end(&b, part);
	part = nest(&b, NFTA_SET_ELEM_DATA);
	attribute(&b, NFTA_DATA_VALUE, &value, sizeof(value));
	end(&b, part);
	end(&b, item);
	end(&b, list);
	begin(&b, &nft_socket, NFNL_MSG_BATCH_END, 0, &whole, sizeof(whole));
	talk(&nft_socket, &b, last, "change port");
}

static void create(int i, bool publish)
{
	char path[64], name[32];
	struct socket inside;
	int namespace;
	long t0 = now(), t1, t2, t3, t4;

	snprintf(path, sizeof(path), "/run/netns/limit-%d", i);
	snprintf(name, sizeof(name), "limit-%d", i);
	namespace = create_namespace(i, path, &inside);
	t1 = now();
	create_cable(i, name, namespace);
	t2 = now();
	configure(i, &inside);
	close(inside.fd);
	close(namespace);
	t3 = now();
	if (publish)
		change_port(i, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL);
	published[i] = publish;
	t4 = now();
	printf("{\"operation\":\"create\",\"index\":%d,\"nanoseconds\":%ld,"
	       "\"namespace\":%ld,\"cable\":%ld,\"configure\":%ld,\"port\":%ld}\n",
	       i, t4 - t0, t1 - t0, t2 - t1, t3 - t2, t4 - t3);
}

/*
 * bridge link set dev limit-i state 0: stops all frames. The kernel needs 8 to 42 ms to delete the devices of a dropped
 * namespace, which would answer meanwhile. Only the bridge family's message works: after
 * `ip link set … type bridge_slave state 0` a change notification makes the bridge enable the port again.
 */
static void silence(const char *name)
{
	struct batch b = { 0 };
	struct ifinfomsg link = { .ifi_family = AF_BRIDGE, .ifi_index = if_nametoindex(name) };
	struct nlattr *port;
	unsigned char disabled = BR_STATE_DISABLED;

	begin(&b, &route_socket, RTM_SETLINK, NLM_F_ACK, &link, sizeof(link));
	port = nest(&b, IFLA_PROTINFO);
	attribute(&b, IFLA_BRPORT_STATE, &disabled, sizeof(disabled));
	end(&b, port);
	talk(&route_socket, &b, route_socket.sequence, "disable bridge port");
}

static void destroy(int i)
{
	char path[64], name[32];
	long start = now();

	snprintf(path, sizeof(path), "/run/netns/limit-%d", i);
	snprintf(name, sizeof(name), "limit-%d", i);
	if (published[i])
		change_port(i, NFT_MSG_DELSETELEM, 0);
	silence(name);
	if (umount2(path, MNT_DETACH) < 0 || unlink(path) < 0)
		die(path);
	printf("{\"operation\":\"remove\",\"index\":%d,\"nanoseconds\":%ld}\n", i, now() - start);
}

int main(int argc, char **argv)
{
	char line[128], command[16];
	int first, count;

	if (argc != 4) {
		fprintf(stderr, "usage: limit BRIDGE TABLE MAP\n");
		return 2;
	}
	bridge = argv[1];
	table = argv[2];
	map = argv[3];
	bridge_index = if_nametoindex(bridge);
	host_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (!bridge_index || host_namespace < 0)
		die(bridge);
	route_socket = open_socket(NETLINK_ROUTE);
	nft_socket = open_socket(NETLINK_NETFILTER);

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%15s %d %d", command, &first, &count) != 3 || first < 0 || count < 0 ||
		    first + count > CONTAINERS) {
			fprintf(stderr, "limit: not a command: %s", line);
			return 2;
		}
		for (int i = first; i < first + count; i++) {
			if (!strcmp(command, "remove"))
				destroy(i);
			else
				create(i, !strcmp(command, "publish"));
		}
		fflush(stdout);
	}
	return 0;
}
