/**
 * Everything of a machine that a container's network is made of, so that two machines can be compared.
 *
 * Left out is only what the kernel counts or invents: numbers of links and processes, timers, handles, and the MAC of
 * the machine's plug. Asked are iproute2, nft, sysctl and /proc.
 */
import type { Row, Story } from './story-lab.ts';

export type MachineState = Readonly<Record<string, unknown>>;

/** @param command the containers' command line, by which their processes are found */
export async function machineState(story: Story, command: readonly string[]): Promise<MachineState> {
  const pins = (await story.sh('ls /run/netns')).trim().split('\n');
  const things = await story.lab.leftovers();
  const places = await Promise.all(
    ['host', ...pins.filter((pin) => pin.startsWith('gangway-'))].map(async (name) => [name, await place(story, name)]),
  );
  return nameless(story, {
    ...Object.fromEntries(places),
    pins,
    mounts: things.filter((thing) => thing.startsWith('mount ') && thing.includes('(nsfs)')),
    cgroups: things.filter((thing) => thing.startsWith('cgroup ')),
    directories: await story.sh(directories),
    files: await story.sh(files),
    secrets: await story.sh(secrets),
    configurations: configurations(await story.sh(configurationFiles)),
    processes: sections(await story.sh(processes, command.join(' '))),
  });
}

/** A lab has a name of its own, cgroups and a source of its mounts, and namespaces with numbers. */
function nameless(story: Story, state: MachineState): MachineState {
  const text = JSON.stringify(state).replaceAll(story.lab.name, 'LAB');
  return JSON.parse(
    text.replace(/gangway-lab-(LAB-)?[0-9a-f]{8}/g, 'SOURCE').replace(/net:\[\d+\]/g, 'net:[N]'),
  ) as MachineState;
}

const directories = `
for directory in /run/gangway/containers /var/lib/gangway/containers; do
  [ ! -d "$directory" ] || find "$directory" -mindepth 1 -maxdepth 1 -type d
done | sort`;
const files = `
for file in /run/gangway/containers/*/hosts /run/gangway/containers/*/hostname /run/gangway/containers/*/resolv.conf; do
  [ ! -e "$file" ] || { stat -c '%n %a %U' "$file"; cat "$file"; }
done
`;
/** They tell the environment. */
const secrets = `
for file in /run/gangway/containers/*/config.json /run/gangway/containers/*/environment; do
  [ ! -e "$file" ] || stat -c '%n %a %U' "$file"
done`;
const configurationFiles = `
for file in /run/gangway/containers/*/config.json; do [ ! -e "$file" ] || { echo "# $file"; cat "$file"; echo; }; done
`;

/** Namespaces are told by what is in them; the mounts without their numbers. */
const processes = `
for pid in $(pgrep -x -f "$1"); do
  echo "# process"
  grep -E '^(Name|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' "/proc/$pid/status"
  cat "/proc/$pid/uid_map" "/proc/$pid/cgroup" "/proc/$pid/limits"
  tr '\\0' '\\n' <"/proc/$pid/environ"
  nsenter --target "$pid" --uts hostname
  cut -d' ' -f4- "/proc/$pid/mountinfo" | sed 's/ master:[0-9]*//; s/ shared:[0-9]*//'
done
`;

function sections(text: string): readonly (readonly string[])[] {
  return text
    .split(/^# process\n/m)
    .slice(1)
    .map((section) => section.trim().split('\n'));
}

function configurations(text: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    text
      .split(/^# /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), JSON.parse(section.slice(section.indexOf('\n')))]),
  );
}

async function place(story: Story, name: string): Promise<unknown> {
  const enter = name === 'host' ? [] : ['nsenter', `--net=/run/netns/${name}`];
  const run = (...argv: readonly string[]) => story.lab.host.run([...enter, ...argv]);
  const rows = async (...argv: readonly string[]) => JSON.parse((await run(...argv)) || '[]') as readonly Row[];
  const [links, addresses, routes, routes6, neighbours, routing, routing6, rules, settings] = await Promise.all([
    rows('ip', '-j', '-d', 'link'),
    rows('ip', '-j', 'address'),
    rows('ip', '-j', 'route', 'show', 'table', 'all'),
    rows('ip', '-j', '-6', 'route', 'show', 'table', 'all'),
    rows('ip', '-j', 'neighbour', 'show', 'nud', 'permanent'),
    rows('ip', '-j', 'rule'),
    rows('ip', '-j', '-6', 'rule'),
    run('nft', '-j', 'list', 'ruleset'),
    // Some settings can't be read before they are written; and one is the kernel's own secret.
    run('sh', '-c', `sysctl -a -r '^net[.](ipv4|ipv6|bridge)[.]' 2>/dev/null | grep -v fastopen_key || :`),
  ]);
  return {
    links: links.map(link),
    addresses: addresses.map(({ ifname, addr_info }) => ({ ifname, addr_info })),
    routes: [...routes, ...routes6],
    neighbours,
    routing: [...routing, ...routing6],
    rules: ruleset(JSON.parse(rules)),
    settings: settings.split('\n').sort(),
  };
}

function link(row: Row): unknown {
  const { ifindex: _1, link_index: _2, link_netnsid: _3, link: _4, address, ...rest } = row;
  const invented = /^veth[0-9a-f]{7}$/.test(row.ifname);
  return withoutTimers({ ...rest, ...(invented ? {} : { address }) });
}

function withoutTimers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimers);
  if (value === null || typeof value !== 'object') return value;
  const lasting = Object.entries(value).filter(([key]) => !/timer|fdb_n_learned/.test(key));
  // A bridge numbers its ports by what is free: the cable of a life before may still hold the first number.
  const chosen = lasting.filter(([key]) => !['no', 'id', 'designated_port'].includes(key));
  return Object.fromEntries(chosen.map(([key, item]) => [key, withoutTimers(item)]));
}

/** What has passed differs, however alike machines are. */
function uncounted(text: string): string {
  return text.replace(/"(packets|bytes)":\d+/g, '"$1":0');
}

/** Elements in the order of their text: a hash has none. Nor have tables and chains; the rules of a chain have one. */
function ruleset({ nftables }: { readonly nftables: readonly Row[] }): readonly unknown[] {
  const all = nftables
    .filter((row) => row.metainfo === undefined)
    .map((row) => {
      const [[kind, { handle: _, elem, expr, ...object }] = ['', {}]] = Object.entries(row);
      const elements = elem && { elem: elem.map((item: unknown) => uncounted(JSON.stringify(item))).sort() };
      const place = [object.family, object.table ?? object.name, object.chain ?? object.name].join(' ');
      // What iptables makes counts packets.
      const expressions = expr && { expr: expr.filter((item: Row) => item.counter === undefined) };
      return { kind, place, ...object, ...expressions, ...elements };
    });
  return all.toSorted((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
}
