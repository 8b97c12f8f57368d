/** Thrown for bytes that cannot be as they were written. It quotes nothing of them. */
export class Damage extends Error {}

/** Thrown for pages in a format that this release does not know. */
export class ForeignPages extends Error {}
