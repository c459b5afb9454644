import test from 'ava';
import { addHosts, hostsFile, removeHosts, resolvConf } from '../../src/networks/files.ts';
import { parseAddress } from '../../src/values/address.ts';

const header = '# The host’s /etc/resolv.conf, without servers on its loopback.';
const nobody = '# No name server of the host can be reached from a container.';

function kept(...lines: readonly string[]): readonly string[] {
  return resolvConf(`${lines.join('\n')}\n`, [4, 6]).split('\n');
}

test('lists localhost and the container’s addresses in hosts', (t) => {
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

test('adds and removes whole lines of hosts, and keeps all others', (t) => {
  const addresses = ['172.18.0.3', 'fd00::3'].map(parseAddress);
  const others = '10.0.0.1\tdb\n172.18.0.3\tmy-web\n172.18.0.30\tweb\n172.18.0.3 web\n#172.18.0.3\tweb\n';
  const added = addHosts(others, 'web', addresses);
  t.is(added, `${others}172.18.0.3\tweb\nfd00::3\tweb\n`);
  t.is(removeHosts(added, 'web', addresses), others);
  t.is(addHosts('10.0.0.1\tdb', 'web', addresses), '10.0.0.1\tdb\n172.18.0.3\tweb\nfd00::3\tweb\n');
  t.is(removeHosts('172.18.0.3\tweb\n10.0.0.1\tdb', 'web', addresses), '10.0.0.1\tdb');
});

test('lists only localhost for a container without an address', (t) => {
  t.is(hostsFile('web', []).trimEnd().split('\n').length, 6);
});

test('keeps reachable servers and their options', (t) => {
  t.deepEqual(kept('# by hand', '', 'nameserver 203.0.113.2', 'search example.org', 'options ndots:1', ' ; x'), [
    header,
    'nameserver 203.0.113.2',
    'search example.org',
    'options ndots:1',
    '',
  ]);
});

test('drops servers on the host’s loopback', (t) => {
  t.deepEqual(kept('nameserver 127.0.0.53', 'nameserver ::1', 'nameserver fd00::53', 'nameserver 127.1.2.3'), [
    header,
    'nameserver fd00::53',
    '',
  ]);
});

test('drops servers of a family that the container lacks', (t) => {
  const machine = 'nameserver 2001:db8::53\nnameserver 192.0.2.53\n';
  t.deepEqual(resolvConf(machine, [4]).match(/^nameserver .*$/gm), ['nameserver 192.0.2.53']);
  t.deepEqual(resolvConf(machine, [6]).match(/^nameserver .*$/gm), ['nameserver 2001:db8::53']);
});

test('drops servers with a zone', (t) => {
  t.deepEqual(kept('nameserver fe80::1%eth0', 'nameserver 203.0.113.2'), [header, 'nameserver 203.0.113.2', '']);
});

test('reports an empty list of servers, without a default', (t) => {
  t.deepEqual(kept('nameserver 127.0.0.53', 'search example.org'), [header, nobody, 'search example.org', '']);
  t.deepEqual(kept(''), [header, nobody, '']);
});

test('parses tabs and indented keywords as the C library does', (t) => {
  t.deepEqual(kept('nameserver\t203.0.113.2'), [header, 'nameserver\t203.0.113.2', '']);
  t.deepEqual(kept(' nameserver 203.0.113.2'), [header, nobody, ' nameserver 203.0.113.2', '']);
});

test('replaces lines of one kind by the user’s options', (t) => {
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

test('keeps the file unchanged in the host’s namespace', (t) => {
  const machine = '# mine\nnameserver 127.0.0.53\n';
  t.is(resolvConf(machine, 'host'), machine);
});
