/**
 * Checks that a contender does the whole work, before the measurement.
 *
 * With one published container, a server inside must answer at the container's address and at the host's port. After the
 * removal, the address must be silent and the host's port closed. A container without a server answers with a reset, so
 * "refused" at the container's address means that the container still exists.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Contender } from './contender.ts';
import { hostPort } from './contender.ts';
import { hostAddress, settle } from './machine.ts';

type Answer = 'accepted' | 'refused' | 'silent';

const index = 3_900;
const patienceMilliseconds = 150;

const server = `require('node:net').createServer((s) => s.end()).listen(80, '0.0.0.0', () => console.log('ready'))`;

/** @throws Error if the contender does not do the work */
export async function prove(contender: Contender): Promise<void> {
  const settled = settle();
  await contender.create(index, true);
  const address = contender.address(index);
  const inside = spawn('ip', ['netns', 'exec', contender.namespace(index), process.execPath, '-e', server], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (inside.stdout !== null) await once(inside.stdout, 'data');
  await expectAnswer(contender, address, 80, 'accepted', 'before its removal');
  await expectAnswer(contender, hostAddress, hostPort(index), 'accepted', 'before its removal');
  await end(inside);
  await contender.remove(index);
  await expectAnswer(contender, address, 80, 'silent', 'after its removal');
  await expectAnswer(contender, hostAddress, hostPort(index), 'refused', 'after its removal');
  await settled.links();
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function expectAnswer(contender: Contender, address: string, port: number, expected: Answer, when: string) {
  const found = await answer(address, port);
  if (found === expected) return;
  throw new Error(`${contender.name}: ${address}:${port} expected ${expected} ${when}, got ${found}`);
}

async function answer(host: string, port: number): Promise<Answer> {
  const socket = connect({ host, port });
  try {
    return await new Promise<Answer>((resolve) => {
      socket.setTimeout(patienceMilliseconds, () => resolve('silent'));
      socket.once('connect', () => resolve('accepted'));
      socket.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'silent'),
      );
    });
  } finally {
    socket.destroy();
  }
}
