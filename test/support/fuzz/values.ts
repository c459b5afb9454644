/**
 * Values for options: most are correct, some nearly so, and some hostile.
 *
 * The names are those of facts.ts: networks front, six, wire and closed, containers web and db.
 */
import fc from 'fast-check';
import { container, network, networkTexts } from './network-texts.ts';
import { hostile, oneOf, shellWords, type Text, wordOf } from './texts.ts';

const newName = wordOf('new n2 a web a.b a_b 0 .a _a a/b ../x bridge gangway0 container:web a:b');

const count: Text = fc.oneof(
  wordOf('0 1 2 10 100 500 1000 1024 262144 262145 4194305 -1 +1 1.5 1e3 0.5 08'),
  fc.integer().map(String),
  fc.double().map(String),
);
const size: Text = fc.oneof(
  wordOf('64m 6m 1g 1.5g 64M 64mb 0 1 5m -1 1e400 1e9 99999t 64x m .5g'),
  oneOf('64 MiB', '64 m b'),
  fc.double().map((number) => `${number}m`),
);

const path: Text = fc.oneof(
  wordOf(
    '/ /etc /etc/hostname /tmp /nope /etc/../etc etc ./etc ../etc ~/x /dev/null /proc/self/mem /a:b //etc// /etc/hostname/x',
  ),
  oneOf('/a b', '/etc\n', '/etc\0'),
  shellWords.map((text) => `/${text}`),
);
const volume: Text = fc.oneof(
  fc.tuple(path, path).map((parts) => parts.join(':')),
  fc.tuple(path, path, oneOf('ro', 'rw', 'z', '', 'ro:ro', 'RO')).map((parts) => parts.join(':')),
  shellWords.map((text) => `/etc:/${text}`),
  path,
);

const domain = fc.oneof(
  wordOf('example.org example.org. a . .. a..b -a a- EXAMPLE'),
  oneOf('a'.repeat(63), 'a'.repeat(64), `${'a.'.repeat(130)}a`),
);
const time = wordOf(`10 0 -1 42m 1h30m 1.5h 2026-01-02 2026-01-02T13:23:37Z 2026-13-40 999999999999 1e12 5y -5m
  99999999999h 99999999999999999999h 1µs`);
const format = fc.oneof(
  wordOf('json table {{.Name}} {{.ID}} {{json}} {{.Nope}} {{ }} {{len}} {{.Config.Tty}} plain {{.Name}}{{ {{"\\x1b"}}'),
  oneOf(
    'table {{.Name}}\\t{{.ID}}',
    '{{json .}}',
    '{{range .}}',
    '{{printf "%s" 1}}',
    '{{index . "a"}}',
    '{{range .}}{{end}}',
  ),
  oneOf('{{printf "%999999999d" 1}}', '{{index . 1 2 3}}', '{{slice "abc" 9}}', '{{.__proto__}}', '{{.constructor}}'),
);
const environment = fc.oneof(
  wordOf('A=b A A= =b __proto__=x PATH= -A=b TERM ñ=1'),
  oneOf('A B=c', 'A=b\nC=d', 'A=\0'),
  shellWords.map((text) => `A=${text}`),
);
const pair: Text = fc.oneof(
  wordOf('a=b a a= =b a=b=c __proto__=x constructor= ñ=ñ id=a name=web status=running status=nope network=front'),
  wordOf('driver=bridge scope=local type=custom until=1h until=x label=a label!=a=b label='),
  oneOf('A B=c', 'a=\n', 'a=\u001b[2J'),
  shellWords.map((text) => `k=${text}`),
);

/** By option, and where that is not here by what the table of commands calls its value. */
const texts: Readonly<Record<string, Text>> = {
  ...networkTexts,
  signal: wordOf('TERM kill SIGHUP 9 0 64 65 -1 NOPE SIG sigsig 09'),
  hostname: fc.oneof(
    wordOf('host a a.b -a a..b _a . localhost 10.0.0.1'),
    oneOf('a b', 'a'.repeat(64), 'a'.repeat(65)),
  ),
  isolation: wordOf('full network network none FULL'),
  userns: wordOf('host private nope'),
  cpus: fc.oneof(wordOf('1 0.5 1.5 0 0.001 .5 1. 1000 -1 NaN 1e1 1,5'), fc.double().map(String)),
  'dns-option': oneOf('ndots:2', 'ndots:99', 'ndots:-1', 'rotate', 'a b', 'timeout:', 'ndots:1\n'),

  bytes: size,
  capability: wordOf('NET_ADMIN net_admin CAP_NET_ADMIN ALL NOPE cap_ CAP_CAP_KILL'),
  container,
  decimal: count,
  'device:rate': fc.oneof(
    size.map((rate) => `/dev/null:${rate}`),
    wordOf('/dev/null /dev/nope:1mb /etc/hostname:1mb sda:1mb /dev/../etc/hostname:1mb /dev/null:0 :1mb'),
  ),
  domain,
  'key=value': pair,
  keys: wordOf('ctrl-p,ctrl-q a DEL ctrl- ctrl-@ ctrl-1 , ab'),
  lines: wordOf('10 0 all -1 1e9 99999999999 x'),
  name: newName,
  'name=value': environment,
  'name[:group]': fc.oneof(
    wordOf('root 0 0:0 root:root 65534 4294967295 4294967296 -1 0: :0 root:root:root nobody-here 0:nope 1e3'),
    oneOf('a b'),
  ),
  number: count,
  path,
  place: wordOf('host world nope ..'),
  policy: wordOf(
    'no always unless-stopped on-failure on-failure:3 on-failure:-1 on-failure: on-failure:1e9 always:3 on-failure:9999999 No',
  ),
  seconds: count,
  'source:target[:ro]': volume,
  string: format,
  scope: wordOf('local global swarm'),
  time,
  type: wordOf('A AAAA PTR TXT a ANY 999 0 TYPE1'),
  when: wordOf('auto always never sometimes'),
};

/** Of an option whose values nobody wrote down here all are hostile. */
export function valuesOf(name: string, type: string | undefined): Text {
  return orHostile(texts[name] ?? texts[type ?? ''] ?? hostile, 9);
}

function orHostile(text: Text, weight: number): Text {
  return fc.oneof({ weight, arbitrary: text }, { weight: 1, arbitrary: hostile });
}

/** What stands behind the options. */
export const operand = {
  container: orHostile(container, 8),
  network: orHostile(network, 8),
  newNetwork: orHostile(newName, 8),
  command: orHostile(fc.oneof(oneOf('true', 'sh', '-c', 'sleep', '10', 'echo', '--', 'a b'), shellWords), 6),
} as const;
