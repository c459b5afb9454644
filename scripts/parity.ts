/**
 * Does the same in Docker and in gangway, and compares what can be seen: Debian's dockerd in one lab, gangway in another.
 *
 *     sudo npm run parity                        every scenario
 *     sudo npm run parity -- connect             those whose title or source contains "connect"
 *     sudo npm run parity -- --format json       for programs
 *
 * Ends with 1 if anything is worse than Docker.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { as29 } from '../test/parity/as-29.ts';
import { better } from '../test/parity/better.ts';
import { DockerWorld, missingDocker } from '../test/parity/docker-world.ts';
import { GangwayWorld } from '../test/parity/gangway-world.ts';
import { look } from '../test/parity/look.ts';
import { asJson, type Compared, count, differences, head, row, speed } from '../test/parity/report.ts';
import type { Scenario } from '../test/parity/scenario.ts';
import { scenarios } from '../test/parity/scenarios/index.ts';
import { judge } from '../test/parity/verdict.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { format: { type: 'string' } } });
const reason = process.geteuid?.() === 0 ? missingDocker() : 'it needs root';
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}
const json = values.format === 'json';
const say = (line: string) => json || console.log(line);
execFileSync('scripts/build', { stdio: json ? 'ignore' : 'inherit' });
const [pattern = ''] = positionals;
const chosen = scenarios.filter(({ title, source }) =>
  `${source} ${title}`.toLowerCase().includes(pattern.toLowerCase()),
);

say(head());
const all: Compared[] = [];
for (const scenario of chosen) {
  const judged = await compare(scenario);
  all.push({ scenario, judged });
  say(row(`${scenario.source}  ${scenario.title}`, judged));
}
const judged = all.flatMap((compared) => compared.judged);
say(row(`${all.length} scenarios`, judged));
console.log(json ? asJson(all) : `${differences(all)}\n${speed(all)}`);
process.exitCode = count(judged, 'worse') === 0 ? 0 : 1;

/** Both worlds at once: most of the time each waits for something, and what disturbs one disturbs the other. */
async function compare(scenario: Scenario) {
  const worlds = [() => DockerWorld.start(scenario), () => GangwayWorld.start(scenario)] as const;
  const [docker, gangway] = await Promise.all([inWorld(worlds[0], scenario), inWorld(worlds[1], scenario)]);
  return judge(scenario, [docker, gangway], { as29, better });
}

/** A scenario that could not be played is an open one: nothing of it is the same. */
async function inWorld(start: () => Promise<DockerWorld | GangwayWorld>, scenario: Scenario) {
  try {
    await using world = await start();
    return await look(world, scenario);
  } catch (error) {
    return [{ what: 'the scenario', value: `could not be played: ${(error as Error).message}`, milliseconds: 0 }];
  }
}
