import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { followLog, readLog } from '../../src/services/process/log.ts';
import { parseLogEntry } from '../../src/services/process/log-line.ts';
import { findTail } from '../../src/services/process/log-tail.ts';

const entry = (second: number, tag: string, text: string | Buffer, stream = 'stdout') =>
  Buffer.concat([
    Buffer.from(`2026-11-23T23:00:${String(second).padStart(2, '0')}.123456789+00:00 ${stream} ${tag} `),
    Buffer.from(text as string),
    Buffer.from('\n'),
  ]);

/** A log of these entries, taken away after the test. */
function log(t: { teardown(undo: () => void): void }, ...entries: readonly Buffer[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'gangway-log-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'log');
  writeFileSync(path, Buffer.concat(entries));
  return path;
}

async function texts(path: string, options: Parameters<typeof readLog>[1] = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const line of readLog(path, options)) found.push(line.text);
  return found;
}

test('an entry is time, stream, tag and text', (t) => {
  const parsed = parseLogEntry(entry(7, 'F', 'a  b ', 'stderr').subarray(0, -1));
  t.deepEqual(
    { ...parsed, bytes: String(parsed?.bytes) },
    { time: new Date('2026-11-23T23:00:07.123Z'), stream: 'stderr', complete: true, bytes: 'a  b ' },
  );
  t.is(String(parseLogEntry(entry(7, 'F', '').subarray(0, -1))?.bytes), '');
  for (const torn of [
    '',
    '\0\0\0',
    '2026-11-23T23:00:07.1+00:00 stdout',
    'never stdout F x',
    '2026-11-23T23:00:07Z disk F x',
  ]) {
    t.is(parseLogEntry(Buffer.from(torn)), undefined);
  }
});

test('the pieces of a line are joined, also where a character was cut', async (t) => {
  const euro = Buffer.from('€');
  const path = log(
    t,
    entry(1, 'P', euro.subarray(0, 1)),
    entry(1, 'F', 'beside', 'stderr'),
    entry(2, 'P', euro.subarray(1)),
    entry(2, 'F', ' done'),
    entry(3, 'P', 'login: '),
  );
  t.deepEqual(await texts(path), ['beside\n', '€ done\n', 'login: ']);
});

test('the tail is the last lines, and a line that is still written counts', async (t) => {
  const path = log(t, entry(1, 'F', 'one'), entry(2, 'P', 'two '), entry(2, 'F', 'parts'), entry(3, 'F', 'three'));
  t.deepEqual(await texts(path, { tail: 0 }), []);
  t.deepEqual(await texts(path, { tail: 1 }), ['three\n']);
  t.deepEqual(await texts(path, { tail: 2 }), ['two parts\n', 'three\n']);
  t.deepEqual(await texts(path, { tail: 9 }), ['one\n', 'two parts\n', 'three\n']);
  const unfinished = log(t, entry(1, 'F', 'one'), entry(2, 'F', 'two'), entry(3, 'P', 'prompt'));
  t.deepEqual(await texts(unfinished, { tail: 2 }), ['two\n', 'prompt']);
});

test('the tail of a long log is found over many blocks', async (t) => {
  const lines = Array.from({ length: 20_000 }, (_, index) => entry(index % 60, 'F', `line ${index}`));
  const path = log(t, ...lines);
  for (const wanted of [1, 1100, 1213, 19_999]) {
    const found = await texts(path, { tail: wanted });
    t.is(found.length, wanted);
    t.is(found[0], `line ${20_000 - wanted}\n`);
  }
  const handle = await open(path);
  t.is(await findTail(handle, 20_000), 0);
  await handle.close();
});

test('since and until are inclusive', async (t) => {
  const path = log(t, entry(1, 'F', 'one'), entry(2, 'F', 'two'), entry(3, 'F', 'three'));
  const at = (second: number) => new Date(`2026-11-23T23:00:0${second}.123Z`);
  t.deepEqual(await texts(path, { since: at(2) }), ['two\n', 'three\n']);
  t.deepEqual(await texts(path, { until: at(2) }), ['one\n', 'two\n']);
});

test('a log that was never written is empty', async (t) => {
  t.deepEqual(await texts(join(tmpdir(), 'gangway-no-such-log')), []);
});

test('a follower sees what is appended, goes over to a new file, and stops at the end', async (t) => {
  const path = log(t, entry(1, 'F', 'old'), entry(1, 'F', 'last'));
  const { appendFileSync, renameSync } = await import('node:fs');
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const found: string[] = [];
  for await (const line of followLog(path, { tail: 1 }, () => ended)) {
    found.push(line.text);
    if (line.text === 'last\n') {
      appendFileSync(path, entry(2, 'F', 'appended'));
      writeFileSync(`${path}.new`, entry(3, 'P', 'replaced'));
      renameSync(`${path}.new`, path);
    } else if (line.text === 'replaced') {
      appendFileSync(path, entry(4, 'F', ', continued'));
    } else if (line.text === ', continued\n') {
      appendFileSync(path, entry(5, 'F', 'end'));
      end();
    }
  }
  t.deepEqual(found, ['last\n', 'appended\n', 'replaced', ', continued\n', 'end\n']);
});

test('a follower that stops early lets go, and an error of the waiting is told', async (t) => {
  const path = log(t, entry(1, 'F', 'one'));
  let aborted = false;
  const never = (signal: AbortSignal) =>
    new Promise<void>(() => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
    });
  for await (const _ of followLog(path, {}, never)) break;
  t.true(aborted);
  const failing = followLog(path, {}, () => Promise.reject(new Error('no such container')));
  await t.throwsAsync(
    async () => {
      for await (const _ of failing);
    },
    { message: 'no such container' },
  );
});
