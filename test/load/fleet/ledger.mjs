/** Holds what was changed and when, against what each instance has served from when until when. */
export class Ledger {
  #instances;
  #changes = new Map();
  #arrived;
  #latenciesMs = [];
  /** The changes after which an instance went on serving the value before, with the last time of it. */
  #stale = new Map();
  #lost = 0;

  /** @param instances the number of instances @param names the secrets, each of the value 0 */
  constructor(instances, names) {
    this.#instances = instances;
    this.#changes = new Map(names.map((name) => [name, [{ at: -Infinity, waiting: 0 }]]));
    this.#arrived = Array.from({ length: instances }, () => new Map());
  }

  /** Returns the value of the next change of a secret. */
  nextValue(name) {
    return this.#changes.get(name).length;
  }

  /** Records a change. The changes of one secret come in the order of their values. */
  changed(name, at) {
    this.#changes.get(name).push({ at, waiting: this.#instances });
  }

  /** Records when a change was announced whose writer was cut off. Until then no other instance can hear of it. */
  announced(name, value, at) {
    this.#changes.get(name)[value].announcedAt = at;
  }

  /** Records the span in which an instance has served a value. */
  served(instance, { name, value, from, until }) {
    const changes = this.#changes.get(name);
    const successor = changes[value + 1];
    if (successor) this.#stale.set(successor, Math.max(this.#stale.get(successor) ?? 0, until));
    const arrived = this.#arrived[instance].get(name) ?? 0;
    for (let number = arrived + 1; number <= value; number++) this.#arrive(changes[number], from);
    if (value > arrived) this.#arrived[instance].set(name, value);
  }

  /** The changes that some instance has served neither themselves nor by a later value. */
  get underway() {
    return [...this.#changes.values()].flat().filter(({ waiting }) => waiting > 0);
  }

  /** The number of changes that were given up. */
  get lost() {
    return this.#lost;
  }

  /** Counts what is underway as lost, also if it is served later. */
  giveUp() {
    const { underway } = this;
    for (const change of underway) change.waiting = 0;
    this.#lost += underway.length;
  }

  /** Returns the times in ms from the changes to their last instances, since the call before. */
  takeLatencies() {
    const latenciesMs = this.#latenciesMs;
    this.#latenciesMs = [];
    return latenciesMs;
  }

  /** Returns the longest time in ms for which a former value was served after its change, since the call before. */
  takeStalest() {
    const stale = [...this.#stale];
    this.#stale.clear();
    return Math.max(0, ...stale.map(([{ at, announcedAt = at }, until]) => until - announcedAt));
  }

  #arrive(change, at) {
    change.waiting -= 1;
    change.lastAt = Math.max(change.lastAt ?? at, at);
    if (change.waiting === 0) this.#latenciesMs.push(change.lastAt - change.at);
  }
}
