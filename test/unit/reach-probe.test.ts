/** What a probe by UDP finds where its peer goes meanwhile: a socket on loopback, no root is needed. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'ava';
import type { ReachWay } from '../../src/engine/engine.ts';
import { prove, type Sender } from '../../src/engine/reachability/probe.ts';
import type { KernelNamespace } from '../../src/kernel/namespace.ts';
import { DatagramBuffer } from '../../src/sys/datagram-buffer.ts';
import { parseAddress } from '../../src/values/address.ts';

const here = { inside: (body) => body() } as Partial<KernelNamespace> as KernelNamespace;
const sender: Sender = { place: here, source: undefined, mark: undefined, keepsMark: false };
const { receive, send } = DatagramBuffer.prototype;

test.afterEach.always(() => {
  Object.assign(DatagramBuffer.prototype, { receive, send });
});

for (const [when, onSend, onReceive] of [
  ['before it is asked again', 2, 0],
  ['in the moment in which something is read', 0, 1],
] as const)
  test.serial(`a peer that goes ${when} has refused, and nobody is told of it for ever`, async (t) => {
    const peer = createSocket('udp4');
    await once(peer.bind(0, '127.0.0.1'), 'listening');
    const way: ReachWay = {
      address: parseAddress('127.0.0.1'),
      port: { protocol: 'udp', port: peer.address().port },
      answer: { outcome: 'reached' } as ReachWay['answer'],
    };
    if (onReceive > 0) peer.on('message', (_, from) => peer.send('damaged', from.port, from.address));
    let [sends, receives] = [0, 0];
    // What goes to a port that nobody has comes back as an error, which the attempt that follows takes away.
    const go = (buffer: DatagramBuffer, fd: number) => {
      peer.close();
      send.call(buffer, fd, 0);
    };
    DatagramBuffer.prototype.send = function (fd, length) {
      if (++sends === onSend) go(this, fd);
      return send.call(this, fd, length);
    };
    DatagramBuffer.prototype.receive = function (fd) {
      if (++receives === onReceive) {
        // As the kernel does with a datagram whose checksum is wrong.
        receive.call(this, fd);
        go(this, fd);
      }
      return receive.call(this, fd);
    };
    t.is((await prove(sender, way)).proof?.outcome, 'refused');
    t.true(receives < 10, `looked ${receives} times`);
  });
