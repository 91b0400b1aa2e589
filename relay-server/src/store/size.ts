import type { Write } from './store.js'

/** The usage of a tombstone, which has no bytes of its own. It stays, so erasing keys that never existed takes room too. */
export const tombstoneBytes = 64

/** The bytes that a write adds to its org's usage. */
export function sizeOf({ kind, bytes }: Pick<Write, 'kind' | 'bytes'>): number {
  return bytes.length + (kind === 'erased' ? tombstoneBytes : 0)
}
