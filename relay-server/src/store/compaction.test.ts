import { feedName, parseKey, parseOrgId } from '@entente/protocol'
import { expect, it } from 'vitest'
import { Compactor } from './compaction.js'
import { createLog } from '../log.js'
import type { Store } from './store.js'

it('counts as waiting also what is left of the round that is being merged', async () => {
  let read = (): void => {}
  const slow = new Promise<undefined>((resolve) => (read = () => resolve(undefined)))
  const store: Partial<Store> = { doc: async ({ key }) => (key === 'r0' ? undefined : slow) }
  const compactor = new Compactor(store as Store, createLog('silent'), { compacted: () => {} })
  const feed = feedName({ kind: 'team', org: parseOrgId('a'.repeat(43)), topic: 'rows' })
  for (let index = 0; index < 30; index++) compactor.add({ feed, key: parseKey(`r${index}`) })
  // The first is a round by itself; the others are the next, of which eight at once are being merged.
  await expect.poll(() => compactor.waiting).toBe(21)
  read()
  await expect.poll(() => compactor.waiting).toBe(0)
  await compactor.stop()
})
