/** Thrown for bytes that are not as they were written. The error quotes none of them. */
export class Damage extends Error {}

/** Thrown for pages in a format that this release does not know. */
export class ForeignPages extends Error {}
