/**
 * `-d DRIVER -o KEY=VALUE …` of `network create`: docker's words for what drives a network, as typed values.
 *
 * Docker takes any key in silence. Here a key that means nothing is refused, with the one that was probably meant.
 */
import { bridgeRows, plainBridge } from './bridge-options.ts';
import { GangwayError } from './errors.ts';
import { parseLinkName } from './names.ts';
import type { DriverRequest, IpvlanRequest, MacvlanRequest } from './network.ts';
import { choice, commonRows, field, invalidNetwork, type Row } from './option-row.ts';
import { nearest, suggest } from './suggest.ts';

type Options = Readonly<Record<string, string>>;

interface Driver<D> {
  readonly plain: D;
  readonly rows: readonly Row<D>[];
}

const bridge = { plain: plainBridge, rows: bridgeRows };

const macvlan: Driver<MacvlanRequest> = {
  plain: { kind: 'macvlan', mode: 'bridge', linkPrefix: 'eth' },
  rows: [
    field<MacvlanRequest, 'parent'>('parent', 'parent', parseLinkName),
    field('macvlan_mode', 'mode', choice('bridge', 'private', 'vepa', 'passthru')),
    ...commonRows<MacvlanRequest>(),
  ],
};

const ipvlan: Driver<IpvlanRequest> = {
  plain: { kind: 'ipvlan', mode: 'l2', flag: 'bridge', linkPrefix: 'eth' },
  rows: [
    field<IpvlanRequest, 'parent'>('parent', 'parent', parseLinkName),
    field('ipvlan_mode', 'mode', choice('l2', 'l3', 'l3s')),
    field('ipvlan_flag', 'flag', choice('bridge', 'private', 'vepa')),
    ...commonRows<IpvlanRequest>(),
  ],
};

const drivers = { bridge, macvlan, ipvlan };

/** Docker's keys that have nothing to act on here, and why. */
const meaningless: Options = {
  'com.docker.network.bridge.default_bridge': 'the network named bridge is the default bridge, and no other can be',
  'com.docker.network.advertise_addr_nmsgs':
    'an address has the same MAC whoever has it, so there is nothing to announce',
  'com.docker.network.advertise_addr_ms': 'an address has the same MAC whoever has it, so there is nothing to announce',
};

/**
 * What drives the network.
 *
 * @throws GangwayError invalid-network, invalid-name, not-supported
 */
export function parseDriver(name: string, options: Options): DriverRequest {
  switch (name) {
    case 'bridge':
      return readOptions(bridge, options);
    case 'macvlan':
      return readOptions(macvlan, options);
    case 'ipvlan':
      return readOptions(ipvlan, options);
    case 'overlay':
      throw new GangwayError('not-supported', 'overlay networks are not there yet: they need several machines', {
        hint: 'a bridge network connects the containers of one machine',
      });
    case 'host':
    case 'null':
    case 'none':
      throw invalidNetwork(
        `there is one ${name} network, and no second one can be made`,
        `use --network ${name === 'host' ? name : 'none'}`,
      );
    default:
      throw invalidNetwork(
        `network driver ${JSON.stringify(name)} not found${suggest(name, Object.keys(drivers))}`,
        'use bridge, macvlan or ipvlan',
      );
  }
}

/** The options that say the same; without those that say what is so anyway. */
export function formatDriver(driver: DriverRequest): Options {
  switch (driver.kind) {
    case 'bridge':
      return writeOptions(bridge, driver);
    case 'macvlan':
      return writeOptions(macvlan, driver);
    case 'ipvlan':
      return writeOptions(ipvlan, driver);
  }
}

function readOptions<D extends DriverRequest>({ plain, rows }: Driver<D>, options: Options): D {
  return Object.entries(options).reduce((driver, [key, text]) => {
    const row = rows.find((row) => row.key === key);
    if (row === undefined) throw unknownOption(plain.kind, key);
    return row.read(driver, text);
  }, plain);
}

function writeOptions<D>({ plain, rows }: Driver<D>, driver: D): Options {
  return Object.fromEntries(
    rows.flatMap(({ key, write }) => {
      const text = write(driver);
      return text === undefined || text === write(plain) ? [] : [[key, text]];
    }),
  );
}

function unknownOption(kind: DriverRequest['kind'], key: string): GangwayError {
  const reason = Object.hasOwn(meaningless, key) ? meaningless[key] : undefined;
  if (reason !== undefined) return invalidNetwork(`option ${key} has no meaning here: ${reason}`, 'leave it out');
  const owners = Object.entries(drivers).filter(([, { rows }]) => rows.some((row) => row.key === key));
  const keys = drivers[kind].rows.map((row) => row.key);
  const likely = keys.filter((one) => nearest(lastWord(key), [lastWord(one)]).length > 0 || one.endsWith(`_${key}`));
  const hint =
    owners.length > 0
      ? `it is an option of ${owners.map(([name]) => name).join(' and ')}`
      : likely.length > 0
        ? `did you mean ${likely.join(' or ')}?`
        : `its options are ${keys.join(', ')}`;
  return invalidNetwork(`a ${kind} network has no option ${JSON.stringify(key)}`, hint);
}

/** What stands behind the last dot: `mtu` of com.docker.network.driver.mtu. */
function lastWord(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}
