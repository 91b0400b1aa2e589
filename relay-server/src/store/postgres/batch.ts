import { encodeStateVector, entryKinds, type FeedName } from '@entente/protocol'
import { listOf, type PostgresRow, type PostgresValue, textOf } from './connection.js'
import type { Commit, KeyName, KeyPosition, Write } from '../store.js'

/** The statement of a commit, or of a part of it; `append` explains its values. */
export const appendStatement = {
  name: 'append',
  text: 'SELECT * FROM entente.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)',
} as const

export interface AppendCall {
  /** The number of writes. */
  readonly size: number
  readonly values: readonly PostgresValue[]
}

/**
 * Splits a batch into parts, each with the values of its call: nearly always one. A new part begins when a key appears a second time, when a write was judged
 * by a key that is written before it, or when a head follows a write of its feed. The first part locks the feeds of all.
 */
export function callsOf(writes: readonly Write[], incarnation: number): readonly AppendCall[] {
  const parts = split(writes)
  const feeds = new Feeds(writes)
  return parts.map((part, index) => ({ size: part.length, values: valuesOf(part, feeds, incarnation, index === parts.length - 1) }))
}

/** The result of a call for each of its writes, in their order. */
export function outcomeOf(size: number, row: PostgresRow | undefined): Pick<Commit, 'sequences' | 'tails'> {
  const sequences = Array.from({ length: size }, () => 0)
  const tails = Array.from({ length: size }, () => 0)
  if (textOf(row, 'taken') === '') return { sequences, tails }
  const [taken, given, behind] = ['taken', 'sequences', 'tails'].map((column) => textOf(row, column).split(',').map(Number))
  taken?.forEach((number, index) => {
    sequences[number - 1] = given?.[index] ?? 0
    tails[number - 1] = behind?.[index] ?? 0
  })
  return { sequences, tails }
}

function split(writes: readonly Write[]): readonly (readonly Write[])[] {
  const judgedBy = new Set<string>()
  for (const given of new Set(writes.map((write) => write.given))) for (const one of given) judgedBy.add(idOf(one))
  const parts: Write[][] = []
  let part: Write[] = []
  let written = new Set<string>()
  let isJudgeWritten = false
  for (const write of writes) {
    const id = idOf(write)
    const isAfterOther = write.follows !== undefined && part.some(({ feed }) => feed === write.feed)
    if (written.has(id) || isAfterOther || (isJudgeWritten && write.given.some((one) => written.has(idOf(one))))) {
      parts.push(part)
      part = []
      written = new Set()
      isJudgeWritten = false
    }
    part.push(write)
    written.add(id)
    if (judgedBy.has(id)) isJudgeWritten = true
  }
  parts.push(part)
  return parts
}

function idOf({ feed, key }: KeyName): string {
  return `${feed}\n${key}`
}

/** The feeds of a batch, written ones first, numbered from 1. */
class Feeds {
  readonly #numbers = new Map<FeedName, number>()
  readonly #owners: string[] = []
  readonly written: number

  constructor(writes: readonly Write[]) {
    for (const { feed, owner } of writes) {
      if (this.#numbers.has(feed)) continue
      this.#numbers.set(feed, this.#numbers.size + 1)
      this.#owners.push(owner)
    }
    this.written = this.#numbers.size
    for (const given of new Set(writes.map((write) => write.given))) {
      for (const { feed } of given) if (!this.#numbers.has(feed)) this.#numbers.set(feed, this.#numbers.size + 1)
    }
  }

  get names(): string {
    return listOf([...this.#numbers.keys()])
  }

  get owners(): string {
    return listOf(this.#owners)
  }

  number(feed: FeedName): number {
    return this.#numbers.get(feed) ?? 0
  }
}

function valuesOf(writes: readonly Write[], feeds: Feeds, incarnation: number, isLast: boolean): readonly PostgresValue[] {
  const vectors = writes.map((write) => (write.kind === 'doc' ? encodeStateVector(write.vector) : nothing))
  const places: number[] = []
  let size = 0
  writes.forEach((write, index) => {
    places.push(size)
    size += write.bytes.length + (vectors[index] ?? nothing).length
  })
  const lists = new Map<readonly KeyPosition[], number>()
  for (const { given } of writes) if (given.length > 0 && !lists.has(given)) lists.set(given, lists.size + 1)
  const given = [...lists].flatMap(([list, number]) => list.map((one) => ({ ...one, number })))
  return [
    incarnation,
    isLast,
    feeds.names,
    feeds.owners,
    feeds.written,
    listOf(writes.map((write) => feeds.number(write.feed))),
    listOf(writes.map((write) => write.key)),
    listOf(writes.map((write) => write.seen)),
    listOf(writes.map((write) => write.follows ?? null)),
    listOf(writes.map((write) => entryKinds.indexOf(write.kind))),
    listOf(writes.map((write) => write.whole)),
    listOf(writes.map((write) => write.epoch.version)),
    listOf(writes.map((write) => write.epoch.number)),
    listOf(places),
    listOf(writes.map((write) => write.bytes.length)),
    listOf(vectors.map((vector) => vector.length)),
    listOf(writes.map(({ connects }) => (connects < 0 ? null : connects > 0))),
    listOf(writes.map((write) => lists.get(write.given) ?? 0)),
    listOf(given.map((one) => one.number)),
    listOf(given.map((one) => feeds.number(one.feed))),
    listOf(given.map((one) => one.key)),
    listOf(given.map((one) => one.sequence)),
    Buffer.concat(writes.flatMap((write, index) => [write.bytes, vectors[index] ?? nothing])),
  ]
}

const nothing = new Uint8Array()
