/**
 * Names that people choose, checked once, before the kernel, a file name, a rule or a shell sees them.
 *
 * Every alphabet here is a list of what is allowed: no quote, blank, slash, dollar sign or line feed is in any of them,
 * and no name begins with a dash, so a name can be neither an option, nor a path, nor a piece of a command or rule.
 * Each function returns its text, so that a call can stand where the value is needed.
 */
import { GangwayError } from './errors.ts';

/**
 * A container's name, Docker's alphabet: two characters or more.
 *
 * 253 is the length of a DNS name, which the container's name will be on a network with name service.
 *
 * @throws GangwayError invalid-name
 */
export function parseContainerName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,252}$/.test(text)) return text;
  throw invalidName('container name', text, '2 to 253 of a-z A-Z 0-9 _ . - with a letter or digit first');
}

/** How a command refers to a container: its name, its id, or the beginning of its id. @throws GangwayError invalid-name */
export function parseContainerReference(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/.test(text)) return text;
  throw invalidName('container', text, 'a name or id, as `gangway ps -a` shows it');
}

/** A network's name, or what refers to one. @throws GangwayError invalid-name */
export function parseNetworkName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$/.test(text)) return text;
  throw invalidName('network name', text, 'at most 253 letters, digits, _ . - with a letter or digit first');
}

/**
 * What sethostname(2) takes and other programs can read. 64 bytes is the kernel's limit (`__NEW_UTS_LEN`).
 *
 * @throws GangwayError invalid-name
 */
export function parseHostname(text: string): string {
  if (/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}$/.test(text)) return text;
  throw invalidName('hostname', text, 'at most 64 letters, digits, _ . - with a letter or digit first');
}

/**
 * A network interface's name: 15 bytes, the kernel's IFNAMSIZ without its NUL.
 *
 * The kernel itself would also take quotes and dollar signs.
 *
 * @throws GangwayError invalid-name
 * @see dev_valid_name() in net/core/dev.c
 */
export function parseLinkName(text: string): string {
  if (/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}$/.test(text)) return text;
  throw invalidName('interface name', text, 'at most 15 letters, digits, _ . - with a letter or digit first');
}

/**
 * The name of a link that is to be made. `lo` is there already; `all` and `default` mean every link to sysctl(8).
 *
 * @throws GangwayError invalid-name
 */
export function parseNewLinkName(text: string): string {
  if (!['lo', 'all', 'default'].includes(text)) return parseLinkName(text);
  throw invalidName('interface name', text, 'another name, the kernel has this one for itself');
}

/**
 * A further name of a container in a network, `db`; or of all below it, `*.db`.
 *
 * @throws GangwayError invalid-name
 */
export function parseAlias(text: string): string {
  if (/^(\*\.)?[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,252}$/.test(text)) return text;
  throw invalidName('alias', text, 'letters, digits, _ . - with a letter or digit first, or *. and such a name');
}

/**
 * `NAME=value`. The value may be any text without NUL, which environ(7) can't carry.
 *
 * @throws GangwayError invalid-option
 */
export function parseEnvironmentEntry(text: string): string {
  if (/^[^=\0\s-][^=\0\s]*=[^\0]*$/.test(text)) return text;
  throw new GangwayError('invalid-option', `invalid environment entry ${JSON.stringify(text)}`, {
    hint: 'write NAME=value, or NAME alone to pass on your own value',
  });
}

/**
 * `UID[:GID]` or `name[:group]`.
 *
 * @throws GangwayError invalid-option
 */
export function parseUser(text: string): string {
  const name = '[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,31}';
  if (new RegExp(`^${name}(:${name})?$`).test(text)) return text;
  throw new GangwayError('invalid-option', `invalid user ${JSON.stringify(text)}`, {
    hint: 'write NAME, NAME:GROUP, UID or UID:GID',
  });
}

function invalidName(what: string, text: string, rule: string): GangwayError {
  const shown = text.length > 64 ? `${text.slice(0, 63)}…` : text;
  return new GangwayError('invalid-name', `invalid ${what} ${JSON.stringify(shown)}`, { hint: `use ${rule}` });
}
