import { parseKey } from '@entente/protocol'
import { expect, it } from 'vitest'
import { leafOfBytes } from './leaf.js'
import { LeafTree } from './leaf-tree.js'

it('[HD3] has the same root whether it was hashed ahead, half-way or not at all', () => {
  const [plain, ahead, between] = [new LeafTree(), new LeafTree(), new LeafTree()]
  for (let index = 0; index < 2_000; index++) {
    const key = parseKey(`k${index}`)
    for (const tree of [plain, ahead, between]) tree.set(key, leafOfBytes(key, 'message', new Uint8Array([index & 0xff])))
    if (index === 900) while (between.hashAhead());
    if (index === 1_500) between.hashAhead()
  }
  let goes = 1
  while (ahead.hashAhead()) goes++
  expect(goes).toBeGreaterThan(10)
  expect(ahead.root()).toBe(plain.root())
  expect(between.root()).toBe(plain.root())
  plain.set(parseKey('k7'), undefined)
  expect(ahead.root()).not.toBe(plain.root())
  ahead.set(parseKey('k7'), undefined)
  expect(ahead.hashAhead()).toBe(false)
  expect(ahead.root()).toBe(plain.root())
})
