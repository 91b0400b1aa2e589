import { type Entry, entryKinds, type EntryKind, parseKey } from '@entente/protocol'
import { type ReadConnection, type ReadStatement, toBytes, toText } from './connection.js'

/** Entries up to this size come along with their step; longer ones are read one by one as they are taken, so that no step loads much more than a page takes. */
const packedBytes = 2 * 1024
/** Entries in the first step of a walk, and in the others. */
const firstStep = 128
const laterStep = 256

/** The two indexes along which a feed is read. */
export interface Walks {
  readonly merged: WalkStatements
  readonly tails: WalkStatements
}

interface WalkStatements {
  readonly step: ReadStatement
  readonly long: ReadStatement
  /** Whether its entries are whole docs. */
  readonly whole: boolean
}

/** Prepares walks along the merged states and along the updates behind them. */
export function prepareWalks(reader: ReadConnection): Walks {
  return {
    merged: {
      step: reader.prepare(
        packed(
          `SELECT ${head}, d.merged AS sequence, s.bytes FROM docs d JOIN states s ON s.doc = d.id WHERE d.feed = ? AND d.merged > ? ORDER BY d.merged LIMIT ?`,
        ),
      ),
      long: reader.prepare('SELECT s.bytes FROM docs d JOIN states s ON s.doc = d.id WHERE d.feed = ? AND d.merged = ?'),
      whole: true,
    },
    tails: {
      step: reader.prepare(
        packed(
          `SELECT ${head}, t.sequence, t.bytes FROM tails t JOIN docs d ON d.id = t.doc WHERE t.feed = ? AND t.sequence > ? ORDER BY t.sequence LIMIT ?`,
        ),
      ),
      long: reader.prepare('SELECT bytes FROM tails WHERE feed = ? AND sequence = ?'),
      whole: false,
    },
  }
}

const head = 'd.key, d.kind, d.version, d.number'
const fieldsPerEntry = 6

/**
 * A step as one row: its entries without their bytes as one text, their bytes end to end. Each row and each cell that crosses into JavaScript costs more than
 * reading it from the file does, so that a hundred entries take a third of the time in this form. SQLite joins texts, as which bytes pass unchanged.
 */
function packed(step: string): string {
  return `SELECT GROUP_CONCAT(FORMAT('%d %s %d %d %d %d', sequence, key, kind, version, number, LENGTH(bytes)), ' ') AS listed,
    CAST(GROUP_CONCAT(CASE WHEN LENGTH(bytes) <= ${packedBytes} THEN bytes END, '') AS BLOB) AS bytes FROM (${step})`
}

/** A walk along one index, in steps. */
export class Walk {
  readonly #statements: WalkStatements
  readonly #feed: number
  readonly #wanted: number
  #step = firstStep
  #after: number
  #listed: readonly string[] = []
  #bytes: Uint8Array = new Uint8Array()
  #ended = false
  /** Of the present entry: its place in the list, and where its bytes are. */
  #at = 0
  #from = 0

  /** @param wanted entries that are of use at most */
  constructor(statements: WalkStatements, feed: number, after: number, wanted: number) {
    this.#statements = statements
    this.#feed = feed
    this.#after = after
    this.#wanted = wanted
  }

  /** Of the entry on which the walk is; infinite at its end. */
  sequence(): number {
    if (this.#at >= this.#listed.length && !this.#ended) this.#fill()
    return this.#at < this.#listed.length ? Number(this.#listed[this.#at]) : Number.POSITIVE_INFINITY
  }

  /** @returns the entry on which the walk is, after it is at the next; undefined at the end. Its bytes share a buffer with those of its neighbours. */
  take(): Entry | undefined {
    const sequence = this.sequence()
    if (sequence === Number.POSITIVE_INFINITY) return undefined
    const [, key = '', kind, version, number, length] = this.#listed.slice(this.#at, this.#at + fieldsPerEntry)
    const entry: Entry = {
      sequence,
      key: parseKey(key),
      kind: kindOf(Number(kind)),
      whole: this.#statements.whole,
      epoch: { version: Number(version), number: Number(number) },
      bytes: this.#bytesOf(sequence, Number(length)),
    }
    this.#after = sequence
    this.#at += fieldsPerEntry
    return entry
  }

  #bytesOf(sequence: number, length: number): Uint8Array {
    if (length > packedBytes) return toBytes(this.#statements.long.get([this.#feed, sequence])?.['bytes'])
    const from = this.#from
    this.#from += length
    return this.#bytes.subarray(from, this.#from)
  }

  #fill(): void {
    const limit = Math.min(this.#step, this.#wanted)
    const row = this.#statements.step.get([this.#feed, this.#after, limit])
    const listed = row?.['listed'] ?? null
    const bytes = row?.['bytes'] ?? null
    this.#listed = listed === null ? [] : toText(listed).split(' ')
    this.#bytes = bytes === null ? new Uint8Array() : toBytes(bytes)
    this.#at = 0
    this.#from = 0
    this.#ended = this.#listed.length < limit * fieldsPerEntry
    this.#step = laterStep
  }
}

export function kindOf(code: number): EntryKind {
  const kind = entryKinds[code]
  if (!kind) throw new Error('The store holds an entry of an unknown kind; run a check on its file.')
  return kind
}
