import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyVector, entryOf, feedName, parseKey, parseOrgId, zeroEpoch } from '@entente/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { openLibsqlStore } from './libsql.js'
import type { Store, Write } from '../store.js'

const owner = parseOrgId('O'.repeat(43))
const feed = feedName({ kind: 'team', org: owner, topic: 'messages' })
const wide = { bytes: 16 * 1024 * 1024, entries: 2_000 }

describe('walking a feed of the embedded store', () => {
  const directory = mkdtempSync(join(tmpdir(), 'entente-walk-'))
  let store: Store
  afterEach(async () => {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('[CU1] gives entries of every size and every byte as they were written, in pages of any size', async () => {
    store = await openLibsqlStore(directory)
    // Around the size up to which entries come packed, with none at all, and more of them than one step brings.
    const sizes = [0, 1, 2_047, 2_048, 2_049, 70_000, ...Array.from({ length: 600 }, (_, index) => (index * 37) % 300)]
    const contents = sizes.map((size, index) => Uint8Array.from({ length: size }, (_, at) => (at * 7 + index) % 256))
    await store.commit(contents.map((bytes, index) => write(index, bytes)))
    const all = await store.page(feed, 0, wide)
    expect(all.entries.map(({ sequence }) => sequence)).toEqual(sizes.map((_, index) => index + 1))
    for (const [index, { key, bytes }] of all.entries.map(entryOf).entries()) {
      expect(key).toBe(`k${index}`)
      expect(Buffer.compare(bytes, contents[index] ?? new Uint8Array())).toBe(0)
    }
    for (const bounds of [
      { bytes: 1, entries: 2_000 },
      { bytes: 64 * 1024, entries: 2_000 },
      { ...wide, entries: 129 },
    ]) {
      let after = 0
      for (let done = false; !done;) {
        const page = await store.page(feed, after, bounds)
        expect(page.entries).toEqual(all.entries.slice(after, after + page.entries.length))
        expect(page.entries.length).toBeGreaterThan(0)
        expect(page.entries.length).toBeLessThanOrEqual(bounds.entries)
        after += page.entries.length
        done = page.done
      }
      expect(after).toBe(sizes.length)
    }
  })
})

function write(index: number, bytes: Uint8Array): Write {
  const key = parseKey(`k${index}`)
  return {
    feed,
    key,
    owner,
    seen: 0,
    given: [],
    follows: undefined,
    connects: 0,
    kind: 'message',
    whole: true,
    epoch: zeroEpoch,
    bytes,
    vector: emptyVector,
  }
}
