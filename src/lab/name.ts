import { GangwayError } from '../values/errors.ts';

/** A lab's name: it becomes a hostname, a file's name and a cgroup's name. @throws GangwayError invalid-name */
export function parseLabName(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(text)) return text;
  throw new GangwayError('invalid-name', `invalid lab name ${JSON.stringify(text)}`, {
    hint: 'use up to 32 lower-case letters, digits and dashes, with a letter or digit first',
  });
}
