import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { ConnectHookOwner } from '../../src/engine/switchboard/connect-hook.ts';
import { parseAddress } from '../../src/values/address.ts';
import { KernelError } from '../../src/values/errors.ts';
import type { ForwardSet } from '../../src/values/forward-set.ts';

function forward(hostPort: number): ForwardSet {
  const [hostAddress, target] = [parseAddress('127.0.0.1'), parseAddress('172.17.0.2')];
  return { protocol: 'tcp', hostAddress, target, ports: [{ hostPort, containerPort: 80, count: 1 }] };
}

/** A hook that writes down what it is told, and fails at what it is told to. @param speaking who never leaves */
function recorder(failing?: string, speaking: ReadonlySet<number> = new Set()) {
  const told: string[] = [];
  const leads = new Set<number>();
  const note = (word: string, ports: readonly number[]) => {
    if (word === failing) throw new KernelError(word, 'EPERM');
    told.push([word, ...ports].join(' '));
  };
  const portsOf = (sets: readonly ForwardSet[]) => sets.flatMap(({ ports }) => ports.map(({ hostPort }) => hostPort));
  const hook = {
    cgroup: '/sys/fs/cgroup',
    get size() {
      return leads.size;
    },
    redirect(forwards: readonly ForwardSet[]) {
      note('lead', portsOf(forwards));
      for (const each of portsOf(forwards)) leads.add(each);
    },
    remove(forwards: readonly ForwardSet[]) {
      note('leave', portsOf(forwards));
      return new Set(portsOf(forwards).filter((each) => leads.delete(each)));
    },
    counts: () => () => 0,
    abortConnections: (numbers: ReadonlySet<number>) => note('end', [...numbers]),
    connectedIds() {
      note('speaking', []);
      return speaking;
    },
    close: () => note('close', []),
  };
  const failures: unknown[] = [];
  const open = () => {
    note('open', []);
    return hook;
  };
  return { told, failures, opening: { open, onFailure: (error: unknown) => failures.push(error) } };
}

const [one, two, three] = [forward(1), forward(2), forward(3)];
const nothing = () => [];

test('it is opened once, behind the answer that the first port is served, for what is served by then', async (t) => {
  const { told, opening } = recorder();
  const leading = new ConnectHookOwner(opening);
  t.deepEqual(leading.status, { state: 'off', reason: 'no port is served yet' });
  leading.lead([one, two], () => [one]);
  await leading.withdraw([two]);
  t.deepEqual(told, []);
  await setImmediate();
  leading.lead([three], nothing);
  t.deepEqual(told, ['open', 'lead 1', 'lead 3']);
  t.deepEqual(leading.status, { state: 'on', cgroup: '/sys/fs/cgroup', ports: 2 });
});

test('who was led by a port that is taken back is broken off; when it ends, nobody', async (t) => {
  const { told, opening } = recorder();
  const leading = new ConnectHookOwner(opening);
  leading.lead([one, two], () => [one, two]);
  await setImmediate();
  leading.cut([one]);
  leading.close();
  leading.cut([two]);
  await leading.withdraw([two]);
  leading.lead([three], nothing);
  t.deepEqual(told, ['open', 'lead 1 2', 'leave 1', 'end 1', 'close']);
  t.deepEqual(leading.status, { state: 'off', reason: 'the switchboard ends' });
});

for (const failing of ['open', 'lead', 'leave', 'end'])
  test(`${failing} fails: it is off, which is told, and nothing else is hindered`, async (t) => {
    const { told, failures, opening } = recorder(failing);
    const leading = new ConnectHookOwner(opening);
    leading.lead([one], () => [one]);
    await setImmediate();
    leading.cut([one]);
    leading.lead([two], nothing);
    await setImmediate();
    t.like(failures, [{ message: `${failing}: EPERM` }]);
    t.deepEqual(leading.status, { state: 'off', reason: `${failing}: EPERM` });
    t.is(told.includes('close'), failing !== 'open', 'what it was led by is taken away');
    t.false(told.includes('lead 2'));
  });

test('who wait for those who were led share one list of sockets, and nobody makes one for who led nobody', async (t) => {
  const { told, opening } = recorder(undefined, new Set([7]));
  const leading = new ConnectHookOwner(opening);
  leading.lead([one, two], () => [one, two]);
  await setImmediate();
  await leading.withdraw([three]);
  t.false(told.includes('speaking'));
  await Promise.all([leading.withdraw([one]), leading.withdraw([two])]);
  t.deepEqual(told, ['open', 'lead 1 2', 'leave 3', 'leave 1', 'leave 2', 'speaking']);
});

test('without a hook nothing happens', async (t) => {
  const leading = new ConnectHookOwner();
  leading.lead([one], () => [one]);
  await setImmediate();
  leading.cut([one]);
  await t.notThrowsAsync(leading.withdraw([one]));
});
