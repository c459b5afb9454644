/** The iptables back end: facts as rules, and the chains that they stand in. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { restoreText } from '../../src/firewall/iptables/program.ts';
import { chainsOf, renderRules } from '../../src/firewall/iptables/render.ts';
import { parseRuleset } from '../../src/firewall/iptables/ruleset.ts';
import { SavedRules } from '../../src/firewall/iptables/saved-rules.ts';
import { iptables } from '../../src/firewall/iptables.ts';
import {
  closedTransitElements,
  networkElements,
  networkSets,
  portElements,
  portSets,
} from '../../src/firewall/policy.ts';
import { parseAddress } from '../../src/values/address.ts';
import { parseEgress } from '../../src/values/egress-grammar.ts';
import { formatRule } from '../../src/values/iptables-rule.ts';
import { plainPolicy } from '../support/plain-policy.ts';

const text = readFileSync(new URL('../../src/firewall/iptables/ruleset.rules', import.meta.url), 'utf8');

const policy = {
  ...plainPolicy('gangway0', '172.17.0.1/16', 'fd00::1/64'),
  gatewayModes: { 4: 'nat', 6: 'routed' },
  sourceAddresses: [parseAddress('203.0.113.9')],
  trustedLinks: ['wg0'],
} as const;

function told(rules: ReturnType<typeof renderRules>): readonly string[] {
  return rules.map((rule) => `${rule.family} ${rule.table} ${formatRule(rule, '-I')}`);
}

test('a network is rules in the chains of its families', (t) => {
  t.deepEqual(told(networkElements(policy).flatMap(renderRules)), [
    '4 raw -I GANGWAY-WIRE -i gangway0 -g GANGWAY-BRIDGED',
    '6 raw -I GANGWAY-WIRE -i gangway0 -g GANGWAY-BRIDGED',
    '4 mangle -I GANGWAY-INSIDE -i gangway0 -j MARK --set-xmark 0x10000000/0xffffffff',
    '6 mangle -I GANGWAY-INSIDE -i gangway0 -j MARK --set-xmark 0x10000000/0xffffffff',
    '4 mangle -I GANGWAY-STRANGE -i gangway0 -j RETURN',
    '6 mangle -I GANGWAY-STRANGE -i gangway0 -j RETURN',
    '4 mangle -I GANGWAY-STRANGE -o gangway0 -j RETURN',
    '6 mangle -I GANGWAY-STRANGE -o gangway0 -j RETURN',
    '4 filter -I GANGWAY-FROM -i gangway0 -j GANGWAY-LEAVE',
    '6 filter -I GANGWAY-FROM -i gangway0 -j GANGWAY-LEAVE',
    '4 filter -I GANGWAY-TO -o gangway0 -j GANGWAY-ENTER',
    '6 filter -I GANGWAY-TO -o gangway0 -j GANGWAY-ENTER',
    '4 filter -I GANGWAY-OUTSIDE -o gangway0 -g GANGWAY-ALLOWED',
    '6 filter -I GANGWAY-OUTSIDE -o gangway0 -g GANGWAY-ALLOWED',
    '4 filter -I GANGWAY-OURS -i gangway0 -j ACCEPT',
    '6 filter -I GANGWAY-OURS -i gangway0 -j ACCEPT',
    '4 filter -I GANGWAY-OURS -o gangway0 -j ACCEPT',
    '6 filter -I GANGWAY-OURS -o gangway0 -j ACCEPT',
    '4 filter -I GANGWAY-REDIRECTS -o gangway0 -p icmp -m icmp --icmp-type 5 -j DROP',
    '6 filter -I GANGWAY-REDIRECTS -o gangway0 -p ipv6-icmp -m icmp6 --icmpv6-type 137 -j DROP',
    '4 filter -I GANGWAY-SAME-BRIDGE -i gangway0 -o gangway0 -g GANGWAY-TOGETHER',
    '6 filter -I GANGWAY-SAME-BRIDGE -i gangway0 -o gangway0 -g GANGWAY-TOGETHER',
    '4 filter -I GANGWAY-LEAVE -i gangway0 -g GANGWAY-LEAVE-NAT',
    '4 filter -I GANGWAY-ENTER -o gangway0 -g GANGWAY-ENTER-NAT',
    '4 mangle -I GANGWAY-NAMED -s 172.17.0.0/16 -i gangway0 -j RETURN',
    '4 nat -I GANGWAY-HAIRPIN -s 172.17.0.0/16 -o gangway0 -m conntrack --ctstate DNAT -j MASQUERADE',
    '4 nat -I GANGWAY-STAY -s 172.17.0.0/16 -o gangway0 -j ACCEPT',
    '4 filter -I GANGWAY-INSIDERS ! -s 172.17.0.0/16 -i gangway0 -g GANGWAY-ELSEWHERE',
    '4 filter -I GANGWAY-SIBLINGS -i gangway0 -m conntrack --ctstate RELATED ! --ctorigsrc 172.17.0.0/16 -j DROP',
    '4 filter -I GANGWAY-CLAIMS -s 172.17.0.0/16 -o gangway0 -j DROP',
    '4 filter -I GANGWAY-CLAIMS -o gangway0 -m conntrack --ctorigsrc 172.17.0.0/16 --ctreplsrc 172.17.0.0/16 -j DROP',
    '4 filter -I GANGWAY-ERRORS -i gangway0 -m conntrack --ctorigsrc 172.17.0.0/16 -j RETURN',
    '4 filter -I GANGWAY-ERRORS -i gangway0 -m conntrack --ctreplsrc 172.17.0.0/16 -j RETURN',
    '4 raw -I GANGWAY-PRETENDED -s 172.17.0.0/16 -m rpfilter --invert -j DROP',
    '4 mangle -I GANGWAY-CLAIMED -s 172.17.0.0/16 -j DROP',
    '4 mangle -I GANGWAY-INSIDE -d 172.17.0.0/16 -j MARK --set-xmark 0x10000000/0xffffffff',
    '4 nat -I GANGWAY-OWN-SOURCES -i gangway0 -j SNAT --to-source 203.0.113.9',
    '4 nat -I GANGWAY-SOURCES -i gangway0 -j SNAT --to-source 203.0.113.9',
    ...['tcp', 'udp', 'sctp'].flatMap((protocol) => [
      `4 nat -I GANGWAY-SOURCES -i gangway0 -p ${protocol} -j SNAT --to-source 203.0.113.9:32768-60999`,
      `4 nat -I GANGWAY-SPARE-SOURCES -i gangway0 -p ${protocol} -j SNAT --to-source 203.0.113.9:32768-65535 --random`,
    ]),
    '6 filter -I GANGWAY-LEAVE -i gangway0 -g GANGWAY-LEAVE-ROUTED',
    '6 filter -I GANGWAY-ENTER -o gangway0 -g GANGWAY-ENTER-ROUTED',
    '6 mangle -I GANGWAY-NAMED -s fd00::/64 -i gangway0 -j RETURN',
    '6 nat -I GANGWAY-HAIRPIN -s fd00::/64 -o gangway0 -m conntrack --ctstate DNAT -j MASQUERADE',
    '6 nat -I GANGWAY-STAY -s fd00::/64 -o gangway0 -j ACCEPT',
    '6 filter -I GANGWAY-INSIDERS ! -s fd00::/64 -i gangway0 -g GANGWAY-ELSEWHERE',
    '6 filter -I GANGWAY-SIBLINGS -i gangway0 -m conntrack --ctstate RELATED ! --ctorigsrc fd00::/64 -j DROP',
    '6 filter -I GANGWAY-CLAIMS -s fd00::/64 -o gangway0 -j DROP',
    '6 filter -I GANGWAY-CLAIMS -o gangway0 -m conntrack --ctorigsrc fd00::/64 --ctreplsrc fd00::/64 -j DROP',
    '6 filter -I GANGWAY-ERRORS -i gangway0 -m conntrack --ctorigsrc fd00::/64 -j RETURN',
    '6 filter -I GANGWAY-ERRORS -i gangway0 -m conntrack --ctreplsrc fd00::/64 -j RETURN',
    '6 raw -I GANGWAY-PRETENDED -s fd00::/64 -m rpfilter --invert -j DROP',
    '6 mangle -I GANGWAY-CLAIMED -s fd00::/64 -j DROP',
    '6 mangle -I GANGWAY-INSIDE -d fd00::/64 -j MARK --set-xmark 0x10000000/0xffffffff',
  ]);
});

test('an egress policy is rules about what was asked for, and where it denies, about what is behind it, too', (t) => {
  const limits = ['allow=10.0.0.0/8,[2001:db8::1]:53/udp', 'deny=10.1.2.3,0.0.0.0/0:25-26/tcp'];
  const of = { ...plainPolicy('gangway0', '172.17.0.1/16'), egress: parseEgress(limits) };
  t.deepEqual(
    told(networkElements(of).flatMap(renderRules)).filter((rule) =>
      /-I GANGWAY-(ALLOWED|DENIED|INPUT|LEAVE)/.test(rule),
    ),
    [
      '4 filter -I GANGWAY-INPUT -i gangway0 -g GANGWAY-HOST-LIMITED',
      '6 filter -I GANGWAY-INPUT -i gangway0 -g GANGWAY-HOST-LIMITED',
      '4 filter -I GANGWAY-DENIED -d 10.1.2.3/32 -i gangway0 -j DROP',
      '4 filter -I GANGWAY-DENIED -i gangway0 -m conntrack --ctorigdst 10.1.2.3 -j DROP',
      '4 filter -I GANGWAY-DENIED -i gangway0 -p tcp -m tcp --dport 25:26 -j DROP',
      '4 filter -I GANGWAY-DENIED -i gangway0 -p tcp -m conntrack --ctorigdst 0.0.0.0/0 --ctorigdstport 25:26 -j DROP',
      '4 filter -I GANGWAY-ALLOWED -i gangway0 -m conntrack --ctorigdst 10.0.0.0/8 -j RETURN',
      '6 filter -I GANGWAY-ALLOWED -i gangway0 -p udp -m conntrack --ctorigdst 2001:db8::1 --ctorigdstport 53 -j RETURN',
      '4 filter -I GANGWAY-LEAVE -i gangway0 -g GANGWAY-LEAVE-LIMITED',
    ],
  );
});

test('a port is one rule where it leads to the container, and one for each trusted link', (t) => {
  const port = (host: string, container: string) =>
    told(
      portElements(
        { protocol: 'tcp', hostAddress: parseAddress(host), hostPort: 8080, containerPort: 80 },
        parseAddress(container),
        policy,
      ).flatMap(renderRules),
    );
  t.deepEqual(port('0.0.0.0', '172.17.0.2'), [
    '4 nat -I GANGWAY-PORTS -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
    '4 filter -I GANGWAY-CARRIED -p tcp -m tcp --dport 8080 -j DROP',
    '4 filter -I GANGWAY-TRUSTED -d 172.17.0.2/32 -i wg0 -o gangway0 -p tcp -m tcp --dport 80 -j ACCEPT',
  ]);
  t.is(
    port('203.0.113.1', '172.17.0.2')[0],
    '4 nat -I GANGWAY-HOST-PORTS -d 203.0.113.1/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
  );
  t.deepEqual(port('127.0.0.1', '172.17.0.2'), [
    '4 raw -I GANGWAY-LOOPBACK -d 127.0.0.1/32 -p tcp -m tcp --dport 8080 -j DROP',
  ]);
  t.deepEqual(port('::', 'fd00::2'), [
    '6 filter -I GANGWAY-OPEN -d fd00::2/128 -o gangway0 -p tcp -m tcp --dport 80 -j ACCEPT',
  ]);
});

test('a published port is nobody else’s source, where it could be one', (t) => {
  const sources = (host: string, hostPort: number, containerPort = 80) =>
    told(
      portElements(
        { protocol: 'udp', hostAddress: parseAddress(host), hostPort, containerPort },
        parseAddress('172.17.0.2'),
        policy,
      ).flatMap(renderRules),
    ).filter((rule) => rule.includes('--sport'));
  t.deepEqual(sources('0.0.0.0', 32_767), []);
  t.deepEqual(sources('0.0.0.0', 32_768), [
    '4 nat -I GANGWAY-TAKEN -p udp -m udp --sport 32768 -g GANGWAY-SPARE-SOURCES',
  ]);
  t.deepEqual(sources('203.0.113.1', 60_999), [
    '4 nat -I GANGWAY-TAKEN ! -s 203.0.113.1/32 -p udp -m udp --sport 60999 -g GANGWAY-SPARE-SOURCES',
  ]);
  t.deepEqual(sources('0.0.0.0', 61_000), []);
  t.deepEqual(sources('203.0.113.1', 500, 500), [
    '4 nat -I GANGWAY-OWN-PORTS -s 172.17.0.2/32 -p udp -m udp --sport 500 -g GANGWAY-OWN-SOURCES',
  ]);
});

test('an accepted mark is one rule, with its mask', (t) => {
  const marked = networkElements({ ...policy, acceptedMark: { mark: 1, mask: 3 } }).filter(
    ({ set }) => set === 'accepted_marks',
  );
  t.deepEqual(told(marked.flatMap(renderRules)), [
    '4 filter -I GANGWAY-MARKED -o gangway0 -m mark --mark 0x1/0x3 -j ACCEPT',
    '6 filter -I GANGWAY-MARKED -o gangway0 -m mark --mark 0x1/0x3 -j ACCEPT',
  ]);
});

test('every set has rules, in chains that there are', (t) => {
  const chains = new Set(parseRuleset(text, 4, true).chains.map(({ chain }) => chain));
  for (const set of [...Object.keys(networkSets), ...Object.keys(portSets), 'closed_transit']) {
    const named = chainsOf(set);
    // Asked behind translation, where iptables has no chain.
    t.is(named.length > 0, !set.startsWith('own_host_ports'), set);
    for (const chain of named) t.true(chains.has(chain), `${set}: ${chain}`);
  }
  t.deepEqual(told(closedTransitElements(6).flatMap(renderRules)), ['6 filter -I GANGWAY-TRANSIT -j DROP']);
  t.throws(() => chainsOf('nothing'), { instanceOf: TypeError });
});

test('each family has its own rules, and what needs br_netfilter is left out without it', (t) => {
  const rules = (family: 4 | 6, filter: boolean) =>
    parseRuleset(text, family, filter).rules.map((rule) => formatRule(rule));
  t.true(rules(4, true).some((rule) => rule.includes('--icmp-type 8')));
  t.false(rules(4, true).some((rule) => rule.includes('icmp6')));
  t.true(rules(6, true).some((rule) => rule.includes('--icmpv6-type 128')));
  t.is(rules(6, true).length, rules(6, false).length + 1);
  t.false(rules(6, false).some((rule) => rule.includes('physdev')));
});

test('every way leads from a chain of the kernel to one of ours, and every rule goes where there is something', (t) => {
  for (const family of [4, 6] as const) {
    const { chains, rules, ways } = parseRuleset(text, family, true);
    const names = new Set(chains.map(({ chain }) => chain));
    for (const { rule } of ways) {
      t.false(names.has(rule.chain));
      t.true(names.has(rule.words.at(-1) ?? ''));
    }
    const targets = [...rules, ...ways.map(({ rule }) => rule)].map(
      ({ words }) => words[words.findIndex((word) => word === '-j' || word === '-g') + 1] ?? '',
    );
    for (const target of targets)
      t.true(names.has(target) || /^(ACCEPT|DROP|RETURN|MARK|MASQUERADE)$/.test(target), target);
    t.true(chains.every(({ chain }) => chain.length <= 28));
  }
});

test('the back end’s steps are chains, once a family, and rules', (t) => {
  const backend = iptables('legacy', false);
  t.deepEqual(
    backend.load().map((step) => step.kind === 'chains' && [step.variant, step.family]),
    [
      ['legacy', 4],
      ['legacy', 6],
    ],
  );
  const [first] = backend.stepsFor(closedTransitElements(4), 'why not');
  t.like(first, { kind: 'rule', variant: 'legacy', why: 'why not', in: 'host' });
});

test('what is restored is told table by table', (t) => {
  t.is(
    restoreText([
      { table: 'nat', text: '-A X -j RETURN' },
      { table: 'filter', text: '-D Y -j DROP' },
      { table: 'nat', text: '-A Z -j RETURN' },
    ]),
    '*filter\n-D Y -j DROP\nCOMMIT\n*nat\n-A X -j RETURN\n-A Z -j RETURN\nCOMMIT\n',
  );
});

test('what is saved is read by table, chain and rule', (t) => {
  const saved = new SavedRules('*nat\n:X - [0:0]\n-A X -i a -j RETURN\nCOMMIT\n*filter\n:Y - [1:2]\n-A Y -j DROP\n');
  t.true(saved.hasChain('nat', 'X'));
  t.false(saved.hasChain('filter', 'X'));
  const rule = { family: 4, table: 'nat', chain: 'X', words: ['-i', 'a', '-j', 'RETURN'] } as const;
  t.true(saved.hasRule(rule));
  t.false(saved.hasRule({ ...rule, table: 'filter' }));
  t.deepEqual(saved.rulesIn(4, new Set(['X'])), [rule]);
});

test('what accepts packets before ours, or behind, is found through the chains that it leads to', (t) => {
  const rule = { family: 4, table: 'filter', chain: 'FORWARD', words: ['-j', 'GANGWAY-FORWARD'] } as const;
  const at = (...lines: readonly string[]) =>
    new SavedRules(
      `*filter\n:FORWARD DROP [0:0]\n:NO - [0:0]\n:YES - [0:0]\n:TO-YES - [0:0]\n${lines.map((line) => `-A FORWARD ${line}\n`).join('')}-A NO -j NO\n-A NO -j DROP\n-A TO-YES -g YES\n-A YES -i a -j ACCEPT\n`,
    );
  const ours = '-j GANGWAY-FORWARD';
  t.is(at('-j NO', '-s 192.0.2.1 -j DROP', ours, '-j ACCEPT').acceptsBefore(rule), undefined);
  t.is(at('-j NO', '-j TO-YES', '-i b -j ACCEPT', ours).acceptsBefore(rule), 2);
  t.is(at('-s 192.0.2.1 -j DROP', '-s 192.0.2.1 -j DROP', '-j ACCEPT', ours).acceptsBefore(rule), 3, 'twice is two');
  t.is(at('-j NO', '-j ACCEPT').acceptsBefore(rule), 2, 'what is missing would be the last');
  t.false(at('-j ACCEPT', ours, '-j NO').acceptsBehind(rule));
  t.true(at(ours, '-j NO', '-j TO-YES').acceptsBehind(rule));
});

test('what accepts packets of another mark accepts none of those that a rule is there for', (t) => {
  const rule = { family: 4, table: 'mangle', chain: 'PREROUTING', words: ['-j', 'GANGWAY-SEEN'] } as const;
  const before = (words: string, mark: number) =>
    new SavedRules(`*mangle\n-A PREROUTING -m mark ${words} -j ACCEPT\n-A PREROUTING -j GANGWAY-SEEN\n`).acceptsBefore(
      rule,
      mark,
    );
  t.is(before('! --mark 0x0', 0), undefined);
  t.is(before('! --mark 0x0', 0x10000000), 1);
  t.is(before('! --mark 0x0/0xff', 0x10000000), undefined);
  t.is(before('--mark 0x1', 0), undefined);
  t.is(before('--mark 0x0/0x1', 0), 1);
});

test('who marks packets behind the rule that marks those without a mark is found, up to who accepts them', (t) => {
  const rule = { family: 4, table: 'mangle', chain: 'PREROUTING', words: ['-j', 'GANGWAY-SEEN'] } as const;
  const ours = '-j GANGWAY-SEEN';
  const at = (...lines: readonly string[]) =>
    new SavedRules(
      `*mangle\n:OWN - [0:0]\n${lines.map((line) => `-A PREROUTING ${line}\n`).join('')}-A OWN -j MARK --set-xmark 0x1/0x1\n`,
    );
  const restore = '-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff';
  t.true(at(ours, '-i up0 -j MARK --set-xmark 0x1/0x1').marksBehind(rule, 0));
  t.true(at('-j ACCEPT', ours, '-s 192.0.2.1 -j DROP', restore).marksBehind(rule, 0));
  t.true(at(ours, '-i up0 -j OWN').marksBehind(rule, 0));
  t.false(at('-i up0 -j OWN', restore, ours, '-p tcp -j TOS --set-tos 0x10/0x3f').marksBehind(rule, 0));
  t.false(at(ours, '-i up0 -j ACCEPT', restore).marksBehind(rule, 0), 'what is accepted has to be marked before');
  t.true(at(ours, '-m mark --mark 0x1 -j ACCEPT', restore).marksBehind(rule, 0));
  t.is(at(ours, restore).acceptsFirst(rule, 0), undefined, 'the end');
  t.is(at(ours, restore, '-i up0 -j ACCEPT').acceptsFirst(rule, 0), 2, 'behind the one, before the other');
});
