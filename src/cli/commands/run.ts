/**
 * `gangway run`: make a container and stay with it until it ends, unless it is to run in the background.
 *
 * Unlike Docker's, a container in the foreground ends when nobody reads its output any more: `run yes | head -1` gives
 * back the prompt, the status 141, and leaves nothing.
 */
import type { Execute } from '../command.ts';
import { containerRequest } from '../container-request.ts';
import type { runOptions } from '../run-options.ts';
import { forwardingSignals, requireTerminal, streams } from '../stdio.ts';

export const execute: Execute<typeof runOptions> = async (given, context) => {
  const { detach, interactive, tty, 'detach-keys': keys } = given.options;
  const request = containerRequest(given, context.environment);
  requireTerminal(context, tty && interactive && !detach);
  const engine = await context.engine();
  if (detach) {
    const { id } = await engine.run(request);
    context.stdout.write(`${id}\n`);
    return 0;
  }
  const ends = streams(context, interactive, keys);
  let created: string | undefined;
  return await forwardingSignals({ engine, name: () => created, terminal: tty }, async () => {
    const { ending } = await engine.run(request, {
      streams: ends,
      onCreated: (id) => {
        created = id;
      },
    });
    return ending;
  });
};
