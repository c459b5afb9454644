/*
 * The C limit of a name server: the cost of a query and its answer in the kernel and for two alternating processes.
 *
 * Every query gets the same address, 192.0.2.1. There are no firewall rules and no lookups, so a server with names, or at
 * 127.0.0.11:53, cannot be faster.
 *
 *     name-limit PORT               serves 127.0.0.1:PORT/udp until the program is killed
 *
 * Any error ends the program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* RFC 1035, 4.1: the header's flags and counts, after the id. Response, authoritative, one question, one answer. */
static const uint8_t counts[] = { 0x84, 0x00, 0, 1, 0, 1, 0, 0, 0, 0 };
/* Name of the query, A, IN, 2 s, 192.0.2.1. */
static const uint8_t record[] = { 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 2, 0, 4, 192, 0, 2, 1 };

static void die(const char *what)
{
	fprintf(stderr, "name-limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Returns the end of the query: after its name, type and class. An OPT record may follow, and is ignored. */
static size_t end_of_question(const uint8_t *message, size_t length)
{
	size_t at = 12;

	while (at < length && message[at] != 0)
		at += message[at] + 1;
	return at + 5;
}

int main(int argc, char **argv)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint8_t message[512 + sizeof(record)];
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: name-limit PORT\n");
		return 1;
	}
	own.sin_port = htons((uint16_t)atoi(argv[1]));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		die("bind");
	for (;;) {
		struct sockaddr_in peer;
		socklen_t peer_length = sizeof(peer);
		ssize_t length = recvfrom(fd, message, 512, 0, (struct sockaddr *)&peer, &peer_length);
		size_t end;

		if (length < 0)
			die("recvfrom");
		end = end_of_question(message, (size_t)length);
		if (end > (size_t)length)
			continue;
		memcpy(message + 2, counts, sizeof(counts));
		memcpy(message + end, record, sizeof(record));
		if (sendto(fd, message, end + sizeof(record), 0, (struct sockaddr *)&peer, peer_length) < 0)
			die("sendto");
	}
}
