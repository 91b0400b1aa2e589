import type { Write } from './store.js'

/** What a tombstone counts for beside its bytes, of which it has none: it stays, so whoever erases keys that never were takes up something too. */
export const tombstoneBytes = 64

/** What a write takes up of its org's bytes. */
export function sizeOf({ kind, bytes }: Pick<Write, 'kind' | 'bytes'>): number {
  return bytes.length + (kind === 'erased' ? tombstoneBytes : 0)
}
