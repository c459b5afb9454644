/** Names that others know: the tests of behaviour.md 5 on the resolver and its servers. */
import { asked, command, dig, file, idle, ping, type Scenario, serveNames } from '../scenario.ts';

export const upstream: readonly Scenario[] = [
  {
    title: 'name servers that fail',
    cites: ['TestReplySERVFAIL', 'TestDNSProxyServFail'],
    steps: [
      command('network create my_next'),
      idle('--name web1 --network my_next --dns 203.0.113.66'),
      dig('web1', 'ext.corp.test'),
      idle('--name web2 --network my_next --dns 203.0.113.66 --dns 203.0.113.2'),
      dig('web2', 'ext.corp.test'),
      idle('--name web3 --network my_next --dns 203.0.113.1 --dns 203.0.113.2'),
      dig('web3', 'ext.corp.test'),
      dig('web3', 'refused.corp.test'),
      asked,
    ],
  },
  {
    title: 'large answers and odd questions',
    cites: ['TestOversizedDNSReply', 'TestInvalidReverseDNS', 'TestDNSOptions'],
    steps: [
      command('network create my_next'),
      idle('--name web1 --network my_next'),
      dig('web1', '+bufsize=4096 big.corp.test TXT'),
      dig('web1', '+noedns +ignore big.corp.test TXT'),
      dig('web1', 'nonsense.in-addr.arpa PTR'),
      dig('web1', '1.2.3.4.5.in-addr.arpa PTR'),
      dig('web1', '-x 2001:db8::7'),
      asked,
      idle('--name web2 --network my_next --dns-option attempts:3 --dns-option timeout:2'),
      file('web2', '/etc/resolv.conf'),
    ],
  },
  {
    title: 'a container is the name server of others',
    cites: ['TestIntDNSAsExtDNS', 'TestInternalNetworkLocalDNS'],
    steps: [
      command('network create --internal --subnet 10.1.0.0/24 inside'),
      command('network create --subnet 10.2.0.0/24 servers'),
      idle('--name web1 --network inside --network-alias known'),
      serveNames('web1'),
      idle('--name web2 --network inside --dns 10.1.0.2'),
      dig('web2', 'ext.corp.test'),
      idle('--name web3 --network inside'),
      dig('web3', 'ext.corp.test'),
      asked,
      ping('web2', '203.0.113.2'),
    ],
  },
];
