import test from 'ava';
import fc from 'fast-check';
import { parseAddress } from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';
import {
  formatExtraHost,
  parseDomainName,
  parseExtraHost,
  parseNameServer,
  parseResolverOption,
  parseSearchDomain,
} from '../../src/values/resolver-grammar.ts';
import { closesIpv6, formatSysctl, parseLinkSysctls, parseSysctl } from '../../src/values/sysctl-grammar.ts';

test('--add-host in all its spellings', (t) => {
  const four = { name: 'db', address: parseAddress('10.0.0.5') };
  const six = { name: 'db', address: parseAddress('fd00::5') };
  for (const text of ['db:10.0.0.5', 'db=10.0.0.5', 'db:[10.0.0.5]']) t.deepEqual(parseExtraHost(text), four, text);
  for (const text of ['db:fd00::5', 'db=fd00::5', 'db:[fd00::5]', 'db=[fd00::5]'])
    t.deepEqual(parseExtraHost(text), six, text);
  for (const text of ['h:host-gateway', 'h=host-gateway'])
    t.deepEqual(parseExtraHost(text), { name: 'h', address: 'host-gateway' });
});

/** Where docker takes it, we refuse what would be a broken line in /etc/hosts or resolv.conf. */
const refusals: readonly (readonly [parse: (text: string) => unknown, texts: Readonly<Record<string, string>>])[] = [
  [
    parseExtraHost,
    {
      foo: '--add-host "foo" is not NAME:ADDRESS',
      '': '--add-host "" is not NAME:ADDRESS',
      'foo:': '--add-host "foo:" is not NAME:ADDRESS',
      ':10.0.0.1': '--add-host ":10.0.0.1" is not NAME:ADDRESS',
      'foo:bar': '--add-host foo has "bar", which is no IP address',
      'foo:[::1': '--add-host foo has "[::1", which is no IP address',
      'a b:10.0.0.1': '--add-host "a b" is no host name',
      'a\nb:10.0.0.1': '--add-host "a\\nb" is no host name',
    },
  ],
  [
    parseNameServer,
    {
      foo: '--dns "foo" is no IP address of a name server',
      '224.0.0.1': '--dns "224.0.0.1" is no IP address of a name server',
      'ff02::fb': '--dns "ff02::fb" is no IP address of a name server',
      '255.255.255.255': '--dns "255.255.255.255" is no IP address of a name server',
      '0.0.0.0': '--dns "0.0.0.0" is no IP address of a name server',
      '9.9.9.9:53': '--dns "9.9.9.9:53" is no IP address of a name server',
    },
  ],
  [
    parseResolverOption,
    {
      '': '--dns-option "" is no option of resolv.conf',
      'ndots:2 rotate': '--dns-option "ndots:2 rotate" is no option of resolv.conf',
      'rotate\nnameserver 6.6.6.6': '--dns-option "rotate\\nnameserver 6.6.6.6" is no option of resolv.conf',
      'ndots:': '--dns-option "ndots:" is no option of resolv.conf',
    },
  ],
  [
    parseSearchDomain,
    {
      '': '--dns-search "" is no domain',
      'a..b': '--dns-search "a..b" is no domain',
      'a b': '--dns-search "a b" is no domain',
      '-a': '--dns-search "-a" is no domain',
    },
  ],
  [parseDomainName, { '.': '--domainname "." is no domain', 'x\n': '--domainname "x\\n" is no domain' }],
  [
    (text) => parseSysctl(text),
    {
      '': '--sysctl "" is not KEY=VALUE',
      'net.ipv4.ip_forward': '--sysctl "net.ipv4.ip_forward" is not KEY=VALUE',
      'net.ipv4.ip_forward=1\n2': '--sysctl "net.ipv4.ip_forward=1\\n2" is not KEY=VALUE',
      'net/../kernel/panic=1': '--sysctl "net/../kernel/panic=1" is not KEY=VALUE',
      'net...kernel.panic=1': '--sysctl "net...kernel.panic=1" is not KEY=VALUE',
      '/net/ipv4/ip_forward=1': '--sysctl "/net/ipv4/ip_forward=1" is not KEY=VALUE',
      'kernel.panic=1': '--sysctl kernel.panic is a setting of the whole machine',
      'vm.swappiness=1': '--sysctl vm.swappiness is a setting of the whole machine',
    },
  ],
];

for (const [parse, texts] of refusals) {
  for (const [text, message] of Object.entries(texts)) {
    test(message, (t) => {
      const error = t.throws(() => parse(text), { instanceOf: GangwayError, message });
      t.is(error?.code, 'invalid-option');
      t.truthy(error?.hint);
    });
  }
}

test('what is taken comes back as it is', (t) => {
  for (const text of ['ndots:2', 'rotate', 'use-vc', 'edns0', 'timeout:10']) t.is(parseResolverOption(text), text);
  for (const text of ['.', 'example.org', 'corp.test.', '_tcp.x', 'a']) t.is(parseSearchDomain(text), text);
  t.is(parseDomainName('dd.test'), 'dd.test');
  t.deepEqual(parseNameServer('fd00::53'), parseAddress('fd00::53'));
});

test('sysctls with dots, and with slashes where a name has a dot', (t) => {
  t.deepEqual(parseSysctl('net.ipv4.ip_forward=1'), { key: 'net/ipv4/ip_forward', value: '1' });
  t.deepEqual(parseSysctl('net/ipv4/conf/eth0.10/forwarding=1'), {
    key: 'net/ipv4/conf/eth0.10/forwarding',
    value: '1',
  });
  t.deepEqual(parseSysctl('net.ipv4.ping_group_range=0 2147483647').value, '0 2147483647');
  t.deepEqual(parseSysctl('kernel.shmmax=1').key, 'kernel/shmmax');
  t.deepEqual(parseLinkSysctls('net.ipv4.conf.IFNAME.forwarding=1', '-x'), [
    { key: 'net/ipv4/conf/IFNAME/forwarding', value: '1' },
  ]);
  t.throws(() => parseLinkSysctls('', '-x'), { instanceOf: GangwayError });
});

test('what is written is read back', (t) => {
  const part = fc.stringMatching(/^[a-z0-9_][a-z0-9_.-]{0,8}$/);
  const sysctl = fc.record({
    key: part.map((one) => `net/ipv4/conf/${one}/forwarding`),
    value: fc.stringMatching(/^[\w ]{1,9}$/),
  });
  const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map((value) => ({ family: 6 as const, value }));
  fc.assert(fc.property(sysctl, (one) => t.deepEqual(parseSysctl(formatSysctl(one)), one)));
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z][a-z.-]{0,9}$/),
      fc.oneof(address, fc.constant('host-gateway' as const)),
      (name, address) => t.deepEqual(parseExtraHost(formatExtraHost({ name, address })), { name, address }),
    ),
  );
});

test('no text whatever leads to anything but a value or a refusal, and none with a line break is taken', (t) => {
  const parsers = [
    parseExtraHost,
    parseNameServer,
    parseResolverOption,
    parseSearchDomain,
    parseDomainName,
    (text: string) => parseSysctl(text),
  ];
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w:./=[\]\n-]{0,24}$/));
  fc.assert(
    fc.property(fc.constantFrom(...parsers), text, (parse, text) => {
      try {
        parse(text);
        t.false(/[\n\0]/.test(text));
      } catch (error) {
        if (!(error instanceof GangwayError)) throw error;
        t.truthy(error.message);
      }
    }),
    { numRuns: 5000 },
  );
});

test('IPv6 is off by every number but 0, as the kernel has it', (t) => {
  const off = (value: string) => closesIpv6([{ key: 'net/ipv6/conf/all/disable_ipv6', value }]);
  t.deepEqual(['1', '01', ' 1', '2'].map(off), [true, true, true, true]);
  t.deepEqual(['0', '00', ' 0'].map(off), [false, false, false]);
  t.false(closesIpv6([{ key: 'net/ipv6/conf/lo/disable_ipv6', value: '1' }]));
  const twice = (...values: string[]) =>
    closesIpv6(values.map((value) => ({ key: 'net/ipv6/conf/all/disable_ipv6', value })));
  t.deepEqual([twice('1', '0'), twice('0', '1')], [false, true], 'the last one stays');
});
