import test from 'ava';
import fc from 'fast-check';
import { allocatePorts, collide, type HostPorts, publishAll } from '../../src/services/port-allocation.ts';
import { formatHost, parseAddress } from '../../src/values/address.ts';
import {
  type PortBinding,
  type PortRange,
  type Protocol,
  type PublishedPort,
  protocols,
} from '../../src/values/port.ts';

function range(first: number, last = first): PortRange {
  return { first, last };
}

function wish(container: PortRange, host?: PortRange, hostAddress?: string, protocol: Protocol = 'tcp'): PublishedPort {
  return {
    protocol,
    containerPort: container,
    ...(host === undefined ? {} : { hostPort: host }),
    ...(hostAddress === undefined ? {} : { hostAddress: parseAddress(hostAddress) }),
  };
}

const free: HostPorts = {
  families: [4, 6],
  ephemeral: range(32768, 32772),
  reserved: [],
  cursor: 0,
  holder: () => undefined,
};

/** A host on which these ports are somebody's, on every address. */
function held(...ports: readonly number[]): HostPorts {
  return { ...free, holder: ({ hostPort }) => (ports.includes(hostPort) ? 'nginx (pid 7)' : undefined) };
}

function allocated(host: HostPorts, ...published: readonly PublishedPort[]): readonly string[] {
  return allocatePorts(published, host).map(
    ({ protocol, hostAddress, hostPort, containerPort }) =>
      `${formatHost(hostAddress)}:${hostPort}->${containerPort}/${protocol}`,
  );
}

test('a port without an address is bound in both families, with the same number', (t) => {
  t.deepEqual(allocated(free, wish(range(80), range(8080))), ['0.0.0.0:8080->80/tcp', '[::]:8080->80/tcp']);
  t.deepEqual(allocated({ ...free, families: [4] }, wish(range(80), range(8080))), ['0.0.0.0:8080->80/tcp']);
});

test('equally long ranges are pairs', (t) => {
  t.deepEqual(allocated(free, wish(range(80, 82), range(8000, 8002), '127.0.0.1')), [
    '127.0.0.1:8000->80/tcp',
    '127.0.0.1:8001->81/tcp',
    '127.0.0.1:8002->82/tcp',
  ]);
});

test('of a longer range the first free one is taken', (t) => {
  t.deepEqual(allocated(held(8000, 8001), wish(range(80), range(8000, 8010), '127.0.0.1')), ['127.0.0.1:8002->80/tcp']);
});

test('any port is the next ephemeral one behind the last, round the range', (t) => {
  const any = wish(range(80), undefined, '127.0.0.1');
  const from = (cursor: number) => allocated({ ...free, cursor }, any, any);
  t.deepEqual(from(0), ['127.0.0.1:32768->80/tcp', '127.0.0.1:32769->80/tcp']);
  t.deepEqual(from(32769), ['127.0.0.1:32770->80/tcp', '127.0.0.1:32771->80/tcp']);
  t.deepEqual(from(32771), ['127.0.0.1:32772->80/tcp', '127.0.0.1:32768->80/tcp']);
  t.deepEqual(from(60000), ['127.0.0.1:32768->80/tcp', '127.0.0.1:32769->80/tcp']);
});

test('reserved ports are not given out by chance, and can be asked for', (t) => {
  const host = { ...free, reserved: [range(32768, 32769), range(32771)] };
  const any = wish(range(80), undefined, '127.0.0.1');
  t.deepEqual(allocated(host, any, any), ['127.0.0.1:32770->80/tcp', '127.0.0.1:32772->80/tcp']);
  t.deepEqual(allocated(host, wish(range(80), range(32771), '127.0.0.1')), ['127.0.0.1:32771->80/tcp']);
  t.deepEqual(allocated(host, wish(range(80), range(32768, 32770), '127.0.0.1')), ['127.0.0.1:32768->80/tcp']);
});

test('what names its port comes before what chooses, and that before what takes any', (t) => {
  const host: HostPorts = { ...free, families: [4], ephemeral: range(8080, 8082) };
  const wishes = [wish(range(1)), wish(range(2), range(8080, 8081)), wish(range(3), range(8080))];
  t.deepEqual(allocated(host, ...wishes), ['0.0.0.0:8080->3/tcp', '0.0.0.0:8081->2/tcp', '0.0.0.0:8082->1/tcp']);
});

test('a port that somebody has is refused with his name', (t) => {
  t.throws(() => allocated(held(8080), wish(range(80), range(8080))), {
    code: 'port-in-use',
    message: 'port 0.0.0.0:8080/tcp is in use by nginx (pid 7)',
  });
});

test('a port that is taken in one family is taken in both', (t) => {
  const six: HostPorts = { ...free, holder: ({ hostAddress }) => (hostAddress.family === 6 ? 'sshd' : undefined) };
  t.throws(() => allocated(six, wish(range(80), range(22))), { message: 'port [::]:22/tcp is in use by sshd' });
  const only: HostPorts = {
    ...free,
    holder: ({ hostAddress, hostPort }) => (hostAddress.family === 6 && hostPort === 32768 ? 'x' : undefined),
  };
  t.deepEqual(allocated(only, wish(range(80))), ['0.0.0.0:32769->80/tcp', '[::]:32769->80/tcp']);
});

test('where no port of a range is free, the number of them is told', (t) => {
  t.throws(() => allocated(held(8000, 8001), wish(range(80), range(8000, 8001))), {
    code: 'port-in-use',
    message: 'all ports are allocated: none of 2 is free for container port 80/tcp',
  });
  t.throws(() => allocated({ ...free, reserved: [range(1, 65535)] }, wish(range(80))), { code: 'port-in-use' });
});

test('one command can’t publish a port twice', (t) => {
  t.throws(() => allocated(free, wish(range(80), range(8080)), wish(range(81), range(8080), '127.0.0.1')), {
    message: 'port 127.0.0.1:8080/tcp is published twice by this command',
  });
});

test('of all ports of a container, as many are found as there are, without a walk over all of them for each', (t) => {
  const usual = { ...free, ephemeral: range(32768, 60999) };
  t.is(allocated(usual, wish(range(1, 28232), undefined, '127.0.0.1')).at(-1), '127.0.0.1:60999->28232/tcp');
  t.throws(() => allocated(usual, wish(range(1, 65535))), {
    message: /none of 28232 is free for container port 28233\/tcp/,
  });
  t.deepEqual(allocated(usual, wish(range(53), undefined, '::1'), wish(range(53), undefined, '::1', 'udp')), [
    '[::1]:32768->53/tcp',
    '[::1]:32768->53/udp',
  ]);
});

test('every exposed port becomes any port, once, unless it is published by itself', (t) => {
  const any = wish(range(53), undefined, undefined, 'udp');
  const exposed = { port: 53, protocol: 'udp' } as const;
  t.deepEqual(publishAll([exposed, exposed], [{ protocol: 'tcp', containerPort: range(53) }]), [any]);
  t.deepEqual(publishAll([exposed], [{ protocol: 'udp', containerPort: range(50, 60) }]), []);
});

const addresses = ['0.0.0.0', '127.0.0.1', '203.0.113.1', '::', '::1', '2001:db8::1'];
const binding = fc.record({
  protocol: fc.constantFrom(...protocols),
  hostAddress: fc.constantFrom(...addresses).map(parseAddress),
  hostPort: fc.integer({ min: 1000, max: 1004 }),
  containerPort: fc.constant(80),
});

/** The naive model: which of six addresses a binding listens on. */
function claims({ protocol, hostAddress, hostPort }: PortBinding): readonly string[] {
  const own = formatHost(hostAddress);
  const family = addresses
    .map(parseAddress)
    .filter((one) => one.family === hostAddress.family)
    .map(formatHost);
  return (own === '0.0.0.0' || own === '[::]' ? family : [own]).map((at) => `${protocol} ${at} ${hostPort}`);
}

test('two bindings collide when some address would have both', (t) => {
  fc.assert(
    fc.property(binding, binding, (one, other) => {
      t.is(
        collide(one, other),
        claims(one).some((claim) => claims(other).includes(claim)),
      );
      t.is(collide(one, other), collide(other, one));
    }),
    { numRuns: 1000 },
  );
});

const published = fc
  .record({
    protocol: fc.constantFrom(...protocols),
    address: fc.option(fc.constantFrom(...addresses), { nil: undefined }),
    container: fc.integer({ min: 1, max: 3 }),
    host: fc.option(fc.tuple(fc.integer({ min: 1000, max: 1010 }), fc.integer({ min: 0, max: 5 })), { nil: undefined }),
  })
  .map(({ protocol, address, container, host }) => {
    const length = container === 1 ? (host?.[1] ?? 0) : container - 1;
    const ports = host === undefined ? undefined : range(host[0], host[0] + length);
    return wish(range(80, 79 + container), ports, address, protocol);
  });

test('whatever is asked for, no two bindings collide, none is somebody’s, and all stay in their range', (t) => {
  fc.assert(
    fc.property(fc.array(published, { maxLength: 6 }), fc.array(binding, { maxLength: 4 }), (wishes, others) => {
      const host: HostPorts = {
        ...free,
        ephemeral: range(1000, 1015),
        reserved: [range(1003)],
        cursor: 1008,
        holder: (one) => (others.some((other) => collide(one, other)) ? 'somebody' : undefined),
      };
      let found: readonly PortBinding[];
      try {
        found = allocatePorts(wishes, host);
      } catch (error) {
        t.like(error, { name: 'GangwayError', code: 'port-in-use' });
        return;
      }
      const taken = [...found, ...others];
      t.true(found.every((one, index) => !taken.some((other, place) => place !== index && collide(one, other))));
      const asked = wishes.flatMap(
        ({ hostAddress, containerPort: { first, last } }) => (last - first + 1) * (hostAddress === undefined ? 2 : 1),
      );
      t.is(
        found.length,
        asked.reduce((sum, count) => sum + count, 0),
      );
      t.true(found.every(({ hostPort }) => hostPort >= 1000 && hostPort <= 1015));
      t.true(wishes.some(({ hostPort }) => hostPort !== undefined) || found.every(({ hostPort }) => hostPort !== 1003));
    }),
    { numRuns: 1000 },
  );
});
