/**
 * The program of `Place.serve`. It runs in a Node of its own, inside the place, and needs no file there.
 *
 * Each family has its own sockets, so that an IPv4 caller is never told the IPv4-mapped form of its address. A datagram
 * is answered from the address that it was sent to only where the system has one address per family, as a place has.
 */
export const echoServer = `
'use strict';
const { createServer } = require('node:http');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const [httpPort, udpPort] = process.argv.slice(1).map(Number);
async function serve() {
  for (const host of ['0.0.0.0', '::']) {
    const server = createServer((request, response) => response.end(request.socket.remoteAddress + '\\n'));
    server.listen({ port: httpPort, host, ipv6Only: host === '::' });
    await once(server, 'listening');
    const socket = createSocket({ type: host === '::' ? 'udp6' : 'udp4', ipv6Only: host === '::' });
    socket.on('message', (_, peer) => socket.send(peer.address + '\\n', peer.port, peer.address));
    socket.bind(udpPort, host);
    await once(socket, 'listening');
  }
  console.log('ready');
}
serve();
`;
