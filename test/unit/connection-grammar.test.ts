import test from 'ava';
import fc from 'fast-check';
import { type Address, parseAddress } from '../../src/values/address.ts';
import {
  type ConnectionWords,
  formatConnection,
  parseConnection,
  parseConnectionWords,
} from '../../src/values/connection-grammar.ts';
import { parseFields } from '../../src/values/csv.ts';
import { type ErrorCode, GangwayError } from '../../src/values/errors.ts';
import { parseMac } from '../../src/values/mac.ts';
import { type ConnectionRequest, connectionTo, type NetworkMode } from '../../src/values/network.ts';
import {
  checkNetworkMode,
  type NetworkModeWords,
  parseNetworkMode,
  refuseSharedStack,
} from '../../src/values/network-mode.ts';

const endpoint = 'com.docker.network.endpoint';

const meanings: Readonly<Record<string, ConnectionRequest | NetworkMode>> = {
  none: { kind: 'none' },
  host: { kind: 'host' },
  'name=host': { kind: 'host' },
  'container:web1': { kind: 'container', container: 'web1' },
  bridge: connectionTo('bridge'),
  default: connectionTo('bridge'),
  my_next: connectionTo('my_next'),
  'name=my_next': connectionTo('my_next'),
  'NAME=MyNet': connectionTo('MyNet'),
  'name=a,name=b': connectionTo('b'),
  ' name = web , alias = db ': { ...connectionTo('web'), aliases: ['db'] },
  'name=web,alias=db,Alias=*.db': { ...connectionTo('web'), aliases: ['db', '*.db'] },
  'name=web,ip=10.1.2.8,ip=10.1.2.9,ip6=fd00::9': {
    ...connectionTo('web'),
    addresses: [parseAddress('10.1.2.9'), parseAddress('fd00::9')],
  },
  'ip6=fd00::9,name=web': { ...connectionTo('web'), addresses: [parseAddress('fd00::9')] },
  'name=web,mac-address=02:42:AC:11:00:02': { ...connectionTo('web'), mac: parseMac('02:42:ac:11:00:02') },
  'name=web,link-local-ip=169.254.7.7,link-local-ip=fe80::7': {
    ...connectionTo('web'),
    linkLocalAddresses: [parseAddress('169.254.7.7'), parseAddress('fe80::7')],
  },
  'name=web,gw-priority=+10': { ...connectionTo('web'), gatewayPriority: 10 },
  'name=web,gw-priority=-0': connectionTo('web'),
  'name=web,gw-priority=-5': { ...connectionTo('web'), gatewayPriority: -5 },
  [`name=web,driver-opt=${endpoint}.ifname=wan0`]: { ...connectionTo('web'), link: 'wan0' },
  [`name=web,driver-opt=${endpoint}.macaddress=02:00:00:00:00:01`]: {
    ...connectionTo('web'),
    mac: parseMac('02:00:00:00:00:01'),
  },
  [`name=web,"driver-opt=${endpoint}.sysctls=net.ipv4.conf.IFNAME.forwarding=1,net/ipv6/conf/IFNAME/accept_ra=0"`]: {
    ...connectionTo('web'),
    sysctls: [
      { key: 'net/ipv4/conf/IFNAME/forwarding', value: '1' },
      { key: 'net/ipv6/conf/IFNAME/accept_ra', value: '0' },
    ],
  },
};

for (const [text, meaning] of Object.entries(meanings)) {
  test(`--network ${text}`, (t) => t.deepEqual(parseConnection(text), meaning));
}

const refusals: Readonly<Record<string, readonly [code: ErrorCode, message: string]>> = {
  '': ['invalid-name', 'invalid network name ""'],
  'a b': ['invalid-name', 'invalid network name "a b"'],
  'container:': ['invalid-name', 'invalid container ""'],
  'alias=db': ['invalid-option', '--network "alias=db" names no network'],
  'name=': ['invalid-option', '--network "name=" names no network'],
  '=web': ['invalid-option', '--network has no key ""'],
  'name=web,db': ['invalid-option', '--network has no key "db"'],
  'name=web,aliase=db': ['invalid-option', '--network has no key "aliase"; did you mean \'alias\'?'],
  'name=web,__proto__=x': ['invalid-option', '--network has no key "__proto__"'],
  'name=web,"alias=db': ['invalid-option', '--network "name=web,\\"alias=db" has a quote or a line break out of place'],
  'name=web,ip=10.70.0.999': ['invalid-address', '--ip "10.70.0.999" is no IP address of a container'],
  'name=web,ip=foo': ['invalid-address', '--ip "foo" is no IP address of a container'],
  'name=web,ip=': ['invalid-address', '--ip "" is no IP address of a container'],
  'name=web,ip=224.0.0.1': ['invalid-address', '--ip "224.0.0.1" is no IP address of a container'],
  'name=web,ip=255.255.255.255': ['invalid-address', '--ip "255.255.255.255" is no IP address of a container'],
  'name=web,link-local-ip=10.1.0.9': ['invalid-address', '--link-local-ip 10.1.0.9 is no link-local address'],
  'name=web,link-local-ip=fd00::9': ['invalid-address', '--link-local-ip fd00::9 is no link-local address'],
  'name=web,ip=0.0.0.0': ['invalid-address', '--ip "0.0.0.0" is no IP address of a container'],
  'name=web,ip=fd00::9': ['invalid-address', '--ip fd00::9 is an IPv6 address'],
  'name=web,ip6=10.0.0.9': ['invalid-address', '--ip6 10.0.0.9 is an IPv4 address'],
  'name=web,mac-address=zz': ['invalid-address', '"zz" is no MAC address'],
  'name=web,gw-priority=high': ['invalid-option', '--gw-priority "high" is not a whole number'],
  'name=web,gw-priority=1.5': ['invalid-option', '--gw-priority "1.5" is not a whole number'],
  'name=web,alias=a b': ['invalid-name', 'invalid alias "a b"'],
  'name=web,alias=*': ['invalid-name', 'invalid alias "*"'],
  'name=web,driver-opt=foo=bar': ['invalid-option', 'a connection has no driver option "foo"'],
  [`name=web,driver-opt=${endpoint}.ifname=lo`]: ['invalid-name', 'invalid interface name "lo"'],
  [`name=web,driver-opt=${endpoint}.sysctls=net.ipv4.conf.eth0.forwarding=1`]: [
    'invalid-option',
    `${endpoint}.sysctls net.ipv4.conf.eth0.forwarding=1 is no setting of a link`,
  ],
  [`name=web,driver-opt=${endpoint}.sysctls=net.ipv4.conf.IFNAME.../../x=1`]: [
    'invalid-option',
    `${endpoint}.sysctls "net.ipv4.conf.IFNAME.../../x=1" is not KEY=VALUE`,
  ],
  [`name=web,mac-address=02:00:00:00:00:01,driver-opt=${endpoint}.macaddress=02:00:00:00:00:02`]: [
    'conflicting-options',
    'two MAC addresses are given for one connection',
  ],
  'name=none,alias=db': ['conflicting-options', '--network none takes nothing besides the name'],
  'name=container:web,ip=10.0.0.9': ['conflicting-options', '--network container:web takes nothing besides the name'],
  'name=bridge,alias=db': ['invalid-network', 'aliases are not to be had on the default bridge'],
  'name=default,ip=172.17.0.9': ['invalid-network', 'a fixed address is not to be had on the default bridge'],
};

for (const [text, [code, message]] of Object.entries(refusals)) {
  test(`--network ${JSON.stringify(text)} is refused`, (t) => {
    const error = t.throws(() => parseConnection(text), { instanceOf: GangwayError, message });
    t.is(error?.code, code);
    t.truthy(error?.hint ?? code === 'invalid-address');
  });
}

test('fields are read as Go’s encoding/csv does', (t) => {
  t.deepEqual(parseFields('a,b,', '-x'), ['a', 'b', '']);
  t.deepEqual(parseFields('', '-x'), ['']);
  t.deepEqual(parseFields('"a,b","say ""hi""",c', '-x'), ['a,b', 'say "hi"', 'c']);
  for (const text of ['a"b', '"a"b', '"a', 'a,"b', 'a\nb'])
    t.throws(() => parseFields(text, '-x'), { code: 'invalid-option' }, text);
  const write = (fields: readonly string[]) => fields.map((one) => `"${one.replaceAll('"', '""')}"`).join(',');
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) =>
      t.deepEqual(parseFields(write(fields), '-x'), fields),
    ),
  );
});

const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{4,9}$/);
const byte = fc.integer({ min: 1, max: 250 });
/** Connect's words, all that are taken. */
const words: fc.Arbitrary<ConnectionWords> = fc.record(
  {
    network: name,
    aliases: fc.array(
      fc.oneof(
        name,
        name.map((one) => `*.${one}`),
      ),
    ),
    links: fc.array(fc.tuple(name, name).map((pair) => pair.join(':'))),
    ip: byte.map((one) => `10.0.0.${one}`),
    ip6: byte.map((one) => `fd00::${one}`),
    linkLocalIps: fc.array(byte.map((one) => `fe80::${one}`)),
    macAddress: byte.map((one) => `02:00:00:00:00:${one.toString(16).padStart(2, '0')}`),
    gatewayPriority: fc.integer().map(String),
    driverOptions: fc
      .record(
        {
          [`${endpoint}.ifname`]: name,
          [`${endpoint}.sysctls`]: fc
            .array(
              byte.map((one) => `net.ipv4.conf.IFNAME.x${one}=${one}`),
              { minLength: 1 },
            )
            .map((all) => all.join(',')),
        },
        { requiredKeys: [] },
      )
      .map((options) => Object.entries(options).map((pair) => pair.join('='))),
  },
  { requiredKeys: ['network'] },
);

test('what formatConnection writes, parseConnectionWords reads back', (t) => {
  fc.assert(
    fc.property(words, (some) => {
      const connection = parseConnectionWords(some);
      t.deepEqual(parseConnectionWords(formatConnection(connection)), connection);
    }),
  );
});

test('the long form says what the words of connect say', (t) => {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(words, ({ links: _, ...some }) => {
      const fields = [
        `name=${some.network}`,
        ...(some.aliases ?? []).map((one) => `alias=${one}`),
        ...(some.ip === undefined ? [] : [`ip=${some.ip}`]),
        ...(some.ip6 === undefined ? [] : [`ip6=${some.ip6}`]),
        ...(some.linkLocalIps ?? []).map((one) => `link-local-ip=${one}`),
        ...(some.macAddress === undefined ? [] : [`mac-address=${some.macAddress}`]),
        ...(some.gatewayPriority === undefined ? [] : [`gw-priority=${some.gatewayPriority}`]),
        ...(some.driverOptions ?? []).map((one) => `driver-opt=${one}`),
      ];
      t.deepEqual(parseConnection(fields.map(quoted).join(',')), parseConnectionWords(some));
    }),
  );
});

function mode(words: Partial<NetworkModeWords> = {}): NetworkMode {
  return parseNetworkMode({ networks: [], ...words });
}

function networks(...connections: readonly ConnectionRequest[]): NetworkMode {
  return { kind: 'networks', connections };
}

test('without a word it is the default bridge', (t) => {
  t.deepEqual(mode(), networks(connectionTo('bridge')));
  t.deepEqual(mode({ networks: ['default'] }), networks(connectionTo('bridge')));
  t.deepEqual(
    mode({ macAddress: '02:00:00:00:00:01', links: ['db:x'] }),
    networks({
      ...connectionTo('bridge'),
      mac: parseMac('02:00:00:00:00:01'),
      links: [{ container: 'db', alias: 'x' }],
    }),
  );
});

test('the options beside --network speak of the first one', (t) => {
  const addresses: readonly Address[] = [parseAddress('10.0.0.9'), parseAddress('fd00::9')];
  t.deepEqual(
    mode({
      networks: ['name=a,gw-priority=7', 'name=b,alias=x'],
      aliases: ['y', 'z'],
      ip: '10.0.0.9',
      ip6: 'fd00::9',
      linkLocalIps: ['fe80::9'],
      links: ['db', 'other:o'],
      macAddress: '02:00:00:00:00:01',
    }),
    networks(
      {
        ...connectionTo('a'),
        aliases: ['y', 'z'],
        links: [
          { container: 'db', alias: 'db' },
          { container: 'other', alias: 'o' },
        ],
        addresses,
        linkLocalAddresses: [parseAddress('fe80::9')],
        mac: parseMac('02:00:00:00:00:01'),
        gatewayPriority: 7,
      },
      { ...connectionTo('b'), aliases: ['x'] },
    ),
  );
});

/** Each is docker's exit status 125, be it the client or the daemon that refuses; or 0, and we refuse. */
const conflicts: readonly (readonly [words: Partial<NetworkModeWords>, message: string])[] = [
  [{ networks: ['host', 'my_next'] }, '--network host excludes every other network'],
  [{ networks: ['my_next', 'none'] }, '--network none excludes every other network'],
  [{ networks: ['container:a', 'container:b'] }, '--network container:a excludes every other network'],
  [{ networks: ['bridge', 'my_next'] }, '--network bridge excludes every other network'],
  [{ networks: ['my_next', 'my_next'] }, 'network my_next is given more than once'],
  [{ networks: ['bridge', 'default'] }, 'network bridge is given more than once'],
  [{ networks: ['none'], ip: '1.2.3.4' }, '--ip conflicts with --network none'],
  [{ networks: ['host'], links: ['db'] }, '--link conflicts with --network host'],
  [{ networks: ['container:run1'], links: ['hostc'] }, '--link conflicts with --network container:run1'],
  [{ networks: ['container:run1'], aliases: ['x'] }, '--network-alias conflicts with --network container:run1'],
  [
    { networks: ['container:run1'], macAddress: '02:00:00:00:00:01' },
    '--mac-address conflicts with --network container:run1',
  ],
  [{ networks: ['name=a,alias=x'], aliases: ['y'] }, '--network-alias and --network a say the same thing'],
  [{ networks: ['name=a,ip=10.0.0.9'], ip: '10.0.0.9' }, '--ip and --network a say the same thing'],
  [{ networks: ['name=a,ip6=fd00::9'], ip6: 'fd00::9' }, '--ip6 and --network a say the same thing'],
  [
    { networks: ['name=a,mac-address=02:00:00:00:00:01'], macAddress: '02:00:00:00:00:02' },
    '--mac-address and --network a say the same thing',
  ],
  [
    { networks: ['name=a,link-local-ip=fe80::1'], linkLocalIps: ['fe80::2'] },
    '--link-local-ip and --network a say the same thing',
  ],
  [{ aliases: ['x'] }, 'aliases are not to be had on the default bridge'],
  [{ ip: '172.17.0.9' }, 'a fixed address is not to be had on the default bridge'],
  [{ links: ['a:b:c'] }, '--link "a:b:c" is not CONTAINER:ALIAS'],
  [{ links: [':x'] }, 'invalid container ""'],
  [{ networks: ['sub'], ip: 'foo' }, '--ip "foo" is no IP address of a container'],
  [{ macAddress: 'zz' }, '"zz" is no MAC address'],
];

for (const [words, message] of conflicts) {
  test(`run ${JSON.stringify(words)} is refused`, (t) => {
    t.throws(() => mode(words), { instanceOf: GangwayError, message });
  });
}

test('who shares a stack has no settings of his own for it', (t) => {
  const joined: NetworkMode = { kind: 'container', container: 'run1' };
  for (const option of ['--dns', '--add-host', '--expose', '--publish', '--hostname', '--sysctl'] as const) {
    t.throws(() => refuseSharedStack(joined, [option]), {
      code: 'conflicting-options',
      message: `${option} conflicts with --network container:run1`,
    });
    t.notThrows(() => refuseSharedStack(networks(connectionTo('web')), [option]));
  }
  t.throws(() => refuseSharedStack({ kind: 'host' }, ['--sysctl']), {
    message: '--sysctl conflicts with --network host',
  });
  t.notThrows(() => refuseSharedStack({ kind: 'host' }, ['--hostname', '--dns', '--add-host']));
  t.notThrows(() => refuseSharedStack(joined, []));
});

test('a mode that a program made is held to the same', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(words, { selector: ({ network }) => network }), (some) => {
      const made = networks(...some.map(parseConnectionWords));
      t.deepEqual(checkNetworkMode(made), made);
    }),
  );
  for (const made of [{ kind: 'none' }, { kind: 'host' }, { kind: 'container', container: 'a1' }] as const) {
    t.deepEqual(checkNetworkMode(made), made);
  }
  t.throws(() => checkNetworkMode({ kind: 'container', container: '../x' }), { code: 'invalid-name' });
  t.throws(() => checkNetworkMode(networks({ ...connectionTo('web'), link: '$(id)' })), { code: 'invalid-name' });
  t.throws(() => checkNetworkMode(networks(connectionTo('web'), connectionTo('web'))), { code: 'conflicting-options' });
});

test('no text whatever leads to anything but a mode or a refusal', (t) => {
  const piece = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[\w:./=,"*-]{0,24}$/),
    fc
      .array(
        fc
          .tuple(
            fc.constantFrom(
              'name',
              'alias',
              'ip',
              'ip6',
              'mac-address',
              'link-local-ip',
              'driver-opt',
              'gw-priority',
              '__proto__',
            ),
            fc.oneof(name, fc.string(), fc.constantFrom('10.0.0.9', 'fd00::9', '1', `${endpoint}.ifname=x`)),
          )
          .map((pair) => pair.join('=')),
        { maxLength: 4 },
      )
      .map((fields) => fields.join(',')),
  );
  const some = fc.array(piece, { maxLength: 2 });
  const noise = fc.record(
    { networks: some, aliases: some, links: some, ip: piece, ip6: piece, linkLocalIps: some, macAddress: piece },
    { requiredKeys: ['networks'] },
  );
  fc.assert(
    fc.property(noise, (words) => {
      try {
        const found = parseNetworkMode(words as NetworkModeWords);
        t.deepEqual(checkNetworkMode(found), found);
      } catch (error) {
        if (!(error instanceof GangwayError)) throw error;
        t.truthy(error.message);
      }
    }),
    { numRuns: 5000 },
  );
});
