import test from 'ava';
import { identities, inventName } from '../../src/engine/store/id-generator.ts';
import { parseMac } from '../../src/values/mac.ts';
import { parseContainerName } from '../../src/values/names.ts';

function draw(seed: string | undefined) {
  const source = identities(seed);
  return [source.id(), source.mac(), source.number(1000), source.id(), inventName(source, () => false)];
}

test('the same seed gives the same identities, in the same order', (t) => {
  t.deepEqual(draw('a story'), draw('a story'));
  t.notDeepEqual(draw('a story'), draw('another story'));
});

test('without a seed they are never the same', (t) => {
  const [one, other] = [draw(undefined), draw(undefined)];
  t.not(one[0], other[0]);
  t.not(one[0], one[3]);
});

test('an id is 64 hexadecimal digits and a MAC is one that may be given', (t) => {
  for (const seed of [undefined, 'a story']) {
    const source = identities(seed);
    t.regex(source.id(), /^[0-9a-f]{64}$/);
    const mac = source.mac();
    t.is(parseMac(mac), mac);
  }
});

test('a number is from 0 to one below', (t) => {
  const source = identities('numbers');
  const drawn = new Set(Array.from({ length: 200 }, () => source.number(5)));
  t.deepEqual([...drawn].toSorted(), [0, 1, 2, 3, 4]);
});

test('an invented name is a manner and a vessel, and a container may bear it', (t) => {
  const source = identities('names');
  for (let count = 0; count < 50; count++) {
    const name = inventName(source, () => false);
    t.regex(name, /^[a-z]+_[a-z]+$/);
    t.is(parseContainerName(name), name);
  }
});

test('a name that somebody has is not invented again, even when all have been', (t) => {
  const taken = new Set<string>();
  const source = identities('crowd');
  for (let count = 0; count < 1500; count++) {
    const name = inventName(source, (candidate) => taken.has(candidate));
    t.false(taken.has(name));
    taken.add(name);
  }
  t.true([...taken].some((name) => /\d$/.test(name)));
});
