/**
 * A moment in the zone of who reads, which Node knows by its distance and not by its short name.
 *
 * @see localtime(3), strftime(3)
 */
import { libc } from './libc.ts';

/** struct tm. */
const brokenDownBytes = 56;
const longest = 256;

/** @param format of strftime(3): `%H:%M %Z` is `14:23 CET` */
export function localTime(moment: Date, format: string): string {
  const seconds = Buffer.alloc(8);
  seconds.writeBigInt64LE(BigInt(Math.floor(moment.getTime() / 1000)));
  const brokenDown = Buffer.alloc(brokenDownBytes);
  const text = Buffer.alloc(longest);
  libc().function('void tzset()')();
  libc().function('void *localtime_r(const void *, void *)')(seconds, brokenDown);
  const length = libc().function('size_t strftime(void *, size_t, const char *, const void *)')(
    text,
    longest,
    format,
    brokenDown,
  );
  return text.toString('utf8', 0, length);
}
