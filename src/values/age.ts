/** Time spans as a person says them. */

/** The units from minutes on: how many seconds one has, and below how many seconds it is used. */
const units: readonly (readonly [name: string, seconds: number, below: number])[] = [
  ['minutes', 60, 3600],
  ['hours', 3600, 48 * 3600],
  ['days', 86_400, 14 * 86_400],
  ['weeks', 7 * 86_400, 60 * 86_400],
  ['months', 30 * 86_400, 2 * 365 * 86_400],
];

/**
 * A time span in the largest unit that says enough, in docker's words: `3 seconds`, `About an hour`, `5 weeks`.
 *
 * Hours are rounded, all else is cut off: `Up About an hour` begins after sixty minutes and ends after ninety.
 */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (seconds < 120) return 'About a minute';
  if (seconds >= 3600 && seconds < 5400) return 'About an hour';
  const [name, size] = units.find(([, , below]) => seconds < below) ?? ['years', 365 * 86_400];
  return `${name === 'hours' ? Math.round(seconds / size) : Math.floor(seconds / size)} ${name}`;
}
