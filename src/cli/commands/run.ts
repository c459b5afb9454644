/** Commands that connect to the streams of a container: `run`, `create`, `start`, `attach`, `exec` and `logs`. */
import { GangwayError } from '../../values/errors.ts';
import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import type {
  attachOptions,
  createOptions,
  execOptions,
  logsOptions,
  runOptions,
  startOptions,
} from '../container-options.ts';
import { containerRequest, environmentEntries } from '../container-request.ts';
import { UsageError } from '../grammar.ts';
import { parseTime } from '../parse-time.ts';
import { forEachName } from '../print-error.ts';
import { hasTerminal, requireTerminal, streams, withSignalForwarding, writeAndDrain } from '../stdio.ts';

/**
 * Runs a container in the foreground until it exits, or in the background.
 *
 * Unlike Docker, gangway kills a container in the foreground when its output has no reader any more: `run yes | head -1`
 * exits with 141.
 */
export const run: Execute<typeof runOptions> = async (parsed, context) => {
  const { detach, interactive, tty, 'detach-keys': keys } = parsed.options;
  const request = containerRequest(parsed, context.environment);
  requireTerminal(context, tty && interactive && !detach);
  const engine = await context.engine();
  if (detach) {
    const { id } = await engine.run(request);
    context.stdout.write(`${id}\n`);
    return 0;
  }
  const ends = streams(context, interactive, keys);
  let created: string | undefined;
  return await withSignalForwarding({ engine, name: () => created, terminal: tty }, async () => {
    const { ending } = await engine.run(request, {
      streams: ends,
      onCreated: (id) => {
        created = id;
      },
    });
    return ending;
  });
};

export const create: Execute<typeof createOptions> = async (parsed, context) => {
  const request = containerRequest(parsed, context.environment);
  const engine = await context.engine();
  context.stdout.write(`${await engine.create(request)}\n`);
  return 0;
};

export const start: Execute<typeof startOptions> = async ({ options, args }, context) => {
  const [name = '', ...more] = args;
  const attached = options.attach || options.interactive;
  if (attached && more.length > 0) throw new UsageError('-a and -i take only one container', 1);
  if (attached) {
    const engine = await context.engine();
    const session = () => engine.start(name, streams(context, options.interactive, options['detach-keys']));
    const terminal = await hasTerminal(engine, name);
    return await withSignalForwarding({ engine, name: () => name, terminal }, session);
  }
  return await forEachName(args, context, (engine, each) => engine.start(each));
};

export const attach: Execute<typeof attachOptions> = async ({ options, args: [name = ''] }, context) => {
  const stdin = !options['no-stdin'];
  const engine = await context.engine();
  const session = () => engine.attach(name, streams(context, stdin, options['detach-keys']), { stdin });
  const terminal = await hasTerminal(engine, name);
  return await withSignalForwarding({ engine, name: () => name, terminal }, session);
};

export const exec: Execute<typeof execOptions> = async ({ options, args: [name = '', ...command] }, context) => {
  const { detach, interactive, privileged, tty, user, workdir } = options;
  const request = {
    command,
    terminal: tty,
    interactive,
    detached: detach,
    environment: environmentEntries(options.env, context.environment),
    privileged,
    ...present({ user, workingDirectory: workdir }),
  };
  requireTerminal(context, tty && !detach);
  const engine = await context.engine();
  if (detach) return await engine.exec(name, request);
  return await engine.exec(name, request, streams(context, interactive || tty));
};

export const logs: Execute<typeof logsOptions> = async ({ options, args: [name = ''] }, context) => {
  const { follow, timestamps } = options;
  const range = present({
    tail: parseTail(options.tail),
    since: parseTime(options.since, '--since'),
    until: parseTime(options.until, '--until'),
  });
  const engine = await context.engine();
  for await (const { time, stream, text } of engine.logs(name, { follow, ...range })) {
    const out = stream === 'stdout' ? context.stdout : context.stderr;
    await writeAndDrain(out, timestamps ? `${timestamp(time)} ${text}` : text);
  }
  return 0;
};

/** Formats a time in nanoseconds, as Docker does, though the log has milliseconds. */
function timestamp(time: Date): string {
  return time.toISOString().replace('Z', '000000Z');
}

function parseTail(text: string | undefined): number | undefined {
  if (text === undefined || text === 'all' || /^-\d+$/.test(text)) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new GangwayError('invalid-option', `invalid --tail ${JSON.stringify(text)}`, {
    hint: 'write a number of lines, or all',
  });
}
