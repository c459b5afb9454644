/**
 * Comma-separated fields, as Go's encoding/csv reads one line of them: a field that holds a comma or a quote stands in
 * quotes, and a quote within is doubled.
 *
 *     name=web,"driver-opt=com.docker.network.endpoint.sysctls=a=1,b=2"
 *
 * @see RFC 4180
 */
import { GangwayError } from './errors.ts';

const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|$)/y;

/** @throws GangwayError invalid-option */
export function parseFields(text: string, option: string): readonly string[] {
  const fields: string[] = [];
  for (let at = 0; ; ) {
    field.lastIndex = at;
    const match = field.exec(text);
    if (match === null) throw misquoted(text, option);
    const [all, quoted, plain = '', comma] = match;
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (comma !== ',') return fields;
    at += all.length;
  }
}

function misquoted(text: string, option: string): GangwayError {
  return new GangwayError(
    'invalid-option',
    `${option} ${JSON.stringify(text)} has a quote or a line break out of place`,
    {
      hint: 'a field with a comma stands in quotes as a whole: name=web,"driver-opt=KEY=1,2"',
    },
  );
}
