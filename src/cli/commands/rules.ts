/** `gangway rules`: shows firewall rules, their reasons and their state in the kernel. */
import type { FirewallRule, RuleState, RulesAt } from '../../engine/engine.ts';
import { type Palette, palette } from '../color.ts';
import type { Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import { formatList, type Layout } from '../list-output.ts';
import type { rulesOptions } from '../options.ts';
import { printable } from '../printable.ts';

export const rules: Execute<typeof rulesOptions> = async ({ options, args: [subject] }, context) => {
  const { stdout, stderr } = context;
  const format = await parseListFormat(options.format, layout);
  const engine = await context.engine();
  const places = await engine.rules(subject);
  const colors = palette(stdout, context.color ?? 'auto', context.environment);
  const plain = places.map((place) => paragraph(place, colors)).join('\n');
  stdout.write(formatList(places.flatMap(rows), format, layout, plain));
  if (places.length === 0) stderr.write(`gangway: ${noRules(subject)}\n`);
  return 0;
};

function noRules(subject: string | undefined): string {
  return subject === undefined ? 'no rules: no container has used a network yet' : `no rules for ${printable(subject)}`;
}

const marks = { present: 'present', missing: 'missing', unexplained: 'unknown owner' } as const;

/** Formats a chain, then its rules: the reason, the command and its origin. */
function paragraph({ hook, chains, why, state, rules }: RulesAt, colors: Palette): string {
  const title = `${hook}: ${chains.join(', ')}`;
  const missing = state === 'missing' ? colors.error(' (missing or changed)') : '';
  return `${[`${colors.bold(title)}${missing}`, `  ${why}`, ...rules.flatMap((rule) => ruleLines(rule, colors))].join('\n')}\n`;
}

function ruleLines(rule: FirewallRule, colors: Palette): readonly string[] {
  const { why, command, from, counted, state } = rule;
  const origin = from === undefined ? [] : [`gangway ${from}`];
  const counts = counted === undefined ? [] : [`${counted.packets} packets, ${counted.bytes} bytes`];
  const tail = [...origin, ...counts].join('; ');
  return [
    `  ${mark(state, colors)}  ${why}`,
    ...command.split('\n').map((line) => `    ${line}`),
    ...(tail === '' ? [] : [`    ${colors.faint(tail)}`]),
  ];
}

function mark(state: RuleState, colors: Palette): string {
  return state === 'present' ? marks[state] : colors.error(marks[state]);
}

/** A row of the list: a rule, or the chain itself. */
interface Row {
  readonly place: RulesAt;
  readonly rule?: FirewallRule;
}

function rows(place: RulesAt): readonly Row[] {
  return [{ place }, ...place.rules.map((rule) => ({ place, rule }))];
}

const layout: Layout<Row> = {
  fields: {
    State: ['STATE', ({ place, rule = place }) => rule.state],
    Hook: ['HOOK', ({ place }) => place.hook],
    Chain: ['CHAIN', ({ place }) => place.chains.join(', ')],
    Why: ['WHY', ({ place, rule = place }) => rule.why],
    Command: ['COMMAND', ({ rule }) => rule?.command ?? ''],
    From: ['FROM', ({ rule }) => rule?.from ?? ''],
    Packets: ['PACKETS', ({ rule }) => String(rule?.counted?.packets ?? '')],
    Bytes: ['BYTES', ({ rule }) => String(rule?.counted?.bytes ?? '')],
  },
};
