import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { directoriesOf } from '../../src/engine/store/directories.ts';
import type { ContainerRecord } from '../../src/engine/store/record.ts';
import { Records } from '../../src/engine/store/record-store.ts';
import { bootId } from '../../src/kernel/boot.ts';
import type { RecordChange } from '../../src/plan/change.ts';
import { encode } from '../../src/plan/encoding.ts';
import { parseAddress } from '../../src/values/address.ts';
import { container, defaultBridge, lifeIn } from '../support/records.ts';

/** Records in a directory of the test, and what they complained about. */
class Place {
  readonly directory = mkdtempSync(join(tmpdir(), 'gangway-'));
  readonly warnings: string[] = [];
  readonly records = new Records(
    { state: join(this.directory, 'state'), runtime: join(this.directory, 'run') },
    (sentence) => {
      this.warnings.push(sentence);
    },
  );

  /** Puts a file where the change wants it. */
  write({ path, content }: RecordChange): string {
    writeFileSync(path, content ?? '');
    return path;
  }

  add(parts: Partial<ContainerRecord>): ContainerRecord {
    const record = container(parts);
    this.write(this.records.put('containers', record));
    return record;
  }
}

const test = anyTest as TestFn<Place>;
test.beforeEach((t) => {
  t.context = new Place();
  t.context.records.prepare();
});
test.afterEach.always((t) => rmSync(t.context.directory, { recursive: true }));

const id = (start: string) => start.padEnd(64, '0');

test('a record is read back as it was written', (t) => {
  const { records } = t.context;
  const life = lifeIn('/run/x', {
    forwards: [
      {
        protocol: 'tcp',
        hostAddress: parseAddress('::'),
        target: parseAddress('172.17.0.2'),
        ports: [{ hostPort: 8080, containerPort: 80, count: 1 }],
      },
    ],
    routes: [
      {
        kind: 'route',
        in: { namespace: 'c1' },
        family: 4,
        link: 'eth0',
        gateway: parseAddress('172.17.0.1'),
        why: 'out',
      },
    ],
  });
  const record = t.context.add({ life, restarts: 3 });
  t.like(records.containers()[0], { ...record });
  t.deepEqual(records.containers()[0]?.life, life);
  t.deepEqual(t.context.warnings, []);
});

test('a network’s record is written through to the disk, a container’s is not', (t) => {
  const { records } = t.context;
  const change = records.put('networks', defaultBridge);
  t.true(change.durable);
  t.false(records.put('containers', container()).durable);
  t.context.write(change);
  t.like(records.networks()[0], { ...defaultBridge });
});

test('containers are listed in the order in which they were created', (t) => {
  t.context.add({ id: id('1'), name: 'second', createdAt: '2026-01-02T00:00:00.000Z' });
  t.context.add({ id: id('2'), name: 'third', createdAt: '2026-01-02T00:00:00.001Z' });
  t.context.add({ id: id('3'), name: 'first', createdAt: '2026-01-01T00:00:00.000Z' });
  t.deepEqual(
    t.context.records.containers().map(({ name }) => name),
    ['first', 'second', 'third'],
  );
});

test('a container is found by its name, its id, and the beginning of its id', (t) => {
  const { records } = t.context;
  t.context.add({ id: id('abc1'), name: 'web' });
  t.context.add({ id: id('abd2'), name: 'database' });
  for (const reference of ['web', id('abc1'), 'abc', 'abc1']) t.is(records.container(reference).name, 'web', reference);
});

test('the beginning of two ids is refused, and a name is not taken by its beginning', (t) => {
  const { records } = t.context;
  t.context.add({ id: id('abc1'), name: 'web' });
  t.context.add({ id: id('abd2'), name: 'database' });
  t.throws(() => records.container('ab'), {
    code: 'container-not-found',
    message: 'container ab is ambiguous: 2 ids begin so',
  });
  t.throws(() => records.container('we'), { code: 'container-not-found', message: 'no such container: we' });
  t.throws(() => records.container('ABC'), { message: 'no such container: ABC' });
});

test('a name goes before the beginning of another one’s id', (t) => {
  t.context.add({ id: id('beef'), name: 'other' });
  t.context.add({ id: id('1234'), name: 'bee' });
  t.is(t.context.records.container('bee').id, id('1234'));
});

test('who has a whole id asks one file: a record, nothing, or a warning that it is damaged', (t) => {
  const { records, warnings } = t.context;
  const record = t.context.add({ id: id('a'), name: 'web' });
  writeFileSync(records.path('containers', id('1')), 'torn');
  t.is(records.containerById(id('a'))?.name, record.name);
  t.deepEqual([records.containerById(id('b')), records.containerById('')], [undefined, undefined]);
  t.is(records.networkById(id('a')), undefined);
  t.deepEqual([records.containerById(id('1')), records.containerById(id('1'))], [undefined, undefined]);
  t.is(warnings.length, 1);
});

test('no reference at all is nobody, even where there is one container only', (t) => {
  t.context.add({ name: 'web' });
  t.throws(() => t.context.records.container(''), { code: 'container-not-found' });
});

const broken: readonly (readonly [string, string])[] = [
  ['torn', '{"schema":1,"id":"'],
  ['empty', ''],
  ['of zeros', '\0\0\0\0'],
  ['null', 'null'],
  ['a list', '[]'],
  ['without a schema', JSON.stringify({ id: id('1') })],
  ['of a schema before the first', JSON.stringify({ schema: 0, id: id('1') })],
  ['under another’s name', JSON.stringify({ schema: 1, id: id('2') })],
];

for (const [what, text] of broken) {
  test(`a record that is ${what} is passed over, with one warning that says what to do`, (t) => {
    const { records, warnings } = t.context;
    t.context.add({ id: id('a'), name: 'whole' });
    const path = records.path('containers', id('1'));
    writeFileSync(path, text);
    t.deepEqual(
      [...records.containers(), ...records.containers()].map(({ name }) => name),
      ['whole', 'whole'],
    );
    t.deepEqual(warnings, [`record ${path} is damaged; \`gangway gc\` removes it, and what it left`]);
    t.deepEqual(records.torn(), [path]);
    t.throws(() => records.everyContainer(), { code: 'record-unreadable' });
    t.is(records.everyHolder().length, 1, 'of another boot: it holds nothing any more');
    mkdirSync(join(records.directories.runtime, 'containers', id('1')));
    t.throws(() => records.everyHolder(), { code: 'record-unreadable' });
  });
}

/** One field of a whole record, `life.plugs`, in which there is something else. */
function changed(record: object, path: string, value: unknown): object {
  const [field = '', ...rest] = path.split('.');
  const inner = (record as Readonly<Record<string, unknown>>)[field];
  return { ...record, [field]: rest.length === 0 ? value : changed(inner as object, rest.join('.'), value) };
}

const whole = { schema: 1, ...container({ id: id('1'), life: lifeIn('/run/x') }) };

for (const [path, value] of [
  ['name', undefined],
  ['name', 5],
  ['createdAt', null],
  ['hostname', undefined],
  ['request', undefined],
  ['request', []],
  ['request.publish', {}],
  ['request.command', [1]],
  ['request.restart', 'no'],
  ['network', undefined],
  ['network.kind', 'other'],
  ['network.connections', undefined],
  ['network.connections', [{ network: 'bridge' }]],
  ['stopped', 'no'],
  ['restarts', '3'],
  ['steps', undefined],
  ['steps', [null]],
  ['life', null],
  ['life.plugs', undefined],
  ['life.plugs', [{}]],
  ['life.launch', undefined],
  ['life.forwards', [{ ports: [{}] }]],
  ['lastEnd', {}],
] as const) {
  test(`a container’s record with ${path} ${JSON.stringify(value)} is damaged, and the others are read`, (t) => {
    const { records, warnings } = t.context;
    t.context.add({ id: id('a'), name: 'whole' });
    const path1 = records.path('containers', id('1'));
    writeFileSync(path1, encode(whole));
    t.is(records.containers().length, 2);
    // Another file under the name, as everybody replaces a record: of one that is written over, the time may be the same.
    writeFileSync(`${path1}.new`, encode(changed(whole, path, value)));
    renameSync(`${path1}.new`, path1);
    t.deepEqual(
      records.containers().map(({ name }) => name),
      ['whole'],
    );
    t.deepEqual(warnings, [`record ${path1} is damaged; \`gangway gc\` removes it, and what it left`]);
    t.deepEqual(records.torn(), [path1]);
  });
}

for (const [path, value] of [
  ['createdAt', undefined],
  ['network', undefined],
  ['network.kind', 'overlay'],
  ['network.name', 5],
  ['network.bridge', undefined],
  ['network.subnets', {}],
  ['network.subnets', [{ subnet: '172.17.0.0/16' }]],
  ['network.subnets', [{ subnet: { address: { family: 4, value: '172.17.0' }, length: 16 }, auxiliary: {} }]],
] as const) {
  test(`a network’s record with ${path} ${JSON.stringify(value)} is damaged`, (t) => {
    const { records } = t.context;
    const file = records.path('networks', defaultBridge.id);
    writeFileSync(file, encode(changed({ schema: 1, ...defaultBridge }, path, value)));
    t.deepEqual(records.networks(), []);
    t.deepEqual(records.torn(), [file]);
  });
}

test('a damaged record of a network tells its id, where its file is called by one', (t) => {
  const { records } = t.context;
  for (const name of [id('1'), 'lan']) writeFileSync(records.path('networks', name), '{');
  t.is(records.torn().length, 2);
  t.deepEqual(records.lostNetworks(), [id('1')]);
});

test('the record of a newer gangway is passed over, and not torn', (t) => {
  const { records, warnings } = t.context;
  const path = records.path('networks', id('1'));
  writeFileSync(path, JSON.stringify({ schema: 2, id: id('1') }));
  t.deepEqual(records.networks(), []);
  t.deepEqual(warnings, [`record ${path} was written by a newer gangway; use that version`]);
  t.deepEqual(records.torn(), []);
  t.throws(() => records.everyNetwork(), { code: 'not-supported' });
});

test('other files beside the records are none', (t) => {
  const { records } = t.context;
  const record = t.context.add({});
  writeFileSync(`${records.path('containers', record.id)}.new`, '{');
  mkdirSync(join(records.directories.state, 'containers', record.id));
  mkdirSync(`${records.path('containers', id('6'))}.new`);
  mkdirSync(records.path('containers', id('7')));
  execFileSync('mkfifo', [records.path('containers', id('8'))]);
  t.is(records.containers().length, 1);
  t.deepEqual(records.unfinished(), [`${records.path('containers', record.id)}.new`]);
  t.deepEqual([t.context.warnings, records.torn()], [[], []]);
});

test('directories that nobody has made hold no records', (t) => {
  const records = new Records({ state: '/nonexistent/a', runtime: '/nonexistent/b' }, t.fail);
  t.deepEqual([records.containers(), records.networks(), records.torn()], [[], [], []]);
  t.deepEqual(records.machine(), { boot: bootId(), ruleset: [], forwarding: [] });
});

test('the directories can be made twice, and nobody else lists them', (t) => {
  t.notThrows(() => t.context.records.prepare());
  const { mode } = statSync(join(t.context.records.directories.state, 'containers'));
  t.is(mode & 0o066, 0);
});

test('what the machine shares is true for one boot', (t) => {
  const { records } = t.context;
  const ruleset = [{ kind: 'ruleset', in: 'host', table: 'gangway', text: '', why: 'rules' }] as const;
  t.context.write(records.putMachine({ boot: bootId(), ruleset, forwarding: [] }));
  t.deepEqual(records.machine().ruleset, ruleset);
  t.context.write(records.putMachine({ boot: 'another', ruleset, forwarding: [] }));
  t.deepEqual(records.machine(), { boot: bootId(), ruleset: [], forwarding: [] });
});

test('a machine that shares nothing has no record', (t) => {
  const { records } = t.context;
  const nothing = { boot: bootId(), ruleset: [], forwarding: [] };
  t.is(records.putMachine({ ...nothing, cursors: {} }).content, null);
  const cursors = { 'c1/4': parseAddress('10.81.0.7') };
  t.context.write(records.putMachine({ ...nothing, cursors }));
  t.deepEqual(records.machine().cursors, cursors);
});

test('a machine’s record that is torn is an error: what is loaded must not be loaded again', (t) => {
  const { records } = t.context;
  writeFileSync(join(records.directories.runtime, 'machine.json'), '{');
  t.throws(() => records.machine(), { code: 'record-unreadable' });
  t.deepEqual(records.torn(), [join(records.directories.runtime, 'machine.json')]);
});

test('to drop a record is to remove its file', (t) => {
  const { records } = t.context;
  t.deepEqual(records.drop('containers', id('1')), { path: records.path('containers', id('1')), content: null });
});

test('records lie where Linux wants them unless somebody says otherwise', (t) => {
  t.deepEqual(directoriesOf({}), { state: '/var/lib/gangway', runtime: '/run/gangway' });
  t.deepEqual(directoriesOf({ stateDirectory: '/a', runtimeDirectory: '/b' }), { state: '/a', runtime: '/b' });
  for (const stateDirectory of ['', 'state', './state', '/a\0b']) {
    t.throws(() => directoriesOf({ stateDirectory }), { message: /--state-directory .* is no absolute path/ });
  }
});
