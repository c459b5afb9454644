/** Relays a TCP port of the loopback, ends after a while, and says whether its thread had been born by then: `relay-exit-main.ts MILLISECONDS`. */
import { writeSync } from 'node:fs';
import { NodeRelays } from '../../src/services/proxy/fallback-relays.ts';
import { Engine, startThread } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { bind, listen, openStream } from '../../src/sys/inet-socket.ts';
import { parseAddress } from '../../src/values/address.ts';
import { sockets } from './sockets.ts';

const address = parseAddress('127.0.0.1');
const fd = openStream(4);
bind(fd, { address, port: 0 });
listen(fd, 1);
const binding = { protocol: 'tcp', hostAddress: address, hostPort: 1, containerPort: 1 } as const;
const [forward] = sockets({ binding, target: address });
if (forward === undefined) throw new Error('one port is one socket');
let born = new Int32Array(new SharedArrayBuffer(4));
const engine = new Engine({
  fallback: new NodeRelays(),
  say: (sentence) => writeSync(1, sentence),
  start(birth) {
    born = new Int32Array(birth.born);
    return startThread(birth);
  },
});
// The engine's own comes before it.
process.once('exit', () => writeSync(1, born[0] === 1 ? 'born' : 'not yet born'));
engine.serve(fd, forward);
setTimeout(() => process.exit(), Number(process.argv[2]));
