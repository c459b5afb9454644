/** Runs command lines in this process, on captured streams and a fake engine. */
import { Readable, Writable } from 'node:stream';
import { main, type Surroundings } from '../../src/cli/main.ts';
import type { Engine, EngineOptions } from '../../src/engine/engine.ts';
import type { ContainerRequest } from '../../src/values/container.ts';
import { type Call, fakeEngine } from './fake-engine.ts';

/** Surroundings of a command that differ from the default, and methods of the fake engine. Default: root, no terminal. */
export interface Scene extends Partial<Engine>, Partial<Pick<Surroundings, 'loadExplain' | 'createEngine'>> {
  readonly root?: boolean;
  readonly terminal?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly Call[];
  /** Options of the engine; undefined if the command created none. */
  readonly engineOptions: EngineOptions | undefined;
}

/** Runs `gangway WORDS…`. Each `create` and `run` of the engine has a plan, formatted as `echo SUBJECT`. */
export async function gangway(words: readonly string[], scene: Scene = {}): Promise<Outcome> {
  const { root = true, terminal = false, environment = {}, loadExplain = echo, createEngine, ...overrides } = scene;
  const { engine, calls } = fakeEngine(overrides);
  const [stdout, stderr] = [capture(), capture()];
  let engineOptions: EngineOptions | undefined;
  const status = await main(words, {
    stdin: () => Object.assign(Readable.from([]), { isTTY: terminal }) as unknown as NodeJS.ReadStream,
    stdout: Object.assign(stdout.stream, { isTTY: terminal }),
    stderr: Object.assign(stderr.stream, { isTTY: terminal }),
    environment,
    root,
    loadExplain,
    createEngine: async (options) => {
      engineOptions = options;
      return (await createEngine?.(options)) ?? announcing(engine, options);
    },
  });
  return { status, stdout: stdout.text(), stderr: stderr.text(), calls, engineOptions };
}

const echo: Surroundings['loadExplain'] = async () => (plan) => `echo ${plan.subject}\n`;

function announcing(engine: Engine, { onPlan }: EngineOptions): Engine {
  const announce = (verb: string, { command }: ContainerRequest) =>
    onPlan?.({ subject: `${verb} ${command.join(' ')}`, direction: 'make', steps: [] });
  return {
    ...engine,
    create: (request) => {
      announce('create', request);
      return engine.create(request);
    },
    run: (request, options) => {
      announce('run', request);
      return engine.run(request, options);
    },
  };
}

function capture() {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}
