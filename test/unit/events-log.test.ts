/** The log of events as a file: what is written, what is read, and what becomes of it when it is full, torn or gone. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { followEvents } from '../../src/services/events/follow.ts';
import { formatEventLine, parseEventLine } from '../../src/services/events/line.ts';
import { appendEvents, containsEvents } from '../../src/services/events/log.ts';
import { endOfLog, eventReader } from '../../src/services/events/reader.ts';
import type { EngineEvent, Occurrence } from '../../src/values/event.ts';

const start: Occurrence = { type: 'container', action: 'start', id: 'a'.repeat(64), attributes: { name: 'web' } };
const numbered = (name: string | number): Occurrence => ({ ...start, attributes: { name: `${name}` } });
const names = (events: readonly EngineEvent[]) => events.map(({ attributes }) => attributes.name).join(' ');

/** A path in a directory of the test. */
function place(t: { teardown(undo: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-events-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return join(directory, 'events');
}

/** Writes until the file is put aside. @returns how many events that took */
function fill(path: string): number {
  const { ino } = statSync(path);
  for (let count = 1; ; count++) {
    appendEvents(path, [numbered(count)]);
    if (statSync(path, { throwIfNoEntry: false })?.ino !== ino) return count;
  }
}

test('a line has docker’s fields, and its time to the millisecond', (t) => {
  const event = { ...start, time: new Date('2026-11-27T04:36:00.188Z') };
  t.is(
    formatEventLine(event),
    `{"Type":"container","Action":"start","Actor":{"ID":"${start.id}","Attributes":{"name":"web"}},"scope":"local",` +
      '"time":1795754160,"timeNano":1795754160188000000}\n',
  );
  t.deepEqual(parseEventLine(formatEventLine(event)), event);
  // Of these no float has the nanoseconds: every eighth would be read as the millisecond before.
  for (let milliseconds = 0; milliseconds < 16; milliseconds++) {
    const each = { ...start, time: new Date(1_767_225_600_000 + milliseconds) };
    t.deepEqual(parseEventLine(formatEventLine(each)), each);
  }
});

test('what is no event is none', (t) => {
  const whole = formatEventLine({ ...start, time: new Date() });
  for (const line of ['', '\0\0', 'null', '7', '[]', '{}', whole.slice(0, -3), '{"Type":"image","Actor":{"ID":"x"}}'])
    t.is(parseEventLine(line), undefined, line);
});

test('events are read in the order in which they were written, each once', (t) => {
  const path = place(t);
  const read = eventReader(path);
  t.deepEqual(read(), []);
  appendEvents(path, [numbered(1), numbered(2)]);
  t.is(names(read()), '1 2');
  appendEvents(path, [numbered(3)]);
  t.is(names(read()), '3');
  t.is(names(read()), '');
  t.is(statSync(path).mode & 0o777, 0o600);
});

test('from the end on there is only what comes', (t) => {
  const path = place(t);
  appendEvents(path, [numbered('old')]);
  const read = eventReader(path, endOfLog(path));
  appendEvents(path, [numbered('new')]);
  t.is(names(read()), 'new');
});

test('a torn line is passed over, and costs none of the others', (t) => {
  const path = place(t);
  appendEvents(path, [numbered(1)]);
  const read = eventReader(path);
  appendFileSync(path, formatEventLine({ ...start, time: new Date() }).slice(0, 40));
  t.is(names(read()), '1');
  appendEvents(path, [numbered(2)]);
  t.is(names(read()), '2');
  t.is(names(eventReader(path)()), '1 2');
});

test('a full file is put aside: as much again is remembered, and never more than twice as much', (t) => {
  const path = place(t);
  appendEvents(path, [numbered(0)]);
  const count = fill(path);
  t.true(count > 1000, `${count} events`);
  appendEvents(path, [numbered('last')]);
  t.is(eventReader(path)().length, count + 2);
  fill(path);
  appendEvents(path, [numbered('last')]);
  t.true(eventReader(path)().length < 2 * count + 4);
  t.true(statSync(path).size + statSync(`${path}.1`).size < 1.1 * 2 ** 20);
});

test('a reader loses nothing when the file is put aside under his eyes', (t) => {
  const path = place(t);
  appendEvents(path, [numbered('before')]);
  const read = eventReader(path, endOfLog(path));
  appendEvents(path, [numbered('begin')]);
  t.is(names(read()), 'begin');
  const count = fill(path);
  t.is(read().length, count);
  appendEvents(path, [numbered('after')]);
  t.is(names(read()), 'after');
  // And not either, if he comes late.
  const second = fill(path);
  appendEvents(path, [numbered('later')]);
  const late = read();
  t.is(late.length, second + 1);
  t.is(late.at(-1)?.attributes.name, 'later');
});

test('what was told behind a place is known, whatever was told after it, and before that place it is another one', (t) => {
  const path = place(t);
  t.false(containsEvents(path, [start], undefined));
  appendEvents(path, [numbered(1), start]);
  const since = endOfLog(path);
  t.true(containsEvents(path, [start], undefined));
  t.true(containsEvents(path, [numbered(1), start], undefined));
  t.false(containsEvents(path, [start, start], undefined));
  t.false(containsEvents(path, [{ ...start, attributes: { name: 'other' } }], undefined));
  t.false(containsEvents(path, [start], since), 'told before');
  appendEvents(path, [numbered(2), numbered(3)]);
  appendEvents(path, [numbered(4)]);
  t.true(containsEvents(path, [numbered(2), numbered(3)], since));
  t.false(containsEvents(path, [numbered(1)], since));
  t.false(containsEvents(path, [numbered(2), numbered(4)], since), 'not together');
});

test('a disk that is full, or a path that is no file, is the writer’s error', (t) => {
  const path = place(t);
  symlinkSync('/dev/full', path);
  t.throws(() => appendEvents(path, [start]), { code: 'ENOSPC' });
  rmSync(path);
  mkdirSync(path);
  t.throws(() => appendEvents(path, [start]), { code: 'EISDIR' });
});

test('who follows is told at once, and until the moment that he named', async (t) => {
  const path = place(t);
  const abort = new AbortController();
  const events = followEvents(path, { signal: abort.signal });
  const first = events.next();
  appendEvents(path, [numbered(1)]);
  t.is((await first).value?.attributes.name, '1');
  const second = events.next();
  appendEvents(path, [numbered(2)]);
  t.is((await second).value?.attributes.name, '2');
  const last = events.next();
  abort.abort();
  t.true((await last).done);

  const past: EngineEvent[] = [];
  for await (const event of followEvents(path, { until: new Date(0) })) past.push(event);
  t.is(names(past), '1 2');
  const before = Date.now();
  for await (const _ of followEvents(path, { until: new Date(before + 50), start: endOfLog(path) })) t.fail();
  t.true(Date.now() >= before + 50);
  t.true(readFileSync(path, 'utf8').endsWith('\n'));
});
