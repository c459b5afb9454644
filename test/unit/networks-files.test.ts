import test from 'ava';
import { addHosts, hostsFile, removeHosts, resolvConf } from '../../src/networks/files.ts';
import { parseAddress } from '../../src/values/address.ts';

const header = '# The machine’s /etc/resolv.conf, without servers on its loopback.';
const nobody = '# no name server of the machine can be reached from a container';

function kept(...lines: readonly string[]): readonly string[] {
  return resolvConf(`${lines.join('\n')}\n`, [4, 6]).split('\n');
}

test('hosts: localhost in six lines, and the container at each of its addresses', (t) => {
  t.is(
    hostsFile('web', ['172.17.0.2', 'fd00::2'].map(parseAddress)),
    `127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::	ip6-localnet
ff00::	ip6-mcastprefix
ff02::1	ip6-allnodes
ff02::2	ip6-allrouters
172.17.0.2	web
fd00::2	web
`,
  );
});

test('a line of hosts is added at the end, and taken out where it stands as a whole; all others stay', (t) => {
  const addresses = ['172.18.0.3', 'fd00::3'].map(parseAddress);
  const others = '10.0.0.1\tdb\n172.18.0.3\tmy-web\n172.18.0.30\tweb\n172.18.0.3 web\n#172.18.0.3\tweb\n';
  const added = addHosts(others, 'web', addresses);
  t.is(added, `${others}172.18.0.3\tweb\nfd00::3\tweb\n`);
  t.is(removeHosts(added, 'web', addresses), others);
  t.is(addHosts('10.0.0.1\tdb', 'web', addresses), '10.0.0.1\tdb\n172.18.0.3\tweb\nfd00::3\tweb\n');
  t.is(removeHosts('172.18.0.3\tweb\n10.0.0.1\tdb', 'web', addresses), '10.0.0.1\tdb');
});

test('hosts of a container without an address know localhost alone', (t) => {
  t.is(hostsFile('web', []).trimEnd().split('\n').length, 6);
});

test('servers that a container can reach are kept, with all that is said about asking them', (t) => {
  t.deepEqual(kept('# by hand', '', 'nameserver 203.0.113.2', 'search example.org', 'options ndots:1', ' ; x'), [
    header,
    'nameserver 203.0.113.2',
    'search example.org',
    'options ndots:1',
    '',
  ]);
});

test('a server on the machine’s loopback is in there a different one', (t) => {
  t.deepEqual(kept('nameserver 127.0.0.53', 'nameserver ::1', 'nameserver fd00::53', 'nameserver 127.1.2.3'), [
    header,
    'nameserver fd00::53',
    '',
  ]);
});

test('a server of a family that the container does not have is out of its reach', (t) => {
  const machine = 'nameserver 2001:db8::53\nnameserver 192.0.2.53\n';
  t.deepEqual(resolvConf(machine, [4]).match(/^nameserver .*$/gm), ['nameserver 192.0.2.53']);
  t.deepEqual(resolvConf(machine, [6]).match(/^nameserver .*$/gm), ['nameserver 2001:db8::53']);
});

test('a server with a zone is behind a link that the container does not have', (t) => {
  t.deepEqual(kept('nameserver fe80::1%eth0', 'nameserver 203.0.113.2'), [header, 'nameserver 203.0.113.2', '']);
});

test('where no server is left the file says so, and names no stranger', (t) => {
  t.deepEqual(kept('nameserver 127.0.0.53', 'search example.org'), [header, nobody, 'search example.org', '']);
  t.deepEqual(kept(''), [header, nobody, '']);
});

test('a tab is as good as a blank, and a keyword that is indented is none, as for the C library', (t) => {
  t.deepEqual(kept('nameserver\t203.0.113.2'), [header, 'nameserver\t203.0.113.2', '']);
  t.deepEqual(kept(' nameserver 203.0.113.2'), [header, nobody, ' nameserver 203.0.113.2', '']);
});

test('what a person says takes the place of the lines of its kind, and is believed', (t) => {
  const machine = 'nameserver 203.0.113.2\nsearch example.org\noptions rotate\n';
  t.is(
    resolvConf(machine, [4, 6], { servers: ['127.0.0.1', 'fd00::53'].map(parseAddress), search: ['.'] }),
    `${header}\nnameserver 127.0.0.1\nnameserver fd00::53\noptions rotate\n`,
  );
  t.is(
    resolvConf(machine, [4, 6], { search: ['a.test', 'b.test'], options: ['ndots:2', 'rotate'] }),
    `${header}\nsearch a.test b.test\noptions ndots:2 rotate\nnameserver 203.0.113.2\n`,
  );
  t.is(resolvConf('nameserver 127.0.0.53\n', 'host', { search: ['a.test'] }), 'search a.test\nnameserver 127.0.0.53\n');
});

test('on the machine’s own stack its file is right as it stands', (t) => {
  const machine = '# mine\nnameserver 127.0.0.53\n';
  t.is(resolvConf(machine, 'host'), machine);
});
