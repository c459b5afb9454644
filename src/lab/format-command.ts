const longest = 160;

/** A command as an error names it: its first line at most, for a shell's argument may be a script of pages. */
export function formatCommand(argv: readonly string[]): string {
  const [line = '', ...others] = argv.join(' ').split('\n');
  return others.length === 0 && line.length <= longest ? line : `${line.slice(0, longest)}…`;
}
