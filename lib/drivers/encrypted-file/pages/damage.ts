/** Thrown for bytes that are not as they were written. The error quotes none of them. */
export class Damage extends Error {}

/** Thrown for a state of a store that is older than one that this process has seen. */
export class Outdated extends Damage {}

/** Thrown for pages in a format that this release does not know. */
export class ForeignPages extends Error {}
