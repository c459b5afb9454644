import test from 'ava';
import { apply } from '../../src/plan/apply.ts';
import type { Step } from '../../src/plan/step.ts';
import { KernelError, TeardownError } from '../../src/values/errors.ts';
import { FakeMachine, steps } from '../support/fake-machine.ts';

const { up, address, sysctl, file, namespace, element, veth } = steps;
const c1 = { namespace: 'c1' };

async function attempt(machine: FakeMachine, ...plan: readonly Step[]): Promise<unknown> {
  try {
    await apply('a test', plan, machine.kinds, machine.world);
    return undefined;
  } catch (error) {
    return error;
  }
}

test('applies steps in order, and batches consecutive steps of one kind and namespace', async (t) => {
  const machine = new FakeMachine();
  const plan = [
    file('/a'),
    file('/b'),
    namespace('c1'),
    sysctl('one', c1),
    sysctl('two', { namespace: 'c1' }),
    sysctl('three'),
    up('x'),
    veth('v', 'c1'),
    up('y', c1),
    up('z', c1),
    element(1),
    element(2),
    up('last'),
  ];
  t.is(await attempt(machine, ...plan), undefined);
  t.deepEqual(machine.log, [
    'write /a',
    'write /b',
    'make c1',
    'enter c1',
    'set one',
    'set two',
    'enter host',
    'set three',
    'host: x + v',
    'c1: y + z',
    'host: add 2 of gangway',
    'host: last',
  ]);
});

test('makes no system call for an empty plan', async (t) => {
  const machine = new FakeMachine();
  t.is(await attempt(machine), undefined);
  t.deepEqual(machine.log, []);
});

test('separates transactions by table and namespace', async (t) => {
  const machine = new FakeMachine();
  await attempt(machine, element(1), element(2, 'other'), element(3, 'other', c1));
  t.deepEqual(machine.log, ['host: add 1 of gangway', 'host: add 1 of other', 'c1: add 1 of other']);
});

test('sends an address after the link that its batch creates', async (t) => {
  const machine = new FakeMachine();
  t.is(await attempt(machine, up('w'), veth('v', 'c1'), address('v'), up('x')), undefined);
  t.deepEqual(machine.log, ['host: w + v', 'host: address of v + x']);
});

test('fails for a missing link without sending a request', async (t) => {
  const machine = new FakeMachine();
  const error = await attempt(machine, up('w'), address('v'), up('x'));
  t.true(error instanceof KernelError && error.errno === 'ENODEV');
  t.deepEqual(machine.log, ['host: w', 'undo w']);
});

test('rolls back applied steps in reverse order after an error', async (t) => {
  const machine = new FakeMachine();
  machine.refuses.add('/broken');
  const error = await attempt(machine, file('/a'), up('x'), up('y'), element(1), file('/broken'), up('never'));
  t.is((error as Error).message, 'write /broken: EPERM');
  t.is((error as Error).cause, undefined);
  t.deepEqual(machine.log.slice(4), [
    'undo /broken', // an act that failed may have left a trace
    'host: delete 1 of gangway',
    'undo y',
    'undo x',
    'undo /a',
  ]);
  t.is(machine.elements.size, 0);
});

test('keeps objects that existed before', async (t) => {
  const machine = new FakeMachine();
  machine.exists.add('/theirs');
  const error = await attempt(machine, file('/a'), file('/theirs'));
  t.is((error as Error).message, 'write /theirs: EEXIST');
  t.deepEqual(machine.log, ['write /a', 'write /theirs', 'undo /a']);
});

test('rolls back the requests of a batch that the kernel executed, including those after the failed one', async (t) => {
  const machine = new FakeMachine();
  machine.refuses.add('y');
  const error = await attempt(machine, up('x'), up('y'), up('z'), file('/never'));
  t.is((error as Error).message, 'add y: EEXIST');
  t.deepEqual(machine.log, ['host: x + y + z', 'undo z', 'undo x']);
});

test('rolls back every request whose reply was lost', async (t) => {
  const machine = new FakeMachine();
  machine.loses.add('y');
  const error = await attempt(machine, up('w'), file('/a'), up('x'), up('y'), up('z'), file('/never'));
  t.is((error as Error).message, 'receive from netlink: ENOBUFS');
  t.is((error as Error).cause, undefined);
  t.deepEqual(machine.log.slice(2), ['host: x + y + z', 'undo z', 'undo y', 'undo x', 'undo /a', 'undo w']);
});

test('rolls back the sysctls of a batch that were written', async (t) => {
  const machine = new FakeMachine();
  machine.refuses.add('two');
  await attempt(machine, sysctl('one'), sysctl('two'), sysctl('three'));
  t.deepEqual(machine.log, ['enter host', 'set one', 'set two', 'undo one']);
});

test('rolls back nothing of a failed transaction', async (t) => {
  const machine = new FakeMachine();
  await attempt(machine, element(2));
  const error = await attempt(machine, up('x'), element(1), element(2));
  t.is((error as Error).message, 'add element ports { 2 }: EEXIST');
  t.deepEqual(machine.log.slice(1), ['host: x', 'host: add 2 of gangway', 'undo x']);
  t.is(machine.elements.size, 1);
});

test('rolls back a transaction whose reply was lost', async (t) => {
  const machine = new FakeMachine();
  machine.loses.add('gangway');
  const error = await attempt(machine, up('x'), element(1), element(2));
  t.is((error as Error).message, 'receive from netlink: ENOBUFS');
  t.is((error as Error).cause, undefined);
  t.deepEqual(machine.log.slice(1), ['host: add 2 of gangway', 'host: delete 2 of gangway', 'undo x']);
  t.is(machine.elements.size, 0);
});

test('completes a failing rollback and reports it as the cause', async (t) => {
  const machine = new FakeMachine();
  machine.refuses.add('/broken');
  machine.keeps.add('y').add('/a');
  const error = await attempt(machine, file('/a'), up('x'), up('y'), file('/broken'));
  t.is((error as Error).message, 'write /broken: EPERM');
  const { cause } = error as Error;
  t.true(cause instanceof TeardownError);
  t.is((cause as Error).message, 'a test left something behind: undo y: EBUSY; undo /a: EBUSY');
  t.deepEqual(machine.log.slice(-4), ['undo /broken', 'undo y', 'undo x', 'undo /a']);
});
