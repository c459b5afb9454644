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

test('a change is its steps and then its records, and leaves no journal', async (t) => {
  const place = t.context;
  await place.carryOut(change(place, 'make', up('x'), file('/a')));
  t.deepEqual(place.log, ['host: x', 'write /a']);
  t.deepEqual(place.files, ['network.json', 'web.json']);
  t.deepEqual([place.read('web.json'), place.read('network.json')], ['new', 'cursor']);
});

test('while the steps are taken the journal says what was begun, and no record stands', async (t) => {
  const place = t.context;
  let seen: readonly string[] = [];
  const look = () => {
    seen = place.files;
  };
  const kinds = { ...place.kinds, file: { ...place.kinds.file, apply: look } };
  await executeChange(change(place, 'make', file('/a')), place.ledger, kinds, place.world);
  t.deepEqual(seen, ['journal.json']);
});

test('a change whose step fails is taken back and leaves nothing', async (t) => {
  const place = t.context;
  place.refuses.add('/a');
  await t.throwsAsync(place.carryOut(change(place, 'make', up('x'), file('/a'))), { message: 'write /a: EPERM' });
  t.deepEqual(place.log.slice(2), ['undo /a', 'undo x']);
  t.deepEqual(place.files, []);
});

test('what is taken away has its records changed afterwards', async (t) => {
  const place = t.context;
  writeFileSync(place.path('web.json'), 'old');
  await place.carryOut(change(place, 'unmake', up('x'), up('y')));
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, ['network.json']);
});

test('what can’t be taken away is reported when all else is done', async (t) => {
  const place = t.context;
  place.keeps.add('y');
  await t.throwsAsync(place.carryOut(change(place, 'unmake', up('x'), up('y'))), { name: 'TeardownError' });
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, ['network.json']);
});

test('a disk without room for a record: everything is taken back, and no half of a record stands', async (t) => {
  const place = t.context;
  symlinkSync('/dev/full', place.path('network.json.new'));
  await t.throwsAsync(place.carryOut(change(place, 'make', up('x'))), { code: 'ENOSPC' });
  t.deepEqual(place.log, ['host: x', 'undo x']);
  t.deepEqual(place.files, []);
});

test('where the way back from a full disk fails too, the full disk is the error and the rest its cause', async (t) => {
  const place = t.context;
  place.keeps.add('x');
  symlinkSync('/dev/full', place.path('web.json.new'));
  const error = await t.throwsAsync(place.carryOut(change(place, 'make', up('x'))), { code: 'ENOSPC' });
  t.like(error?.cause, { name: 'TeardownError', message: 'run web left something behind: undo x: EBUSY' });
  t.deepEqual(place.files, []);
});

test('a disk without room for the journal: nothing is done', async (t) => {
  const place = t.context;
  symlinkSync('/dev/full', place.journal);
  await t.throwsAsync(place.carryOut(change(place, 'make', up('x'))), { code: 'ENOSPC' });
  t.deepEqual([place.log, place.files], [[], []]);
});

test('a disk without room for the journal: what is there is taken away all the same', async (t) => {
  const place = t.context;
  writeFileSync(place.path('web.json'), 'old');
  symlinkSync('/dev/full', place.journal);
  await place.carryOut(change(place, 'unmake', up('x'), up('y')));
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, ['network.json']);
});

test('without a journal there is nothing to recover', async (t) => {
  t.is(await t.context.recover(), undefined);
});

test('a crash before the commit point is taken back, with the records that were only staged', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x'), up('y')));
  writeFileSync(place.path('web.json.new'), 'new');
  t.is(await place.recover(), 'took back an interrupted "run web"');
  t.deepEqual(place.log, ['undo y', 'undo x']);
  t.deepEqual(place.files, []);
});

test('an older record of the same container is no commit point', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')));
  writeFileSync(place.path('web.json'), 'old');
  t.is(await place.recover(), 'took back an interrupted "run web"');
  t.is(place.read('web.json'), 'old');
});

test('a crash after the commit point is completed', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')));
  writeFileSync(place.path('web.json'), 'new');
  writeFileSync(place.path('network.json.new'), 'cur');
  t.is(await place.recover(), 'completed an interrupted "run web"');
  t.deepEqual(place.log, []);
  t.deepEqual(place.files, ['network.json', 'web.json']);
  t.is(place.read('network.json'), 'cursor');
});

test('what was being taken away is taken away, however far it was', async (t) => {
  const place = t.context;
  writeFileSync(place.path('web.json'), 'old');
  place.crashed(change(place, 'unmake', up('x')));
  t.is(await place.recover(), 'completed an interrupted "run web"');
  t.deepEqual([place.log, place.files], [['undo x'], ['network.json']]);
  t.is(await place.recover(), undefined);
});

test('a journal that is torn at any place announced a change that had not begun', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')));
  const whole = place.read('journal.json') ?? '';
  for (let length = 0; length < whole.length - 1; length++) {
    writeFileSync(place.journal, whole.slice(0, length));
    t.is(await place.recover(), 'removed a torn journal: the change it announced had not begun');
  }
  for (const text of [
    '{"schema":1}',
    '{"schema":1,"plan":null,"records":[]}',
    '{"schema":1,"plan":{"steps":[]}}',
    '[]',
  ]) {
    writeFileSync(place.journal, text);
    t.regex((await place.recover()) ?? '', /^removed a torn journal/);
  }
  t.deepEqual([place.log, place.files], [[], []]);
});

test('a journal of another boot is about files alone: what the kernel has now is somebody else’s', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x'), file('/a')), { boot: 'another' });
  t.is(await place.recover(), 'took back an interrupted "run web"');
  t.deepEqual([place.log, place.files], [['undo /a'], []]);
});

test('a journal of a newer gangway is left to that one', async (t) => {
  const place = t.context;
  place.crashed(change(place, 'make', up('x')), { schema: 2 });
  await t.throwsAsync(place.recover(), { code: 'record-unreadable', message: /was left by a newer gangway/ });
  t.deepEqual([place.log, place.files], [[], ['journal.json']]);
});

test('a way back that fails is told, and stops nobody after us', async (t) => {
  const place = t.context;
  place.keeps.add('x');
  place.crashed(change(place, 'make', up('x')));
  t.regex((await place.recover()) ?? '', /^took back an interrupted "run web", but .* left something behind: .*EBUSY/);
  t.deepEqual(place.files, []);
});

const events: readonly Occurrence[] = [
  { type: 'container', action: 'start', id: 'a'.repeat(64), attributes: { name: 'web' } },
];

test('what happened is told when its records stand, and before the journal has gone', async (t) => {
  const place = t.context;
  await place.carryOut({ ...change(place, 'make', up('x')), events });
  t.deepEqual(place.log, ['host: x', 'told: start, with network.json web.json']);
  place.log.length = 0;
  await place.carryOut({ ...change(place, 'unmake', up('x')), events });
  t.deepEqual(place.log, ['undo x', 'told: start, with network.json']);
});

test('of what is taken back nothing is told', async (t) => {
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

test('what somebody else began and is completed is told, unless he told it himself', async (t) => {
  const place = t.context;
  place.crashed({ ...change(place, 'make', up('x')), events });
  writeFileSync(place.path('web.json'), 'new');
  await place.recover();
  place.crashed({ ...change(place, 'unmake', up('x')), events });
  await place.recover();
  const told = 'told, unless it was behind 7: start, with network.json';
  t.deepEqual(place.log, [`${told} web.json`, 'undo x', told]);
});
