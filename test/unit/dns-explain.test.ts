import test from 'ava';
import {
  type Explanation,
  explainAnswer,
  formatExplanation,
  reachableUpstreams,
} from '../../src/services/dns/explain.ts';
import { recordType } from '../../src/services/dns/message.ts';
import { type EgressNetwork, linkTable, type Zone } from '../../src/services/dns/zone.ts';
import { formatAddress, fromBytes, parseAddress } from '../../src/values/address.ts';
import { parseEgress } from '../../src/values/egress-grammar.ts';
import { plainExit, table, upstream, zone } from '../support/dns.ts';

const front = table('front', {
  'web www 0123456789ab': ['172.18.0.2'],
  'one pair': ['172.18.0.3'],
  'two pair': ['172.18.0.4'],
  '*.apps': ['172.18.0.5'],
  '*.blue.apps exact.apps': ['172.18.0.6'],
  'six both': ['fd00::7'],
  'My.Shop': ['172.18.0.8'],
});
const back = table('Back', { 'db both': ['172.19.0.2'], web: ['172.19.0.3'] });
const secret = table('secret', { 'vault api.example.org': ['172.20.0.2'] });
const zoneTypes = ['NS', 'SOA', 'DS', 'DNSKEY'] as const;
const types = { ...recordType, NS: 2, DS: 43, DNSKEY: 48, TXT: 16, MX: 15, SRV: 33, HTTPS: 65 };

const inside = zone([front, back], { hostTables: [front, back, secret] });

function ask(name: string, type: keyof typeof types = 'A', where: Zone = inside): Explanation {
  return explainAnswer(where, { name, type: types[type], class: 1 });
}

/** `front 172.18.0.2`, or who else answers. */
function told(name: string, type: keyof typeof types = 'A', where: Zone = inside): string {
  const explanation = ask(name, type, where);
  if (explanation.by === 'network') {
    const data = explanation.records.map((record) =>
      record.type === types.PTR ? Buffer.from(record.data).toString('latin1') : formatAddress(fromBytes(record.data)),
    );
    return [explanation.network, ...data].join(' ');
  }
  return explanation.by === 'upstream' ? 'outside' : `${explanation.by}: ${explanation.because}`;
}

test('names, aliases and short ids are known; the first network in the order of the gateways answers', (t) => {
  for (const name of ['web', 'www', '0123456789ab']) t.is(told(name), 'front 172.18.0.2');
  t.is(told('db'), 'back 172.19.0.2');
});

test('a name that several share is all of them', (t) => {
  t.is(told('pair'), 'front 172.18.0.3 172.18.0.4');
});

test('NAME.NETWORK is a name in that network alone; names may have dots and capitals', (t) => {
  t.is(told('web.back'), 'back 172.19.0.3');
  t.is(told('my.shop'), 'front 172.18.0.8');
  t.is(told('my.shop.front'), 'front 172.18.0.8');
  t.is(told('my.shop.elsewhere'), 'outside');
});

test('a wildcard is every name below it, the longer one counts, and a name that is written out before both', (t) => {
  t.is(told('a.apps'), 'front 172.18.0.5');
  t.is(told('a.b.apps'), 'front 172.18.0.5');
  t.is(told('a.blue.apps'), 'front 172.18.0.6');
  t.is(told('exact.apps'), 'front 172.18.0.6');
  t.is(told('apps'), 'outside');
  t.is(told('a.apps.front'), 'front 172.18.0.5');
});

test('a known name that has no record of the type is answered empty, and goes no further', (t) => {
  for (const type of ['AAAA', 'MX', 'SRV', 'TXT', 'HTTPS', 'PTR', ...zoneTypes] as const)
    for (const name of ['web', 'www', '0123456789ab', 'web.front', 'my.shop', 'a.apps'])
      t.is(told(name, type), 'front', `${type} ${name}`);
  t.is(told('six'), 'front');
  t.is(told('six', 'AAAA'), 'front fd00::7');
});

test('a name with one family in each network has both', (t) => {
  t.is(told('both', 'AAAA'), 'front fd00::7');
  t.is(told('both'), 'back 172.19.0.2');
});

test('of another class a known name has nothing', (t) => {
  t.like(explainAnswer(inside, { name: 'web', type: types.TXT, class: 3 }), { by: 'network', records: [] });
});

test('an address has the name of its container and network; addresses of other networks are asked outside', (t) => {
  t.is(told('2.0.18.172.in-addr.arpa', 'PTR'), 'front \x03web\x05front\0');
  t.is(told('2.0.18.172.in-addr.arpa', 'TXT'), 'front');
  t.is(told(`7.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`, 'PTR'), 'front \x03six\x05front\0');
  t.is(told('2.0.20.172.in-addr.arpa', 'PTR'), 'outside');
  t.is(told('nonsense.in-addr.arpa', 'PTR'), 'outside');
});

test('a name of another network is nobody else’s business, whatever is asked about it', (t) => {
  for (const name of ['vault', 'vault.secret'])
    for (const type of ['A', 'AAAA', 'TXT', 'ANY'] as const) t.is(told(name, type), 'silence: elsewhere');
});

test('a container is in no network but its own, which is nobody else’s business either', (t) => {
  for (const name of ['vault.front', 'db.front', 'web.secret', 'my.shop.back'])
    for (const type of ['A', 'AAAA', 'TXT', 'SOA'] as const) t.is(told(name, type), 'silence: absent', name);
  t.is(told('stranger.front'), 'outside');
});

test('the name of a container that is not running stays at home', (t) => {
  const stopped = zone([table('n', { 'web 0123456789ab': [] })]);
  for (const name of ['web', 'web.n']) for (const type of ['A', 'AAAA'] as const) t.is(told(name, type, stopped), 'n');
});

test('an alias of another network that covers a name of the world does not take it away from the others', (t) => {
  t.is(told('api.example.org'), 'outside');
});

test('questions about zones go outside, unless a container is called like one', (t) => {
  for (const type of zoneTypes) {
    for (const name of ['', 'org', 'api.example.org', 'apps']) t.is(told(name, type), 'outside', `${type} ${name}`);
    t.is(told('vault', type), 'silence: elsewhere');
  }
});

test('links are known to their container alone, before all names', (t) => {
  const links = linkTable([{ names: ['web', 'Store'], addresses: [parseAddress('172.18.0.4')] }]);
  const linked = {
    ...inside,
    networks: [
      { table: front, links },
      { table: back, links: new Map() },
    ],
  };
  t.is(told('store', 'A', linked), 'front 172.18.0.4');
  t.is(told('store.front', 'A', linked), 'front 172.18.0.4');
  t.is(told('web', 'A', linked), 'front 172.18.0.4');
  t.is(told('web.back', 'A', linked), 'back 172.19.0.3');
  t.is(told('store'), 'outside');
});

test('with ndots set, unknown names without a dot have no address, and are asked outside for other things', (t) => {
  const dotted = { ...inside, ndots: 1 };
  t.is(told('printer', 'A', dotted), 'silence: ndots');
  t.is(told('printer', 'AAAA', dotted), 'silence: ndots');
  t.is(told('printer', 'TXT', dotted), 'outside');
  t.is(told('example.org', 'A', dotted), 'outside');
  t.is(told('printer'), 'outside');
  t.is(told('', 'A', dotted), 'outside');
});

test('a container in internal networks asks only servers that it reaches itself', (t) => {
  const closed = { ...inside, hasExternalNetwork: false };
  t.is(told('example.org', 'A', closed), 'nobody: internal');
  t.is(told('com', 'NS', closed), 'nobody: internal');
  t.is(told('web', 'A', closed), 'front 172.18.0.2');
  const mixed = { ...closed, upstreams: [upstream('203.0.113.1'), upstream('172.18.0.3', 'container')] };
  const explanation = ask('example.org', 'A', mixed);
  t.deepEqual(explanation, { by: 'upstream', upstreams: [upstream('172.18.0.3', 'container')] });
  t.is(told('example.org', 'A', { ...inside, upstreams: [] }), 'nobody: no-server');
});

test('where names open addresses, nobody is asked who would open them to himself', (t) => {
  const exits: EgressNetwork[] = [plainExit, { ...plainExit, egress: parseEgress(['allow=x.test']) }];
  const all = [upstream('203.0.113.1'), upstream('127.0.0.1', 'container')];
  const asked = (zone: Zone) => reachableUpstreams(zone).map(({ place }) => place);
  t.deepEqual(asked({ ...inside, egressNetworks: exits, upstreams: all }), ['host']);
  t.deepEqual(asked({ ...inside, egressNetworks: exits, upstreams: all, hasExternalNetwork: false }), []);
  t.is(told('x.test', 'A', { ...inside, egressNetworks: exits, upstreams: all.slice(1) }), 'nobody: within');
  for (const policy of ['deny=y.test', 'allow=10.0.0.0/8']) {
    const others = [{ ...plainExit, egress: parseEgress([policy]) }];
    t.deepEqual(asked({ ...inside, egressNetworks: others, upstreams: all }), ['host', 'container'], policy);
  }
});

test('what no way out lets ask for is no name, of whichever type; what a network knows is answered', (t) => {
  const limited = (...texts: string[]): EgressNetwork => ({ ...plainExit, egress: parseEgress(texts) });
  const some = {
    ...inside,
    egressNetworks: [limited('allow=x.test,*.corp.test', 'deny=*.evil.corp.test,bad.corp.test')],
  };
  for (const name of ['x.test', 'a.corp.test', 'b.a.corp.test']) t.is(told(name, 'A', some), 'outside', name);
  const kept = ['y.test', 'a.x.test', 'corp.test', 'xcorp.test', 'bad.corp.test', 'a.evil.corp.test', 'com', ''];
  // One label with a dot in it is none of those below corp.test; one that ends in a backslash is.
  for (const name of [...kept, 'a\\.corp.test', '9.2.0.192.in-addr.arpa'])
    for (const type of ['A', 'TXT', 'PTR', 'NS'] as const) t.is(told(name, type, some), 'silence: egress', name);
  t.is(told('a\\\\.corp.test', 'A', some), 'outside');
  t.is(told('web', 'A', some), 'front 172.18.0.2');
  t.is(told('2.0.18.172.in-addr.arpa', 'PTR', some), 'front \x03web\x05front\0');

  t.is(told('x.test', 'A', { ...inside, egressNetworks: [limited('allow=10.0.0.0/8')] }), 'silence: egress');
  const others = { ...inside, egressNetworks: [limited('deny=10.0.0.0/8,bad.test,*.bad.test')] };
  t.is(told('x.test', 'A', others), 'outside');
  t.is(told('bad.test', 'A', others), 'silence: egress');
  t.is(told('a\\\\.bad.test', 'A', others), 'silence: egress');
  const either = { ...inside, egressNetworks: [limited('allow=x.test'), limited('allow=y.test')] };
  t.deepEqual(
    ['x.test', 'y.test', 'z.test'].map((name) => told(name, 'A', either)),
    ['outside', 'outside', 'silence: egress'],
  );
  t.is(told('z.test', 'A', { ...inside, egressNetworks: [limited('allow=x.test'), plainExit] }), 'outside');
});

test('each explanation is a sentence', (t) => {
  const say = (name: string, type: keyof typeof types = 'A', where = inside) =>
    formatExplanation(name, ask(name, type, where));
  t.is(say('web'), 'gangway answers: web is a name in network front');
  t.is(
    say('web', 'MX'),
    'gangway answers: web is a name in network front, but has no record of this type; not forwarded',
  );
  t.is(
    say('vault'),
    'gangway answers without records: vault belongs to network secret, and the container is not in it',
  );
  t.is(
    say('vault.front'),
    'gangway answers NXDOMAIN: network front has no name vault.front, and names of other networks are not forwarded',
  );
  t.is(
    say('x.test'),
    "forwarded: x.test is not a name in the container's networks; servers: 203.0.113.1 (reached from the host)",
  );
  t.is(
    say('x.test', 'A', { ...inside, egressNetworks: [{ ...plainExit, egress: parseEgress(['allow=y.test']) }] }),
    'gangway answers NXDOMAIN: the egress policy of network front does not allow queries for x.test',
  );
  t.regex(
    say('x.test', 'A', { ...inside, hasExternalNetwork: false }),
    /^gangway answers SERVFAIL: the container has internal networks only/,
  );
});

test('a name too long for a label is no pointer; the next of the container’s names is', (t) => {
  const long = 'x'.repeat(64);
  t.is(
    told('2.0.0.10.in-addr.arpa', 'PTR', zone([table('n', { [`${long} 0123456789ab`]: ['10.0.0.2'] })])),
    'n \x0c0123456789ab\x01n\0',
  );
});
