import { decodeHead, encodeHead, parseKey, parseOrgId } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/head.json' with { type: 'json' }
import rosters from '@entente/protocol/vectors/roster.json' with { type: 'json' }
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { type DeviceLookup, verifyHead } from '../identity/decision.js'
import { type Leaf, leafOfBytes, leafOfDoc } from '../replica/leaf.js'
import { bucketOf, LeafTree } from '../replica/leaf-tree.js'

const { keys, root, head, refused } = vectors
const org = parseOrgId(rosters.org)
const vera = { key: rosters.keys.vera.x, exchange: rosters.exchange.vera.x, person: 'vera', role: 'admin' } as const
const devices: DeviceLookup = {
  device: async (_, id) => (id === rosters.keys.vera.thumbprint ? { id, ...vera } : undefined),
}

type Given = { readonly kind: string; readonly slots?: Readonly<Record<string, string | undefined>>; readonly bytes?: string }

function leafOf(name: string, { kind, slots, bytes }: Given): Leaf {
  const key = parseKey(name)
  if (kind === 'message' || kind === 'control' || kind === 'erased') return leafOfBytes(key, kind, fromBase64UrlEncoded(bytes ?? ''))
  const sealed = Object.entries(slots ?? {}).flatMap(([slot, text]) =>
    text === undefined ? [] : [[slot, fromBase64UrlEncoded(text)] as const],
  )
  return leafOfDoc(key, new Map(sealed))
}

describe('the vectors of heads', () => {
  it.each(keys)('[HD3] hold for the leaf and the bucket of $key', ({ key, bucket, leaf, ...given }) => {
    expect([bucketOf(parseKey(key)), toBase64UrlEncoded(leafOf(key, given))]).toEqual([bucket, leaf])
  })

  it('[HD3] hold for the root, in whatever order the keys came', () => {
    for (const some of [keys, keys.toReversed()]) {
      const tree = new LeafTree()
      for (const { key, leaf } of some) tree.set(parseKey(key), fromBase64UrlEncoded(leaf))
      expect(tree.root()).toBe(root)
      const gone = parseKey('gone')
      tree.set(gone, fromBase64UrlEncoded(keys[0]?.leaf ?? ''))
      expect(tree.root()).not.toBe(root)
      tree.set(gone, undefined)
      expect(tree.root()).toBe(root)
    }
  })

  it('[HD1, HD2, RC1] hold for the head', async () => {
    const bytes = fromBase64UrlEncoded(head.bytes)
    expect(decodeHead(bytes)).toEqual({ sequence: head.sequence, token: head.token })
    expect(encodeHead({ sequence: head.sequence, token: head.token })).toEqual(bytes)
    expect(head.claims).toMatchObject({ root, sequence: head.sequence, feed: vectors.feed })
    expect(await verifyHead(head.token, org, devices)).toEqual({ ...head.claims, cursors: new Map(Object.entries(head.claims.cursors)) })
    expect(await verifyHead(head.token, org, { device: async () => undefined })).toBe('stranger')
  })

  it.each(refused)('[HD2] refuse a head with $name', async ({ token }) => {
    expect(await verifyHead(token, org, devices)).toBeUndefined()
  })
})
