/** Relays a TCP port of the loopback, exits after a while, and prints whether the thread had started: `relay-exit-main.ts MILLISECONDS`. */
import { writeSync } from 'node:fs';
import { SpliceWorker, startThread } from '../../src/services/proxy/splice-worker/splice-worker.ts';
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
let started = new Int32Array(new SharedArrayBuffer(4));
const worker = new SpliceWorker({
  log: (sentence) => writeSync(1, sentence),
  start(data) {
    started = new Int32Array(data.started);
    return startThread(data);
  },
});
// The worker's own handler runs before.
process.once('exit', () => writeSync(1, started[0] === 1 ? 'started' : 'not started'));
worker.serve(fd, forward);
setTimeout(() => process.exit(), Number(process.argv[2]));
