/**
 * iptables-restore and iptables-save, of the variant that the machine uses.
 *
 * There are two programs called iptables. One speaks to nf_tables, the other one to the kernel's old tables; a packet
 * meets the rules of both. Who mixes them has rules that half of his tools don't show. So the variant is found out once,
 * stands in every step, and is called by its full name.
 *
 * @see iptables-restore(8), iptables-save(8), xtables-nft(8)
 */
import { readFileSync } from 'node:fs';
import type { Table } from '../../kernel/nftables.ts';
import { askProgram, findProgram, type Program, passingHint, runProgram } from '../../kernel/run-program.ts';
import { type Family, families } from '../../values/address.ts';
import { GangwayError, ignoring } from '../../values/errors.ts';
import type { IptablesRule, Variant } from '../../values/iptables-rule.ts';
import { SavedRules } from './saved-rules.ts';

const kernelHint =
  'the kernel needs what iptables asks it for: ip_tables or nf_tables, with conntrack, addrtype and NAT';

/** Seconds for which another program may hold the lock of the old tables. */
const patienceSeconds = 10;

/** `iptables-nft`, as it is typed. */
export function commandOf<V extends Variant>(variant: V, family: Family) {
  return `${family === 4 ? 'iptables' : 'ip6tables'}-${variant}` as const;
}

/** One line for iptables-restore(8), in its table. */
export interface RestoreLine {
  readonly table: IptablesRule['table'];
  readonly text: string;
}

/**
 * `iptables-restore --noflush`: each table as a whole or not at all, and nothing else in it is touched.
 *
 * @throws GangwayError program-failed, with the line that was refused; missing-program
 */
export async function restore(variant: Variant, family: Family, lines: readonly RestoreLine[]): Promise<void> {
  if (lines.length === 0) return;
  const program: Program = `${commandOf(variant, family)}-restore`;
  const input = restoreText(lines);
  const { failed, complaint } = await runProgram(program, ['--noflush', '--wait', String(patienceSeconds)], input);
  if (!failed) return;
  const number = /line:? (\d+)/i.exec(complaint)?.[1];
  const refused = number === undefined ? '' : ` at "${input.split('\n')[Number(number) - 1]}"`;
  throw new GangwayError('program-failed', `${program} failed${refused}: ${firstLine(complaint)}`, {
    hint: passingHint(complaint) ?? kernelHint,
  });
}

/** In the order in which they are taken: what others have written may be refused, and then nothing has changed. */
const tables = ['filter', 'nat', 'mangle', 'raw'] as const;

/** The lines between `*table` and `COMMIT`. */
export function restoreText(lines: readonly RestoreLine[]): string {
  return tables
    .filter((table) => lines.some((line) => line.table === table))
    .map((table) => {
      const own = lines.flatMap((line) => (line.table === table ? [line.text] : []));
      return `*${table}\n${own.join('\n')}\nCOMMIT\n`;
    })
    .join('');
}

/** @throws GangwayError missing-program, program-failed */
export function save(variant: Variant, family: Family): SavedRules {
  return new SavedRules(saveText(`${commandOf(variant, family)}-save`, ['-c']));
}

/** @throws GangwayError missing-program, program-failed */
export function saveText(program: Program, words: readonly string[] = []): string {
  const { failed, output, complaint } = askProgram(program, words);
  if (!failed) return output;
  throw new GangwayError('program-failed', `${program} failed: ${firstLine(complaint)}`, {
    hint: passingHint(complaint) ?? kernelHint,
  });
}

export function isInstalled(variant: Variant): boolean {
  return families.every((family) => findProgram(`${commandOf(variant, family)}-restore`) !== undefined);
}

/**
 * Which of the two the machine uses: the one that `iptables` is, unless only the other one has rules.
 *
 * @returns undefined where neither is installed
 */
export function detectVariant(): Variant | undefined {
  const [first, second] = (['nft', 'legacy'] as const).filter(isInstalled);
  if (second === undefined) return first;
  const usual = usualVariant();
  const other = usual === 'nft' ? 'legacy' : 'nft';
  return hasRules(other) && !hasRules(usual) ? other : usual;
}

/**
 * Those that have rules, as far as can be told without asking: of the old tables, to ask for one would make it.
 *
 * @param tables of nf_tables
 */
export function variantsIn(tables: readonly Table[]): readonly Variant[] {
  const old = ignoring('ENOENT', () => readFileSync('/proc/net/ip_tables_names', 'utf8')) ?? '';
  const isUsed = {
    nft: tables.some(({ family, name }) => family === 'ip' && name === 'filter'),
    legacy: old.split('\n').includes('filter'),
  };
  return (['nft', 'legacy'] as const).filter((variant) => isUsed[variant] && isInstalled(variant));
}

/** What `iptables` is called by itself: Debian's alternatives. */
function usualVariant(): Variant {
  const said = findProgram('iptables') === undefined ? '' : askProgram('iptables', ['--version']).output;
  return said.includes('legacy') ? 'legacy' : 'nft';
}

function hasRules(variant: Variant): boolean {
  const text = saveText(`${commandOf(variant, 4)}-save`);
  return text.split('\n').some((line) => line.startsWith('-A '));
}

function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return (
    lines.find((line) => line !== '' && !line.startsWith('#') && !/^ip6?tables-\S+ v[\d.]+ .*:$/.test(line)) ?? text
  );
}
