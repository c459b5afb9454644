import test from 'ava';
import type { Command } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands.ts';
import { KernelError } from '../../src/values/errors.ts';
import { gangway } from '../support/cli.ts';

test('lists the commands without arguments', async (t) => {
  const { status, stdout, stderr } = await gangway([]);
  t.is(status, 0);
  t.is(stderr, '');
  t.regex(stdout, /^Usage: {2}gangway \[OPTIONS\] COMMAND\n/);
  t.regex(stdout, /\n {2}network {2,}Manage networks\n/);
  t.is((await gangway(['--help'])).stdout, stdout);
  t.is((await gangway(['help'])).stdout, stdout);
});

const rows = commands
  .filter(({ hidden }) => hidden !== true)
  .flatMap((command) => [[command.name], ...(command.commands ?? []).map(({ name }) => [command.name, name])]);

for (const path of rows) {
  test(`shows the help of gangway ${path.join(' ')} without root and without an engine`, async (t) => {
    const { status, stdout, stderr, engineOptions } = await gangway([...path, '--help'], { root: false });
    t.is(status, 0);
    t.is(stderr, '');
    t.true(stdout.startsWith(`Usage:  gangway ${path.join(' ')}`));
    t.is(engineOptions, undefined);
    t.is((await gangway(['help', ...path], { root: false })).stdout, stdout);
  });
}

test('shows an example for every command, in lines of at most 120 characters', async (t) => {
  for (const path of rows) {
    const { stdout } = await gangway([...path, '--help']);
    for (const line of stdout.split('\n')) t.true(line.length <= 120, line);
    if (!stdout.includes('Commands:')) t.true(stdout.includes('Example:\n  '), path.join(' '));
  }
});

test('formats the help of a command as Docker does', async (t) => {
  const { stdout } = await gangway(['network', 'ls', '--help']);
  t.is(
    stdout,
    `Usage:  gangway network ls [OPTIONS]

List networks

Aliases:
  gangway network ls, gangway network list

Example:
  gangway network ls

Options:
  -f, --filter key=value   Filter by dangling, driver, id, label, name, scope or type
      --format string      Format output: json, or a Go template: '{{.Name}}', 'table {{.ID}}\\t{{.Name}}'
      --no-trunc           Don't truncate output
  -q, --quiet              Only display IDs
`,
  );
});

test('suggests similar names for an unknown command', async (t) => {
  const { status, stderr } = await gangway(['rum']);
  t.is(status, 1);
  t.is(stderr, "gangway: 'rum' is not a gangway command; did you mean 'run' or 'rm'?\nSee 'gangway --help'.\n");
  t.deepEqual(await gangway(['help', 'rum']), await gangway(['rum']));
  t.regex((await gangway(['explain', 'rum'])).stderr, /did you mean 'run' or 'rm'\?/);
});

const suggestions: Record<string, string> = {
  'network inspec': "'inspec' is not a command of gangway network; did you mean 'inspect'?",
  'help network inspec': "'inspec' is not a command of gangway network; did you mean 'inspect'?",
  'lab shel': "'shel' is not a command of gangway lab; did you mean 'shell'?",
  'run --nmae web true': "unknown flag: --nmae; did you mean '--name'?",
};

for (const [line, sentence] of Object.entries(suggestions)) {
  test(`suggests a name for gangway ${line}`, async (t) => {
    const { status, stderr } = await gangway(line.split(' '));
    t.is(status, line.includes('--') ? 125 : 1);
    t.true(stderr.startsWith(`gangway: ${sentence}\nSee 'gangway `), stderr);
  });
}

test('shows the help of a group for an unknown command of it', async (t) => {
  const { status, stdout, stderr } = await gangway(['network', 'frob']);
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /^gangway: 'frob' is not a command of gangway network\n\nUsage: {2}gangway network COMMAND\n/);
  t.is((await gangway(['network'])).status, 0);
});

const counts: Record<string, string> = {
  run: '"gangway run" requires at least 1 argument',
  attach: '"gangway attach" requires exactly 1 argument',
  'exec web': '"gangway exec" requires at least 2 arguments',
  'port web 80 81': '"gangway port" accepts at most 2 arguments',
  'ps web': '"gangway ps" accepts no arguments',
};

for (const [line, message] of Object.entries(counts)) {
  test(`shows the usage and exits with 1 for the wrong number of arguments: gangway ${line}`, async (t) => {
    const { status, stderr, calls } = await gangway(line.split(' '));
    const command = line.split(' ')[0];
    t.is(status, 1);
    t.true(
      stderr.startsWith(`gangway: ${message}\nSee 'gangway ${command} --help'.\n\nUsage:  gangway ${command} `),
      stderr,
    );
    t.deepEqual(calls, []);
  });
}

test('rejects a command without root', async (t) => {
  const outcome = await gangway(['run', '-d', 'true'], { root: false });
  t.is(outcome.status, 125);
  t.is(outcome.stderr, 'gangway: root privileges required; run it as `sudo gangway run …`\n');
  t.is(outcome.engineOptions, undefined);
  t.is((await gangway(['ps'], { root: false })).status, 1);
  t.is((await gangway(['run', '--foo'], { root: false })).status, 125);
});

test('explains without root until the kernel refuses a call', async (t) => {
  const run = () => Promise.reject(new KernelError('setns to network namespace', 'EPERM'));
  const { status, stderr } = await gangway(['explain', 'run', '-d', 'true'], { root: false, run });
  t.is(status, 125);
  t.is(stderr, 'gangway: root privileges required; run it as `sudo gangway run …`\n');
  t.regex((await gangway(['explain', 'run', 'true'], { run })).stderr, /setns to network namespace: EPERM/);
});

test('prints the version without root', async (t) => {
  const { status, stdout } = await gangway(['version', '--format', 'json'], { root: false });
  t.is(status, 0);
  t.like(JSON.parse(stdout), { Node: process.versions.node });
  t.regex((await gangway(['--version'], { root: false })).stdout, /^gangway {2}\d+\.\d+\.\d+\n/);
});

test('prints only the plan with explain, from an engine with dryRun', async (t) => {
  const { status, stdout, stderr, engineOptions } = await gangway(['explain', 'run', '-d', 'true']);
  t.is(status, 0);
  t.is(stdout, 'echo run true\n');
  t.is(stderr, '');
  t.like(engineOptions, { dryRun: true });
});

test('prints the plan to stderr with --explain and runs the command', async (t) => {
  const { stdout, stderr, engineOptions } = await gangway(['--explain', 'create', 'true']);
  t.regex(stdout, /^[0-9a-f]{64}\n$/);
  t.is(stderr, 'echo create true\n');
  t.is(engineOptions?.dryRun, undefined);
});

test('prints comments of a script fainter than commands on a terminal', async (t) => {
  const loadExplain = async () => () => '# why\nip link\n';
  const words = ['explain', 'create', 'true'];
  t.is((await gangway(words, { terminal: true, loadExplain })).stdout, '\x1b[2m# why\x1b[0m\nip link\n');
  t.is((await gangway(words, { loadExplain })).stdout, '# why\nip link\n');
});

test('explains usage errors, commands that only read, and commands without a plan', async (t) => {
  const mistake = await gangway(['explain', 'run', '-p', 'abc', 'true'], { root: false });
  t.is(mistake.status, 125);
  t.regex(mistake.stderr, /invalid container port "abc"/);
  t.is((await gangway(['explain', 'network', 'ls'])).stdout, '# gangway network ls only reads; it changes nothing\n');
  t.is((await gangway(['explain', 'lab', 'up'])).status, 1);
  t.is((await gangway(['explain'])).status, 1);
});

test('takes directories from options, or else from the environment', async (t) => {
  const environment = {
    GANGWAY_STATE_DIRECTORY: '/env/state',
    GANGWAY_RUNTIME_DIRECTORY: '/env/run',
    GANGWAY_SEED: 'x',
  };
  t.like((await gangway(['network', 'ls'], { environment })).engineOptions, {
    stateDirectory: '/env/state',
    runtimeDirectory: '/env/run',
    seed: 'x',
  });
  const words = ['--state-directory=/s', '--runtime-directory', '/r', 'network', 'ls'];
  t.like((await gangway(words, { environment })).engineOptions, { stateDirectory: '/s', runtimeDirectory: '/r' });
});

test('passes a warning handler to the engine', async (t) => {
  const { engineOptions, stderr } = await gangway(['network', 'ls']);
  t.is(stderr, '');
  t.is(typeof engineOptions?.onWarning, 'function');
});

test('colours errors on a terminal or with --color always', async (t) => {
  const isColored = async (words: string[], scene = {}) =>
    (await gangway([...words, 'network', 'create'], scene)).stderr.includes('\x1b[');
  t.false(await isColored([]));
  t.true(await isColored([], { terminal: true }));
  t.false(await isColored([], { terminal: true, environment: { NO_COLOR: '1' } }));
  t.true(await isColored(['--color', 'always'], { environment: { NO_COLOR: '1' } }));
  t.false(await isColored(['--color=never'], { terminal: true }));
  t.is((await gangway(['--color', 'pink', 'ps'])).status, 125);
});

test('escapes control characters from outside', async (t) => {
  const { stderr } = await gangway(['ps'], { list: () => Promise.reject(new Error('\x1b[2J\x07')) });
  t.is(
    stderr,
    'gangway: internal error: \\x1b[2J\\x07; set GANGWAY_DEBUG=1 for a stack trace, and report the problem\n',
  );
  t.false((await gangway(['\x1b[2J'])).stderr.includes('\x1b'));
  t.regex(
    (await gangway(['a\ngangway: all is well\u202e'])).stderr,
    /^gangway: 'a\\ngangway: all is well\\u202e' is not/,
  );
  const said = '\x1b[2J\x9b2J\u202e\u2028\u{e0001}';
  const answer = { name: 'db', type: 'TXT', status: 'NOERROR', by: 'upstream', why: '' } as const;
  const queryName = async () => ({ ...answer, records: [said] });
  const asked = ['dns', 'query', 'db', '--from', 'web', '--format'];
  const json = (await gangway([...asked, 'json'], { queryName })).stdout;
  t.true(json.includes('["\\u001b[2J\\u009b2J\\u202e\\u2028\\udb40\\udc01"]'), json);
  t.deepEqual(JSON.parse(json).Records, [said]);
  const inspect = async () => ({ [said]: said });
  for (const words of [[], ['--format', 'json']]) {
    const { stdout } = await gangway(['inspect', ...words, 'web'], { inspect });
    t.regex(stdout, /^[\n -~]+$/, words.join(' '));
    t.like(JSON.parse(stdout), [{ [said]: said }]);
  }
});

test('prints a stack trace only with GANGWAY_DEBUG=1', async (t) => {
  const list = () => Promise.reject(new Error('oops'));
  t.false((await gangway(['ps'], { list })).stderr.includes('    at '));
  t.true((await gangway(['ps'], { list, environment: { GANGWAY_DEBUG: '1' } })).stderr.includes('    at '));
});

/** Required options and arguments. */
const argumentsOf: Record<string, readonly string[]> = {
  'dns query': ['--from', 'web', 'db'],
  events: ['--until', '0s'],
  inspect: ['web'],
  'network inspect': ['bridge'],
  port: ['web'],
  reach: ['outside', 'web'],
  stats: ['--no-stream'],
};

test('renders the example templates in the help of each --format', async (t) => {
  const formatsOf = (rows: readonly Command[], path = ''): readonly (readonly [string, string])[] =>
    rows.flatMap(({ name, options, commands: inner = [] }) => [
      ...(options?.format === undefined ? [] : [[`${path}${name}`, options.format.help] as const]),
      ...formatsOf(inner, `${name} `),
    ]);
  // `lab ls` reads the labs of the host.
  const found = formatsOf(commands).filter(([name]) => name !== 'lab ls');
  t.true(found.length > 10);
  const inspect = async () => ({ Id: '', Name: '/web', Config: {} });
  for (const [name, help] of found) {
    const examples = [...help.matchAll(/'([^']+)'/g)].map(([, example = '']) => example);
    t.is(examples.length, 2, name);
    for (const example of examples) {
      const words = [...name.split(' '), '--format', example, ...(argumentsOf[name] ?? [])];
      t.notRegex((await gangway(words, { inspect })).stderr, /template|unknown|Usage/, words.join(' '));
    }
  }
});
