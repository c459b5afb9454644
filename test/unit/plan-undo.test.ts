import test from 'ava';
import { apply } from '../../src/plan/apply.ts';
import type { Step } from '../../src/plan/step.ts';
import { undo, undoOrder } from '../../src/plan/undo.ts';
import { TeardownError } from '../../src/values/errors.ts';
import { FakeMachine, steps } from '../support/fake-machine.ts';

const { up, sysctl, file, namespace, element, veth } = steps;
const c1 = { namespace: 'c1' };

async function made(...plan: readonly Step[]): Promise<FakeMachine> {
  const machine = new FakeMachine();
  await apply('a test', plan, machine.kinds, machine.world);
  machine.log.length = 0;
  return machine;
}

async function undone(machine: FakeMachine, ...plan: readonly Step[]): Promise<readonly string[]> {
  await undo('a test', plan, machine.kinds, machine.world);
  return machine.log;
}

test('the way back begins with the last step', async (t) => {
  t.deepEqual(await undone(new FakeMachine(), file('/a'), up('x'), sysctl('one')), ['undo one', 'undo x', 'undo /a']);
});

test('what ends with its namespace is not taken back, and a veth is silenced', async (t) => {
  const plan = [namespace('c1'), up('lo', c1), sysctl('one', c1), veth('v', 'c1'), up('eth0', c1), up('host-side')];
  t.deepEqual(await undone(new FakeMachine(), ...plan), ['undo host-side', 'silence v', 'undo c1']);
});

test('what lies in another namespace, or in one that stays, is taken back', async (t) => {
  const plan = [namespace('c1'), up('lo', { namespace: 'c2' }), veth('v', 'c2')];
  t.deepEqual(await undone(new FakeMachine(), ...plan), ['undo v', 'undo lo', 'undo c1']);
});

test('the commands of the way back are those of what is done', (t) => {
  const { kinds } = new FakeMachine();
  const plan = [namespace('c1'), up('lo', c1), veth('v', 'c1'), file('/a')];
  t.deepEqual(
    undoOrder(plan, kinds).flatMap(({ step, handler: manner }) => manner.undoCommands(step)),
    ['undo /a', 'silence v', 'undo c1'],
  );
});

test('neighbouring elements go in one transaction', async (t) => {
  const plan = [element(1), element(2), up('x'), element(3)];
  const machine = await made(...plan);
  t.deepEqual(await undone(machine, ...plan), ['host: delete 1 of gangway', 'undo x', 'host: delete 2 of gangway']);
  t.is(machine.elements.size, 0);
});

test('elements are taken out of their own table and place', async (t) => {
  const plan = [element(1), element(2, 'other'), element(3, 'other', c1)];
  const machine = await made(...plan);
  t.deepEqual(await undone(machine, ...plan), [
    'c1: delete 1 of other',
    'host: delete 1 of other',
    'host: delete 1 of gangway',
  ]);
  t.is(machine.elements.size, 0);
});

test('where an element is missing the others go one by one', async (t) => {
  const machine = await made(element(1), element(3));
  t.deepEqual(await undone(machine, element(1), element(2), element(3)), [
    'host: delete 3 of gangway',
    'host: delete 1 of gangway',
    'host: delete 1 of gangway',
  ]);
  t.is(machine.elements.size, 0);
});

test('taking back twice is taking back once', async (t) => {
  const plan = [element(1), element(2)];
  const machine = await made(...plan);
  await undone(machine, ...plan);
  await t.notThrowsAsync(undone(machine, ...plan));
});

test('it goes on after an error, and reports all of them', async (t) => {
  const machine = new FakeMachine();
  machine.keeps.add('x').add('/b');
  const error = await t.throwsAsync(undone(machine, file('/a'), file('/b'), up('x'), up('y')), {
    instanceOf: TeardownError,
    message: 'a test left something behind: undo x: EBUSY; undo /b: EBUSY',
  });
  t.is(error?.errors.length, 2);
  t.deepEqual(machine.log, ['undo y', 'undo x', 'undo /b', 'undo /a']);
});
