/** `gangway unpublish` */
import type { Execute } from '../command.ts';
import type { unpublishOptions } from '../options.ts';
import { givenPorts } from '../parse-ports.ts';

export const execute: Execute<typeof unpublishOptions> = async (given, context) => {
  const { container, ports } = givenPorts('unpublish', given);
  const engine = await context.engine();
  await engine.unpublish(container, ports);
  return 0;
};
