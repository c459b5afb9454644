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
  return await forEachName(args, context, (engine, name) => engine.stop(name, stopOptions));
};

export const kill: Execute<typeof killOptions> = async ({ options, args }, context) => {
  const signal = parseSignal(options.signal ?? 'KILL');
  return await forEachName(args, context, (engine, name) => engine.kill(name, signal));
};

export const restart: Execute<typeof restartOptions> = async ({ options, args }, context) => {
  const stopOptions = present({ timeoutSeconds: parseSeconds(options.timeout) });
  return await forEachName(args, context, (engine, name) => engine.restart(name, stopOptions));
};

export const wait: Execute = async ({ args }, context) => {
  return await forEachName(args, context, async (engine, name) => String(await engine.wait(name)));
};

/** With `-f`, a missing container is reported, and the exit status is 0. */
export const rm: Execute<typeof removeOptions> = async ({ options: { force }, args }, context) => {
  return await forEachName(args, context, async (engine, name) => {
    try {
      return await engine.remove(name, { force });
    } catch (error) {
      if (!(force && error instanceof GangwayError && error.code === 'container-not-found')) throw error;
      printError(error, context);
      return null;
    }
  });
};
