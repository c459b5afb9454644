import test from 'ava';
import fc from 'fast-check';
import { GangwayError } from '../../src/values/errors.ts';
import {
  parseAlias,
  parseContainerName,
  parseContainerReference,
  parseEnvironmentEntry,
  parseHostname,
  parseLinkName,
  parseNetworkName,
  parseNewLinkName,
  parseUser,
} from '../../src/values/names.ts';
import { formatRestartPolicy, parseRestartPolicy } from '../../src/values/restart.ts';
import { parseSignal } from '../../src/values/signal.ts';

const parsers = {
  parseContainerName,
  parseContainerReference,
  parseNetworkName,
  parseHostname,
  parseLinkName,
  parseNewLinkName,
  parseUser,
};

const namesOfTheKernel = ['lo', 'all', 'default'];

for (const [name, parse] of Object.entries(parsers)) {
  test(`${name} lets no character through that means something to a shell, a path or a rule`, (t) => {
    const hostile = fc.constantFrom(...' \t\n\r\0/\\\'"`$&|;<>(){}[]*?!#~@%^=+,', '\x1b', 'é', '\u2028');
    const piece = fc.stringMatching(/^[a-zA-Z0-9_.-]{0,6}$/);
    fc.assert(
      fc.property(piece, hostile, piece, (before, character, after) => {
        t.throws(() => parse(`${before}${character}${after}`), { instanceOf: GangwayError });
      }),
    );
  });

  test(`${name} takes no option, no dots and nothing empty`, (t) => {
    for (const text of ['', '-', '-x', '--help', '.', '..', '.hidden', 'web\n', '\nweb', 'x'.repeat(300)]) {
      t.throws(() => parse(text), { instanceOf: GangwayError }, JSON.stringify(text));
    }
  });

  test(`${name} returns what it takes`, (t) => {
    const text = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{1,13}$/).filter((each) => !namesOfTheKernel.includes(each));
    fc.assert(fc.property(text, (each) => t.is(parse(each), each)));
  });
}

test('a container name has two characters, a reference may have one', (t) => {
  t.throws(() => parseContainerName('w'), { message: 'invalid container name "w"' });
  t.is(parseContainerReference('7'), '7');
});

test('interface names have 15 characters at most', (t) => {
  t.is(parseLinkName('abcdefghijklmno'), 'abcdefghijklmno');
  t.throws(() => parseLinkName('abcdefghijklmnop'), { instanceOf: GangwayError });
});

test('a link that is to be made has a name of its own', (t) => {
  t.is(parseNewLinkName('br0'), 'br0');
  for (const text of namesOfTheKernel) t.throws(() => parseNewLinkName(text), { code: 'invalid-name' });
});

test('an alias may stand for all names below it', (t) => {
  for (const text of ['db', 'db.test', '*.db', '_x']) t.is(parseAlias(text), text);
  for (const text of ['', '*', '*.', '**.db', 'a*', '*.*.db', '-x', 'a b'])
    t.throws(() => parseAlias(text), { code: 'invalid-name' });
});

test('hostnames as Docker takes them', (t) => {
  t.is(parseHostname('a_b.'), 'a_b.');
  t.throws(() => parseHostname('x'.repeat(65)), { instanceOf: GangwayError });
});

test('environment entries have a name, and any value without NUL', (t) => {
  t.is(parseEnvironmentEntry('A=b=c $(x)\nsecond line'), 'A=b=c $(x)\nsecond line');
  t.is(parseEnvironmentEntry('EMPTY='), 'EMPTY=');
  for (const text of ['', '=x', 'A', 'A\0=x', 'A=\0', 'A B=x', '-e=x']) {
    t.throws(() => parseEnvironmentEntry(text), { instanceOf: GangwayError }, JSON.stringify(text));
  }
});

test('a user is a name or a number, and so is its group', (t) => {
  for (const text of ['0', '1000:1000', 'www-data', 'www-data:33']) t.is(parseUser(text), text);
  for (const text of ['a:b:c', ':0', '0:', '-1']) t.throws(() => parseUser(text), { instanceOf: GangwayError });
});

test('restart policies', (t) => {
  for (const text of ['no', 'always', 'unless-stopped', 'on-failure', 'on-failure:3']) {
    t.is(formatRestartPolicy(parseRestartPolicy(text)), text);
  }
  t.deepEqual(parseRestartPolicy('on-failure:3'), { kind: 'on-failure', maximumRetries: 3 });
  t.deepEqual(parseRestartPolicy('on-failure:0'), { kind: 'on-failure' }, 'no limit, as in Docker');
  for (const text of ['sometimes', 'on-failure:', 'on-failure:-1', 'always:3', 'toString']) {
    t.throws(() => parseRestartPolicy(text), { instanceOf: GangwayError });
  }
});

test('signals by name and by number', (t) => {
  for (const text of ['TERM', 'term', 'SIGTERM', '15']) t.is(parseSignal(text), 'SIGTERM');
  t.is(parseSignal('34'), '34');
  for (const text of ['', '0', '65', '-9', 'NOPE', 'toString']) {
    t.throws(() => parseSignal(text), { instanceOf: GangwayError });
  }
});
