import test from 'ava';
import { parseProxyArguments } from '../../src/engine/docker-proxy/arguments.ts';
import { formatAddress } from '../../src/values/address.ts';
import { GangwayError } from '../../src/values/errors.ts';
import { formatBinding } from '../../src/values/port-grammar.ts';

const flags = '-proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80';

function read(line: string): string {
  const { forward, bound } = parseProxyArguments(line.split(' '));
  const target = `${formatAddress(forward.target)} ${forward.binding.containerPort}`;
  return `${formatBinding(forward.binding)} ${target}${bound ? ' bound' : ''}`;
}

test('the command line that dockerd writes', (t) => {
  t.is(read(flags), '0.0.0.0:8080/tcp 172.17.0.2 80');
  t.is(read(`${flags} -use-listen-fd`), '0.0.0.0:8080/tcp 172.17.0.2 80 bound');
  t.is(
    read('-proto udp -host-ip :: -host-port 53 -container-ip fd00::2 -container-port 5353'),
    '[::]:53/udp fd00::2 5353',
  );
  t.is(read(`${flags.replace('tcp', 'sctp')} -use-listen-fd`), '0.0.0.0:8080/sctp 172.17.0.2 80 bound');
});

test('flags are written as Go takes them', (t) => {
  t.is(read(flags.replaceAll(' -', ' --')), '0.0.0.0:8080/tcp 172.17.0.2 80');
  t.is(read(flags.replaceAll(/ (?=[^-])/g, '=')), '0.0.0.0:8080/tcp 172.17.0.2 80');
  t.is(read(`${flags} -host-port 9090`), '0.0.0.0:9090/tcp 172.17.0.2 80', 'the last one counts');
  t.is(read(`${flags} -use-listen-fd=false`), '0.0.0.0:8080/tcp 172.17.0.2 80');
  t.is(
    read(`${flags} rest -x`),
    '0.0.0.0:8080/tcp 172.17.0.2 80',
    'behind the first word that is no flag nothing is read',
  );
  t.is(read('-host-port 8080 -container-ip 172.17.0.2 -container-port 80'), '0.0.0.0:8080/tcp 172.17.0.2 80');
});

const without = (name: string) => flags.replace(new RegExp(` -${name} \\S+`), '');

for (const [line, code, message] of [
  [without('host-port'), 'usage', /flag is missing: -host-port/],
  [without('container-ip'), 'usage', /flag is missing: -container-ip/],
  [without('container-port'), 'usage', /flag is missing: -container-port/],
  [`${flags} -host-ip`, 'usage', /flag needs a value: -host-ip/],
  [`${flags} -metrics 1`, 'usage', /unknown flag: -metrics/],
  [`${flags} -host-port 0`, 'invalid-port', /invalid host-port "0"/],
  [`${flags} -host-port 65536`, 'invalid-port', /invalid host-port "65536"/],
  [`${flags} -container-port -1`, 'invalid-port', /invalid container-port "-1"/],
  [`${flags} -container-port 80;reboot`, 'invalid-port', /invalid container-port/],
  [`${flags} -host-ip example.org`, 'invalid-address', /invalid IP address: example\.org/],
  [`${flags} -container-ip $(id)`, 'invalid-address', /invalid IP address/],
  [`${flags} -host-ip 127.0.0.1\n1`, 'invalid-address', /invalid IP address/],
  [`${flags} -proto icmp`, 'invalid-port', /invalid protocol "icmp"/],
  [`${flags} -use-listen-fd=perhaps`, 'invalid-option', /neither true nor false/],
] as const) {
  test(`refused: ${JSON.stringify(line)}`, (t) => {
    const error = t.throws(() => parseProxyArguments(line.split(' ')), { instanceOf: GangwayError, message });
    t.is(error.code, code);
  });
}
