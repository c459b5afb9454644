import test from 'ava';
import { explainScript } from '../../src/plan/explain.ts';
import type { Kinds } from '../../src/plan/kind.ts';
import { kernelKinds } from '../../src/plan/kinds/index.ts';
import type { Step } from '../../src/plan/step.ts';
import { parseAddress, parsePrefix } from '../../src/values/address.ts';
import { parseMac } from '../../src/values/mac.ts';
import { quote } from '../../src/values/quote.ts';

const kinds = kernelKinds as Kinds;
const c1 = { namespace: 'c1' };

const steps: readonly Step[] = [
  { kind: 'namespace', name: 'c1', why: 'a stack of its own' },
  {
    kind: 'bridge',
    in: 'host',
    name: 'gangway0',
    mac: parseMac('02:42:01:02:03:04'),
    mtuBytes: 1500,
    why: 'the switch',
  },
  {
    kind: 'veth',
    in: 'host',
    name: 'veth1',
    bridge: 'gangway0',
    mtuBytes: 1500,
    peer: { namespace: 'c1', name: 'eth0', mac: parseMac('02:42:ac:11:00:02') },
    why: 'a cable',
  },
  { kind: 'hairpin', in: 'host', link: 'veth1', why: 'back out of the port' },
  { kind: 'sysctl', in: 'host', key: 'net/ipv4/ip_forward', value: '1', was: '0', why: 'settings' },
  { kind: 'sysctl', in: c1, key: 'net/ipv4/ping_group_range', value: '0 9', why: 'settings' },
  { kind: 'address', in: c1, link: 'eth0', prefix: parsePrefix('172.17.0.2/16'), why: 'an address' },
  { kind: 'address', in: c1, link: 'eth0', prefix: parsePrefix('fd00::2/64'), why: 'an address' },
  { kind: 'up', in: c1, link: 'eth0', why: 'on' },
  { kind: 'route', in: c1, family: 4, link: 'eth0', gateway: parseAddress('172.17.0.1'), why: 'the way out' },
  {
    kind: 'element',
    in: 'host',
    table: 'gangway',
    element: {
      set: 'ports4',
      key: [{ type: 'inet_service', port: 80 }],
      value: [{ type: 'address', address: parseAddress('172.17.0.2') }],
    },
    why: 'published',
  },
  { kind: 'directory', path: '/run/it’s here', mode: 0o711, why: 'files' },
  { kind: 'file', path: '/run/hosts', mode: 0o644, content: '::1\tlocalhost\n', why: 'files' },
  { kind: 'file', path: '/run/secret', mode: 0o600, content: 'x\n', why: 'files' },
];

test('prints a script with each reason once, above its commands', (t) => {
  t.is(
    explainScript({ subject: 'run web', direction: 'make', steps }, kinds),
    `#!/bin/sh
# run web
set -e
umask 022

# a stack of its own
ip netns add c1

# the switch
ip link add gangway0 address 02:42:01:02:03:04 mtu 1500 type bridge mcast_snooping 0

# a cable
ip link add veth1 up mtu 1500 master gangway0 numtxqueues 1 numrxqueues 1 type veth peer name eth0 address 02:42:ac:11:00:02 mtu 1500 numtxqueues 1 numrxqueues 1 netns c1

# back out of the port
ip link set veth1 type bridge_slave hairpin on

# settings
sysctl -qw net/ipv4/ip_forward=1
ip netns exec c1 sysctl -qw 'net/ipv4/ping_group_range=0 9'

# an address
ip -n c1 address add 172.17.0.2/16 broadcast + dev eth0
ip -n c1 address add fd00::2/64 nodad dev eth0

# on
ip -n c1 link set eth0 up

# the way out
ip -n c1 route add default via 172.17.0.1 dev eth0

# published
nft 'add element inet gangway ports4 { 80 : 172.17.0.2 }'

# files
install -d -m 711 '/run/it’s here'
cat > /run/hosts <<'END'
::1\tlocalhost
END
cat > /run/secret <<'END'
x
END
chmod 600 /run/secret
`,
  );
});

test('prints undo in reverse order, without what the kernel removes by itself', (t) => {
  t.is(
    explainScript({ subject: 'end web', direction: 'unmake', steps }, kinds),
    `#!/bin/sh
# end web
set -e
umask 022

# undo: files
rm -f /run/secret
rm -f /run/hosts
rm -rf '/run/it’s here'

# undo: published
nft 'delete element inet gangway ports4 { 80 }'

# undo: settings
sysctl -qw net/ipv4/ip_forward=0

# undo: a cable
bridge link set dev veth1 state 0

# undo: the switch
ip link delete gangway0

# undo: a stack of its own
ip netns delete c1
`,
  );
});

test('reports a plan without steps', (t) => {
  t.is(
    explainScript({ subject: 'gc', direction: 'make', steps: [] }, kinds),
    '#!/bin/sh\n# gc\nset -e\numask 022\n\n# nothing to change\n',
  );
});

test('appends remarks at the end', (t) => {
  const remarks = ['port 8080 is bound by the switchboard', 'and carried across'];
  const script = explainScript({ subject: 'run web', direction: 'make', steps: steps.slice(0, 1), remarks }, kinds);
  t.true(script.endsWith('ip netns add c1\n\n# port 8080 is bound by the switchboard\n# and carried across\n'));
});

test('quotes words with a special meaning for sh', (t) => {
  t.deepEqual(['plain', '/run/x-1', 'a b', '$HOME', "it's", '', '*', 'a\nb'].map(quote), [
    'plain',
    '/run/x-1',
    "'a b'",
    "'$HOME'",
    "'it'\\''s'",
    "''",
    "'*'",
    "'a\nb'",
  ]);
});

test('prints replacements, and restores the old value in undo', (t) => {
  const place = { namespace: 'c1' };
  const key = [{ type: 'inet_service', port: 80 }] as const;
  const to = (text: string) =>
    ({ set: 'ports4', key, value: [{ type: 'address', address: parseAddress(text) }] }) as const;
  const moved: readonly Step[] = [
    {
      kind: 'route',
      in: place,
      family: 4,
      link: 'eth1',
      gateway: parseAddress('172.18.0.1'),
      was: { link: 'eth0', gateway: parseAddress('172.17.0.1') },
      why: 'the way out',
    },
    { kind: 'element', in: 'host', table: 'gangway', element: to('172.18.0.2'), was: to('172.17.0.2'), why: 'moved' },
    { kind: 'element', in: 'host', table: 'gangway', was: to('172.17.0.3'), why: 'gone' },
    { kind: 'file', path: '/run/hosts', mode: 0o644, content: 'new\n', was: 'old\n', why: 'lines' },
  ];
  t.is(
    explainScript({ subject: 'connect web', direction: 'make', steps: moved }, kinds),
    `#!/bin/sh
# connect web
set -e
umask 022

# the way out
ip -n c1 route replace default via 172.18.0.1 dev eth1

# moved
nft 'delete element inet gangway ports4 { 80 }'
nft 'add element inet gangway ports4 { 80 : 172.18.0.2 }'

# gone
nft 'delete element inet gangway ports4 { 80 }'

# lines
cat > /run/hosts <<'END'
new
END
`,
  );
  t.is(
    explainScript({ subject: 'disconnect web', direction: 'unmake', steps: moved }, kinds),
    `#!/bin/sh
# disconnect web
set -e
umask 022

# undo: lines
cat > /run/hosts <<'END'
old
END

# undo: gone
nft 'add element inet gangway ports4 { 80 : 172.17.0.3 }'

# undo: moved
nft 'delete element inet gangway ports4 { 80 }'
nft 'add element inet gangway ports4 { 80 : 172.17.0.2 }'

# undo: the way out
ip -n c1 route replace default via 172.17.0.1 dev eth0
`,
  );
});
