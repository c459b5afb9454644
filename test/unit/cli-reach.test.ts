import test from 'ava';
import type { Engine, ReachWay } from '../../src/engine/engine.ts';
import { parseAddress } from '../../src/values/address.ts';
import { parsePort } from '../../src/values/port-grammar.ts';
import { gangway } from '../support/cli.ts';

const open: ReachWay = {
  address: parseAddress('203.0.113.1'),
  port: parsePort('8080'),
  answer: {
    outcome: 'reached',
    where: { kind: 'container', container: 'web', address: parseAddress('172.17.0.2'), port: parsePort('80') },
    seen: parseAddress('203.0.113.2'),
    way: [{ at: 'from_outside', sentence: 'published: 0.0.0.0:8080/tcp leads to 172.17.0.2:80/tcp' }],
  },
};
const closed: ReachWay = {
  address: parseAddress('172.17.0.2'),
  answer: { outcome: 'dropped', reason: { decision: 'not-published', sentence: 'the port is not published' }, way: [] },
};
const answering = (...ways: readonly ReachWay[]): Partial<Engine> => ({ reach: async () => ways });

test('prints each address with its steps, and exits with 0 if one is reachable', async (t) => {
  const { status, stdout, calls } = await gangway(['reach', 'outside', 'web:80'], answering(open, closed));
  t.is(status, 0);
  t.is(
    stdout,
    `yes  203.0.113.1:8080/tcp reaches web at 172.17.0.2:80/tcp, which sees the client’s own address
       from_outside: published: 0.0.0.0:8080/tcp leads to 172.17.0.2:80/tcp
no   172.17.0.2, ping: the port is not published
`,
  );
  t.deepEqual(calls, [['reach', { from: 'outside', to: 'web', port: 80, protocol: 'tcp', probe: false }]]);
});

test('passes the mark to the engine', async (t) => {
  for (const [text, mark] of [
    ['0x80000005', 0x80000005],
    ['16', 16],
  ] as const) {
    const { calls } = await gangway(['reach', 'outside', 'web', '--mark', text], answering(open));
    t.deepEqual(calls, [['reach', { from: 'outside', to: 'web', mark, probe: false }]]);
  }
});

test('exits with 1 if no address is reachable, or if there is none', async (t) => {
  t.is((await gangway(['reach', 'db', 'web'], answering(closed))).status, 1);
  const { status, stderr } = await gangway(['reach', 'db', 'web'], answering());
  t.is(status, 1);
  t.is(stderr, 'gangway: web is not connected to a network, so it has no address\n');
});

test('exits with 2 if a probe contradicts the prediction', async (t) => {
  const silent = { ...open, proof: { outcome: 'silent', agrees: 'no' } } as const;
  const { status, stdout, stderr } = await gangway(['reach', '--probe', 'db', 'web:80'], answering(silent));
  t.is(status, 2);
  t.regex(stdout, /^ {7}probe: no answer, which contradicts the rules$/m);
  t.regex(stderr, /^the probe contradicts gangway’s rules/);
  const unknown = { ...open, proof: { outcome: 'silent', agrees: 'unknown' } } as const;
  t.is((await gangway(['reach', '--probe', 'db', 'web:80'], answering(unknown))).status, 0);
});

test('prints JSON, and renders a template', async (t) => {
  const { stdout } = await gangway(['reach', 'outside', 'web', '--format', 'json'], answering(open, closed));
  const [first, second] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.like(first, { Reached: 'yes', Port: '8080/tcp', Destination: 'web at 172.17.0.2:80/tcp', Seen: '203.0.113.2' });
  t.like(second, { Reached: 'no', Port: 'ping', Decision: 'not-published', Why: 'the port is not published' });
  t.is((await gangway(['reach', 'a1', 'web', '--format', '{{.Port}}'], answering(closed))).stdout, 'ping\n');
});

test('rejects invalid options before it calls the engine', async (t) => {
  for (const [words, message] of [
    [['web', 'db', '--protocol', 'dccp'], /--protocol/],
    [['web', 'db:80', '--protocol', 'icmp'], /a ping has no port/],
    [['web', 'db:0'], /invalid port "0"/],
    [['web', 'db', '--mark', '0x1/0x3'], /--mark "0x1\/0x3": a packet has a mark, and no mask/],
    [['web', 'db', '--mark', '1e3'], /--mark "1e3": no mark of 32 bits; write 0x1$/m],
    [['web', 'db', '--mark', '0'], /0 is the mark of all that nobody has marked/],
    [['web', 'db', '--mark', '0x10000001'], /gangway’s own mark/],
  ] as const) {
    const { status, stderr, calls } = await gangway(['reach', ...words]);
    t.is(status, 125);
    t.regex(stderr, message);
    t.deepEqual(calls, []);
  }
});
