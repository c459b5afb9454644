/** What the library tells of what was written down: which events, and from when to when. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createEngine } from '../../src/engine/create-engine.ts';
import type { EventOptions } from '../../src/engine/engine.ts';
import { appendEvents } from '../../src/services/events/log.ts';
import type { Occurrence } from '../../src/values/event.ts';

const id = (letter: string) => letter.repeat(64);
const started = (name: string, letter: string): Occurrence => {
  return { type: 'container', action: 'start', id: id(letter), attributes: { name } };
};
const connected: Occurrence = {
  type: 'network',
  action: 'connect',
  id: id('c'),
  attributes: { container: id('a'), name: 'webs', type: 'bridge' },
};
const died: Occurrence = { ...started('web', 'a'), action: 'die' } as Occurrence;

/** An engine on directories of the test, and the log that it reads. */
function place(t: ExecutionContext<unknown>) {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-engine-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const engine = createEngine({ stateDirectory: join(directory, 's'), runtimeDirectory: join(directory, 'r') });
  const write = (...occurrences: readonly Occurrence[]) => appendEvents(join(directory, 'r', 'events'), occurrences);
  const read = async (options: EventOptions) => {
    const found: string[] = [];
    for await (const { action, attributes } of engine.events({ until: new Date(), ...options }))
      found.push(`${action} ${attributes.name}`);
    return found;
  };
  return { engine, write, read };
}

test('before anything has happened nothing is told, and there is no error', async (t) => {
  t.deepEqual(await place(t).read({}), []);
});

test('filters: values of one key are alternatives, keys must all hold, the beginning of a name will do', async (t) => {
  const { read, write } = place(t);
  await read({});
  write(connected, started('web', 'a'), started('db', 'b'), died);
  const all = ['connect webs', 'start web', 'start db', 'die web'];
  t.deepEqual(await read({}), all);
  t.deepEqual(await read({ filters: {} }), all);
  t.deepEqual(await read({ filters: { types: ['network'] } }), all.slice(0, 1));
  t.deepEqual(await read({ filters: { actions: ['die', 'connect'] } }), ['connect webs', 'die web']);
  t.deepEqual(
    await read({ filters: { containers: ['we'] } }),
    ['start web', 'die web'],
    'a container, not the network',
  );
  t.deepEqual(await read({ filters: { containers: ['bbb', 'we'], actions: ['start'] } }), ['start web', 'start db']);
  t.deepEqual(await read({ filters: { networks: ['web'] } }), ['connect webs'], 'a network, not the container');
  t.deepEqual(await read({ filters: { networks: ['ccc'], containers: ['web'] } }), []);
});

test('since and until, both included', async (t) => {
  const { engine, read, write } = place(t);
  await read({});
  write(connected);
  let time = new Date(0);
  for await (const event of engine.events({ until: new Date() })) time = event.time;
  const [before, after] = [-1, 1].map((milliseconds) => new Date(time.getTime() + milliseconds));
  t.is((await read({ since: time, until: time })).length, 1);
  t.is((await read({ since: after as Date })).length, 0);
  t.is((await read({ until: before as Date })).length, 0);
});

test('without a time it begins with the call, however late it is read, and ends with the signal', async (t) => {
  const { engine, read, write } = place(t);
  await read({});
  write(connected);
  const abort = new AbortController();
  const events = engine.events({ signal: abort.signal })[Symbol.asyncIterator]();
  write(died);
  t.is((await events.next()).value?.action, 'die');
  abort.abort();
  t.true((await events.next()).done);
});

test('a time that is none is refused at once', (t) => {
  const { engine } = place(t);
  t.throws(() => engine.events({ since: new Date('x') }), { code: 'invalid-option', message: 'since is no time' });
});
