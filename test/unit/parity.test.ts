// The comparison with Docker, but for Docker: how differences are judged, and whether every fact is compared somewhere.
// The comparison itself is `npm run parity`.
import { existsSync } from 'node:fs';
import test from 'ava';
import { as29 } from '../parity/as-29/index.ts';
import { aside } from '../parity/aside.ts';
import { better } from '../parity/better.ts';
import { coverage } from '../parity/coverage.ts';
import { document } from '../parity/document.ts';
import { faults, row } from '../parity/report.ts';
import { label } from '../parity/scenario.ts';
import { scenarios } from '../parity/scenarios/index.ts';
import { subjects } from '../parity/subjects.ts';
import { judge, stale, type Wanted } from '../parity/verdict.ts';

const seen = (value: string) => [{ what: 'answer', value, milliseconds: 1 }];
const wanted = (from: string, to: string): Wanted => ({
  where: /^scene: answer$/,
  expected: (docker) => docker.replace(from, to),
  why: 'so it is wanted',
});
const verdict = (docker: string, gangway: string, lists: Partial<Parameters<typeof judge>[2]> = {}) =>
  judge({ title: 'scene' }, [seen(docker), seen(gangway)], { as29: [], better: [], ...lists })[0]?.verdict.kind;

test('what nobody expected to differ is worse, and what Docker could not show is open', (t) => {
  t.is(verdict('one', 'one'), 'same');
  t.is(verdict('one', 'two'), 'worse');
  t.is(verdict('could not look: no such link', 'two'), 'open');
  t.is(verdict('could not look: no such link', 'could not look: no such link'), 'open');
  t.is(verdict('one', 'could not look: no such link'), 'worse');
});

test('a difference that is wanted has the very value that is expected, or it is worse', (t) => {
  t.is(verdict('one', 'two', { better: [wanted('one', 'two')] }), 'better');
  t.is(verdict('one', 'three', { better: [wanted('one', 'two')] }), 'worse');
  t.is(verdict('one', 'two', { as29: [{ ...wanted('one', 'two'), cite: '2f' }] }), 'as 29');
  t.is(verdict('one', 'two', { better: [{ ...wanted('one', 'two'), where: /^elsewhere/ }] }), 'worse');
});

test('reasons add up, and one that is better makes the whole better', (t) => {
  const lists = { as29: [{ ...wanted('one', 'two'), cite: '2f' }], better: [wanted('two', 'three')] };
  t.is(verdict('one', 'three', lists), 'better');
});

test('an observation that only one world has is worse', (t) => {
  t.is(judge({ title: 'scene' }, [seen('one'), []], { as29: [], better: [] })[0]?.verdict.kind, 'worse');
});

test('an expectation that explains no difference is stale: Docker passes its check', (t) => {
  const lists = { as29: [], better: [wanted('one', 'two'), wanted('never', 'two')] };
  const judged = judge({ title: 'scene' }, [seen('one'), seen('two')], lists);
  t.deepEqual(stale(lists, judged), lists.better.slice(1));
  t.deepEqual(stale(lists, judge({ title: 'scene' }, [seen('two'), seen('two')], lists)), lists.better);
  t.deepEqual(stale(lists, judged, ['scene']), [], 'of what was not played nothing is known');
});

test('a fact that nobody plays is open, and what is no fact is a mistake', (t) => {
  const scene = { title: 'scene', cites: ['a', 'x', 'behaviour 3'] };
  const covered = coverage(['a', 'b', 'c'], [scene], [{ subjects: ['b', 'a'], why: 'so' }]);
  t.deepEqual(covered.open, ['c']);
  t.deepEqual(covered.mistakes, ['x is no subject', 'a is excused, and yet played']);
  t.deepEqual(faults(covered, [wanted('one', 'two')]).length, 4);
});

test('a scenario for which the machine lacks something says so', (t) => {
  t.regex(row('ipvlan', { judged: [], lacking: 'ipvlan' }), /open: this machine lacks ipvlan/);
});

test('every fact is compared in a scenario, or stands aside with a reason and a test of ours', (t) => {
  const { open, mistakes } = coverage(subjects, scenarios, aside);
  t.deepEqual(mistakes, []);
  t.deepEqual(open, []);
  for (const { heldBy } of aside) t.true(heldBy === undefined || existsSync(heldBy), heldBy);
});

test('there are 60 scenarios or more, each of its own name, and each looks at something', (t) => {
  t.true(scenarios.length >= 60, `${scenarios.length}`);
  t.is(new Set(scenarios.map(({ title }) => title)).size, scenarios.length);
  for (const { title, steps } of scenarios) t.true(steps.length > 1, title);
});

test('every expectation belongs to an observation, has a reason in one sentence, and a section if it is 29’s', (t) => {
  const places = scenarios.flatMap(({ title, steps }) => steps.map((step) => `${title}: ${label(step)}`));
  for (const { where, why } of [...as29, ...better]) {
    t.true(
      places.some((place) => where.test(place)),
      where.source,
    );
    t.regex(why, /^\S.*[^.]$/);
  }
  for (const { cite } of as29) t.regex(cite, /^\d/);
});

test('the document tells what was compared, what differs and why, and what is left', (t) => {
  const lists = { as29: [{ ...wanted('one', 'two'), cite: '2f' }], better: [] };
  const scenario = { title: 'scene', cites: ['golden 02'], steps: [] };
  const text = document({
    all: [
      { scenario, judged: judge(scenario, [seen('one'), seen('two')], lists) },
      { scenario, judged: judge(scenario, [seen('one'), seen('three')], lists) },
      { scenario, judged: [], lacking: 'ipvlan links' },
    ],
    covered: { played: 1, aside: 1, open: [], mistakes: [] },
    asides: [{ subjects: ['TestX'], why: 'there is none' }],
    speed: [{ work: 'network create', way: 'in process', docker: 30, gangway: 3 }],
    conditions: { date: '2026-01-01', sentence: 'a machine' },
  });
  t.regex(
    text,
    /3 scenarios, 2 observations: 0 the same,\n1 as Docker Engine 29 .*, 0 better, 1 worse, 0 open\.\n1 of the scenarios could not/,
  );
  for (const line of ['* so it is wanted (behaviour 2f) (1)', '* worse: scene, `answer`', '* there is none: TestX']) {
    t.true(text.includes(`${line}\n`), line);
  }
  t.true(text.includes('| scene | golden 02 |  |  |  |  | lacks ipvlan links |'));
  t.true(text.includes('| network create | 30.0 | 3.00 |  |  |'));
});
