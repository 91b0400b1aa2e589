import { connectionId, parseConnectionId, parseFeedName, parseKey, parseMailboxId, parseOrgId, type Side } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/seal.json' with { type: 'json' }
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { codeOf, sharedSecret, transcriptOf } from '../connect/reveal.js'
import { listingId, mapIdOfListing } from '../share/listing-id.js'
import { isStamp } from '@entente/protocol'
import { claimHash, connectionKey, mailboxClaim, mailboxId, mailboxKey, namingKey, originKey, teamKey, TeamNames } from './keys.js'
import { bindingToBytes, generationOf, open, openContent, Origin, seal, type SealBinding } from './seal-register.js'

const { secrets, keys, names, mailbox, connecting, seals, refused } = vectors
const org = parseOrgId(secrets.org)
const connection = parseConnectionId(secrets.connection)
const key = (name: keyof typeof keys): Uint8Array => fromBase64UrlEncoded(keys[name].key)
const origin = new Origin(key('origin'))
const bindingOf = ({
  feed,
  key: at,
  slot,
  epoch,
}: {
  feed: string
  key: string
  slot: string
  epoch: SealBinding['epoch']
}): SealBinding => ({
  feed: parseFeedName(feed),
  key: parseKey(at),
  slot,
  epoch,
})

describe('the vectors of seals', () => {
  it('[SE6, SE7, SE8, OR1] hold for every derived key', () => {
    const sides: readonly Side[] = ['vendor', 'partner']
    const derived = {
      ...Object.fromEntries(sides.map((side) => [`${side}Docs`, connectionKey(secrets.shared, connection, side, 'docs')])),
      ...Object.fromEntries(sides.map((side) => [`${side}Messages`, connectionKey(secrets.shared, connection, side, 'messages')])),
      vendorDocsNext: connectionKey(secrets.sendingNext, connection, 'vendor', 'docs', 1),
      partnerMessagesHighest: connectionKey(secrets.sendingHighest, connection, 'partner', 'messages', 255),
      teamNext: teamKey(secrets.ownNext, org, 1),
      originNext: originKey(secrets.ownNext, org),
      team: teamKey(secrets.own, org),
      origin: originKey(secrets.own, org),
      teamNaming: namingKey(secrets.own, org),
      connectionNaming: namingKey(secrets.shared, connection),
      ...Object.fromEntries(sides.map((side) => [`${side}Mailbox`, mailboxKey(secrets.link, parseMailboxId(mailbox.id), side)])),
    }
    expect(Object.fromEntries(Object.entries(derived).map(([name, bytes]) => [name, toBase64UrlEncoded(bytes)]))).toEqual(
      Object.fromEntries(Object.entries(keys).map(([name, { key: bytes }]) => [name, bytes])),
    )
  })

  it('[SE7, MB9, SE9, SH2, EX2] hold for every name that comes from a secret', () => {
    const claim = mailboxClaim(secrets.link)
    expect({
      id: mailboxId(secrets.link),
      claim: toBase64UrlEncoded(claim),
      claimHash: toBase64UrlEncoded(claimHash(claim)),
    }).toEqual(mailbox)
    const teamNames = new TeamNames(secrets.own, org)
    const { object, record, ...expected } = names
    const named = { id: connection, secret: secrets.shared }
    const listing = listingId(named, 'Lead', record)
    expect(object).toBe('Lead')
    expect({ key: teamNames.key(object, record), listing, map: mapIdOfListing(named, listing) }).toEqual(expected)
  })

  it('[CN4, CN9, F3] hold for what two orgs derive when they connect', async () => {
    const { vendor, partner, salt, exchange, reveals, transcript, code } = connecting
    const id = connectionId(parseOrgId(vendor), parseOrgId(partner), salt)
    expect(id).toBe(connecting.connection)
    expect(await sharedSecret(exchange.vendor.secret, exchange.partner.public, id)).toBe(connecting.shared)
    expect(await sharedSecret(exchange.partner.secret, exchange.vendor.public, id)).toBe(connecting.shared)
    expect([transcriptOf(reveals.vendor, reveals.partner), codeOf(transcript)]).toEqual([transcript, code])
  })

  it.each(seals)(
    '[SE1, SE3, OR1, RT1] hold for the seal of $name',
    ({ cipher, origin: originName, generation, stamp, value, binding, associated, padded, nonce, sealed }) => {
      const at = bindingOf(binding)
      const [cipherKey, by] = [key(cipher as keyof typeof keys), new Origin(key(originName as keyof typeof keys))]
      if (!isStamp(stamp)) throw new Error('no stamp')
      const place = bindingToBytes(at, generation)
      expect(new TextDecoder().decode(place)).toBe(associated)
      expect(toBase64UrlEncoded(by.nonce(place, fromBase64UrlEncoded(padded)))).toBe(nonce)
      expect(toBase64UrlEncoded(seal({ cipher: cipherKey, origin: by, generation }, at, [stamp, value]))).toBe(sealed)
      expect(generationOf(fromBase64UrlEncoded(sealed))).toBe(generation)
      expect(openContent(cipherKey, at, fromBase64UrlEncoded(sealed), by)).toEqual({ stamp, content: value })
    },
  )

  it.each(refused)('[SE2, SE4, OR1] hold for what does not open: $name', ({ cipher, binding, sealed, peer }) => {
    const cipherKey = key(cipher as keyof typeof keys)
    const bytes = fromBase64UrlEncoded(sealed)
    expect(open(cipherKey, bindingOf(binding), bytes, origin)).toBeUndefined()
    expect(open(cipherKey, bindingOf(binding), bytes) !== undefined).toBe(peer)
  })
})
