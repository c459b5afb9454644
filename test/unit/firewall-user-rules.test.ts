/** The owner's rules: what of a line is a comment, and which line is refused. */
import test from 'ava';
import { parseUserRules } from '../../src/firewall/iptables.ts';
import { linesOf, withoutComment } from '../../src/firewall/user-rules.ts';
import { GangwayError } from '../../src/values/errors.ts';

test('a comment begins with the line or behind a blank, and not in a word or in quotes', (t) => {
  const text = [
    '# all of it',
    '  # and this',
    '',
    '-A GANGWAY-USER -m comment --comment ticket#42 -j DROP # since May #7',
    '-A GANGWAY-USER -m comment --comment "see #42, \\"so #43\\"" -j DROP\t# it "is"',
    'ip saddr 192.0.2.1 drop comment "see #42"# of nft',
    'ip saddr 192.0.2.2 drop comment "no end # here',
  ];
  t.deepEqual(linesOf(text.join('\n')).map(withoutComment), [
    '-A GANGWAY-USER -m comment --comment ticket#42 -j DROP',
    '-A GANGWAY-USER -m comment --comment "see #42, \\"so #43\\"" -j DROP',
    'ip saddr 192.0.2.1 drop comment "see #42"# of nft',
    'ip saddr 192.0.2.2 drop comment "no end # here',
  ]);
});

test('a rule of iptables is one of GANGWAY-USER, and no comment takes away where it leads', (t) => {
  const lines = [
    '-A GANGWAY-USER -m comment --comment "#1 -j" -j DROP',
    '-6 -A GANGWAY-USER -g ELSEWHERE',
    '-4 -A GANGWAY-USER -s 192.0.2.1 --jump DROP # in vain: #1',
    '-A GANGWAY-USER -s 192.0.2.2',
    '-A GANGWAY-USER -m comment --comment "to #1 -j DROP"',
    '-A GANGWAY-USER -m comment --comment ticket#42',
  ];
  t.deepEqual(
    parseUserRules(lines, 4).map(({ words }) => words.join(' ')),
    [
      '-m comment --comment "#1 -j" -j DROP',
      '-s 192.0.2.1 --jump DROP',
      '-s 192.0.2.2',
      '-m comment --comment "to #1 -j DROP"',
      '-m comment --comment ticket#42',
    ],
  );
  for (const [line, message] of [
    ['-A INPUT -j DROP', /is no rule of GANGWAY-USER$/],
    ['-A GANGWAY-USER -m comment --comment ticket #42 -j DROP', /does not say what becomes of a packet before its/],
    ['-A GANGWAY-USER -m comment --comment "to -j DROP" # -j DROP', /does not say what becomes of a packet before its/],
  ] as const)
    t.throws(() => parseUserRules([line], 4), { instanceOf: GangwayError, message }, line);
});
