import { Bag } from '../../../lib/core/time/bag';

const thing = (name: string) => ({ name, place: -1 });
const namesIn = (bag: Bag<ReturnType<typeof thing>>) => [...bag].map(({ name }) => name).sort();

describe('Bag', () => {
  it('holds what was put in until it is removed, whatever the order', () => {
    const bag = new Bag<ReturnType<typeof thing>>();
    const [a, b, c, d] = [thing('a'), thing('b'), thing('c'), thing('d')];
    for (const each of [a, b, c]) bag.add(each);

    bag.remove(a);
    bag.add(d);
    bag.remove(b);

    expect(namesIn(bag)).toEqual(['c', 'd']);
    for (const each of [d, c]) bag.remove(each);
    expect(bag.isEmpty).toBe(true);
  });

  it('removes nothing else when it is asked twice', () => {
    const bag = new Bag<ReturnType<typeof thing>>();
    const [a, b] = [thing('a'), thing('b')];
    for (const each of [a, b]) bag.add(each);

    const removed = [bag.remove(a), bag.remove(a)];

    expect(removed).toEqual([true, false]);
    expect(namesIn(bag)).toEqual(['b']);
  });

  it('knows what is in it', () => {
    const [bag, other] = [new Bag<ReturnType<typeof thing>>(), new Bag()];
    const [a, b, c] = [thing('a'), thing('b'), thing('c')];
    for (const each of [a, b]) bag.add(each);
    other.add(c);

    bag.remove(a);

    expect([a, b, c].map((each) => bag.has(each))).toEqual([false, true, false]);
  });

  it('may change while somebody goes through it', () => {
    const bag = new Bag<ReturnType<typeof thing>>();
    for (const name of ['a', 'b', 'c']) bag.add(thing(name));
    const seen: string[] = [];

    for (const each of bag) {
      seen.push(each.name);
      bag.remove(each);
    }

    expect(seen).toEqual(['a', 'b', 'c']);
    expect(bag.isEmpty).toBe(true);
  });

  it('gives out one by one, until there is none', () => {
    const bag = new Bag<ReturnType<typeof thing>>();
    for (const name of ['a', 'b']) bag.add(thing(name));

    const taken = [bag.take(), bag.take(), bag.take()];

    expect(taken.map((each) => each?.name).sort()).toEqual(['a', 'b', undefined]);
    expect(bag.isEmpty).toBe(true);
  });
});
