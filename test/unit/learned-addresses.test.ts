/** What the switchboard has opened to names: told to the kernel once, renewed, put back, and taken away, without a kernel. */
import test from 'ava';
import type { Context } from '../../src/engine/context.ts';
import { EgressByName } from '../../src/engine/switchboard/egress-by-name.ts';
import { stepContent } from '../../src/firewall/backend.ts';
import type { FirewallStep } from '../../src/plan/step.ts';
import type { Opening } from '../../src/services/dns/egress-opening.ts';
import { formatAddress, offset, parseAddress } from '../../src/values/address.ts';
import { parseEgress } from '../../src/values/egress-grammar.ts';
import { KernelError } from '../../src/values/errors.ts';
import { formatSetElement } from '../../src/values/set-element.ts';
import { plainExit } from '../support/dns.ts';

function told(step: FirewallStep): string {
  if (step.kind !== 'element' || step.element === undefined) return '';
  const { element, was } = step;
  return `${was === undefined ? '' : 'again '}${element.set} ${formatSetElement(element)}`;
}

/** A kernel that has nothing but what it is told, and tells what that was; its time stands still. */
function scene({ networks = [plainExit.id] } = {}) {
  const log: string[] = [];
  const there = new Set<string>();
  const refusals: Error[] = [];
  const key = (step: FirewallStep) =>
    step.kind === 'element' && step.element !== undefined ? formatSetElement({ set: '', key: step.element.key }) : '';
  const kind = {
    applyAll(steps: readonly FirewallStep[]) {
      for (const step of steps) {
        const known = there.has(key(step));
        if (known !== told(step).startsWith('again')) throw new KernelError('add', known ? 'EEXIST' : 'ENOENT');
      }
      for (const step of steps) there.add(key(step));
      log.push(...steps.map(told));
    },
    undoAll(steps: readonly FirewallStep[]) {
      const refusal = refusals.pop();
      if (refusal !== undefined) throw refusal;
      for (const step of steps) there.delete(key(step));
      log.push(...steps.map((step) => `gone ${told(step)}`));
    },
    holds: (step: FirewallStep) => there.has(key(step)),
  };
  const machine = { boot: '', ruleset: [{ kind: 'ruleset' }], forwarding: [] };
  const records = { isMachineReadable: true, machine: () => machine, networks: () => networks.map((id) => ({ id })) };
  const context = { records, kinds: { element: kind }, host: () => ({}) } as unknown as Context;
  const errors: unknown[] = [];
  const learned = new EgressByName(
    context,
    (error) => errors.push(error),
    () => 0,
  );
  return { learned, log, there, refusals, kind, errors };
}

const exit = { ...plainExit, egress: parseEgress(['allow=x.test']) };

function opening(seconds: number, ...addresses: readonly string[]): readonly Opening[] {
  return [{ exit, name: 'x.test', addresses: addresses.map((text) => ({ address: parseAddress(text), seconds })) }];
}

test('what is open is not opened again until it would hold longer, and then in one transaction', async (t) => {
  const { learned, log } = scene();
  t.is(learned.open(opening(60, '192.0.2.1', '2001:db8::1')), undefined);
  t.is(learned.open(opening(65, '192.0.2.1', '2001:db8::1')), undefined);
  learned.open(opening(300, '192.0.2.1', '192.0.2.2'));
  t.deepEqual(log, [
    'learned4 "br-front" . 192.0.2.1 timeout 60s',
    'learned6 "br-front" . 2001:db8::1 timeout 60s',
    'again learned4 "br-front" . 192.0.2.1 timeout 300s',
    'learned4 "br-front" . 192.0.2.2 timeout 300s',
  ]);
  await learned.close();
  t.is(log.filter((line) => line.startsWith('gone')).length, 3);
});

test('what was there before it, and what has gone meanwhile, is opened all the same', async (t) => {
  const { learned, log, there } = scene();
  there.add('"br-front" . 192.0.2.1');
  t.is(learned.open(opening(60, '192.0.2.1', '192.0.2.2')), undefined);
  there.clear();
  t.is(learned.open(opening(300, '192.0.2.1')), undefined);
  t.deepEqual(log, [
    'again learned4 "br-front" . 192.0.2.1 timeout 60s',
    'learned4 "br-front" . 192.0.2.2 timeout 60s',
    'learned4 "br-front" . 192.0.2.1 timeout 300s',
  ]);
  await learned.close();
});

test('what a flush has taken is put back, and only that; nothing to a network that is gone', async (t) => {
  const { learned, log, there } = scene();
  learned.open(opening(60, '192.0.2.1', '192.0.2.2'));
  there.delete('"br-front" . 192.0.2.2');
  await learned.restore();
  t.deepEqual(log.slice(2), ['learned4 "br-front" . 192.0.2.2 timeout 60s']);
  await learned.close();

  const gone = scene({ networks: [] });
  gone.learned.open(opening(60, '192.0.2.1', '192.0.2.2'));
  gone.there.delete('"br-front" . 192.0.2.1');
  await gone.learned.restore();
  t.is(gone.there.size, 0);
  await gone.learned.close();
});

test('what could not be closed is tried again, and who comes next waits for no failure of others', async (t) => {
  const { learned, there, refusals } = scene();
  learned.open(opening(60, '192.0.2.1'));
  refusals.push(new KernelError('delete', 'EBUSY'));
  await t.throwsAsync(learned.close(), { message: /EBUSY/ });
  t.is(there.size, 1);
  await learned.restore();
  await learned.close();
  t.is(there.size, 0);
});

/** The same where rules carry it, which nobody but the switchboard ends, and of which there may be two alike. */
function sceneOfRules() {
  const rules: string[] = [];
  const networks = [plainExit.id];
  const runs: number[] = [];
  const kind = {
    async applyAll(steps: readonly FirewallStep[]) {
      runs.push(steps.length);
      await Promise.resolve();
      rules.push(...steps.map(stepContent));
    },
    async undoAll(steps: readonly FirewallStep[]) {
      await Promise.resolve();
      for (const text of steps.map(stepContent)) if (rules.includes(text)) rules.splice(rules.indexOf(text), 1);
    },
    holds: (step: FirewallStep) => rules.includes(stepContent(step)),
  };
  const machine = { boot: '', ruleset: [{ kind: 'chains', variant: 'nft' }], forwarding: [] };
  const records = { isMachineReadable: false, machine: () => machine, networks: () => networks.map((id) => ({ id })) };
  const context = { records, kinds: { rule: kind }, host: () => ({}) } as unknown as Context;
  const errors: unknown[] = [];
  const learned = new EgressByName(context, (error) => errors.push(error));
  return { learned, rules, runs, networks, kind, errors };
}

test('rules whose time is over, or whose network is gone, are taken away whoever sees it first', async (t) => {
  const { learned, rules, networks } = sceneOfRules();
  await learned.open(opening(-1, '192.0.2.1'));
  await learned.open(opening(60, '192.0.2.2'));
  t.is(rules.length, 2);
  await learned.restore();
  t.deepEqual(rules, ['4 filter -A GANGWAY-LEARNED -d 192.0.2.2/32 -i br-front -j RETURN']);
  await learned.open(opening(60, '192.0.2.1'));
  t.is(rules.length, 2);
  networks.pop();
  await learned.restore();
  t.deepEqual(rules, []);
});

test('who asks while a program runs waits for one other program with all the others', async (t) => {
  const { learned, runs, errors } = sceneOfRules();
  const ask = (count: number) =>
    learned.open(opening(60, formatAddress(offset(parseAddress('10.0.0.0'), BigInt(count)))));
  const first = ask(0);
  await new Promise(setImmediate);
  await Promise.all([first, ...Array.from({ length: 4096 }, (_, count) => ask(count))]);
  t.true(runs.length <= 3, `${runs}`);
  t.is(
    runs.reduce((sum, count) => sum + count),
    4096,
  );
  const many = Array.from({ length: 4100 }, (_, count) => ask(5000 + count));
  const refused = (await Promise.allSettled(many)).filter(({ status }) => status === 'rejected');
  t.is(refused.length, 4);
  t.regex(String(errors[0]), /4096 addresses wait/);
  await learned.close();
});

test('what an answer says twice is opened once, and closed', async (t) => {
  const { learned, rules } = sceneOfRules();
  await learned.open(opening(60, '192.0.2.1', '192.0.2.1'));
  t.is(rules.length, 1);
  await learned.close();
  t.deepEqual(rules, []);
});

test('what is renewed while its end waits in turn stays open', async (t) => {
  const elements = scene();
  elements.learned.open(opening(-1, '192.0.2.1'));
  const ended = elements.learned.restore();
  elements.learned.open(opening(300, '192.0.2.1'));
  await ended;
  t.is(elements.there.size, 1);
  await elements.learned.close();

  const { learned, rules } = sceneOfRules();
  await learned.open(opening(-1, '192.0.2.1'));
  await Promise.all([learned.open(opening(300, '192.0.2.1')), learned.restore()]);
  await Promise.all([learned.restore(), learned.open(opening(600, '192.0.2.1'))]);
  t.is(rules.length, 1);
  await learned.close();
  t.deepEqual(rules, []);
});

test('what a network has open that took another one’s bridge name does not end with that one', async (t) => {
  const next = 'fedcba987654';
  const again = opening(300, '192.0.2.1').map((each) => ({ ...each, exit: { ...exit, id: next } }));
  const elements = scene({ networks: [next] });
  elements.learned.open(opening(60, '192.0.2.1'));
  // With the network it goes.
  elements.there.clear();
  elements.learned.open(again);
  await elements.learned.restore();
  const line = 'learned4 "br-front" . 192.0.2.1 timeout';
  t.deepEqual(elements.log, [`${line} 60s`, `${line} 300s`]);
  await elements.learned.close();

  const { learned, rules } = sceneOfRules();
  await learned.open(opening(300, '192.0.2.1'));
  rules.length = 0;
  await learned.open(again);
  t.is(rules.length, 1);
  await learned.close();
  t.deepEqual(rules, []);
});

test('after its end nothing is put back: the next switchboard may have closed it', async (t) => {
  const { learned, there, refusals } = scene();
  learned.open(opening(60, '192.0.2.1'));
  refusals.push(new KernelError('delete', 'EBUSY'));
  await t.throwsAsync(learned.close(), { message: /EBUSY/ });
  there.clear();
  await learned.restore();
  t.is(there.size, 0);
});

test('why an address could not be opened is told, and not once a question', async (t) => {
  const elements = scene();
  elements.learned.begin();
  elements.there.add('"br-front" . 192.0.2.1');
  const refused = new KernelError('add element of learned4', 'EPERM');
  elements.kind.applyAll = () => {
    throw refused;
  };
  for (let round = 0; round < 3; round++)
    await t.throwsAsync(async () => elements.learned.open(opening(60, '192.0.2.1')), { is: refused });
  t.deepEqual(elements.errors, [refused]);
  await elements.learned.close();

  const rules = sceneOfRules();
  rules.kind.applyAll = () => Promise.reject(refused);
  await t.throwsAsync(async () => rules.learned.open(opening(60, '192.0.2.1')), { is: refused });
  t.deepEqual(rules.errors, [refused]);
  await rules.learned.close();
});

test('to one network so many are open, and those that close first make room', async (t) => {
  const { learned, there } = scene();
  const first = parseAddress('192.0.2.1');
  learned.open(opening(60, '198.51.100.1'));
  for (let from = 0; from < 4096; from += 64) {
    const addresses = Array.from({ length: 64 }, (_, index) => ({
      address: offset(first, from + index),
      seconds: 300,
    }));
    learned.open([{ exit, name: 'x.test', addresses }]);
  }
  await learned.restore();
  t.is(there.size, 4096);
  t.false(there.has('"br-front" . 198.51.100.1'));
  await learned.close();
  t.is(there.size, 0);
});
