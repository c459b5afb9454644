/** `gangway run`: create, start, and stay with it until it ends, unless it is to run in the background. */
import type { Engine } from '../../engine/engine.ts';
import { GangwayError, TeardownError } from '../../values/errors.ts';
import type { Execute } from '../command.ts';
import { containerRequest } from '../request.ts';
import type { runOptions } from '../run-options.ts';
import { forwardingSignals, requireTerminal, streams } from '../session.ts';

export const execute: Execute<typeof runOptions> = async (given, context) => {
  const { detach, interactive, tty, 'detach-keys': keys } = given.options;
  const request = containerRequest(given, context.environment);
  requireTerminal(context, tty && interactive && !detach);
  const engine = await context.engine();
  const id = await engine.create(request);
  try {
    if (detach) {
      await engine.start(id);
      context.stdout.write(`${id}\n`);
      return 0;
    }
    const attached = () => engine.start(id, streams(context, interactive, keys));
    return await forwardingSignals(engine, id, tty, attached);
  } catch (error) {
    await withdraw(engine, id, error);
    throw error;
  }
};

/** What could not be started is not left behind. What runs, or has removed itself, stays as it is. */
async function withdraw(engine: Engine, id: string, reason: unknown): Promise<void> {
  try {
    await engine.remove(id);
  } catch (error) {
    const code = error instanceof GangwayError ? error.code : undefined;
    if (code === 'container-running' || code === 'container-not-found') return;
    throw new TeardownError(`container ${id}`, [reason, error]);
  }
}
