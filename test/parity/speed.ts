/**
 * Measures operations on networks, as whole commands and in a running process. Docker and gangway take turns, so that a
 * disturbance affects both.
 */
import { median } from '../../bench/statistics.ts';
import type { Background } from '../../src/lab/background.ts';
import { waitFor } from '../../src/lab/wait.ts';
import { DockerWorld } from './docker-world.ts';
import { GangwayWorld } from './gangway-world.ts';
import type { Scenario } from './scenario.ts';
import { typescriptProgram, type World } from './world.ts';

export interface Speed {
  readonly work: string;
  readonly way: 'whole command' | 'in process';
  /** Medians in milliseconds. */
  readonly docker: number;
  readonly gangway: number;
}

const scenario: Scenario = { title: 'speed', cites: [], steps: [] };
const words = {
  create: ['network', 'create', 'whole'],
  connect: ['network', 'connect', 'whole', 'web'],
  disconnect: ['network', 'disconnect', 'whole', 'web'],
  rm: ['network', 'rm', 'whole'],
} as const;
const works = ['create', 'connect', 'disconnect', 'rm'] as const;
type Work = (typeof works)[number];

/** One side: runs an operation and returns its milliseconds. */
interface Side {
  readonly whole: (work: Work) => Promise<number>;
  readonly inside: (work: Work) => Promise<number>;
}

export async function speed(rounds = 15): Promise<readonly Speed[]> {
  await using docker = await DockerWorld.start(scenario);
  await using gangway = await GangwayWorld.start(scenario);
  const sides = { docker: await side(docker, 'docker'), gangway: await side(gangway, 'gangway') };
  const found: Speed[] = [];
  for (const way of ['whole', 'inside'] as const) {
    const samples = works.map((work) => ({ work, docker: [] as number[], gangway: [] as number[] }));
    // The first round does not count: it loads programs.
    for (let round = -1; round < rounds; round++) {
      for (const sample of samples) {
        for (const name of ['docker', 'gangway'] as const) {
          const taken = await sides[name][way](sample.work);
          if (round >= 0) sample[name].push(taken);
        }
      }
    }
    for (const sample of samples) {
      found.push({
        work: `network ${sample.work}`,
        way: way === 'whole' ? 'whole command' : 'in process',
        docker: median(sample.docker),
        gangway: median(sample.gangway),
      });
    }
  }
  return found;
}

async function side(world: World, name: 'docker' | 'gangway'): Promise<Side> {
  const must = async (argv: readonly string[]) => {
    const { exitCode, stderr } = await world.run(argv);
    if (exitCode !== 0) throw new Error(`${name} ${argv.join(' ')}: ${stderr}`);
  };
  await must(['network', 'create', 'home']);
  await must(['run', '-d', '--name', 'web', '--network', 'home', 'IMAGE', 'sleep', '1000']);
  const program = world.lab.host.spawn([...typescriptProgram('speed-main.ts'), name]);
  await program.waitForOutput(/^ready$/m, { timeoutMilliseconds: 60_000 });
  let told = 0;
  return {
    whole: async (work) => {
      const begin = performance.now();
      await must(words[work]);
      return performance.now() - begin;
    },
    inside: async (work) => {
      program.stdin.write(`${work}\n`);
      return await nextTime(program, told++);
    },
  };
}

async function nextTime(program: Background, already: number): Promise<number> {
  const times = () => [...program.stdout.matchAll(/^took (.+)$/gm)].map(([, time]) => Number(time));
  const news = async () => {
    if (program.stderr !== '') throw new Error(program.stderr.trim());
    return times().length > already;
  };
  await waitFor('the next piece of work is done', news, { timeoutMilliseconds: 60_000 });
  return times()[already] ?? Number.NaN;
}
