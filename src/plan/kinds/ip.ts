/** Step kinds of the internet layer: address, route, local-route, routing-rule, sysctl. */
import { addAddress, deleteAddress, hasBroadcast, listAddresses } from '../../kernel/address.ts';
import { addLocalRoute, deleteLocalRoute, hasLocalRoute, listRoutes, setDefaultRoute } from '../../kernel/route.ts';
import { addRoutingRule, deleteRoutingRule, formatRoutingRule, listRoutingRules } from '../../kernel/routing-rule.ts';
import { readSysctl, writeSysctl } from '../../kernel/sysctl.ts';
import { formatAddress, formatPrefix, sameAddress } from '../../values/address.ts';
import { ignoring } from '../../values/errors.ts';
import { quote } from '../../values/quote.ts';
import type { KernelHandles } from '../kernel-handles.ts';
import { execPrefix, type InNamespaceKind, ipCommand, type RequestKind } from '../kind.ts';
import type { AddressStep, DefaultRoute, LocalRouteStep, RouteStep, RoutingRuleStep, SysctlStep } from '../step.ts';

/** Gone with its link, its namespace, or by another's hand: then there is nothing to take back. */
const gone = ['ENODEV', 'ENOENT', 'EADDRNOTAVAIL'];

export const address: RequestKind<AddressStep> = {
  requests: (step, world) => [addAddress(step.prefix, world.linkIndex(step.in, step.link))],
  commands: (step) => [
    `${ipCommand(step.in)} address add ${formatPrefix(step.prefix)}${manner(step)} dev ${step.link}`,
  ],
  undoCommands: (step) => [`${ipCommand(step.in)} address delete ${formatPrefix(step.prefix)} dev ${step.link}`],
  undo: (step, world) => {
    ignoring(gone, () =>
      world.namespace(step.in).route.execute([deleteAddress(step.prefix, world.linkIndex(step.in, step.link))]),
    );
  },
  holds: (step, world) =>
    ignoring(gone, () => {
      const index = world.linkIndex(step.in, step.link);
      return listAddresses(world.namespace(step.in).route).some(
        ({ linkIndex, prefix }) =>
          linkIndex === index &&
          prefix.length === step.prefix.length &&
          sameAddress(prefix.address, step.prefix.address),
      );
    }) ?? false,
};

function manner({ prefix }: AddressStep): string {
  if (prefix.address.family === 6) return ' nodad';
  return hasBroadcast(prefix) ? ' broadcast +' : '';
}

export const route: RequestKind<RouteStep> = {
  requests: (step, world) => [setDefaultRoute(step.was === undefined ? 'add' : 'replace', resolve(step, step, world))],
  commands: (step) => [routeCommand(step.was === undefined ? 'add' : 'replace', step, step)],
  undoCommands: (step) => (step.was === undefined ? [] : [routeCommand('replace', step, step.was)]),
  undo(step, world) {
    const { was } = step;
    if (was === undefined) return;
    ignoring(gone, () =>
      world.namespace(step.in).route.execute([setDefaultRoute('replace', resolve(step, was, world))]),
    );
  },
  holds: (step, world) =>
    ignoring(gone, () => {
      const index = world.linkIndex(step.in, step.link);
      return listRoutes(world.namespace(step.in).route, step.family).some(
        ({ gateway, destination, linkIndex, shared }) =>
          destination.length === 0 && linkIndex === index && sameAddress(gateway, step.gateway) && !shared,
      );
    }) ?? false,
};

type Way = Omit<DefaultRoute, 'family'>;

function resolve({ family, in: place }: RouteStep, { link, gateway }: Way, world: KernelHandles) {
  const linkIndex = world.linkIndex(place, link);
  return gateway === undefined ? { family, linkIndex } : { family, linkIndex, gateway };
}

function routeCommand(verb: 'add' | 'replace', { family, in: place }: RouteStep, { link, gateway }: Way): string {
  const way = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
  return `${ipCommand(place)}${family === 6 && gateway === undefined ? ' -6' : ''} route ${verb} default${way} dev ${link}`;
}

export const localRoute: RequestKind<LocalRouteStep> = {
  requests: (step, world) => [addLocalRoute(step, world.linkIndex(step.in, 'lo'))],
  commands: (step) => [localRouteCommand('add', step)],
  undoCommands: (step) => [localRouteCommand('delete', step)],
  undo: (step, world) => {
    ignoring([...gone, 'ESRCH'], () =>
      world.namespace(step.in).route.execute([deleteLocalRoute(step, world.linkIndex(step.in, 'lo'))]),
    );
  },
  holds: (step, world) => hasLocalRoute(world.namespace(step.in).route, step),
};

function localRouteCommand(verb: 'add' | 'delete', { in: place, family, table }: LocalRouteStep): string {
  return `${ipCommand(place)}${family === 6 ? ' -6' : ''} route ${verb} local default dev lo table ${table}`;
}

export const routingRule: RequestKind<RoutingRuleStep> = {
  requests(step, world) {
    world.invalidate(listed(step));
    return [addRoutingRule(step.rule)];
  },
  commands: (step) => [routingRuleCommand('add', step)],
  undoCommands: (step) => [routingRuleCommand('delete', step)],
  undo(step, world) {
    world.invalidate(listed(step));
    ignoring(gone, () => world.namespace(step.in).route.execute([deleteRoutingRule(step.rule)]));
  },
  holds: (step, world) => world.cached(listed(step), () => routingRules(step, world)).has(formatRoutingRule(step.rule)),
};

/** All of a family at once: each network has a few. */
function routingRules({ in: place, rule: { family } }: RoutingRuleStep, world: KernelHandles): ReadonlySet<string> {
  return new Set(listRoutingRules(world.namespace(place).route, family).map(formatRoutingRule));
}

function listed({ in: place, rule: { family } }: RoutingRuleStep): string {
  return `${ipCommand(place)} -${family} rule`;
}

function routingRuleCommand(verb: 'add' | 'delete', { in: place, rule }: RoutingRuleStep): string {
  return `${ipCommand(place)}${rule.family === 6 ? ' -6' : ''} rule ${verb} ${formatRoutingRule(rule)}`;
}

export const sysctl: InNamespaceKind<SysctlStep> = {
  applyInside: (step, world) => world.settings.write(step),
  commands: (step) => [setting(step, step.value)],
  undoCommands: (step) => (step.was === undefined ? [] : [setting(step, step.was)]),
  undo(step, world) {
    const { was } = step;
    if (was === undefined) return;
    // A link's settings go with the link.
    ignoring('ENOENT', () =>
      world.runInside(step.in, () => {
        // What is to stay as it was may have been turned along with another setting.
        const isOurs = was === step.value || readSysctl(step.key) === step.value;
        if (isOurs) writeSysctl({ key: step.key, value: was });
      }),
    );
  },
  holds: (step, world) => ignoring('ENOENT', () => world.runInside(step.in, () => readSysctl(step.key))) === step.value,
};

function setting(step: SysctlStep, value: string): string {
  return `${execPrefix(step.in)}sysctl -qw ${quote(`${step.key}=${value}`)}`;
}
