/**
 * Scenarios: what is done in Docker's world and in ours alike, and what is looked at. They are data.
 *
 * A command is a line of docker's grammar without its first word; `IMAGE` stands where docker wants an image, and
 * `<id of web>` and `<web>` for the long and the short id of what the scenario made under that name. A place is `host`, a place of the lab's outside, or a container by its name.
 */

/** One thing that is done, or looked at. */
export type Step =
  | { readonly kind: 'command'; readonly line: string }
  /** A shell command that both worlds need, and that must succeed. */
  | { readonly kind: 'at'; readonly place: string; readonly script: string }
  /** A server in a container that tells its callers who they are: HTTP on port 80, UDP on 7. */
  | { readonly kind: 'serve'; readonly container: string }
  /** A name server in a container, as it is in the world. */
  | { readonly kind: 'serveNames'; readonly container: string }
  | { readonly kind: 'links'; readonly place: string }
  | { readonly kind: 'routes'; readonly place: string }
  | { readonly kind: 'mac'; readonly place: string }
  | { readonly kind: 'file'; readonly container: string; readonly path: string }
  | { readonly kind: 'sysctl'; readonly place: string; readonly key: string }
  | { readonly kind: 'ping'; readonly from: string; readonly to: string }
  | { readonly kind: 'fetch'; readonly from: string; readonly to: string }
  | { readonly kind: 'datagram'; readonly from: string; readonly to: string }
  | { readonly kind: 'dig'; readonly from: string; readonly question: string }
  /** What the name server of the world was asked since the last time, and by whom. */
  | { readonly kind: 'asked' }
  | { readonly kind: 'inspect'; readonly what: string; readonly path: string };

export interface Scenario {
  readonly title: string;
  /** The facts that it plays: sections of golden.md and behaviour.md, and tests that behaviour.md 5 names. */
  readonly cites: readonly string[];
  /** Beside the world. */
  readonly outside?: readonly string[];
  /** Options of dockerd that bring 26.1.5 nearer to 29. */
  readonly daemon?: readonly string[];
  /** Shell on the host, before dockerd is there. */
  readonly setting?: string;
  /** What not every machine has, and a shell command that finds out on the host of a lab. */
  readonly needs?: { readonly what: string; readonly check: string };
  readonly steps: readonly Step[];
}

/** What an observation is called in the table and in the lists of known differences. */
export function label(step: Step): string {
  switch (step.kind) {
    case 'command':
      return step.line;
    case 'at':
      return `${step.place}: ${step.script}`;
    case 'serve':
      return `${step.container} serves`;
    case 'serveNames':
      return `${step.container} serves names`;
    case 'file':
      return `${step.container} ${step.path}`;
    case 'sysctl':
      return `${step.place} ${step.key}`;
    case 'ping':
    case 'fetch':
    case 'datagram':
      return `${step.kind} ${step.from} → ${step.to}`;
    case 'dig':
      return `dig ${step.question} from ${step.from}`;
    case 'asked':
      return 'asked of the world';
    case 'inspect':
      return `inspect ${step.what} ${step.path}`;
    default:
      return `${step.place} ${step.kind}`;
  }
}

export const command = (line: string): Step => ({ kind: 'command', line });
export const at = (place: string, script: string): Step => ({ kind: 'at', place, script });
export const serve = (container: string): Step => ({ kind: 'serve', container });
export const serveNames = (container: string): Step => ({ kind: 'serveNames', container });
export const links = (place: string): Step => ({ kind: 'links', place });
export const routes = (place: string): Step => ({ kind: 'routes', place });
export const mac = (place: string): Step => ({ kind: 'mac', place });
export const file = (container: string, path: string): Step => ({ kind: 'file', container, path });
export const sysctl = (place: string, key: string): Step => ({ kind: 'sysctl', place, key });
export const ping = (from: string, to: string): Step => ({ kind: 'ping', from, to });
export const fetch = (from: string, to: string): Step => ({ kind: 'fetch', from, to });
export const datagram = (from: string, to: string): Step => ({ kind: 'datagram', from, to });
export const dig = (from: string, question: string): Step => ({ kind: 'dig', from, question });
export const asked: Step = { kind: 'asked' };
export const inspect = (what: string, path: string): Step => ({ kind: 'inspect', what, path });

/** A container that does nothing. */
export const idle = (options: string): Step => command(`run -d ${options} IMAGE sleep 1000`);

/** A container that answers. */
export function server(name: string, options = ''): readonly Step[] {
  return [idle(`--name ${name} ${options}`.trimEnd()), serve(name)];
}

/** What a container sees of its network. */
export function view(container: string): readonly Step[] {
  return [
    links(container),
    routes(container),
    file(container, '/etc/resolv.conf'),
    file(container, '/etc/hosts'),
    file(container, '/etc/hostname'),
  ];
}

/** Every one of them asks every address. */
export function everyPair(
  look: (from: string, to: string) => Step,
  from: readonly string[],
  to: readonly string[],
): readonly Step[] {
  return from.flatMap((asker) => to.map((target) => look(asker, target)));
}
