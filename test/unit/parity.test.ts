// Tests the comparison with Docker without Docker: the judgement of differences, and the coverage of facts.
// `npm run parity` runs the comparison itself.
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

test('judges unexpected differences as worse, and missing values of Docker as open', (t) => {
  t.is(verdict('one', 'one'), 'same');
  t.is(verdict('one', 'two'), 'worse');
  t.is(verdict('could not look: no such link', 'two'), 'open');
  t.is(verdict('could not look: no such link', 'could not look: no such link'), 'open');
  t.is(verdict('one', 'could not look: no such link'), 'worse');
});

test('accepts an intended difference only with the expected value', (t) => {
  t.is(verdict('one', 'two', { better: [wanted('one', 'two')] }), 'better');
  t.is(verdict('one', 'three', { better: [wanted('one', 'two')] }), 'worse');
  t.is(verdict('one', 'two', { as29: [{ ...wanted('one', 'two'), cite: '2f' }] }), 'as 29');
  t.is(verdict('one', 'two', { better: [{ ...wanted('one', 'two'), where: /^elsewhere/ }] }), 'worse');
});

test('combines reasons, and judges the result as better if one is better', (t) => {
  const lists = { as29: [{ ...wanted('one', 'two'), cite: '2f' }], better: [wanted('two', 'three')] };
  t.is(verdict('one', 'three', lists), 'better');
});

test('judges an observation of only one world as worse', (t) => {
  t.is(judge({ title: 'scene' }, [seen('one'), []], { as29: [], better: [] })[0]?.verdict.kind, 'worse');
});

test('reports an expectation without a difference as stale', (t) => {
  const lists = { as29: [], better: [wanted('one', 'two'), wanted('never', 'two')] };
  const judged = judge({ title: 'scene' }, [seen('one'), seen('two')], lists);
  t.deepEqual(stale(lists, judged), lists.better.slice(1));
  t.deepEqual(stale(lists, judge({ title: 'scene' }, [seen('two'), seen('two')], lists)), lists.better);
  t.deepEqual(stale(lists, judged, ['scene']), [], 'a scenario that did not run has no stale entries');
});

test('reports facts without a scenario as open, and unknown facts as mistakes', (t) => {
  const scene = { title: 'scene', cites: ['a', 'x', 'behaviour 3'] };
  const covered = coverage(['a', 'b', 'c'], [scene], [{ subjects: ['b', 'a'], why: 'so' }]);
  t.deepEqual(covered.open, ['c']);
  t.deepEqual(covered.mistakes, ['unknown subject x', 'a has a reason and a scenario']);
  t.deepEqual(faults(covered, [wanted('one', 'two')]).length, 4);
});

test('shows the missing feature of a scenario', (t) => {
  t.regex(row('ipvlan', { judged: [], lacking: 'ipvlan' }), /open: this machine lacks ipvlan/);
});

test('covers every fact by a scenario, or by a reason and a test', (t) => {
  const { open, mistakes } = coverage(subjects, scenarios, aside);
  t.deepEqual(mistakes, []);
  t.deepEqual(open, []);
  for (const { heldBy } of aside) t.true(heldBy === undefined || existsSync(heldBy), heldBy);
});

test('has at least 60 scenarios with unique names and observations', (t) => {
  t.true(scenarios.length >= 60, `${scenarios.length}`);
  t.is(new Set(scenarios.map(({ title }) => title)).size, scenarios.length);
  for (const { title, steps } of scenarios) t.true(steps.length > 1, title);
});

test('gives every expectation an observation and a reason, and a section for Docker 29', (t) => {
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

test('writes a page with counts, differences, reasons and open observations', (t) => {
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
    /3 scenarios have 2 observations: 0 the same,\n1 equal to Docker Engine 29 .*, 0 better, 1 worse, 0 open\.\n1 scenarios did not run/,
  );
  for (const line of ['* so it is wanted (behaviour 2f) (1)', '* worse: scene, `answer`', '* there is none: TestX']) {
    t.true(text.includes(`${line}\n`), line);
  }
  t.true(text.includes('| scene | golden 02 |  |  |  |  | lacks ipvlan links |'));
  t.true(text.includes('| network create | 30.0 | 3.00 |  |  |'));
});
