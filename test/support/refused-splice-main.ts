/** Serves a port where a seccomp filter refuses splice(2), and prints the error: `refused-splice-main.ts`. */
import { SpliceWorker } from '../../src/services/proxy/splice-worker/splice-worker.ts';
import { openStream } from '../../src/sys/inet-socket.ts';
import { call, libc } from '../../src/sys/libc.ts';
import { parseAddress } from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;
const splice = process.arch === 'x64' ? 275 : 76;

// struct sock_filter { u16 code; u8 jt, jf; u32 k }: load the number; if it is splice, return EPERM; else allow.
const filter = [
  [0x20, 0, 0, 0],
  [0x15, 0, 1, splice],
  [0x06, 0, 0, 0x00050001],
  [0x06, 0, 0, 0x7fff0000],
] as const;
const memory = Buffer.alloc(16 + 8 * filter.length);
memory.writeUInt16LE(filter.length, 0);
memory.writeBigUInt64LE(libc().koffi.address(memory) + 16n, 8);
for (const [index, [code, jt, jf, k]] of filter.entries()) {
  memory.writeUInt16LE(code, 16 + 8 * index);
  memory.writeUInt8(jt, 18 + 8 * index);
  memory.writeUInt8(jf, 19 + 8 * index);
  memory.writeUInt32LE(k, 20 + 8 * index);
}
const prctl = 'int prctl(int, unsigned long, void *, unsigned long, unsigned long)';
call('no new privileges', prctl, PR_SET_NO_NEW_PRIVS, 1, null, 0, 0);
call('set seccomp filter', prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, memory, 0, 0);

const address = parseAddress('127.0.0.1');
const group = {
  protocol: 'tcp',
  hostAddress: address,
  isDualStack: false,
  targets: { 4: address, 6: address },
} as const;
try {
  new SpliceWorker({ log: () => {} }).serve(openStream(4), { group, hostPort: 80, containerPort: 80 });
} catch (error) {
  if (!(error instanceof GangwayError)) throw error;
  const { code, message, hint } = error;
  process.stdout.write(JSON.stringify({ code, message, hint }));
}
process.exit();
