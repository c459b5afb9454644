/** `gangway create` */
import type { Execute } from '../command.ts';
import { containerRequest } from '../container-request.ts';
import type { createOptions } from '../run-options.ts';

export const execute: Execute<typeof createOptions> = async (given, context) => {
  const request = containerRequest(given, context.environment);
  const engine = await context.engine();
  context.stdout.write(`${await engine.create(request)}\n`);
  return 0;
};
