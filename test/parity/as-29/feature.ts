/** What 26.1.5 does not have at all: what 29 does has to be said value by value. */
import { type As29, literally } from '../verdict.ts';

/** An entry for each observation of the scenario that is named, with its value; all for the one reason. */
export function feature(
  title: string,
  { cite, why }: Pick<As29, 'cite' | 'why'>,
  values: Readonly<Record<string, string>>,
): readonly As29[] {
  return Object.entries(values).map(([what, value]) => ({
    where: new RegExp(`^${literally(`${title}: ${what}`)}$`),
    expected: () => value,
    cite,
    why,
  }));
}
