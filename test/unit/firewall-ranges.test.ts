/** Neighbouring ports as one element. */
import test from 'ava';
import { portElements } from '../../src/firewall/policy.ts';
import { coalesce } from '../../src/firewall/ranges.ts';
import { parseAddress } from '../../src/values/address.ts';
import type { PortBinding } from '../../src/values/port.ts';
import { formatSetElement } from '../../src/values/set-element.ts';
import { plainPolicy } from '../support/plain-policy.ts';

const network = plainPolicy('gangway0', '172.17.0.1/16');

/** `8080:80`, `127.0.0.1:53:53/udp`, each with its container. */
function told(
  ports: readonly (readonly [string, number, number, string?, PortBinding['protocol']?])[],
  policy: Parameters<typeof portElements>[2] = network,
): readonly string[] {
  const facts = ports.flatMap(([host, hostPort, containerPort, container = '172.17.0.2', protocol = 'tcp'], index) =>
    portElements(
      { protocol, hostAddress: parseAddress(host), hostPort, containerPort },
      parseAddress(container),
      policy,
    ).map((element) => ({ element, sources: [index] })),
  );
  return coalesce(facts).map(
    ({ element, sources }) => `${element.set} ${formatSetElement(element)} (${sources.join(' ')})`,
  );
}

test('merges consecutive ports with unchanged numbers, in any order', (t) => {
  t.deepEqual(
    told([
      ['0.0.0.0', 81, 81],
      ['0.0.0.0', 80, 80],
      ['0.0.0.0', 82, 82],
    ]),
    [
      'ranges4 tcp . 80-82 : 172.17.0.2 (1 0 2)',
      'carried_ports ipv4 . tcp . 80-82 (1 0 2)',
      'own_ports4 172.17.0.2 . tcp . 80-82 (1 0 2)',
    ],
  );
});

test('keeps a single port in the map of ports', (t) => {
  t.deepEqual(told([['0.0.0.0', 80, 80]]), [
    'ports4 tcp . 80 : 172.17.0.2 . 80 (0)',
    'carried_ports ipv4 . tcp . 80 (0)',
    'own_ports4 172.17.0.2 . tcp . 80 (0)',
  ]);
});

test('excludes a port with another container port from a range', (t) => {
  t.deepEqual(
    told([
      ['0.0.0.0', 80, 80],
      ['0.0.0.0', 81, 8081],
      ['0.0.0.0', 82, 82],
      ['0.0.0.0', 83, 83],
    ]),
    [
      'ports4 tcp . 80 : 172.17.0.2 . 80 (0)',
      'ranges4 tcp . 82-83 : 172.17.0.2 (2 3)',
      'carried_ports ipv4 . tcp . 80-83 (0 1 2 3)',
      'own_ports4 172.17.0.2 . tcp . 80 (0)',
      'own_ports4 172.17.0.2 . tcp . 82-83 (2 3)',
      'ports4 tcp . 81 : 172.17.0.2 . 8081 (1)',
    ],
  );
});

test('separates ranges by protocol, container and host address', (t) => {
  t.deepEqual(
    told([
      ['0.0.0.0', 80, 80],
      ['0.0.0.0', 81, 81, '172.17.0.3'],
      ['203.0.113.1', 82, 82],
      ['203.0.113.1', 83, 83],
      ['0.0.0.0', 84, 84, '172.17.0.2', 'udp'],
      ['127.0.0.1', 85, 8085],
      ['127.0.0.1', 86, 8086],
    ]),
    [
      'ports4 tcp . 80 : 172.17.0.2 . 80 (0)',
      'carried_ports ipv4 . tcp . 80-81 (0 1)',
      'own_ports4 172.17.0.2 . tcp . 80 (0)',
      'own_ports4 172.17.0.2 . tcp . 82-83 (2 3)',
      'ports4 tcp . 81 : 172.17.0.3 . 81 (1)',
      'own_ports4 172.17.0.3 . tcp . 81 (1)',
      'host_ranges4 203.0.113.1 . tcp . 82-83 : 172.17.0.2 (2 3)',
      'carried_host_ports4 203.0.113.1 . tcp . 82-83 (2 3)',
      'own_host_ports4 203.0.113.1 . 172.17.0.2 . tcp . 82-83 (2 3)',
      'ports4 udp . 84 : 172.17.0.2 . 84 (4)',
      'carried_ports ipv4 . udp . 84 (4)',
      'own_ports4 172.17.0.2 . udp . 84 (4)',
      'loopback_ports4 127.0.0.1 . tcp . 85-86 (5 6)',
    ],
  );
});

test('opens a container’s own ports once, as ranges', (t) => {
  const routed = { ...network, gatewayModes: { 4: 'routed', 6: 'routed' } } as const;
  t.deepEqual(
    told(
      [
        ['0.0.0.0', 8080, 80],
        ['0.0.0.0', 9090, 80],
        ['0.0.0.0', 81, 81],
      ],
      routed,
    ),
    ['open_ports4 "gangway0" . 172.17.0.2 . tcp . 80-81 (0 2)'],
  );
});
