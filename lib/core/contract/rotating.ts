/** A resource that is built from secrets, and replaced when one of them changes. */
export interface Rotating<Resource> {
  /**
   * Runs the work with the present resource, and resolves to its result. The resource is not disposed of before
   * the work has ended, or `drainMs` after its replacement.
   *
   * If the work fails because the credentials were rejected, it runs once more on the next resource, if there is
   * one. Otherwise its error is thrown, unchanged. Rejects with `UNAVAILABLE` after the shutdown.
   */
  use<Result>(work: (resource: Resource) => Result | Promise<Result>): Promise<Result>;
  /** The present resource. It may be disposed of `drainMs` after its replacement; prefer `use`. */
  readonly current: Resource;
  /** The number of resources that have served so far, from 1. */
  readonly generation: number;
  /** `degraded` while the resource for the newest secrets cannot be built. The one before serves on. */
  readonly state: 'ready' | 'degraded';
}
