/** `gangway exec` */
import { checkExec } from '../../engine/validate-request.ts';
import { present } from '../../values/present.ts';
import type { Execute } from '../command.ts';
import { environmentEntries } from '../container-request.ts';
import type { execOptions } from '../options.ts';
import { requireTerminal, streams } from '../stdio.ts';

export const execute: Execute<typeof execOptions> = async ({ options, words }, context) => {
  const [name = '', ...command] = words;
  const { detach, interactive, tty, user, workdir } = options;
  const request = checkExec({
    command,
    terminal: tty,
    interactive,
    detached: detach,
    environment: environmentEntries(options.env, context.environment),
    privileged: options.privileged,
    ...present({ user, workingDirectory: workdir }),
  });
  requireTerminal(context, tty && !detach);
  const engine = await context.engine();
  if (detach) return await engine.exec(name, request);
  return await engine.exec(name, request, streams(context, interactive || tty));
};
