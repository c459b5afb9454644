/** `--egress`: what is written is what was read, and what can't be meant is refused with what to write instead. */
import test from 'ava';
import fc from 'fast-check';
import { fromBytes, network, parseAddress } from '../../src/values/address.ts';
import { type EgressEntry, entryFor } from '../../src/values/egress.ts';
import { formatEgress, parseEgress } from '../../src/values/egress-grammar.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { parseNetworkCreate } from '../../src/values/network-grammar.ts';
import { protocols } from '../../src/values/port.ts';
import { parsePort } from '../../src/values/port-grammar.ts';

function read(...texts: readonly string[]): readonly string[] {
  return formatEgress(parseEgress(texts));
}

test('whom an entry means', (t) => {
  t.deepEqual(read('allow=10.0.0.0/8,203.0.113.7:443'), ['allow=10.0.0.0/8,203.0.113.7:443']);
  t.deepEqual(read('allow=[2001:db8::/32]:53/udp,2001:db8::1,fd00::/8'), [
    'allow=[2001:db8::/32]:53/udp,2001:db8::1,fd00::/8',
  ]);
  t.deepEqual(read('deny=[2001:db8::1]', 'allow=203.0.113.7/32:8000-8100/tcp'), [
    'allow=203.0.113.7:8000-8100/tcp',
    'deny=2001:db8::1',
  ]);
  t.deepEqual(read('deny=::/0,::fffe:0:0/96'), ['deny=::/0,::fffe:0:0/96']);
  t.deepEqual(read('allow=10.0.0.0/8,deny=10.1.0.0/16,10.2.0.0/16,allow=fd00::/8'), [
    'allow=10.0.0.0/8,fd00::/8',
    'deny=10.1.0.0/16,10.2.0.0/16',
  ]);
  t.deepEqual(read('allow=Example.COM.:443,*.example.com,_dmarc.example.com,a.b.co', 'deny=*.evil.example'), [
    'allow=example.com:443,*.example.com,_dmarc.example.com,a.b.co',
    'deny=*.evil.example',
  ]);
});

const ports = fc
  .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 65_535 }))
  .map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const at = fc.oneof(
  fc.constant({}),
  fc.record({ ports, protocol: fc.constantFrom(...protocols) }, { requiredKeys: ['ports'] }),
);
const prefix = fc.oneof(
  ...[4, 16].map((size) =>
    fc
      .tuple(fc.uint8Array({ minLength: size, maxLength: size }), fc.nat(8 * size))
      .map(([bytes, length]) => network({ address: fromBytes(bytes), length })),
  ),
);
const addressed = fc.record({ kind: fc.constant('prefix' as const), prefix });
const named = fc.record({
  kind: fc.constant('name' as const),
  name: fc.domain().map((name) => name.toLowerCase()),
  subdomains: fc.boolean(),
});
const entry = (whom: fc.Arbitrary<object>, ports = at): fc.Arbitrary<EgressEntry> =>
  fc.tuple(whom, ports).map(([one, other]) => ({ ...one, ...other }) as EgressEntry);

test('what is written is read back as what it was', (t) => {
  const policy = fc.record({
    allow: fc.array(entry(fc.oneof(addressed, named))),
    deny: fc.array(fc.oneof(entry(addressed), entry(named, fc.constant({})))),
  });
  fc.assert(fc.property(policy, (one) => void t.deepEqual(parseEgress(formatEgress(one)), one)));
});

test('what can’t be meant is refused, with what to write instead', (t) => {
  const refusals: readonly (readonly [text: string, message: RegExp, hint: RegExp])[] = [
    ['10.0.0.0/8', /does not say whether it allows or denies/, /write allow=10.0.0.0\/8 or deny=/],
    ['permit=10.0.0.0/8', /does not say whether it allows or denies/, /write allow=10.0.0.0\/8 or deny=/],
    ['allow=', /"" is neither an address nor a name/, /write 10.0.0.0\/8/],
    ['allow=10.0.0.0/8,,10.1.0.0/16', /"" is neither/, /write/],
    ['allow=10.1.2.3/8', /has host bits set/, /write 10.0.0.0\/8/],
    ['allow=10.0.0.0/33', /is no subnet/, /write/],
    ['allow=10.0.0.0/8/tcp', /is no subnet/, /10.0.0.0\/8:443\/tcp/],
    ['allow=10.0.0', /is neither/, /write/],
    ['allow=10.0.0.256', /is neither/, /write/],
    ['allow=2001:db8::1:443:', /is no address/, /brackets: \[2001:db8::1\]:443/],
    ['allow=[10.0.0.1]:80', /is neither/, /write/],
    ['allow=203.0.113.7:443/icmp', /has no protocol "icmp"/, /tcp, udp or sctp/],
    ['allow=203.0.113.7:443/', /has no protocol ""/, /tcp, udp or sctp/],
    ['allow=203.0.113.7:0', /invalid port "0"/, /1 to 65535/],
    ['allow=203.0.113.7:90-80', /invalid port "90-80"/, /lower port/],
    ['deny=::ffff:10.0.0.0/104', /is what sockets call IPv4/, /write 10.0.0.0\/8$/],
    ['allow=[::ffff:10.0.0.1]:443', /is what sockets call IPv4/, /write 10.0.0.1$/],
    ['allow=all', /is a name without a dot/, /example.com/],
    ['allow=*', /is neither/, /write/],
    ['allow=*.com', /means every name that ends in .com/, /\*.example.com/],
    ['allow=a.*.com', /is neither/, /write/],
    ['allow=exa mple.com', /is neither/, /write/],
    [`allow=${'a'.repeat(64)}.com`, /is neither/, /write/],
    ['deny=example.com:443', /denies a name at some ports/, /write deny=example.com/],
  ];
  for (const [text, message, hint] of refusals) {
    const error = t.throws(() => parseEgress([text]), { instanceOf: GangwayError, message }, text);
    t.regex(error?.hint ?? '', hint, text);
  }
});

test('only who can be held back is given a policy', (t) => {
  const egress = ['allow=10.0.0.0/8'];
  t.deepEqual(parseNetworkCreate({ name: 'n1', egress }).egress, parseEgress(egress));
  for (const driver of ['macvlan', 'ipvlan']) {
    t.throws(() => parseNetworkCreate({ name: 'n1', driver, egress }), { code: 'not-supported' } as object);
  }
  t.throws(() => parseNetworkCreate({ name: 'n1', internal: true, egress }), { code: 'conflicting-options' } as object);
});

test('an entry means an address at its ports, and all that is said to it where it has none', (t) => {
  const { allow } = parseEgress(['allow=10.0.0.0/8:80-81,10.0.0.0/16:53/udp,fd00::/8,example.com']);
  const means = (address: string, port?: string) =>
    entryFor(allow, { address: parseAddress(address), port: port === undefined ? undefined : parsePort(port) }) !==
    undefined;
  t.true(means('10.9.0.1', '80/tcp') && means('10.9.0.1', '81/udp') && means('10.0.9.1', '53/udp'));
  t.false(means('10.9.0.1', '82') || means('10.9.0.1') || means('10.0.9.1', '53/tcp') || means('11.0.0.1', '80'));
  t.true(means('fd00::1') && means('fd00::1', '9/udp'));
});
