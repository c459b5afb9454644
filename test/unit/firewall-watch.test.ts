// The watch over the firewall, without a firewall: where rules stand in the kernel's old tables, time alone makes it look.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { Looks, reasons, watchFirewall } from '../../src/engine/switchboard/firewall-monitor.ts';

test('closing gives up a look that waits for its turn, and says nothing of it', async (t) => {
  const errors: unknown[] = [];
  let begun = () => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const watch = watchFirewall({
    async repair(signal) {
      begun();
      await setTimeout(60_000, undefined, { signal });
    },
    isSilent: () => true,
    onError: (error) => errors.push(error),
  });
  const alive = setInterval(() => {}, 1000);
  await first;
  clearInterval(alive);
  await watch.close();
  t.deepEqual(
    errors.filter((error) => (error as Error).name === 'AbortError'),
    [],
  );
});

test('closing waits for the look that has begun, and lets no other begin', async (t) => {
  let looks = 0;
  let begun = () => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let end = () => {};
  const work = new Promise<void>((resolve) => {
    end = resolve;
  });
  const watch = watchFirewall({
    repair() {
      looks++;
      begun();
      return work;
    },
    isSilent: () => true,
    // Without root nobody may listen to nf_tables.
    onError: () => {},
  });
  const alive = setInterval(() => {}, 1000);
  await first;
  clearInterval(alive);
  const steps: string[] = [];
  const closed = watch.close().then(() => steps.push('closed'));
  await new Promise(setImmediate);
  steps.push('the look ends');
  end();
  await closed;
  t.deepEqual(steps, ['the look ends', 'closed']);
  t.is(looks, 1);
});

test('what fails with each look is said once, until it is something else or a look has succeeded', async (t) => {
  const outcomes = ['busy', 'busy', 'busy', 'gone', 'busy', '', 'busy', 'busy'];
  const said: string[] = [];
  const looks = new Looks(
    async () => {
      const outcome = outcomes.shift();
      if (outcome !== '') throw new Error(outcome);
    },
    (error) => said.push((error as Error).message),
  );
  while (outcomes.length > 0) {
    looks.look();
    await new Promise(setImmediate);
  }
  t.deepEqual(said, ['busy', 'gone', 'busy', 'busy']);
});

test('elements that go are ordinary where our own commands take them, whatever Node calls its main thread', (t) => {
  const before = readFileSync('/proc/self/comm');
  t.teardown(() => writeFileSync('/proc/self/comm', before));
  writeFileSync('/proc/self/comm', 'MainThread');
  const isReason = reasons();
  const goes = (program: string, kind: 'element' | 'rule', table = 'gangway') =>
    isReason({ program, tables: new Set([table]), kinds: new Set([kind]) });
  t.false(goes('MainThread', 'element'));
  t.false(goes('node', 'element'), 'the switchboard may be run by another name than a command');
  t.true(goes('nft', 'element'));
  t.true(goes('MainThread', 'rule'));
  t.false(goes('nft', 'rule', 'theirs'));
});
