import {
  compactDoc,
  createDoc,
  emptyVector,
  entryOf,
  type FeedName,
  feedName,
  loadDoc,
  type OrgId,
  parseKey,
  parseMailboxId,
  parseOrgId,
  vectorOfDoc,
  writeSlots,
  zeroEpoch,
} from '@entente/protocol'
import type { Invitation, KeyName, Page, Write } from '../store.js'

// What the contract suite writes and reads.

export const org = parseOrgId('a'.repeat(43))
export const other = parseOrgId('b'.repeat(43))
export const feed = feedName({ kind: 'team', org, topic: 'rows' })
export const second = feedName({ kind: 'team', org, topic: 'messages' })
export const bounds = { bytes: 64 * 1024, entries: 1_000 }
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export function message(key: string, seen = 0, text = key): Write {
  return {
    feed,
    key: parseKey(key),
    owner: org,
    seen,
    follows: undefined,
    given: [],
    connects: 0,
    kind: 'message',
    whole: true,
    epoch: zeroEpoch,
    bytes: bytes(text),
    vector: emptyVector,
  }
}

export function erasure(key: string, seen: number): Write {
  return { ...message(key, seen), kind: 'erased', bytes: new Uint8Array() }
}

/** A head after the entry of this sequence. The store does not read its bytes. */
export function head(follows: number, seen = 0): Write {
  return { ...message('head', seen, `${follows}`), kind: 'head', follows }
}

export function nameOf(key: string, of: FeedName = feed): KeyName {
  return { feed: of, key: parseKey(key) }
}

export function invitation(letter: string, expires: number): Invitation {
  return {
    mailbox: letter.repeat(22),
    vendor: org,
    partner: undefined,
    claimHash: new Uint8Array(32).fill(7),
    expires,
    wrongTries: 0,
    isVoid: false,
  }
}

export function mailboxFeed(row: Invitation): FeedName {
  return feedName({ kind: 'mailbox', mailbox: parseMailboxId(row.mailbox), side: 'vendor' })
}

export function keysOf(page: Page): readonly string[] {
  return page.entries.map(entryOf).map((entry) => `${entry.key} ${entry.sequence}`)
}

/** A doc and the writes of its owner. */
export class DocWriter {
  readonly #key: string
  readonly #owner: OrgId
  readonly #feed: FeedName
  readonly #states: Uint8Array[] = []
  last = new Uint8Array()

  constructor(key: string, owner = org, of = feed) {
    this.#key = key
    this.#owner = owner
    this.#feed = of
  }

  begin(): Write {
    this.last = new Uint8Array(bytes('0'))
    this.#states.push(createDoc(new Map([['0', this.last]]), 1))
    return this.#write(0, true)
  }

  update(seen: number): Write {
    this.last = new Uint8Array(bytes(String(this.#states.length)))
    this.#states.push(writeSlots(loadDoc(this.#states, 1_000 + this.#states.length), new Map([['0', this.last]])))
    return this.#write(seen, false)
  }

  mergedUpTo(updates: number): Uint8Array {
    return compactDoc(this.#states.slice(0, updates + 1))
  }

  #write(seen: number, whole: boolean): Write {
    const update = this.#states.at(-1) ?? new Uint8Array()
    const vector = vectorOfDoc(compactDoc(this.#states))
    const base = message(this.#key, seen)
    return { ...base, feed: this.#feed, owner: this.#owner, kind: 'doc', whole, epoch: { version: 1, number: 0 }, bytes: update, vector }
  }
}
