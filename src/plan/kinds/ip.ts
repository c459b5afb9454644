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
  requests: (step, kernel) => [addAddress(step.prefix, kernel.linkIndex(step.in, step.link))],
  commands: (step) => [
    `${ipCommand(step.in)} address add ${formatPrefix(step.prefix)}${manner(step)} dev ${step.link}`,
  ],
  undoCommands: (step) => [`${ipCommand(step.in)} address delete ${formatPrefix(step.prefix)} dev ${step.link}`],
  undo: (step, kernel) => {
    ignoring(gone, () =>
      kernel.namespace(step.in).route.execute([deleteAddress(step.prefix, kernel.linkIndex(step.in, step.link))]),
    );
  },
  holds: (step, kernel) =>
    ignoring(gone, () => {
      const index = kernel.linkIndex(step.in, step.link);
      return listAddresses(kernel.namespace(step.in).route).some(
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
  requests: (step, kernel) => [
    setDefaultRoute(step.was === undefined ? 'add' : 'replace', resolve(step, step, kernel)),
  ],
  commands: (step) => [routeCommand(step.was === undefined ? 'add' : 'replace', step, step)],
  undoCommands: (step) => (step.was === undefined ? [] : [routeCommand('replace', step, step.was)]),
  undo(step, kernel) {
    const { was } = step;
    if (was === undefined) return;
    ignoring(gone, () =>
      kernel.namespace(step.in).route.execute([setDefaultRoute('replace', resolve(step, was, kernel))]),
    );
  },
  holds: (step, kernel) =>
    ignoring(gone, () => {
      const index = kernel.linkIndex(step.in, step.link);
      return listRoutes(kernel.namespace(step.in).route, step.family).some(
        ({ gateway, destination, linkIndex, shared }) =>
          destination.length === 0 && linkIndex === index && sameAddress(gateway, step.gateway) && !shared,
      );
    }) ?? false,
};

type Way = Omit<DefaultRoute, 'family'>;

function resolve({ family, in: place }: RouteStep, { link, gateway }: Way, kernel: KernelHandles) {
  const linkIndex = kernel.linkIndex(place, link);
  return gateway === undefined ? { family, linkIndex } : { family, linkIndex, gateway };
}

function routeCommand(verb: 'add' | 'replace', { family, in: place }: RouteStep, { link, gateway }: Way): string {
  const way = gateway === undefined ? '' : ` via ${formatAddress(gateway)}`;
  return `${ipCommand(place)}${family === 6 && gateway === undefined ? ' -6' : ''} route ${verb} default${way} dev ${link}`;
}

export const localRoute: RequestKind<LocalRouteStep> = {
  requests: (step, kernel) => [addLocalRoute(step, kernel.linkIndex(step.in, 'lo'))],
  commands: (step) => [localRouteCommand('add', step)],
  undoCommands: (step) => [localRouteCommand('delete', step)],
  undo: (step, kernel) => {
    ignoring([...gone, 'ESRCH'], () =>
      kernel.namespace(step.in).route.execute([deleteLocalRoute(step, kernel.linkIndex(step.in, 'lo'))]),
    );
  },
  holds: (step, kernel) => hasLocalRoute(kernel.namespace(step.in).route, step),
};

function localRouteCommand(verb: 'add' | 'delete', { in: place, family, table }: LocalRouteStep): string {
  return `${ipCommand(place)}${family === 6 ? ' -6' : ''} route ${verb} local default dev lo table ${table}`;
}

export const routingRule: RequestKind<RoutingRuleStep> = {
  requests(step, kernel) {
    kernel.invalidate(listed(step));
    return [addRoutingRule(step.rule)];
  },
  commands: (step) => [routingRuleCommand('add', step)],
  undoCommands: (step) => [routingRuleCommand('delete', step)],
  undo(step, kernel) {
    kernel.invalidate(listed(step));
    ignoring(gone, () => kernel.namespace(step.in).route.execute([deleteRoutingRule(step.rule)]));
  },
  holds: (step, kernel) =>
    kernel.cached(listed(step), () => routingRules(step, kernel)).has(formatRoutingRule(step.rule)),
};

/** All of a family at once: each network has a few. */
function routingRules({ in: place, rule: { family } }: RoutingRuleStep, kernel: KernelHandles): ReadonlySet<string> {
  return new Set(listRoutingRules(kernel.namespace(place).route, family).map(formatRoutingRule));
}

function listed({ in: place, rule: { family } }: RoutingRuleStep): string {
  return `${ipCommand(place)} -${family} rule`;
}

function routingRuleCommand(verb: 'add' | 'delete', { in: place, rule }: RoutingRuleStep): string {
  return `${ipCommand(place)}${rule.family === 6 ? ' -6' : ''} rule ${verb} ${formatRoutingRule(rule)}`;
}

export const sysctl: InNamespaceKind<SysctlStep> = {
  applyInside: (step, kernel) => kernel.settings.write(step),
  commands: (step) => [setting(step, step.value)],
  undoCommands: (step) => (step.was === undefined ? [] : [setting(step, step.was)]),
  undo(step, kernel) {
    const { was } = step;
    if (was === undefined) return;
    // A link's settings go with the link.
    ignoring('ENOENT', () =>
      kernel.runInside(step.in, () => {
        // What is to stay as it was may have been turned along with another setting.
        const isOurs = was === step.value || readSysctl(step.key) === step.value;
        if (isOurs) writeSysctl({ key: step.key, value: was });
      }),
    );
  },
  holds: (step, kernel) =>
    ignoring('ENOENT', () => kernel.runInside(step.in, () => readSysctl(step.key))) === step.value,
};

function setting(step: SysctlStep, value: string): string {
  return `${execPrefix(step.in)}sysctl -qw ${quote(`${step.key}=${value}`)}`;
}
