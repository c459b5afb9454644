/** Runs the steps of a scenario in one world, and returns the observations. */
import type { Result } from '../../src/lab/background.ts';
import { type Names, named, normal, ordered, remember } from './normal.ts';
import { label, type Scenario, type Step } from './scenario.ts';
import { datagram, dig, fetch, ping } from './traffic.ts';
import { couldNot } from './verdict.ts';
import { byName, linksOf, macOf, routesOf, settled } from './view.ts';
import type { World } from './world.ts';

export interface Observation {
  readonly what: string;
  readonly value: string;
  /** Duration of the observation. */
  readonly milliseconds: number;
}

/** Returns all observations of a scenario in their order, including failures. */
export async function look(world: World, scenario: Scenario): Promise<readonly Observation[]> {
  const names: Names = new Map();
  const seen: Observation[] = [];
  for (const step of scenario.steps) {
    const begin = performance.now();
    const value = await see(world, step, names).catch((error: Error) => `${couldNot}look: ${error.message}`);
    const milliseconds = Math.round(performance.now() - begin);
    const plain = normal(value, names);
    const same = step.kind === 'links' ? plain.split('\n').sort(byName).join('\n') : plain;
    seen.push({ what: label(step), value: same, milliseconds });
  }
  return seen;
}

async function see(world: World, step: Step, names: Names): Promise<string> {
  switch (step.kind) {
    case 'command':
      return told(world, splitWords(named(step.line, names)), names);
    case 'at':
      return done(await world.within(step.place, ['sh', '-euc', step.script]));
    case 'serve':
      return world.serve(step.container).then(() => 'ready');
    case 'serveNames':
      return world.serveNames(step.container).then(() => 'ready');
    case 'links':
      return linksOf(world, step.place);
    case 'routes':
      return routesOf(world, step.place);
    case 'mac':
      return macOf(world, step.place);
    case 'file':
      return fileOf(world, step.container, step.path);
    case 'sysctl':
      return (await world.within(step.place, ['sysctl', '-n', step.key])).stdout.trim();
    case 'ping':
      await settled(world, step.from);
      return ping(world, step.from, step.to);
    case 'fetch':
      await settled(world, step.from);
      return fetch(world, step.from, step.to);
    case 'datagram':
      await settled(world, step.from);
      return datagram(world, step.from, step.to);
    case 'dig':
      return dig(world, step.from, step.question);
    case 'asked':
      return world.heardSince().join('\n') || 'nothing';
    case 'inspect':
      return inspected(world, step.what, step.path);
  }
}

/** Returns exit status and output of a command, and whether it printed an error. The text of the error does not matter. */
async function told(world: World, words: readonly string[], names: Names): Promise<string> {
  await world.before(words);
  const { exitCode, stdout, stderr } = await world.run(words);
  remember(names, words, stdout);
  const complaint = stderr.trim() === '' ? '' : ', complains';
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.trimEnd());
  // docker prunes in random order.
  if (words[1] === 'prune') lines.sort();
  return `exit ${exitCode}${complaint}\n${lines.join('\n')}`.trim();
}

/** Splits words at spaces outside of quotes, as in a shell. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

function done({ exitCode, stderr }: Result): string {
  return exitCode === 0 ? 'done' : `${couldNot}be prepared: ${stderr.trim()}`;
}

/** Removes comments, which differ. */
async function fileOf(world: World, container: string, path: string): Promise<string> {
  const { stdout, stderr } = await world.lab.host.exec(['cat', `/proc/${await world.pid(container)}/root${path}`]);
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => !line.startsWith('#') && line.trim() !== '');
  return (path === '/etc/hosts' ? sortedNames(lines) : lines).join('\n');
}

/** Sorts the names of an address, because Docker writes links in random order. */
function sortedNames(lines: readonly string[]): readonly string[] {
  const addressOf = (line: string) => line.split('\t')[0];
  const first = (line: string) => lines.findIndex((other) => addressOf(other) === addressOf(line));
  return lines.toSorted((a, b) => first(a) - first(b) || (a < b ? -1 : 1));
}

async function inspected(world: World, what: string, path: string): Promise<string> {
  const noun = what.startsWith('network ') ? ['network', 'inspect', what.slice('network '.length)] : ['inspect', what];
  const { exitCode, stdout, stderr } = await world.run([...noun, '-f', `{{json ${path}}}`]);
  // Docker prints links in random order.
  const found = exitCode === 0 && path.endsWith('.Links') ? sorted(stdout) : stdout;
  return exitCode === 0 ? ordered(JSON.parse(found)) : `exit ${exitCode}: ${stderr.trim()}`;
}

function sorted(list: string): string {
  const values = JSON.parse(list) as readonly string[] | null;
  return JSON.stringify(values?.toSorted() ?? null);
}
