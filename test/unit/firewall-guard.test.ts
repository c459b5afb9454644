import { readFileSync } from 'node:fs';
import test from 'ava';
import { antiSpoofingSets, senderElements } from '../../src/firewall/anti-spoofing.ts';
import { firstKey, readKey } from '../../src/kernel/set-key.ts';
import { parseAddress } from '../../src/values/address.ts';
import { parseMac } from '../../src/values/mac.ts';
import { formatSetElement } from '../../src/values/set-element.ts';

const guard = readFileSync(new URL('../../src/firewall/nftables/anti-spoofing.nft', import.meta.url), 'utf8');
const mac = parseMac('02:42:ac:11:00:02');

function elements(...addresses: readonly string[]) {
  return senderElements({ hostLink: 'veth3f2a9c4', mac, addresses: addresses.map(parseAddress) });
}

test('a plug has one MAC, its addresses and, with IPv6, the one that the kernel makes of the MAC', (t) => {
  t.deepEqual(
    elements('172.17.0.2', 'fd00::2').map((element) => `${element.set} { ${formatSetElement(element)} }`),
    [
      'plugs { "veth3f2a9c4" }',
      'macs { "veth3f2a9c4" . 02:42:ac:11:00:02 }',
      'addresses4 { "veth3f2a9c4" . 02:42:ac:11:00:02 . 172.17.0.2 }',
      'addresses6 { "veth3f2a9c4" . 02:42:ac:11:00:02 . fd00::2 }',
      'addresses6 { "veth3f2a9c4" . 02:42:ac:11:00:02 . fe80::42:acff:fe11:2 }',
    ],
  );
});

test('a plug without IPv6 has no word of IPv6 to say', (t) => {
  t.deepEqual(
    elements('172.17.0.2', '169.254.1.2').map(({ set }) => set),
    ['plugs', 'macs', 'addresses4', 'addresses4'],
  );
});

test('every set is one of the table, and what it holds can be read back', (t) => {
  const declared = [...guard.matchAll(/^\tset (\w+) \{/gm)].map(([, name = '']) => name);
  t.deepEqual(declared.sort(), Object.keys(antiSpoofingSets).sort());
  const all = elements('172.17.0.2', 'fd00::2');
  t.deepEqual([...new Set(all.map(({ set }) => set))].sort(), Object.keys(antiSpoofingSets).sort());
  for (const { set, key } of all) t.deepEqual(readKey(antiSpoofingSets[set]?.key ?? [], firstKey(key)), key, set);
});

test('every chain is a base chain or reached from one', (t) => {
  const chains = [...guard.matchAll(/^\tchain (\w+) \{\n\t\t(type)?/gm)];
  for (const [, name, base] of chains) t.true(base !== undefined || guard.includes(`goto ${name}`), name);
});
