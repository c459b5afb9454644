/** `--add-host`, `--dns`, `--dns-option`, `--dns-search`, `--domainname`: what a container knows of names. */
import { type Address, formatAddress, isAddress, isHostAddress, parseAddress } from './address.ts';
import { GangwayError } from './errors.ts';

/** A line of /etc/hosts. `host-gateway` is the machine itself, by the address that it has for the container. */
export interface ExtraHost {
  readonly name: string;
  readonly address: Address | 'host-gateway';
}

/** `db:10.0.0.5`, `db=fd00::5`, `db:[fd00::5]`, `db:host-gateway`. @throws GangwayError invalid-option */
export function parseExtraHost(text: string): ExtraHost {
  const [, name = '', written = ''] = /^([^=]*?)=(.*)$/s.exec(text) ?? /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (name === '' || written === '') throw invalid(`--add-host ${JSON.stringify(text)} is not NAME:ADDRESS`);
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,252}$/.test(name))
    throw invalid(`--add-host ${JSON.stringify(name)} is no host name`);
  if (written === 'host-gateway') return { name, address: written };
  const [, address = written] = /^\[(.*)\]$/.exec(written) ?? [];
  if (isAddress(address)) return { name, address: parseAddress(address) };
  throw invalid(`--add-host ${name} has ${JSON.stringify(written)}, which is no IP address`);
}

function invalid(message: string): GangwayError {
  return new GangwayError('invalid-option', message, { hint: 'write NAME:ADDRESS, or NAME:host-gateway' });
}

/** What `parseExtraHost` reads as this. */
export function formatExtraHost({ name, address }: ExtraHost): string {
  return `${name}=${address === 'host-gateway' ? address : formatAddress(address)}`;
}

/** `--dns 9.9.9.9` @throws GangwayError invalid-option */
export function parseNameServer(text: string): Address {
  const address = isAddress(text) ? parseAddress(text) : undefined;
  if (address !== undefined && isHostAddress(address)) return address;
  throw new GangwayError('invalid-option', `--dns ${JSON.stringify(text)} is no IP address of a name server`, {
    hint: 'write an address, as in 9.9.9.9',
  });
}

/** `--dns-option ndots:2`: a word for the `options` line of resolv.conf(5). @throws GangwayError invalid-option */
export function parseResolverOption(text: string): string {
  if (/^[a-z][a-z0-9-]*(:\d{1,5})?$/.test(text)) return text;
  throw new GangwayError('invalid-option', `--dns-option ${JSON.stringify(text)} is no option of resolv.conf`, {
    hint: 'write one word, as in ndots:2 or rotate',
  });
}

/** `--dns-search example.org`; `.` alone says that nothing is searched. @throws GangwayError invalid-option */
export function parseSearchDomain(text: string): string {
  return text === '.' ? text : domain(text, '--dns-search');
}

/** `--domainname example.org` @throws GangwayError invalid-option */
export function parseDomainName(text: string): string {
  return domain(text, '--domainname');
}

/** At most 253 characters, and 63 between two dots. @see RFC 1035 section 2.3.4 */
function domain(text: string, option: string): string {
  const label = '[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?';
  if (text.length <= 253 && new RegExp(`^${label}(\\.${label})*\\.?$`).test(text)) return text;
  throw new GangwayError('invalid-option', `${option} ${JSON.stringify(text)} is no domain`, {
    hint: 'write labels with dots between them, as in example.org',
  });
}
