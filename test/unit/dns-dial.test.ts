/** What an upstream server's end is to the question that it was asked. A socket on loopback stands for it: no root is needed. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { QueryResult } from '../../src/services/dns/upstream.ts';
import { networkSender } from '../../src/services/dns/upstream-socket.ts';
import { DatagramBuffer } from '../../src/sys/datagram-buffer.ts';
import { connect, openDatagram, reportUnreachable } from '../../src/sys/inet-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
import { question, upstream } from '../support/dns.ts';

const loopback = parseAddress('127.0.0.1');

/** Before the first datagram is received, something happens. */
class LateBuffer extends DatagramBuffer {
  constructor(public meanwhile: (fd: number) => void) {
    super();
  }

  override receive(fd: number): number | undefined {
    this.meanwhile(fd);
    this.meanwhile = () => {};
    return super.receive(fd);
  }
}

for (const [when, happens] of [
  ['before anything has come', 'sent'],
  ['in the moment in which something is read', 'received'],
] as const)
  test(`a server that goes ${when} is unreachable`, async (t) => {
    const server = createSocket('udp4');
    await once(server.bind(0, '127.0.0.1'), 'listening');
    const { port } = server.address();
    // No answer, and enough for the question's socket to be read.
    server.on('message', (_, peer) => server.send('no answer', peer.port, peer.address));
    const buffer: DatagramBuffer = new LateBuffer((fd) => {
      if (happens === 'sent') return;
      server.close();
      buffer.send(fd, 1);
    });
    const dial = () => {
      const fd = openDatagram(4);
      reportUnreachable(fd, 4);
      connect(fd, { address: loopback, port });
      return fd;
    };
    if (happens === 'sent') server.close();
    const ask = networkSender({ dial, buffer, descriptorLimit: Number.POSITIVE_INFINITY });
    const outcome = new Promise<QueryResult>((resolve) => {
      t.teardown(ask(upstream('127.0.0.1'), 'udp', question('x.test'), resolve));
    });
    t.deepEqual(await Promise.race([outcome, delay(3000, 'silence')]), { kind: 'unreachable' });
  });
