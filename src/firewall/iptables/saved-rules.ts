/** Parses the output of iptables-save(8), and finds foreign rules before and after one of gangway's. */
import type { Family } from '../../values/address.ts';
import type { Counted } from '../../values/counted.ts';
import { matches, wholeMask } from '../../values/firewall-mark.ts';
import { formatRule, type IptablesRule } from '../../values/iptables-rule.ts';

/** `[12:720] -A CHAIN …`: packets and bytes precede a rule. */
const savedRule = /^(?:\[(?<packets>\d+):(?<bytes>\d+)\] )?(?<text>-A .*)$/;

/** Targets that change marks. */
const marking = ['MARK', 'CONNMARK'];

/** The lines of a table in order, and the counters of each distinct line. */
interface SavedTable {
  readonly lines: string[];
  readonly counted: Map<string, Counted>;
}

export class SavedRules {
  readonly #tables = new Map<string, SavedTable>();

  constructor(text: string) {
    let table = '';
    for (const line of text.split('\n')) {
      const rule = savedRule.exec(line)?.groups;
      if (line.startsWith('*')) table = line.slice(1);
      else if (line.startsWith(':')) this.#add(table, line.split(' ')[0] ?? '', {});
      else if (rule !== undefined) this.#add(table, (rule.text ?? '').trimEnd(), rule);
    }
  }

  hasChain(table: string, chain: string): boolean {
    return this.#of(table).counted.has(`:${chain}`);
  }

  hasRule(rule: IptablesRule): boolean {
    return this.#of(rule.table).counted.has(formatRule(rule));
  }

  /**
   * The number of the first rule before this one that accepts packets, directly or through a chain. A missing rule
   * counts as the last.
   *
   * @param mark considers only packets with this mark
   * @returns undefined where there is none
   */
  acceptsBefore(rule: IptablesRule, mark?: number): number | undefined {
    const all = this.#linesOf(rule.table, rule.chain);
    const own = all.indexOf(formatRule(rule));
    return this.#firstAccepting(rule.table, own < 0 ? all : all.slice(0, own), mark);
  }

  /** The number of the first accepting rule, not counting this rule itself. */
  acceptsFirst(rule: IptablesRule, mark?: number): number | undefined {
    const others = this.#linesOf(rule.table, rule.chain).filter((line) => line !== formatRule(rule));
    return this.#firstAccepting(rule.table, others, mark);
  }

  /** Does a later rule accept packets? */
  acceptsBehind(rule: IptablesRule): boolean {
    return this.#firstAccepting(rule.table, this.#behind(rule)) !== undefined;
  }

  /** Does a later rule change marks, before any rule accepts packets with this mark? */
  marksBehind(rule: IptablesRule, mark?: number): boolean {
    const behind = this.#behind(rule);
    const end = this.#firstAccepting(rule.table, behind, mark) ?? behind.length + 1;
    return behind.slice(0, end - 1).some((line) => this.#leadsTo(rule.table, line, marking));
  }

  #behind(rule: IptablesRule): readonly string[] {
    const all = this.#linesOf(rule.table, rule.chain);
    return all.slice(all.indexOf(formatRule(rule)) + 1);
  }

  #firstAccepting(table: string, lines: readonly string[], mark?: number): number | undefined {
    const found = lines.findIndex((line) => this.#leadsTo(table, line, ['ACCEPT'], mark));
    return found < 0 ? undefined : found + 1;
  }

  /** @param seen chains already visited */
  #leadsTo(table: string, line: string, targets: readonly string[], mark?: number, seen = new Set<string>()): boolean {
    if (mark !== undefined && !mayMeet(line, mark)) return false;
    const target = / -[jg] (\S+)/.exec(line)?.[1] ?? '';
    if (targets.includes(target)) return true;
    if (seen.has(target) || !this.hasChain(table, target)) return false;
    seen.add(target);
    return this.#linesOf(table, target).some((each) => this.#leadsTo(table, each, targets, mark, seen));
  }

  #linesOf(table: string, chain: string): readonly string[] {
    return this.#of(table).lines.filter((line) => line.startsWith(`-A ${chain} `));
  }

  rulesIn(family: Family, chains: ReadonlySet<string>): readonly IptablesRule[] {
    return this.countedIn(family, chains).map(({ rule }) => rule);
  }

  countedIn(
    family: Family,
    chains: ReadonlySet<string>,
  ): readonly { readonly rule: IptablesRule; readonly counted: Counted }[] {
    return [...this.#tables].flatMap(([table, { counted: lines }]) =>
      [...lines].flatMap(([line, counted]) => {
        const [verb, chain = '', ...words] = line.split(' ');
        if (verb !== '-A' || !chains.has(chain)) return [];
        return [{ rule: { family, table: table as IptablesRule['table'], chain, words }, counted }];
      }),
    );
  }

  #add(table: string, line: string, { packets = 0, bytes = 0 }: Partial<Record<'packets' | 'bytes', string | number>>) {
    const { lines, counted } = this.#of(table);
    lines.push(line);
    counted.set(line, { packets: BigInt(packets), bytes: BigInt(bytes) });
  }

  #of(table: string): SavedTable {
    const found = this.#tables.get(table) ?? { lines: [], counted: new Map<string, Counted>() };
    this.#tables.set(table, found);
    return found;
  }
}

/** May a packet with this mark match the rule, as far as marks go? */
function mayMeet(line: string, packet: number): boolean {
  const asked = / -m mark (?<not>! )?--mark (?<mark>\w+)(?:\/(?<mask>\w+))?/.exec(line)?.groups;
  if (asked === undefined) return true;
  const isMet = matches({ mark: Number(asked.mark), mask: Number(asked.mask ?? wholeMask) }, packet);
  return isMet === (asked.not === undefined);
}
