import test from 'ava';
import { embeddedDnsResolvConf } from '../../src/networks/files.ts';
import { formatAddress, parseAddress } from '../../src/values/address.ts';
import { type ResolverOverrides, type ResolverSettings, resolverSettings } from '../../src/values/resolver.ts';

const machine = `# by hand
nameserver 203.0.113.2
nameserver\tfd00::53
search corp.test
search example.org  lab.test
options edns0 timeout:2
`;

function servers({ upstreams }: ResolverSettings): readonly string[] {
  return upstreams.map(({ address, place }) => `${place} ${formatAddress(address)}`);
}

test('the machine’s servers are asked from the machine, its search domains and options are taken over', (t) => {
  const settings = resolverSettings(machine);
  t.deepEqual(servers(settings), ['host 203.0.113.2', 'host fd00::53']);
  t.like(settings, { search: ['example.org', 'lab.test'], options: ['edns0', 'timeout:2'], overridden: [] });
  t.deepEqual(settings.ndots, { value: 0, from: 'internal' });
});

test('what a person says takes the place of the machine’s', (t) => {
  const overrides: ResolverOverrides = {
    servers: [parseAddress('10.0.0.1')],
    search: ['.'],
    options: ['ndots:2', 'rotate'],
  };
  const settings = resolverSettings(`${machine}options ndots:5\n`, overrides);
  t.deepEqual(servers(settings), ['container 10.0.0.1']);
  t.like(settings, { search: [], options: ['rotate'], overridden: ['nameservers', 'search', 'options'] });
  t.deepEqual(settings.ndots, { value: 2, from: 'override' });
  t.deepEqual(resolverSettings(`${machine}options ndots:5\n`).ndots, { value: 5, from: 'host' });
});

test('a file without a server means the machine itself; no more than three are asked; a zone is not known', (t) => {
  t.deepEqual(servers(resolverSettings('')), ['host 127.0.0.1']);
  const many = [1, 2, 3, 4].map((last) => `nameserver 10.0.0.${last}`).join('\n');
  t.is(servers(resolverSettings(many)).length, 3);
  t.deepEqual(servers(resolverSettings('nameserver fe80::1%eth0\n nameserver 10.0.0.1\n')), []);
});

test('the file of a container names 127.0.0.11 alone, and says whom that asks', (t) => {
  const overrides = { servers: [parseAddress('10.0.0.1')], search: ['a.test', 'b.test'] };
  t.is(
    embeddedDnsResolvConf(resolverSettings(machine, overrides)),
    `# Names are answered by gangway, at 127.0.0.11.
nameserver 127.0.0.11
search a.test b.test
options edns0 timeout:2 ndots:0

# Based on host file: '/etc/resolv.conf' (internal resolver)
# ExtServers: [10.0.0.1]
# Overrides: [nameservers search]
# Option ndots from: internal
`,
  );
  t.regex(
    embeddedDnsResolvConf(resolverSettings('nameserver 127.0.0.53')),
    /^# ExtServers: \[host\(127\.0\.0\.53\)\]$/m,
  );
});
