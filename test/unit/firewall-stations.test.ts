import { readFileSync } from 'node:fs';
import test from 'ava';
import { antiSpoofingSets } from '../../src/firewall/anti-spoofing.ts';
import { type Stage, stageOf, stages } from '../../src/firewall/hook-order.ts';
import { parseRuleset } from '../../src/firewall/iptables/ruleset.ts';
import { allSets } from '../../src/firewall/policy.ts';

const read = (file: string) => readFileSync(new URL(`../../src/firewall/${file}`, import.meta.url), 'utf8');
const of = (whose: Stage['of']) => stages.filter((station) => station.of === whose);
const chainsIn = (text: string) => [...text.matchAll(/^\tchain (\S+) \{/gm)].map(([, name = '']) => name).toSorted();

test('every chain of the constant rules is told at one place, in either back end', (t) => {
  const named = (whose: Stage['of'], backend: 'nftables' | 'iptables') =>
    of(whose)
      .flatMap(({ chains }) => chains[backend].names)
      .toSorted();
  t.deepEqual(named('policy', 'nftables'), chainsIn(read('nftables/ruleset.nft')));
  t.deepEqual(named('guard', 'nftables'), chainsIn(read('nftables/anti-spoofing.nft')));
  const { chains } = parseRuleset(read('iptables/ruleset.rules'), 4, true);
  t.deepEqual(named('policy', 'iptables'), chains.map(({ chain }) => chain).toSorted());
});

test('every sentence fits', (t) => {
  for (const { sentence } of stages) t.true(sentence.length <= 98, sentence);
});

test('every set is told at one place', (t) => {
  const told = (whose: Stage['of']) =>
    of(whose)
      .flatMap(({ sets }) => sets)
      .toSorted();
  t.deepEqual(told('policy'), Object.keys(allSets).toSorted());
  t.deepEqual(told('guard'), Object.keys(antiSpoofingSets).toSorted());
});

test('an element of the guard is not one of the policy', (t) => {
  const element = { set: 'plugs', key: [{ type: 'ifname', name: 'veth0' }] } as const;
  const step = { kind: 'element', in: 'host', table: 'gangway', element, why: '' } as const;
  t.is(stageOf({ ...step, family: 'bridge' })?.of, 'guard');
  t.is(stageOf(step), undefined);
});
