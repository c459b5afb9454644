import { Writable } from 'node:stream';
import test from 'ava';
import type { Context } from '../../src/cli/command.ts';
import { watch } from '../../src/cli/commands/events.ts';
import type { AddressEvent } from '../../src/kernel/address.ts';
import type { NetworkEvent } from '../../src/kernel/netlink-monitor.ts';
import { parsePrefix } from '../../src/values/address.ts';
import { gangway } from '../support/cli.ts';
import { fakeEngine } from '../support/fake-engine.ts';

function addressEvent(prefix: string): AddressEvent {
  return { kind: 'address', change: 'set', address: { prefix: parsePrefix(prefix), linkIndex: 1 } };
}

test('waits for a slow reader, then prints the rest', async (t) => {
  let taken = 0;
  const events = async function* (): AsyncGenerator<NetworkEvent> {
    for (; taken < 100; taken++) yield addressEvent(`192.0.2.${taken}/32`);
  };
  const { engine } = fakeEngine({
    watch: async () => ({ close: () => {}, [Symbol.asyncIterator]: events }),
  });
  const written: string[] = [];
  let read: (() => void) | undefined;
  const stdout = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      if (written.push(String(chunk)) > 1) done();
      else read = done;
    },
  });
  const context = { stdout, stderr: stdout, engine: async () => engine, environment: {} } as unknown as Context;
  const done = watch({ options: { format: undefined }, args: ['web'] }, context);
  for (let turn = 0; turn < 10 || read === undefined; turn++) await new Promise(setImmediate);
  t.is(taken, 0);
  read?.();
  t.is(await done, 0);
  t.is(written.length, 101);
  t.is(written.at(-1), 'container web has exited\n');
});

test('escapes control characters of link names in every format', async (t) => {
  const link = { name: 'a\x1b[2J\u202eb', index: 7, up: true, master: undefined };
  const events = async function* (): AsyncGenerator<NetworkEvent> {
    yield { kind: 'link', change: 'set', link } as NetworkEvent;
  };
  const watched = async () => ({ close: () => {}, [Symbol.asyncIterator]: events });
  const printed = async (...format: readonly string[]) =>
    (await gangway(['watch', 'web', ...format], { watch: watched })).stdout;
  t.regex(await printed(), /: a\\x1b\[2J\\u202eb, up\n$/);
  t.is(await printed('--format', '{{.Name}} {{.Index}} {{.Up}} {{.Master}}'), 'a\\x1b[2J\\u202eb 7 true <no value>\n');
  t.is(JSON.parse(await printed('--format', 'json')).Name, link.name);
});
