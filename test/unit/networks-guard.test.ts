import test from 'ava';
import { type AttachedEndpoint, allowSenders, hasAntiSpoofing } from '../../src/networks/anti-spoofing.ts';
import type { Endpoint } from '../../src/networks/bridge.ts';
import { parsePrefix } from '../../src/values/address.ts';
import { parseMac } from '../../src/values/mac.ts';
import { formatSetElement } from '../../src/values/set-element.ts';

const bridge = { kind: 'bridge', guarded: true } as const;

function endpoint(number: number, ...addresses: readonly string[]): Endpoint {
  const link = `eth${number}`;
  const mac = parseMac(`02:42:00:00:00:0${number}`);
  return { id: `${number}`, link, hostLink: `veth${number}`, mac, addresses: addresses.map(parsePrefix) };
}

/** What each plug may say, but for its name and MAC. */
function said(...plugs: readonly AttachedEndpoint[]): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (const { element, family, table } of allowSenders(plugs)) {
    if (element === undefined || family !== 'bridge' || table !== 'gangway') throw new Error('not of the guard');
    const [name = '', ...words] = formatSetElement(element).split(' . ');
    if (words.length === 2) found[name] = [...(found[name] ?? []), words[1] ?? ''];
  }
  return found;
}

test('a container in one network may use what it was given there', (t) => {
  t.deepEqual(said({ network: bridge, endpoint: endpoint(0, '172.17.0.2/16') }), { '"veth0"': ['172.17.0.2'] });
});

test('one in several networks may use each of its addresses at every plug, in the families that this one has', (t) => {
  t.deepEqual(
    said(
      { network: bridge, endpoint: endpoint(0, '172.17.0.2/16') },
      { network: bridge, endpoint: endpoint(1, '172.18.0.2/16', 'fd00::2/64') },
      { network: { kind: 'macvlan' }, endpoint: { ...endpoint(2, '192.0.2.2/24'), hostLink: undefined } as never },
    ),
    {
      '"veth0"': ['172.17.0.2', '172.18.0.2', '192.0.2.2'],
      '"veth1"': ['172.17.0.2', '172.18.0.2', 'fd00::2', '192.0.2.2', 'fe80::42:ff:fe00:1'],
    },
  );
});

test('a link-local address is for its own wire, and written once though it may be the kernel’s', (t) => {
  const asked = ['169.254.7.7/16', 'fe80::7/64', 'fe80::42:ff:fe00:0/64'].map(parsePrefix);
  const one = { ...endpoint(0, '172.17.0.2/16', 'fd00::2/64'), linkLocalAddresses: asked };
  const all = said({ network: bridge, endpoint: one }, { network: bridge, endpoint: endpoint(1, '172.18.0.2/16') });
  t.deepEqual(all['"veth0"'], ['172.17.0.2', 'fd00::2', '172.18.0.2', '169.254.7.7', 'fe80::7', 'fe80::42:ff:fe00:0']);
  t.deepEqual(all['"veth1"'], ['172.17.0.2', '172.18.0.2']);
});

test('a network without a guard has none, and one of before there was an option has one', (t) => {
  t.deepEqual(
    allowSenders([{ network: { kind: 'bridge', guarded: false }, endpoint: endpoint(0, '172.17.0.2/16') }]),
    [],
  );
  t.true(hasAntiSpoofing({ kind: 'bridge' } as AttachedEndpoint['network']));
  t.false(hasAntiSpoofing({ kind: 'macvlan' }));
});
