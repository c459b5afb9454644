/** Commands that end containers or wait for their end: `stop`, `kill`, `restart`, `wait` and `rm`. */
import { GangwayError } from '../../values/errors.ts';
import { present } from '../../values/present.ts';
import { parseSignal } from '../../values/signal.ts';
import type { Execute } from '../command.ts';
import type { killOptions, removeOptions, restartOptions, stopOptions } from '../container-options.ts';
import { parseSeconds } from '../parse-time.ts';
import { forEachName, printError } from '../print-error.ts';

export const stop: Execute<typeof stopOptions> = async ({ options, args }, context) => {
  const stopOptions = present({
    timeoutSeconds: parseSeconds(options.timeout),
    signal: options.signal === undefined ? undefined : parseSignal(options.signal),
  });
  const engine = await context.engine();
  return await forEachName(args, context, async (name) => {
    await engine.stop(name, stopOptions);
    return name;
  });
};

export const kill: Execute<typeof killOptions> = async ({ options, args }, context) => {
  const signal = parseSignal(options.signal ?? 'KILL');
  const engine = await context.engine();
  return await forEachName(args, context, async (name) => {
    await engine.kill(name, signal);
    return name;
  });
};

export const restart: Execute<typeof restartOptions> = async ({ options, args }, context) => {
  const stopOptions = present({ timeoutSeconds: parseSeconds(options.timeout) });
  const engine = await context.engine();
  return await forEachName(args, context, async (name) => {
    await engine.restart(name, stopOptions);
    return name;
  });
};

export const wait: Execute = async ({ args }, context) => {
  const engine = await context.engine();
  return await forEachName(args, context, async (name) => String(await engine.wait(name)));
};

/** With `-f`, a missing container is reported, and the exit status is 0. */
export const rm: Execute<typeof removeOptions> = async ({ options: { force }, args }, context) => {
  const engine = await context.engine();
  return await forEachName(args, context, async (name) => {
    try {
      await engine.remove(name, { force });
      return name;
    } catch (error) {
      if (!(force && error instanceof GangwayError && error.code === 'container-not-found')) throw error;
      printError(error, context);
      return undefined;
    }
  });
};
