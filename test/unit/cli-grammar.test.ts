import test from 'ava';
import { type Options, parseArguments, UsageError } from '../../src/cli/grammar.ts';

const options = {
  detach: { kind: 'flag', short: 'd', help: '' },
  interactive: { kind: 'flag', short: 'i', help: '' },
  tty: { kind: 'flag', short: 't', help: '' },
  rm: { kind: 'flag', help: '' },
  six: { kind: 'flag', tristate: true, help: '' },
  name: { kind: 'value', help: '' },
  network: { kind: 'value', alias: 'net', help: '' },
  publish: { kind: 'list', short: 'p', help: '' },
} as const satisfies Options;

const read = (line: string, passThrough = true) => parseArguments(options, line.split(' '), passThrough);

const spellings: Record<string, object> = {
  '-p=80:80 x': { publish: ['80:80'] },
  '-p80:80 x': { publish: ['80:80'] },
  '-p 80:80 x': { publish: ['80:80'] },
  '--publish=80:80 --publish 81:81 x': { publish: ['80:80', '81:81'] },
  '-it x': { interactive: true, tty: true, detach: false },
  '-itp 80:80 x': { interactive: true, tty: true, publish: ['80:80'] },
  '--rm x': { rm: true, six: undefined },
  '--six x': { six: true },
  '--six=false x': { six: false },
  '--rm=false x': { rm: false },
  '--rm --rm=0 x': { rm: false },
  '-d=false x': { detach: false },
  '--name=web x': { name: 'web' },
  '--name= x': { name: '' },
  '--name a --name=b=c x': { name: 'b=c' },
  '--name -x x': { name: '-x' },
  '--net none x': { network: 'none' },
  '-- x': { rm: false, name: undefined, publish: [] },
};

for (const [line, expected] of Object.entries(spellings)) {
  test(`parses ${line}`, (t) => {
    const given = read(line);
    t.like(given.options, expected);
    t.deepEqual(given.args, ['x']);
  });
}

test('ends the options at the first argument with passThrough', (t) => {
  t.deepEqual(read('-d sh -c -x --rm -- y').args, ['sh', '-c', '-x', '--rm', '--', 'y']);
  t.deepEqual(read('-d -- -x --rm').args, ['-x', '--rm']);
});

test('accepts options after arguments without passThrough', (t) => {
  const given = read('web --rm other - -d', false);
  t.like(given.options, { rm: true, detach: true });
  t.deepEqual(given.args, ['web', 'other', '-']);
  t.deepEqual(read('web -- --rm', false).args, ['web', '--rm']);
});

const mistakes: Record<string, string> = {
  '--foo': 'unknown flag: --foo',
  '--foo=1': 'unknown flag: --foo',
  '--__proto__': 'unknown flag: --__proto__',
  '-x': "unknown shorthand flag: 'x' in -x",
  '-dx': "unknown shorthand flag: 'x' in -dx",
  '--name': 'flag needs an argument: --name',
  '-p': "flag needs an argument: 'p' in -p",
  '--rm=maybe': 'invalid argument "maybe" for "--rm" flag: write true or false',
  '---rm': 'bad flag syntax: ---rm',
  '--=x': 'bad flag syntax: --=x',
};

for (const [line, message] of Object.entries(mistakes)) {
  test(`rejects ${line}`, (t) => {
    t.is(t.throws(() => read(line), { instanceOf: UsageError, message })?.exitStatus, 125);
  });
}
