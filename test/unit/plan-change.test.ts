import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { bootId } from '../../src/kernel/boot.ts';
import { type Change, type ChangeLog, executeChange, recoverChange } from '../../src/plan/change.ts';
import { encode } from '../../src/plan/encoding.ts';
import type { Step } from '../../src/plan/step.ts';
import type { Occurrence } from '../../src/values/event.ts';
import { FakeMachine, steps } from '../support/fake-machine.ts';

/** A machine whose records and journal lie in a directory of the test; its steps only tell of themselves. */
class Place extends FakeMachine {
  readonly directory = mkdtempSync(join(tmpdir(), 'gangway-'));
  readonly journal = this.path('journal.json');

  path(name: string): string {
    return join(this.directory, name);
  }

  read(name: string): string | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : undefined;
  }

  /** What a gangway that was killed has left. */
  crashed(change: Change, options: { readonly boot?: string; readonly schema?: number } = {}): void {
    const toldUntil = this.ledger.eventPosition();
    writeFileSync(this.journal, encode({ ...change, schema: 1, boot: bootId(), toldUntil, ...options }));
  }

  /** What was told, in the order of the work. */
  readonly ledger: ChangeLog = {
    journalPath: this.journal,
    appendEvents: (events) => this.#tell('told', events),
    appendMissingEvents: (events, since) => this.#tell(`told, unless it was behind ${since?.offset}`, events),
    eventPosition: () => ({ file: 'events', offset: 7 }),
  };

  carryOut(change: Change): Promise<void> {
    return executeChange(change, this.ledger, this.kinds, this.world);
  }

  recover(): Promise<string | undefined> {
    return recoverChange(this.ledger, this.kinds, this.world);
  }

  #tell(how: string, events: readonly Occurrence[]): void {
    const records = this.files.filter((name) => name !== 'journal.json').join(' ');
    for (const { action } of events) this.log.push(`${how}: ${action}, with ${records}`);
  }

  get files(): readonly string[] {
    return readdirSync(this.directory).toSorted();
  }
}

const test = anyTest as TestFn<Place>;
test.beforeEach((t) => {
  t.context = new Place();
});
test.afterEach.always((t) => rmSync(t.context.directory, { recursive: true }));

const { up, file } = steps;

function change(place: Place, direction: 'make' | 'unmake', ...plan: readonly Step[]): Change {
  const content = direction === 'make' ? 'new' : null;
  return {
    plan: { subject: 'run web', direction, steps: plan },
    records: [
      { path: place.path('web.json'), content },
      { path: place.path('network.json'), content: 'cursor', durable: true },
    ],
  };
}

test('applies the steps, then the records, and leaves no journal', async (t) => {
  const place = t.context;
  await place.carryOut(change(place, 'make', up('x'), file('/a')));
  t.deepEqual(place.log, ['host: x', 'write /a']);
  t.deepEqual(place.files, ['network.json', 'web.json']);
  t.deepEqual([place.read('web.json'), place.read('network.json')], ['new', 'cursor']);
});

test('keeps a journal and no records while steps are applied', async (t) => {
  const place = t.context;
  let seen: readonly string[] = [];
  const look = () => {
    seen = place.files;
  };
  const kinds = { ...place.kinds, file: { ...place.kinds.file, apply: look } };
  await executeChange(change(place, 'make', file('/a')), place.ledger, kinds, place.world);
  t.deepEqual(seen, ['journal.json']);
});

test('rolls back a change with a failing step', async (t) => {
  const place = t.context;
  place.refuses.add('/a');
  await t.throwsAsync(place.carryOut(change(place, 'make', up('x'), file('/a'))), { message: 'write /a: EPERM' });
  t.deepEqual(place.log.slice(2), ['undo /a', 'undo x']);
  t.deepEqual(place.files, []);
});

test('changes the records after a removal', async (t) => {
  const place = t.context;
  writeFileSync(place.path('web.json'), 'old');
  await place.carryOut(change(place, 'unmake', up('x'), up('y')));
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, ['network.json']);
});

test('reports what could not be removed after everything else', async (t) => {
  const place = t.context;
  place.keeps.add('y');
  await t.throwsAsync(place.carryOut(change(place, 'unmake', up('x'), up('y'))), { name: 'TeardownError' });
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, ['network.json']);
});

test('rolls back everything if the disk is full for a record', async (t) => {
  const place = t.context;
  symlinkSync('/dev/full', place.path('network.json.new'));
  await t.throwsAsync(place.carryOut(change(place, 'make', up('x'))), { code: 'ENOSPC' });
  t.deepEqual(place.log, ['host: x', 'undo x']);
  t.deepEqual(place.files, []);
});

test('reports a full disk with the failed rollback as the cause', async (t) => {
  const place = t.context;
  place.keeps.add('x');
  symlinkSync('/dev/full', place.path('web.json.new'));
  const error = await t.throwsAsync(place.carryOut(change(place, 'make', up('x'))), { code: 'ENOSPC' });
  t.like(error?.cause, { name: 'TeardownError', message: 'run web left something behind: undo x: EBUSY' });
  t.deepEqual(place.files, []);
});

test('changes nothing if the disk is full for the journal', async (t) => {
  const place = t.context;
  symlinkSync('/dev/full', place.journal);
  await t.throwsAsync(place.carryOut(change(place, 'make', up('x'))), { code: 'ENOSPC' });
  t.deepEqual([place.log, place.files], [[], []]);
});

test('removes objects even if the disk is full for the journal', async (t) => {
  const place = t.context;
  writeFileSync(place.path('web.json'), 'old');
  symlinkSync('/dev/full', place.journal);
  await place.carryOut(change(place, 'unmake', up('x'), up('y')));
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, ['network.json']);
});

test('recovers nothing without a journal', async (t) => {
  t.is(await t.context.recover(), undefined);
});

test('rolls back a crash before the commit point, with its staged records', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x'), up('y')));
  writeFileSync(place.path('web.json.new'), 'new');
  t.is(await place.recover(), 'rolled back an interrupted "run web"');
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, []);
});

test('rolls back if only an older record of the container exists', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')));
  writeFileSync(place.path('web.json'), 'old');
  t.is(await place.recover(), 'rolled back an interrupted "run web"');
  t.is(place.read('web.json'), 'old');
});

test('completes a change after a crash behind the commit point', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')));
  writeFileSync(place.path('web.json'), 'new');
  writeFileSync(place.path('network.json.new'), 'cur');
  t.is(await place.recover(), 'completed an interrupted "run web"');
  t.deepEqual(place.log, []);
  t.deepEqual(place.files, ['network.json', 'web.json']);
  t.is(place.read('network.json'), 'cursor');
});

test('completes an interrupted removal', async (t) => {
  const place = t.context;
  writeFileSync(place.path('web.json'), 'old');
  place.crashed(change(place, 'unmake', up('x')));
  t.is(await place.recover(), 'completed an interrupted "run web"');
  t.deepEqual([place.log, place.files], [['undo x'], ['network.json']]);
  t.is(await place.recover(), undefined);
});

test('discards a journal truncated at any position', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')));
  const whole = place.read('journal.json') ?? '';
  for (let length = 0; length < whole.length - 1; length++) {
    writeFileSync(place.journal, whole.slice(0, length));
    t.is(await place.recover(), 'removed an incomplete journal: its change had not begun');
  }
  for (const text of [
    '{"schema":1}',
    '{"schema":1,"plan":null,"records":[]}',
    '{"schema":1,"plan":{"steps":[]}}',
    '[]',
  ]) {
    writeFileSync(place.journal, text);
    t.regex((await place.recover()) ?? '', /^removed an incomplete journal/);
  }
  t.deepEqual([place.log, place.files], [[], []]);
});

test('undoes only files of a journal from another boot', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x'), file('/a')), { boot: 'another' });
  t.is(await place.recover(), 'rolled back an interrupted "run web"');
  t.deepEqual([place.log, place.files], [['undo /a'], []]);
});

test('leaves a journal of a newer version', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')), { schema: 2 });
  await t.throwsAsync(place.recover(), { code: 'record-unreadable', message: /interrupted change of a newer version/ });
  t.deepEqual([place.log, place.files], [[], ['journal.json']]);
});

test('reports a failing rollback without blocking later commands', async (t) => {
  const place = t.context;
  place.keeps.add('x');
  place.crashed(change(place, 'make', up('x')));
  t.regex(
    (await place.recover()) ?? '',
    /^rolled back an interrupted "run web", but .* left something behind: .*EBUSY/,
  );
  t.deepEqual(place.files, []);
});

const events: readonly Occurrence[] = [
  { type: 'container', action: 'start', id: 'a'.repeat(64), attributes: { name: 'web' } },
];

test('appends events after the records and before the journal is removed', async (t) => {
  const place = t.context;
  await place.carryOut({ ...change(place, 'make', up('x')), events });
  t.deepEqual(place.log, ['host: x', 'told: start, with network.json web.json']);
  place.log.length = 0;
  await place.carryOut({ ...change(place, 'unmake', up('x')), events });
  t.deepEqual(place.log, ['undo x', 'told: start, with network.json']);
});

test('appends no events for a rolled-back change', async (t) => {
  const place = t.context;
  place.refuses.add('/a');
  await t.throwsAsync(place.carryOut({ ...change(place, 'make', up('x'), file('/a')), events }));
  place.crashed({ ...change(place, 'make', up('x')), events });
  await place.recover();
  t.is(
    place.log.find((line) => line.startsWith('told')),
    undefined,
  );
});

test('appends events of a completed change unless they are in the log', async (t) => {
  const place = t.context;
  place.crashed({ ...change(place, 'make', up('x')), events });
  writeFileSync(place.path('web.json'), 'new');
  await place.recover();
  place.crashed({ ...change(place, 'unmake', up('x')), events });
  await place.recover();
  const told = 'told, unless it was behind 7: start, with network.json';
  t.deepEqual(place.log, [`${told} web.json`, 'undo x', told]);
});
