import { readFileSync } from 'node:fs';
import test from 'ava';
import { closedTransitElements, networkElements, portElements } from '../../src/firewall/policy.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { formatSetElement, type SetElement } from '../../src/values/set-element.ts';

const container = parseAddress('172.17.0.2');
const ruleset = readFileSync(new URL('../../src/firewall/nftables/ruleset.nft', import.meta.url), 'utf8');

function written(list: readonly SetElement[]): readonly string[] {
  return list.map((element) => `${element.set} { ${formatSetElement(element)} }`);
}

function port(hostAddress: string, at = container): readonly string[] {
  const binding = {
    protocol: 'tcp',
    hostAddress: parseAddress(hostAddress),
    hostPort: 8080,
    containerPort: 80,
  } as const;
  return written(portElements(binding, at));
}

const gangway0 = {
  bridge: 'gangway0',
  subnets: [parsePrefix('172.17.0.1/16')],
  interContainer: true,
  masquerade: true,
};

test('a network is known by its bridge, its subnet and what its containers may do', (t) => {
  t.deepEqual(written(networkElements(gangway0)), [
    'bridges { "gangway0" }',
    'same_bridge { "gangway0" . "gangway0" }',
    'leaving { ipv4 . "gangway0" : goto leave_nat }',
    'entering { ipv4 . "gangway0" : goto enter_nat }',
    'subnets4 { "gangway0" . 172.17.0.0/16 }',
    'masqueraded { ipv4 . "gangway0" }',
  ]);
});

test('what a network does not allow is an element less', (t) => {
  t.deepEqual(written(networkElements({ ...gangway0, interContainer: false, masquerade: false })), [
    'bridges { "gangway0" }',
    'leaving { ipv4 . "gangway0" : goto leave_nat }',
    'entering { ipv4 . "gangway0" : goto enter_nat }',
    'subnets4 { "gangway0" . 172.17.0.0/16 }',
  ]);
});

test('a published port is one element', (t) => {
  t.deepEqual(port('0.0.0.0'), ['ports4 { tcp . 8080 : 172.17.0.2 . 80 }']);
  t.deepEqual(port('203.0.113.1'), ['host_ports4 { 203.0.113.1 . tcp . 8080 : 172.17.0.2 . 80 }']);
  t.deepEqual(port('127.0.0.1'), ['loopback_ports4 { 127.0.0.1 . tcp . 8080 }']);
});

test('a port that the kernel cannot carry over is none', (t) => {
  t.deepEqual(port('::'), []);
  t.deepEqual(port('2001:db8::1'), []);
  t.deepEqual(port('::1'), []);
  t.deepEqual(port('0.0.0.0', parseAddress('fd00::2')), []);
});

test('transit is closed family by family', (t) => {
  t.deepEqual(written(closedTransitElements(4)), ['closed_transit { ipv4 }']);
});

test('every set and every chain that an element names stands in the ruleset', (t) => {
  const all = [
    ...networkElements(gangway0),
    ...closedTransitElements(4),
    ...['0.0.0.0', '203.0.113.1', '127.0.0.1'].flatMap((hostAddress) =>
      portElements(
        { protocol: 'udp', hostAddress: parseAddress(hostAddress), hostPort: 53, containerPort: 53 },
        container,
      ),
    ),
  ];
  for (const { set, value = [] } of all) {
    t.regex(ruleset, new RegExp(`^\\t${value.length === 0 ? 'set' : 'map'} ${set} \\{$`, 'm'));
    for (const datum of value)
      if (datum.type === 'goto') t.regex(ruleset, new RegExp(`^\\tchain ${datum.chain} `, 'm'));
  }
});
