/** Whatever is typed: a sentence or a request, never a stack trace, and never a request that was not asked for. */
import test from 'ava';
import fc from 'fast-check';
import type { ContainerRequest } from '../../src/values/container.ts';
import { gangway, type Outcome } from '../support/cli.ts';

const commands = [
  'run',
  'create',
  'start',
  'ps',
  'exec',
  'attach',
  'logs',
  'stop',
  'kill',
  'restart',
  'wait',
  'rm',
  'inspect',
  'port',
  'network',
  'gc',
  'explain',
  'help',
  'version',
];
const flags = [
  '-d',
  '-it',
  '--rm',
  '--init',
  '--name',
  '--network',
  '-p',
  '-P',
  '--expose',
  '--rootfs',
  '--isolation',
  '--hostname',
  '--user',
  '-e',
  '-w',
  '-v',
  '--restart',
  '--cpus',
  '--cpu-shares',
  '--memory',
  '--pids-limit',
  '--device-read-bps',
  '--blkio-weight',
  '--userns',
  '--cap-add',
  '--cap-drop',
  '--read-only',
  '-f',
  '-n',
  '-t',
  '-s',
  '--filter',
  '--format',
  '--explain',
  '--color',
  '--state-directory',
  '--',
  '-',
  '--=',
  '-=',
  '--help',
];
const values = [
  '80',
  '8080:80',
  '127.0.0.1:80:80/udp',
  '1-65535:1-65535',
  '[::1]:80:80',
  '64m',
  '1.5',
  '0',
  '-1',
  'NaN',
  '1e9',
  '/etc:/mnt:ro',
  '../..',
  '$(reboot)',
  "';",
  '\u0000',
  '\u001b[2J',
  '\ud800',
  '__proto__',
  'constructor',
  'web',
  'bridge',
  'on-failure:3',
  'always',
  'NET_ADMIN',
  '/dev/sda:1mb',
  '0:0',
  '{{.Name}}',
  'table {{json .}}',
  '{{range',
];

const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...flags) },
  { weight: 4, arbitrary: fc.constantFrom(...values) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...flags), fc.constantFrom(...values)).map((both) => both.join('=')),
  },
);

const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 1500) };

function sound({ status, stderr }: Outcome): boolean {
  const known = [0, 1, 64, 125, 126, 127].includes(status);
  const plain = !/internal error|\n {4}at |TypeError|undefined|\[object/.test(stderr) && !stderr.includes('\u001b[2J');
  return known && plain && (status === 0 || stderr.length > 0);
}

test('any words: a known exit status, and a sentence where it is not 0', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...commands), fc.array(word, { maxLength: 8 }), async (command, words) =>
      sound(await gangway([command, ...words])),
    ),
    runs,
  );
  t.pass();
});

const name = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

test('a request that reaches the engine holds nothing that a kernel, a file or a shell could misread', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 8 }), async (words) => {
      const { calls } = await gangway(['run', ...words, 'true']);
      for (const [method, request] of calls) if (method === 'run') clean(request as ContainerRequest);
    }),
    runs,
  );
  t.pass();
});

function clean(request: ContainerRequest): void {
  // No program was ever given a word with a zero byte: execve(2) ends words with it.
  const { publish, limits, command: _, ...rest } = request;
  for (const text of strings(rest)) if (text.includes('\0')) throw new Error(`a zero byte in ${JSON.stringify(text)}`);
  const { network } = request;
  const networks = network.kind === 'networks' ? network.connections.map((connection) => connection.network) : [];
  for (const chosen of [request.name, ...networks])
    if (chosen !== undefined && !name.test(chosen)) throw new Error(`the name ${JSON.stringify(chosen)}`);
  for (const { containerPort, hostPort } of publish)
    for (const range of [containerPort, hostPort])
      if (range !== undefined && !(range.first >= 0 && range.first <= range.last && range.last <= 65_535))
        throw new Error(`the ports ${JSON.stringify(range)}`);
  for (const number of Object.values(limits).filter((value) => typeof value === 'number'))
    if (!Number.isSafeInteger(number)) throw new Error(`the limit ${number}`);
  for (const { source, target } of request.volumes)
    if (!source.startsWith('/') || !target.startsWith('/')) throw new Error(`the volume ${source}:${target}`);
}

function strings(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}
