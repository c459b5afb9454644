/** `gangway network prune` */
import { createInterface } from 'node:readline/promises';
import type { NetworkSummary } from '../../engine/engine.ts';
import type { Context, Execute } from '../command.ts';
import { hasLabel } from '../filter.ts';
import { UsageError } from '../grammar.ts';
import type { networkPruneOptions } from '../options.ts';
import { parseMoment } from '../parse-time.ts';
import { complain } from '../print-error.ts';

/** What is in use, and what was always there, stays. */
export const execute: Execute<typeof networkPruneOptions> = async ({ options }, context) => {
  const wanted = parsePruneFilters(options.filter);
  const engine = await context.engine();
  const changes = context.engineOptions.dryRun !== true;
  if (changes && !options.force && !(await confirm(context))) return 0;
  const { removed, failures } = await engine.pruneNetworks(wanted);
  for (const failure of failures) complain(failure, context);
  if (removed.length > 0) context.stdout.write(`Deleted Networks:\n${removed.join('\n')}\n\n`);
  return failures.length === 0 ? 0 : 1;
};

/** Docker's question. Whoever can't be asked has not said yes. */
async function confirm(context: Context): Promise<boolean> {
  context.stderr.write('WARNING! This will remove all networks of your own that no running container uses.\n');
  const question = createInterface({ input: context.stdin(), output: context.stderr });
  const answer = question.question('Are you sure you want to continue? [y/N] ');
  const closed = new Promise<string>((resolve) => question.once('close', () => resolve('')));
  const text = await Promise.race([answer, closed]);
  question.close();
  return /^y(es)?$/i.test(text.trim());
}

/** `until=TIME`, `label=KEY[=VALUE]`, `label!=KEY[=VALUE]`. @throws UsageError */
function parsePruneFilters(texts: readonly string[]): (network: NetworkSummary) => boolean {
  const tests = texts.map((text): ((network: NetworkSummary) => boolean) => {
    const [, key, value = ''] = /^(until|label|label!)=(.+)$/s.exec(text) ?? [];
    if (key === undefined) {
      throw new UsageError(`invalid filter ${JSON.stringify(text)}; write until=TIME, label=KEY or label!=KEY`, 1);
    }
    if (key === 'until') {
      const until = parseMoment(value, '--filter until')?.getTime() ?? 0;
      return ({ createdAt }) => createdAt.getTime() < until;
    }
    return ({ labels }) => hasLabel(labels, value) === (key === 'label');
  });
  return (network) => tests.every((test) => test(network));
}
