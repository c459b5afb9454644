/** `gangway rules` */
import type { FirewallRule, RuleState, RulesAt } from '../../engine/engine.ts';
import { type Palette, palette } from '../color.ts';
import type { Execute } from '../command.ts';
import { parseListFormat } from '../format.ts';
import { printable } from '../format-error.ts';
import type { rulesOptions } from '../options.ts';
import { formatRows, type Row } from '../rows.ts';

export const execute: Execute<typeof rulesOptions> = async ({ options, words: [subject] }, context) => {
  const { stdout, stderr } = context;
  const format = await parseListFormat(options.format, layout.headings);
  const engine = await context.engine();
  const places = await engine.rules(subject);
  const colors = palette(stdout, context.color ?? 'auto', context.environment);
  stdout.write(
    format.kind === 'plain'
      ? places.map((place) => paragraph(place, colors)).join('\n')
      : formatRows(places.flatMap(rows), format, layout),
  );
  if (places.length === 0) stderr.write(`gangway: ${nothing(subject)}\n`);
  return 0;
};

function nothing(subject: string | undefined): string {
  return subject === undefined ? 'no container has needed a rule so far' : `no rule is about ${printable(subject)}`;
}

const marks = { present: 'present', missing: 'missing', unexplained: 'nobody’s' } as const;

/** A place, and below it what it is asked about: the reason, the command, and where that comes from. */
function paragraph({ hook, chains, why, state, rules }: RulesAt, colors: Palette): string {
  const title = `${hook}: ${chains.join(', ')}`;
  const lack = state === 'missing' ? colors.error(' (missing, or changed)') : '';
  return `${[`${colors.strong(title)}${lack}`, `  ${why}`, ...rules.flatMap((rule) => lines(rule, colors))].join('\n')}\n`;
}

function lines(rule: FirewallRule, colors: Palette): readonly string[] {
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

const layout = {
  headings: {
    State: 'STATE',
    Hook: 'HOOK',
    Chain: 'CHAIN',
    Why: 'WHY',
    Command: 'COMMAND',
    From: 'FROM',
    Packets: 'PACKETS',
    Bytes: 'BYTES',
  },
  columns: [],
} as const;

/** The chains themselves, without a command, and then what they are asked about. */
function rows({ hook, chains, why, state, rules }: RulesAt): readonly Row<keyof typeof layout.headings>[] {
  const place = { Hook: hook, Chain: chains.join(', ') };
  return [
    { ...place, State: state, Why: why, Command: '', From: '', Packets: '', Bytes: '' },
    ...rules.map((rule) => ({
      ...place,
      State: rule.state,
      Why: rule.why,
      Command: rule.command,
      From: rule.from ?? '',
      Packets: String(rule.counted?.packets ?? ''),
      Bytes: String(rule.counted?.bytes ?? ''),
    })),
  ];
}
