/**
 * Tells the story (story.ts) in a lab: runs each step, shows it, and checks what it proves.
 *
 * Nothing sleeps: what takes a moment is asked again until it is so. The first proof that fails ends the walk.
 */
import { resolve } from 'node:path';
import { programEnvironment } from '../src/lab/environment.ts';
import {
  createLab,
  difference,
  type Lab,
  type Place,
  type Result,
  type Snapshot,
  waitFor,
} from '../src/lab/testing.ts';
import { GangwayError } from '../src/values/errors.ts';
import { programs, type Step, story } from './story.ts';

class ProofFailed extends Error {}

const width = 100;
const colored = process.stdout.isTTY === true && !process.env.NO_COLOR;
const style = (code: number) => (text: string) => (colored ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, faint, red, green] = [style(1), style(2), style(31), style(32)];

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Prose, broken between words. */
function paragraph(text: string, indent = '  '): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && indent.length + longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => indent + line).join('\n');
}

/** What of the output belongs to the lesson; a long line goes on below, further in. */
function excerpt({ stdout, stderr }: Result, { shows }: Step): string {
  return `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.trim() !== '' && (shows?.test(line) ?? true))
    .map((line) => `    ${line.replaceAll('\t', '  ').trimEnd()}`)
    .map((line) => (line.length > width ? paragraph(line.trim(), '      ').slice(2) : line))
    .map((line) => `${line}\n`)
    .join('');
}

function proved(sentence: string): void {
  say(`  ${green('✓')} ${paragraph(sentence, '    ').trimStart()}`);
}

function holds({ exitCode, stdout, stderr }: Result, { status = 0, expects }: Step): boolean {
  return exitCode === status && (expects?.test(`${stdout}${stderr}`) ?? true);
}

function failure({ exitCode, stdout, stderr }: Result, { types, proves, status = 0, expects }: Step): string {
  const wanted = expects === undefined ? '' : ` and with output like ${expects}`;
  const output = `${stdout}${stderr}`.trim() || '(no output)';
  return `${proves ?? 'It works.'}\n  ${types}\n  had to end with ${status}${wanted}; it ended with ${exitCode}:\n${output}`;
}

/** Takes one step. What breaks on the way breaks the proof, too. */
async function take(step: Step, lab: Lab): Promise<void> {
  try {
    await show(step, lab.host, lab.place(step.at ?? 'host'));
  } catch (error) {
    if (!(error instanceof GangwayError)) throw error;
    throw new ProofFailed(`${step.proves ?? step.types}\n  ${error.message}`, { cause: error });
  }
}

async function show(step: Step, host: Place, place: Place): Promise<void> {
  const environment = { ...programs, PATH: `/run/bin:${programEnvironment().PATH}` };
  const type = () => place.exec(['sh', '-c', step.types], { environment });
  if (step.says !== undefined) say(`\n${paragraph(step.says)}`);
  say(`  ${faint(`${place.name} $`)} ${bold(step.types)}`);
  if (step.after !== undefined) await host.waitFor(['sh', '-c', step.after]);
  const deadline = performance.now() + (step.patiently ? 5000 : 0);
  let result = await type();
  while (!holds(result, step) && performance.now() < deadline) result = await type();
  process.stdout.write(excerpt(result, step));
  if (!holds(result, step)) throw new ProofFailed(failure(result, step));
  if (step.proves !== undefined) proved(step.proves);
}

/** Compares the machine with what it was. What gangway keeps is its own empty folders, lock files, and crun's cache. */
async function proveNothingLeft(lab: Lab, before: Snapshot): Promise<void> {
  const own =
    /^\+ file \/(run|var\/lib)\/gangway(\/(containers|networks|crun(\/\.cache.*)?|exits|lock|switchboard\.lock))?$/;
  const strange = async () => difference(before, await lab.leftovers()).filter((change) => !own.test(change));
  await waitFor('nothing is left', async () => (await strange()).length === 0).catch(async () => {
    throw new ProofFailed(`Nothing is left.\n${(await strange()).join('\n')}`);
  });
  proved(
    `Nothing is left: the links, addresses, routes, rules, settings, mounts, control groups, files and processes of the whole lab, ${before.length} in all, are those of before. gangway keeps its own empty folders and locks.`,
  );
}

/** `gangway` on the PATH, in the lab's own /run; mount(8)'s folder, which every machine has; the world's server. */
async function prepare(lab: Lab): Promise<Snapshot> {
  await lab.host.run([
    'sh',
    '-c',
    'mkdir -p /run/mount /run/bin; ln -s "$1" /run/bin/gangway',
    'sh',
    resolve('dist/cli/gangway.js'),
  ]);
  await lab.world.serve();
  return await lab.leftovers();
}

async function tell(): Promise<void> {
  const begin = performance.now();
  await using lab = await createLab();
  const before = await prepare(lab);
  say(bold('gangway: Docker’s container networks, step by step on the real kernel'));
  say(
    paragraph(
      'Everything below happens in a lab: a private machine, "host", on a wire to "world", which plays the internet. The machine that you sit at is not touched.',
      '',
    ),
  );
  for (const [index, { title, steps }] of story.entries()) {
    say(`\n${bold(`${index + 1}. ${title}`)}`);
    for (const step of steps) await take(step, lab);
  }
  await proveNothingLeft(lab, before);
  const proofs = story.flatMap(({ steps }) => steps).filter(({ proves }) => proves !== undefined).length + 1;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  say(
    `\n${bold(`All ${proofs} proofs hold, in ${seconds} seconds.`)} Try it yourself: see "Five minutes" in README.md.`,
  );
}

try {
  await tell();
} catch (error) {
  if (!(error instanceof ProofFailed)) throw error;
  say(`  ${red('✗')} ${error.message}`);
  process.stderr.write(`demo: this proof failed: ${error.message.split('\n')[0]}\n`);
  process.exitCode = 1;
}
