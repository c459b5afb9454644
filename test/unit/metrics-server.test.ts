import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import type { Family } from '../../src/engine/metrics/prometheus-format.ts';
import { MetricsServer } from '../../src/engine/metrics/server.ts';

const family: Family = { name: 'a', type: 'gauge', help: 'x', samples: [{ value: 1 }] };

async function serve(t: ExecutionContext, measure: () => readonly Family[] = () => [family]) {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-metrics-'));
  const path = join(directory, 'metrics.sock');
  const server = new MetricsServer(measure);
  await server.listen(path);
  t.teardown(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  return { server, path };
}

async function ask(socketPath: string, path = '/metrics', method = 'GET') {
  const asked = request({ socketPath, path, method, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

test('who asks for /metrics gets them, and whoever asks for something else is told so', async (t) => {
  const { path } = await serve(t);
  t.like(await ask(path), {
    status: 200,
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', connection: 'close' },
    body: '# HELP a x\n# TYPE a gauge\na 1\n',
  });
  t.like(await ask(path, '/metrics?name=a'), { status: 200 });
  t.like(await ask(path, '/metrics', 'HEAD'), { status: 200, body: '' });
  t.like(await ask(path, '/'), { status: 404 });
  t.like(await ask(path, '/metrics', 'POST'), { status: 405, headers: { allow: 'GET, HEAD' } });
});

test('what can’t be measured is told, and the next one is answered', async (t) => {
  let failing = true;
  const { path } = await serve(t, () => {
    if (failing) throw new Error('iptables-save failed');
    return [family];
  });
  t.like(await ask(path), { status: 500, body: 'iptables-save failed\n' });
  failing = false;
  t.like(await ask(path), { status: 200 });
});

test('a hundred who say nothing are eight; when one leaves, the next is answered', async (t) => {
  const { path } = await serve(t);
  const silent: Socket[] = [];
  for (let number = 0; number < 8; number++) {
    const socket = connect(path).on('error', () => {});
    await once(socket, 'connect');
    silent.push(socket);
  }
  // Hung up on, each with its own close: who is not would make this wait for ever.
  for (let number = 8; number < 100; number++) {
    const socket = connect(path)
      .on('error', () => {})
      .resume();
    await new Promise((resolve) => socket.once('close', resolve));
  }
  silent[0]?.destroy();
  const answered = async (): Promise<number | undefined> => {
    try {
      return (await ask(path)).status;
    } catch {
      return await answered();
    }
  };
  t.is(await answered(), 200);
  for (const socket of silent) socket.destroy();
});

test('a head that is too long is refused', async (t) => {
  const { path } = await serve(t);
  const socket = connect(path).on('error', () => {});
  socket.write(`GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`);
  t.regex(await text(socket), /^HTTP\/1\.1 431 /);
});

test('when it is closed, its socket is gone, and so is who was connected', async (t) => {
  const { server, path } = await serve(t);
  const socket = connect(path)
    .on('error', () => {})
    .resume();
  await once(socket, 'connect');
  await ask(path);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  server.close();
  t.false(existsSync(path));
  await closed;
});
