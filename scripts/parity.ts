/**
 * Runs the same scenarios in Docker and in gangway, and compares the observations: Debian's dockerd in one lab, gangway in
 * another.
 *
 *     sudo npm run parity                        every scenario
 *     sudo npm run parity -- connect golden\ 08  scenarios whose title or facts contain one of the words
 *     sudo npm run parity -- --format json       for programs
 *     sudo npm run parity -- --write             every scenario; writes docs/parity.md
 *
 * Exits with 1 if an observation is worse than Docker. With all scenarios, also exits with 1 if a fact is compared nowhere,
 * or if an expected difference does not exist.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createLab } from '../src/lab/lab.ts';
import { as29 } from '../test/parity/as-29/index.ts';
import { aside } from '../test/parity/aside.ts';
import { better } from '../test/parity/better.ts';
import { coverage } from '../test/parity/coverage.ts';
import { DockerWorld, missingDocker } from '../test/parity/docker-world.ts';
import { document } from '../test/parity/document.ts';
import { GangwayWorld } from '../test/parity/gangway-world.ts';
import { look } from '../test/parity/look.ts';
import { conditions } from '../test/parity/machine.ts';
import { asJson, type Compared, count, differences, faults, head, row } from '../test/parity/report.ts';
import type { Scenario } from '../test/parity/scenario.ts';
import { scenarios } from '../test/parity/scenarios/index.ts';
import { speed } from '../test/parity/speed.ts';
import { subjects } from '../test/parity/subjects.ts';
import { couldNot, judge, stale } from '../test/parity/verdict.ts';

const options = { format: { type: 'string' }, write: { type: 'boolean' } } as const;
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const reason = process.geteuid?.() === 0 ? missingDocker() : 'it needs root';
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}
const json = values.format === 'json';
const say = (line: string) => json || console.log(line);
execFileSync('scripts/build', { stdio: json ? 'ignore' : 'inherit' });
const whole = positionals.length === 0;
const matches = (text: string) => positionals.some((word) => text.toLowerCase().includes(word.toLowerCase()));
const chosen = scenarios.filter(({ title, cites }) => whole || [title, ...cites].some(matches));
const lists = { as29, better };

say(head());
const all: Compared[] = [];
for (const scenario of chosen) {
  const compared = await compare(scenario);
  all.push(compared);
  say(row(scenario.title, compared));
}
const judged = all.flatMap((compared) => compared.judged);
const covered = coverage(subjects, scenarios, aside);
const unplayed = all.flatMap(({ scenario, lacking }) => (lacking === undefined ? [] : [scenario.title]));
const wrong = whole ? faults(covered, stale(lists, judged, unplayed)) : [];
say(row(`${all.length} scenarios`, { judged }));
say(`${covered.played} facts compared, ${covered.aside} aside, ${covered.open.length} open`);
console.log(json ? asJson(all) : [differences(all), ...wrong].join('\n'));
if (values.write && whole) {
  const findings = { all, covered, asides: aside, speed: await speed(), conditions: conditions() };
  writeFileSync(new URL('../docs/parity.md', import.meta.url), document(findings));
}
process.exitCode = count(judged, 'worse') + wrong.length === 0 ? 0 : 1;

/** Runs a scenario in both programs at once, so that both wait and have the same disturbances. */
async function compare(scenario: Scenario): Promise<Compared> {
  const { needs } = scenario;
  if (needs !== undefined && !(await holds(needs.check))) return { scenario, judged: [], lacking: needs.what };
  const worlds = [() => DockerWorld.start(scenario), () => GangwayWorld.start(scenario)] as const;
  const [docker, gangway] = await Promise.all([inWorld(worlds[0], scenario), inWorld(worlds[1], scenario)]);
  return { scenario, judged: judge(scenario, [docker, gangway], lists) };
}

async function holds(check: string): Promise<boolean> {
  await using lab = await createLab({ name: `parity-needs-${process.pid}` });
  return (await lab.host.exec(['sh', '-euc', check])).exitCode === 0;
}

/** Returns the observations of a scenario. A scenario that fails has one observation with the error. */
async function inWorld(start: () => Promise<DockerWorld | GangwayWorld>, scenario: Scenario) {
  try {
    await using world = await start();
    return await look(world, scenario);
  } catch (error) {
    return [{ what: 'the scenario', value: `${couldNot}be played: ${(error as Error).message}`, milliseconds: 0 }];
  }
}
