import { parseConnectionId } from '@entente/protocol'
import vectors from '@entente/protocol/vectors/names.json' with { type: 'json' }
import { toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import { codeOf, transcriptOf } from '../connect/reveal.js'
import { objectNames } from '../agree/narrow-proposal.js'
import { copyIdOfMap, listingId, mapIdOfListing } from '../share/listing-id.js'
import { claimHash, mailboxClaim, mailboxId } from './keys.js'

describe('the vectors of names that come from a secret', () => {
  it.each(vectors.links)('[SE7, MB9] hold for the mailbox $mailbox', ({ secret, claim, claimHash: hash, mailbox }) => {
    expect(toBase64UrlEncoded(mailboxClaim(secret))).toBe(claim)
    expect(toBase64UrlEncoded(claimHash(mailboxClaim(secret)))).toBe(hash)
    expect(mailboxId(secret)).toBe(mailbox)
  })

  it.each(vectors.codes)('[CN4] hold for the code $code', ({ vendor, partner, transcript, code }) => {
    expect([transcriptOf(vendor, partner), codeOf(transcript)]).toEqual([transcript, code])
  })

  it.each(vectors.records)('[SE9, SH2, EX2, IM2] hold for the record $object $record', ({ object, record, listing, map, copy }) => {
    const name = objectNames.find((known) => known === object)
    const [connection] = vectors.connections
    if (!name || !connection) throw new Error('The vectors name no such object.')
    const named = { id: parseConnectionId(connection.id), secret: vectors.secret }
    expect([listingId(named, name, record), mapIdOfListing(named, listing), copyIdOfMap(map)]).toEqual([listing, map, copy])
  })
})
