/** `gangway gc` */
import type { Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import type { garbageOptions } from '../options.ts';
import { formatRows } from '../rows.ts';

export const execute: Execute<typeof garbageOptions> = async ({ options }, context) => {
  const format = await parseListFormat(options.format, layout.headings);
  const engine = await context.engine();
  const removed = await engine.collectGarbage();
  const lines = removed.map(({ what, why }) => `removed ${what}: ${why}\n`);
  const rows = removed.map(({ what, why }) => ({ What: what, Why: why }));
  context.stdout.write(format.kind === 'plain' ? lines.join('') : formatRows(rows, format, layout));
  if (removed.length === 0) context.stderr.write('nothing to remove: everything has an owner\n');
  return 0;
};

const layout = { headings: { What: 'WHAT', Why: 'WHY' }, columns: [] } as const;
