/** Gateway modes and trusted links, which came after 26.1.5: behaviour.md 1.3 and 1.6. */
import type { As29 } from '../verdict.ts';
import { feature } from './feature.ts';

const modesOfNetworks = {
  cite: '1.6',
  why: 'a network has a gateway mode for access without published ports',
};

export const modes: readonly As29[] = [
  ...feature('gateway modes, from outside', modesOfNetworks, {
    'ping neighbour → 10.1.0.2': 'silence',
    'fetch neighbour → 10.1.0.2': 'silence',
    'datagram neighbour → 10.1.0.2:7': 'silence',
    'datagram neighbour → 10.2.0.2:7': 'silence',
    'fetch neighbour → 203.0.113.1:8081': 'refused',
    'inspect routed .NetworkSettings.Ports':
      '{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":""},{"HostIp":"::","HostPort":""}]}',
  }),
  ...feature('gateway modes, from network to network', modesOfNetworks, {
    'fetch nat → 10.2.0.2': 'sees 10.2.0.1',
    'fetch nat → 10.3.0.2': 'sees 10.3.0.1',
    'fetch routed → 10.3.0.2': 'sees 10.2.0.2',
    'fetch nat_unprotected → 10.2.0.2': 'sees 10.2.0.1',
    'ping nat → 10.2.0.2': 'answers',
    'ping nat → 10.3.0.2': 'answers',
    'ping routed → 10.3.0.2': 'answers',
    'ping nat_unprotected → 10.2.0.2': 'answers',
  }),
  ...feature(
    'links of the host that are trusted',
    { cite: '1.3', why: 'clients of a trusted link reach only published ports of a container' },
    { 'datagram neighbour → 10.1.0.2:7': 'silence', 'ping neighbour → 10.1.0.2': 'silence' },
  ),
  {
    where: /^an isolated network: host links$/,
    expected: (docker) => docker.replace(/^(alone0 .*): 10\.1\.0\.1.*$/m, '$1: no address'),
    cite: '1.6, TestIsolated',
    why: 'the bridge of an isolated network has no address, so that its containers do not reach the host',
  },
  ...feature(
    'an isolated network',
    {
      cite: '1.6, TestIsolated',
      why: 'the bridge of an isolated network has no address, so that its containers do not reach the host',
    },
    { 'fetch web2 → 10.1.0.9': 'sees 10.1.0.1', 'fetch host → 10.1.0.9': 'silence' },
  ),
];
