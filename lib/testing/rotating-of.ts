import type { Rotating } from '../core/contract/rotating';

/** Returns a rotating resource that never changes, for the test of a class that injects one. */
export function rotatingOf<Resource>(resource: Resource): Rotating<Resource> {
  return {
    current: resource,
    generation: 1,
    state: 'ready',
    use: async (work) => await work(resource),
  };
}
