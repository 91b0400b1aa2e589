import { type Entry, entryKinds, type EntryKind, parseKey, skipEntryHead, type WireEntry } from '@entente/protocol'
import * as decoding from 'lib0/decoding'
import { type ReadConnection, type ReadStatement, type SqliteRow, toBytes, toText } from './connection.js'
import type { PageEntry } from '../store.js'

/** Entries up to this size come along with their step; longer ones are read one by one as they are taken, so that no step loads much more than a page takes. */
const packedBytes = 2 * 1024
/** Entries in the first step of a walk, and in the others. */
const firstStep = 128
const laterStep = 256

/** The two indexes along which a feed is read. */
export interface Walks {
  readonly states: WalkStatements
  readonly tails: WalkStatements
}

interface WalkStatements {
  /** A step as one row: each row and each cell that crosses into JavaScript costs more than reading it from the file does. SQLite joins texts, as which bytes pass unchanged. */
  readonly step: ReadStatement
  /** The bytes of one entry. */
  readonly long: ReadStatement
}

const short = `LENGTH(bytes) <= ${packedBytes}`

/** Prepares walks along the merged states and along the updates behind them. */
export function prepareWalks(reader: ReadConnection): Walks {
  return {
    states: {
      step: reader.prepare(
        `SELECT GROUP_CONCAT(FORMAT('%d %s %d %d %d %d', sequence, key, kind, version, number, LENGTH(bytes)), ' ') AS listed,
          CAST(GROUP_CONCAT(CASE WHEN ${short} THEN bytes END, '') AS BLOB) AS bytes FROM (
            SELECT d.key, d.kind, d.version, d.number, d.merged AS sequence, s.bytes FROM docs d JOIN states s ON s.doc = d.id
            WHERE d.feed = ? AND d.merged > ? ORDER BY d.merged LIMIT ?)`,
      ),
      long: reader.prepare('SELECT s.bytes FROM docs d JOIN states s ON s.doc = d.id WHERE d.feed = ? AND d.merged = ?'),
    },
    tails: {
      step: reader.prepare(
        `SELECT CAST(GROUP_CONCAT(CASE WHEN ${short} THEN head || bytes ELSE head END, '') AS BLOB) AS bytes FROM (
          SELECT head, bytes FROM tails WHERE feed = ? AND sequence > ? ORDER BY sequence LIMIT ?)`,
      ),
      long: reader.prepare('SELECT bytes FROM tails WHERE feed = ? AND sequence = ?'),
    },
  }
}

/** A walk along one index, in steps. */
export abstract class Walk {
  readonly #statements: WalkStatements
  readonly #feed: number
  readonly #wanted: number
  #size = firstStep
  #after: number
  #ended = false
  /** The sequences of the present step, and the place among them of the entry on which the walk is. */
  #sequences: readonly number[] = []
  #at = 0

  /** @param wanted entries that are of use at most */
  constructor(statements: WalkStatements, feed: number, after: number, wanted: number) {
    this.#statements = statements
    this.#feed = feed
    this.#after = after
    this.#wanted = wanted
  }

  /** Takes in a step. @returns the sequences of its entries */
  protected abstract open(row: SqliteRow | undefined): readonly number[]

  /** The next entry of the step, of this sequence. Its bytes share a buffer with those of its neighbours. */
  protected abstract next(sequence: number): PageEntry

  protected long(sequence: number): Uint8Array {
    return toBytes(this.#statements.long.get([this.#feed, sequence])?.['bytes'])
  }

  /** Of the entry on which the walk is; infinite at its end. */
  sequence(): number {
    if (this.#at >= this.#sequences.length && !this.#ended) this.#step()
    return this.#sequences[this.#at] ?? Number.POSITIVE_INFINITY
  }

  /** @returns the entry on which the walk is, after it is at the next; undefined at the end */
  take(): PageEntry | undefined {
    const sequence = this.sequence()
    if (sequence === Number.POSITIVE_INFINITY) return undefined
    this.#at++
    this.#after = sequence
    return this.next(sequence)
  }

  #step(): void {
    const limit = Math.min(this.#size, this.#wanted)
    this.#sequences = this.open(this.#statements.step.get([this.#feed, this.#after, limit]))
    this.#at = 0
    this.#ended = this.#sequences.length < limit
    this.#size = laterStep
  }
}

const fieldsPerState = 6

/** A walk along the merged states, and along the entries of other kinds. */
export class StateWalk extends Walk {
  #listed: readonly string[] = []
  #bytes: Uint8Array = new Uint8Array()
  /** Of the next entry: its place in the list, and where its bytes are. */
  #at = 0
  #from = 0

  protected open(row: SqliteRow | undefined): readonly number[] {
    const listed = row?.['listed'] ?? null
    this.#listed = listed === null ? [] : toText(listed).split(' ')
    this.#bytes = bytesOf(row)
    this.#at = 0
    this.#from = 0
    return Array.from({ length: this.#listed.length / fieldsPerState }, (_, index) => Number(this.#listed[index * fieldsPerState]))
  }

  protected next(sequence: number): Entry {
    const [, key = '', kind, version, number, length] = this.#listed.slice(this.#at, this.#at + fieldsPerState)
    this.#at += fieldsPerState
    return {
      sequence,
      key: parseKey(key),
      kind: kindOf(Number(kind)),
      whole: true,
      epoch: { version: Number(version), number: Number(number) },
      bytes: this.#take(sequence, Number(length)),
    }
  }

  #take(sequence: number, length: number): Uint8Array {
    if (length > packedBytes) return this.long(sequence)
    const from = this.#from
    this.#from += length
    return this.#bytes.subarray(from, this.#from)
  }
}

/** A walk along the updates. They are kept as they stand on the wire, so they are told apart and not read. */
export class TailWalk extends Walk {
  #bytes: Uint8Array = new Uint8Array()
  /** The end of each entry, and which entries are long, so that their bytes are not in the step. */
  #ends: number[] = []
  #long = new Set<number>()
  /** Of the next entry: its place among the ends, and where it begins. */
  #at = 0
  #from = 0

  protected open(row: SqliteRow | undefined): readonly number[] {
    this.#bytes = bytesOf(row)
    this.#ends = []
    this.#long = new Set()
    this.#at = 0
    this.#from = 0
    const sequences: number[] = []
    const decoder = decoding.createDecoder(this.#bytes)
    while (decoding.hasContent(decoder)) {
      const [sequence, length] = skipEntryHead(decoder)
      if (sequence <= (sequences.at(-1) ?? 0))
        throw new Error('The store holds an update with the head of another; run a check on its file.')
      if (length > packedBytes) this.#long.add(sequence)
      else decoder.pos += length
      sequences.push(sequence)
      this.#ends.push(decoder.pos)
    }
    return sequences
  }

  protected next(sequence: number): WireEntry {
    const end = this.#ends[this.#at++] ?? 0
    const wire = this.#bytes.subarray(this.#from, end)
    this.#from = end
    return { sequence, wire: this.#long.has(sequence) ? Buffer.concat([wire, this.long(sequence)]) : wire }
  }
}

function bytesOf(row: SqliteRow | undefined): Uint8Array {
  const bytes = row?.['bytes'] ?? null
  return bytes === null ? new Uint8Array() : toBytes(bytes)
}

export function kindOf(code: number): EntryKind {
  const kind = entryKinds[code]
  if (!kind) throw new Error('The store holds an entry of an unknown kind; run a check on its file.')
  return kind
}
