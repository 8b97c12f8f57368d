import { UnorderedSet } from '../../../lib/core/time/unordered-set';

const thing = (name: string) => ({ name, index: -1 });
const namesIn = (set: UnorderedSet<ReturnType<typeof thing>>) =>
  [...set].map(({ name }) => name).sort();

describe('UnorderedSet', () => {
  it('holds items until they are removed, in any order', () => {
    const set = new UnorderedSet<ReturnType<typeof thing>>();
    const [a, b, c, d] = [thing('a'), thing('b'), thing('c'), thing('d')];
    for (const each of [a, b, c]) set.add(each);

    set.remove(a);
    set.add(d);
    set.remove(b);

    expect(namesIn(set)).toEqual(['c', 'd']);
    for (const each of [d, c]) set.remove(each);
    expect(set.isEmpty).toBe(true);
  });

  it('removes nothing when an item is removed twice', () => {
    const set = new UnorderedSet<ReturnType<typeof thing>>();
    const [a, b] = [thing('a'), thing('b')];
    for (const each of [a, b]) set.add(each);

    const removed = [set.remove(a), set.remove(a)];

    expect(removed).toEqual([true, false]);
    expect(namesIn(set)).toEqual(['b']);
  });

  it('reports whether it holds an item', () => {
    const [set, other] = [new UnorderedSet<ReturnType<typeof thing>>(), new UnorderedSet()];
    const [a, b, c] = [thing('a'), thing('b'), thing('c')];
    for (const each of [a, b]) set.add(each);
    other.add(c);

    set.remove(a);

    expect([a, b, c].map((each) => set.has(each))).toEqual([false, true, false]);
  });

  it('may change during an iteration', () => {
    const set = new UnorderedSet<ReturnType<typeof thing>>();
    for (const name of ['a', 'b', 'c']) set.add(thing(name));
    const seen: string[] = [];

    for (const each of set) {
      seen.push(each.name);
      set.remove(each);
    }

    expect(seen).toEqual(['a', 'b', 'c']);
    expect(set.isEmpty).toBe(true);
  });

  it('returns items one by one until it is empty', () => {
    const set = new UnorderedSet<ReturnType<typeof thing>>();
    for (const name of ['a', 'b']) set.add(thing(name));

    const taken = [set.take(), set.take(), set.take()];

    expect(taken.map((each) => each?.name).sort()).toEqual(['a', 'b', undefined]);
    expect(set.isEmpty).toBe(true);
  });
});
